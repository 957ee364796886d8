"""Between a device's owner thread and the event loop in which it was started."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple, Unpack

_T = TypeVar("_T")
_Values = TypeVarTuple("_Values")


def call_soon(
    loop: asyncio.AbstractEventLoop | None, callback: Callable[[Unpack[_Values]], object], *values: *_Values
) -> None:
    """From any thread. Nothing happens without a loop, or if it is closed: then nobody listens any more."""
    with contextlib.suppress(RuntimeError):
        if loop is not None:
            loop.call_soon_threadsafe(callback, *values)


async def carried_out(
    hand_over: Callable[[Callable[[float], None]], bool],
    order: Callable[[float, Callable[[_T], None]], None],
    otherwise: _T,
) -> _T:
    """Lets the owner thread carry out order, which tells its answer once; otherwise if the thread takes no orders any more."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[_T] = loop.create_future()

    def settle(value: _T) -> None:
        if not answer.done():
            answer.set_result(value)

    if not hand_over(lambda now: order(now, lambda value: call_soon(loop, settle, value))):
        return otherwise
    return await answer
