"""The inference pool: a thread per core, a bounded queue, refusal instead of buffering."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from egate.errors import ModelError

T = TypeVar("T")
QUEUE_MAX = 64  # chosen: at 0.5 s a print and two cores the last one would wait 16 s, beyond any gate's patience


class InferencePool:
    """Runs synchronous engine calls. onnxruntime and numba release the GIL, so threads suffice."""

    def __init__(self, threads: int | None = None, queue_max: int = QUEUE_MAX) -> None:
        self._executor = ThreadPoolExecutor(threads or os.cpu_count() or 1, "inference")
        self._queue_max = queue_max
        self._queued = 0

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """function(*arguments). Raises what it raises; ModelError INFERENCE_OVERLOADED if too many wait already."""
        if self._queued >= self._queue_max:
            raise ModelError("too many comparisons are waiting", code="INFERENCE_OVERLOADED")
        self._queued += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)
        finally:
            self._queued -= 1

    def close(self) -> None:
        """Waits for what runs; what only waits is dropped."""
        self._executor.shutdown(wait=True, cancel_futures=True)
