"""When each crossing had its last evidence, its decision, its durable record and its lock's acknowledgement."""

from __future__ import annotations

import time

from egate.lane.api import LanePhase, LaneSnapshot

NAMES = {LanePhase.RECORDING: "decision", LanePhase.RELEASING: "durable", LanePhase.RELEASED: "acknowledged"}


class CrossingMarks:
    """Listens to lanes and verifiers of one daemon, in its event loop. crossings: one dictionary per admitted crossing.

    A lane changes its snapshot in the same turn in which it takes the lock's acknowledgement, so "acknowledged" lies a little after it.
    """

    def __init__(self) -> None:
        self.crossings: list[dict[str, str | float]] = []
        self._evidence: dict[str, float] = {}
        self._open: dict[str, dict[str, str | float]] = {}
        self._phases: dict[str, LanePhase] = {}

    def on_evidence(self, session: str, at: float) -> None:
        """session: "LANE.NUMBER", as egate.demo.load names document sessions."""
        self._evidence[session.partition(".")[0]] = at

    def on_change(self, snapshot: LaneSnapshot) -> None:
        lane, phase = str(snapshot.lane), snapshot.phase
        if self._phases.get(lane) is phase:
            return
        before, self._phases[lane] = self._phases.get(lane), phase
        if phase is LanePhase.RECORDING and before is LanePhase.VERIFYING:
            self._open[lane] = {"lane": lane, "evidence": self._evidence[lane]} if lane in self._evidence else {}
        crossing = self._open.get(lane)
        if crossing and phase in NAMES:
            crossing[NAMES[phase]] = time.monotonic()
        if phase is LanePhase.RELEASED and crossing:
            self.crossings.append(crossing)
        if phase not in NAMES or phase is LanePhase.RELEASED:
            self._open.pop(lane, None)
