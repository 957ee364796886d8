"""All lanes of one daemon: their tasks, who watches them, and what a restart owes."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence

from egate.domain.ids import LaneId
from egate.lane.api import Lane, LaneRefused, LaneSnapshot
from egate.lane.runner import GateLane

HISTORY_MAX = 1024  # changes kept for resuming watchers; about 30 crossings
BEHIND_MAX = 256  # api.Hall.watch


class GateHall:
    """Implements api.Hall."""

    def __init__(self, lanes: Sequence[GateLane]) -> None:
        self._lanes = {lane.id: lane for lane in lanes}
        self._epoch = secrets.token_hex(4)  # a token of an earlier run must not resume in this one
        self._sequence = 0
        self._history: deque[tuple[int, LaneSnapshot]] = deque(maxlen=HISTORY_MAX)
        self._watchers: set[asyncio.Event] = set()
        for lane in lanes:
            lane.on_change(self._changed)

    @property
    def lanes(self) -> Mapping[LaneId, Lane]:
        return dict(self._lanes)

    async def run(self) -> None:
        """Runs all lanes until cancelled. A lane keeps its own bugs to itself."""
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes.values():
                group.create_task(lane.run(), name=f"lane {lane.id}")

    async def watch(self, lanes: frozenset[LaneId], resume: str) -> AsyncIterator[tuple[LaneSnapshot, str]]:
        changed = asyncio.Event()
        self._watchers.add(changed)
        try:
            position = self._position(resume)
            if position is None:
                position = self._sequence
                for lane in self._lanes.values():
                    if not lanes or lane.id in lanes:
                        yield lane.snapshot, self._token(position)
            while True:
                if self._sequence - position > BEHIND_MAX:
                    raise LaneRefused("the watcher reads too slowly", code="WATCH_TOO_SLOW")
                for sequence, snapshot in [item for item in self._history if item[0] > position]:
                    position = sequence
                    if not lanes or snapshot.lane in lanes:
                        yield snapshot, self._token(sequence)
                if position == self._sequence:
                    changed.clear()
                    await changed.wait()
        finally:
            self._watchers.discard(changed)

    def _changed(self, snapshot: LaneSnapshot) -> None:
        self._sequence += 1
        self._history.append((self._sequence, snapshot))
        for watcher in self._watchers:
            watcher.set()

    def _token(self, sequence: int) -> str:
        return f"{self._epoch}-{sequence}"

    def _position(self, resume: str) -> int | None:
        """Where to resume, None if that is no longer kept."""
        epoch, _, number = resume.partition("-")
        if epoch != self._epoch or not number.isdigit() or int(number) > self._sequence:
            return None
        oldest = self._history[0][0] if self._history else self._sequence + 1
        return int(number) if int(number) >= oldest - 1 else None
