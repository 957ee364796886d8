"""Work that goes on when its caller hangs up."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Unhurried:
    """Runs operations that a disappearing client must not cut in half. Each is short or bounded by the lane's deadlines;
    how many there can be is bounded by the RPCs that started them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, operation: Coroutine[Any, Any, T]) -> T:
        """The operation's result; if the caller is cancelled meanwhile, the operation goes on alone."""
        task = asyncio.create_task(operation)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return await asyncio.shield(task)

    def _over(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # looked at: an abandoned refusal is not worth asyncio's complaint
