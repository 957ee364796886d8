"""Crossings over lines that flip, drop, cut and stall, and what must hold of the record beside what really happened in the lanes.

Who is eligible is known here; what the doors saw is the world's log; what was decided and how it ended is the journal. A traveller who
is not admitted leaves by the entry.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from random import Random

import grpc

from egate.api.v1 import values_pb2
from egate.demo.site import DemoError
from egate.journal.chain import Entry
from hw.link.fault import FaultPlan
from hw.sim.world import Behaviour, Event
from tests.end_to_end.evidence import Picture
from tests.end_to_end.hall import Callers, Hall, Told, calling, eventually, named, step_in, stream
from tests.end_to_end.record import body, check_one_outcome_each, check_releases

DEVICES = ("lock", "sensors", "mrz", "chip")
CLEAR_S_MAX = 40.0
ASKED_MAX = 20
OUT_OF_SERVICE = (grpc.StatusCode.FAILED_PRECONDITION, "LANE_OUT_OF_SERVICE")
# What eligible people do once the exit is released; the rest are not eligible and wait.
BEHAVIOURS = (
    *(Behaviour.PASS,) * 16,
    Behaviour.TAILGATE,
    Behaviour.TURN_BACK,
)
NON_MATCH_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Traveller:
    """What one crossing was, and what its gate was told. since, until: sequence numbers of the world's log around it."""

    lane: str
    eligible: bool
    behaviour: Behaviour
    crossing: str
    admitted: bool
    reasons: tuple[str, ...]
    since: int
    until: int


@dataclass(slots=True)
class RoughCampaign:
    """crossings: on all lanes together. devices: whose lines are rough."""

    hall: Hall
    random: Random
    crossings: int
    plan: FaultPlan
    devices: tuple[str, ...] = DEVICES
    travellers: list[Traveller] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    unserved: int = 0
    left: int = 0

    async def run(self) -> None:
        lanes = self.hall.simulator.lanes()
        self.left = self.crossings
        for lane in lanes:
            for device in self.devices:
                self.hall.simulator.fault(lane, device, "bytes", **asdict(self.plan))
        async with calling(self.hall) as callers, asyncio.TaskGroup() as group:
            for lane in lanes:
                group.create_task(self._lane(callers, lane, Random(self.random.random())))

    async def _lane(self, callers: Callers, lane: str, random: Random) -> None:
        while self.left > 0:
            self.left -= 1
            eligible = random.random() >= NON_MATCH_SHARE
            behaviour = random.choice(BEHAVIOURS) if eligible else Behaviour.PASS
            if (traveller := await self._cross(callers, lane, eligible, behaviour)) is not None:
                self.travellers.append(traveller)

    async def _begun(self, callers: Callers, lane: str, face: Picture) -> Told | None:
        """What the gate was told; None if the lane served nobody in good time: its devices hardly get a frame through."""
        try:
            await step_in(self.hall, callers, lane)
            return await self._told(callers, lane, face)
        except (AssertionError, DemoError):
            self.unserved += 1
            self.hall.simulator.leave(lane)
            return None

    async def _cross(self, callers: Callers, lane: str, eligible: bool, behaviour: Behaviour) -> Traveller | None:
        simulator = self.hall.simulator
        simulator.plan(lane, behaviour)
        since = _newest(simulator.log(lane))
        told = await self._begun(callers, lane, Picture.MATCH if eligible else Picture.NON_MATCH)
        if told is None:
            return None
        assert told.decision is not None, "a gate was told no decision"
        decision = told.decision.decision
        released = told.decision.release == values_pb2.RELEASE_ACKNOWLEDGED
        admitted = decision.verdict == values_pb2.VERDICT_ADMIT and released
        if not admitted:
            assert told.decision.case_id, "a traveller who is not admitted has no case"
        await eventually(lambda: self._settled(lane), CLEAR_S_MAX, f"{lane}: somebody is still acting")
        simulator.leave(lane)
        simulator.move_door(lane, closed=True)  # a late release may have let him open it just before he left
        simulator.remove_document(lane)
        until = _newest(simulator.log(lane))
        reasons = tuple(sorted({reason.code for reason in decision.reasons}))
        return Traveller(lane, eligible, behaviour, told.decision.crossing_id, admitted, reasons, since, until)

    def _settled(self, lane: str) -> bool:
        state = self.hall.simulator.state(lane)
        return state.door_closed and not state.acting

    async def _told(self, callers: Callers, lane: str, face: Picture) -> Told:
        """A lane whose sensors are blind for a moment is out of service for that moment: its gate asks again."""
        for _ in range(ASKED_MAX):
            try:
                return await stream(self.hall, callers, lane=lane, face=face)
            except grpc.aio.AioRpcError as error:
                if named(error) != OUT_OF_SERVICE:
                    raise
                self.refused[lane] += 1
                await callers.ready(lane)
        raise AssertionError(f"{lane} takes nobody")

    def check(self) -> Mapping[str, float | int]:
        """Of the record and the worlds, after the daemon has stopped. Raises AssertionError; returns what was seen."""
        verification = self.hall.journal.verify()
        assert verification.fault is None, verification.fault
        entries = self.hall.journal.entries()
        worlds = {lane: self.hall.simulator.log(lane) for lane in self.hall.simulator.lanes()}
        check_one_outcome_each(entries)
        releases = check_releases(entries, worlds)
        for traveller in self.travellers:
            check_doors(traveller, entries_of(traveller.crossing, entries), worlds[traveller.lane])
        eligible = [one for one in self.travellers if one.eligible]
        admitted = [one for one in eligible if one.admitted]
        wrong = [one for one in self.travellers if one.admitted and not one.eligible]
        assert not wrong, f"admitted and not eligible: {wrong}"
        return {
            "crossings": len(self.travellers),
            "releases": releases,
            "eligible": len(eligible),
            "admitted": len(admitted),
            "unserved": self.unserved,
            "admitted_share": len(admitted) / max(1, len(eligible) + self.unserved),
            "asked_again": self.refused.total(),
            **{f"referred_{name}": count for name, count in _reasons(eligible).items()},
        }


def check_doors(traveller: Traveller, entries: Sequence[Entry], world: Sequence[Event]) -> None:
    """What the lane's door and people did during this crossing is what its outcome says, or an officer has a case."""
    seen = Counter(event.kind for event in world if traveller.since < event.sequence <= traveller.until)
    outcome = next(body(entry) for entry in entries if entry.kind == "OUTCOME")
    case = any(entry.kind == "CASE" for entry in entries)
    if not traveller.eligible:
        assert not seen["released"] and not seen["passed"], f"{traveller} went through: {dict(seen)}"
    if seen["passed"] != 1:
        assert outcome["outcome"] != "PASSED", f"{traveller}: recorded as passed, the world saw {dict(seen)}"
    if seen["slipped_in"] or seen["passed"] > 1:
        assert case, f"{traveller}: somebody slipped through and no officer knows: {outcome}"
    if seen["passed"] == 1 and not seen["slipped_in"]:
        assert outcome["outcome"] == "PASSED" or case, f"{traveller}: went through, recorded as {outcome}"
    if seen["door_opened"] and not seen["passed"]:
        assert outcome["outcome"] in ("NOT_PASSED", "UNKNOWN", "FAILED"), f"{traveller}: {outcome}, {dict(seen)}"


def entries_of(crossing: str, entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.crossing == crossing]


def _reasons(travellers: Sequence[Traveller]) -> Counter[str]:
    return Counter("+".join(one.reasons) for one in travellers if not one.admitted)


def _newest(log: Sequence[Event]) -> int:
    return log[-1].sequence if log else 0
