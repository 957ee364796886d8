"""The pool: first come, first served, bounded, and nothing of a cancelled call stays behind."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from egate.errors import ModelError
from egate.inference.pool import InferencePool

WAIT_S = 10.0


@pytest.fixture
def pool() -> Iterator[InferencePool]:
    pool = InferencePool(1, queue_max=4)
    yield pool
    pool.close()


class Held:
    """A job that runs until it is let go."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.begun.set()
        assert self.go.wait(WAIT_S)


class Bytes(bytearray):
    """Can be watched."""


async def _placed(pool: InferencePool, function: Callable[..., Any], *arguments: object) -> Any:
    with pool.place() as place:
        return await place.run(function, *arguments)


async def test_first_come_first_served(pool: InferencePool) -> None:
    order: list[int] = []
    await asyncio.gather(*(pool.run(order.append, number) for number in range(4)))
    assert order == [0, 1, 2, 3]


async def test_one_too_many_is_refused_and_a_place_is_not(pool: InferencePool) -> None:
    held = Held()
    with pool.place() as place:
        first = asyncio.create_task(place.run(held))
        others = [asyncio.create_task(_placed(pool, int)) for _ in range(3)]
        await asyncio.to_thread(held.begun.wait, WAIT_S)
        assert pool.callers == 4
        with pytest.raises(ModelError) as caught:
            await _placed(pool, int)
        assert caught.value.code == "INFERENCE_OVERLOADED"
        lane = asyncio.create_task(pool.run(int))  # a lane is never refused
        again = asyncio.create_task(place.run(lambda: "again"))
        held.go.set()
        assert await asyncio.gather(first, *others, lane, again) == [None, 0, 0, 0, 0, "again"]
    assert pool.callers == 0


async def test_a_call_cancelled_before_its_turn_lets_go_of_what_it_was_given(pool: InferencePool) -> None:
    held, ran = Held(), threading.Event()
    running = asyncio.create_task(_placed(pool, held))
    await asyncio.to_thread(held.begun.wait, WAIT_S)
    image = Bytes(b"image")
    gone = weakref.ref(image)
    waiting = asyncio.create_task(_placed(pool, lambda data: ran.set(), image))
    del image
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    del waiting
    gc.collect()
    assert gone() is None  # while the thread is still busy with the first
    assert pool.callers == 1
    held.go.set()
    await running
    await pool.run(int)
    assert not ran.is_set()


async def test_what_a_job_raises_is_the_callers(pool: InferencePool) -> None:
    with pytest.raises(ZeroDivisionError):
        await pool.run(divmod, 1, 0)
    assert pool.callers == 0
