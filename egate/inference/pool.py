"""The inference pool: a thread per core, a bounded queue, refusal instead of buffering.

First come, first served, job by job: work of many images is cut into jobs (`Place.run`), between which others get their turn.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic, TypeVar

from egate.errors import ModelError

T = TypeVar("T")
QUEUE_MAX = 64  # chosen: at 0.5 s a print and two cores the last one would wait 16 s, beyond any gate's patience
OVERLOADED = "INFERENCE_OVERLOADED"


class Place:
    """One caller's place in the pool: jobs run in it are never refused, one after another."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """function(*arguments), in the order of the calls. Raises what it raises.

        Cancelled before its turn it never runs, and what it was given is let go at once; a job that runs runs to its end.
        """
        job = _Job(function, arguments)
        future: Future[T] = self._executor.submit(job)
        try:
            return await asyncio.wrap_future(future)
        finally:
            if future.cancelled():
                job.drop()


class InferencePool:
    """Runs synchronous engine calls. onnxruntime, OpenCV and numba release the GIL, so threads suffice."""

    def __init__(self, threads: int | None = None, queue_max: int = QUEUE_MAX) -> None:
        """queue_max: callers at once, those included whose jobs run."""
        self._executor = ThreadPoolExecutor(threads or os.cpu_count() or 1, "inference")
        self._queue_max = queue_max
        self._callers = 0

    @property
    def callers(self) -> int:
        """How many have a place now."""
        return self._callers

    @contextmanager
    def place(self) -> Iterator[Place]:
        """A place for work of several jobs. ModelError INFERENCE_OVERLOADED if too many wait already."""
        if self._callers >= self._queue_max:
            raise ModelError("too many comparisons are waiting", code=OVERLOADED)
        self._callers += 1
        try:
            yield Place(self._executor)
        finally:
            self._callers -= 1

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """function(*arguments) without a place: never refused. Raises what it raises.

        For lanes, each of which has a handful of jobs at most: a traveller must not be referred because others ask too much.
        """
        return await Place(self._executor).run(function, *arguments)

    def close(self) -> None:
        """Waits for what runs; what only waits is dropped."""
        self._executor.shutdown(wait=True, cancel_futures=True)


class _Job(Generic[T]):
    """A call that can be emptied while the executor still holds it: its arguments may be 16 MB of images."""

    def __init__(self, function: Callable[..., T], arguments: tuple[object, ...]) -> None:
        self._call: tuple[Callable[..., T], tuple[object, ...]] | None = (function, arguments)

    def __call__(self) -> T:
        assert self._call is not None
        function, arguments = self._call
        return function(*arguments)

    def drop(self) -> None:
        self._call = None
