"""Crossings on both lanes at once while the daemon is killed at random points, and everything the gates were told.

A gate asks again with the same request_id until it is answered, as a gate does that has lost its daemon.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from random import Random

import grpc

from egate.api.v1 import crossing_service_pb2 as pb
from egate.api.v1 import values_pb2
from egate.demo.client import new_request_id
from egate.demo.site import DemoError
from hw.sim.client import SimulatorError
from tests.end_to_end.evidence import Picture
from tests.end_to_end.hall import (
    DEVICE_LANE,
    REQUEST_LANE,
    Callers,
    Hall,
    authorise,
    calling,
    eventually,
    request,
    step_in,
    stream,
)
from tests.end_to_end.record import check_one_outcome_each, check_releases, released_count

REFERRED_SHARE = 0.25
ANSWER_S_MAX = 60.0
MOMENTS_S = 0.35  # a crossing takes about so long: a kill falls anywhere in one
BUSY = {grpc.StatusCode.FAILED_PRECONDITION}
Answer = pb.AuthoriseCrossingResponse | pb.CrossResponse.CrossingDecision


@dataclass(frozen=True, slots=True)
class Told:
    """An answer that reached a gate."""

    lane: str
    crossing: str
    verdict: int
    release: int
    case: str


@dataclass(slots=True)
class Campaign:
    """told: by request_id, in the order of the answers. kill_after: crossings after whose beginning the power goes."""

    hall: Hall
    random: Random
    crossings_per_lane: int
    kills: int
    told: dict[str, Told] = field(default_factory=dict)
    messages: dict[str, pb.AuthoriseCrossingRequest] = field(default_factory=dict)
    begun: int = 0
    killed: int = 0
    retries: int = 0
    _up: asyncio.Event = field(default_factory=asyncio.Event)
    _callers: Callers | None = None

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            power = group.create_task(self._power())
            lanes = [group.create_task(self._lane(lane)) for lane in (DEVICE_LANE, REQUEST_LANE)]
            await asyncio.gather(*lanes)
            power.cancel()

    # The power

    async def _power(self) -> None:
        """Kills at random moments of crossings spread over the campaign, and starts again."""
        total = 2 * self.crossings_per_lane
        marks = sorted(self.random.sample(range(1, total - 1), self.kills))
        # Channels of dead daemons stay open to the end: closing one would cancel the calls of lanes that have yet to notice.
        async with AsyncExitStack() as stack:
            while True:
                self._callers = await stack.enter_async_context(calling(self.hall))
                for lane in (DEVICE_LANE, REQUEST_LANE):
                    await self._callers.state(lane, lambda state: bool(state.devices))
                self._up.set()
                if self.killed == self.kills:
                    await asyncio.Event().wait()  # until the lanes are done
                await self._reached(marks[self.killed])
                await asyncio.sleep(self.random.uniform(0, MOMENTS_S))
                self._up.clear()
                self.killed += 1
                self.hall.daemon.kill()
                await asyncio.to_thread(self.hall.restart)

    async def _reached(self, mark: int) -> None:
        await eventually(lambda: self.begun >= mark, ANSWER_S_MAX, "no crossing begins")

    async def _calling(self) -> Callers:
        await self._up.wait()
        assert self._callers is not None
        return self._callers

    # The gates

    async def _lane(self, lane: str) -> None:
        for index in range(self.crossings_per_lane):
            refer = self.random.random() < REFERRED_SHARE
            request_id = new_request_id()
            self.begun += 1
            answer = await self._until_answered(lane, request_id, Picture.NON_MATCH if refer else Picture.MATCH)
            verdict = answer.decision.verdict
            assert not (refer and verdict == values_pb2.VERDICT_ADMIT), "a non-match was admitted"
            self.told[request_id] = Told(lane, answer.crossing_id, verdict, answer.release, answer.case_id)
            await self._clear(lane, answer.crossing_id)
            if index % 10 == 9:
                await self.check_retries_release_nothing(lane, 3)

    async def _until_answered(self, lane: str, request_id: str, face: Picture) -> Answer:
        message = request(face=face, request_id=request_id)
        self.messages[request_id] = message
        deadline = time.monotonic() + ANSWER_S_MAX
        while True:
            assert time.monotonic() < deadline, f"{lane}: no answer"
            callers = await self._calling()
            try:
                if not self.hall.simulator.state(lane).person_count:
                    await step_in(self.hall, callers, lane)
                return await self._ask(callers, lane, message, face)
            except (grpc.aio.AioRpcError, DemoError, AssertionError) as error:
                # Power off, or a lane that is still settling what the power cut left behind.
                if self._up.is_set() and not _of_the_power(error):
                    raise
                self.retries += 1
                await asyncio.sleep(0.05)
                self.hall.simulator.leave(lane)

    async def _ask(self, callers: Callers, lane: str, message: pb.AuthoriseCrossingRequest, face: Picture) -> Answer:
        if lane == REQUEST_LANE:
            return await authorise(callers, message)
        told = await stream(self.hall, callers, face=face, request_id=message.request_id)
        assert told.decision is not None
        return told.decision

    async def _clear(self, lane: str, crossing: str) -> None:
        """Until the crossing has its outcome and the lane is empty."""

        def over() -> bool:
            if self.hall.simulator.state(lane).acting:
                return False
            if self._up.is_set() and self.hall.journal.outcome(crossing) is None:
                return False
            return self._up.is_set()

        if self.told and not self._walks(crossing):
            self.hall.simulator.leave(lane)
        await eventually(over, ANSWER_S_MAX, f"{lane}: {crossing} has no outcome")
        self.hall.simulator.leave(lane)
        self.hall.simulator.remove_document(lane)

    def _walks(self, crossing: str) -> bool:
        return any(told.crossing == crossing and not told.case for told in self.told.values())

    # What must hold

    async def check_retries_release_nothing(self, lane: str, newest: int) -> None:
        """Asking again for what was answered gives the same answer, before and after kills, and moves no bolt."""
        mine = [item for item in self.told.items() if item[1].lane == lane][-newest:]
        for request_id, told in mine:
            while True:
                callers = await self._calling()
                count = released_count(self.hall.simulator.log(lane))
                try:
                    face = Picture.MATCH
                    again = await self._ask(callers, lane, self.messages[request_id], face)
                except grpc.aio.AioRpcError as error:
                    if self._up.is_set() and not _of_the_power(error):
                        raise
                    await asyncio.sleep(0.05)
                    continue
                break
            release = told.release
            assert (again.crossing_id, again.decision.verdict, again.case_id) == (
                told.crossing,
                told.verdict,
                told.case,
            )
            assert again.release == release
            assert released_count(self.hall.simulator.log(lane)) == count, "a retry released the lock"

    async def check(self) -> str:
        """All of it, at the end. Returns what was seen."""
        async with calling(self.hall) as self._callers:
            for lane in (DEVICE_LANE, REQUEST_LANE):
                await self.check_retries_release_nothing(lane, self.crossings_per_lane)
                await self._callers.ready(lane)
        assert self.hall.daemon.stop() == 0
        verification = self.hall.journal.verify()
        assert verification.fault is None, verification.fault
        entries = self.hall.journal.entries()
        decided = {entry.crossing for entry in entries if entry.kind == "DECISION"}
        lost = [told for told in self.told.values() if told.crossing not in decided]
        assert not lost, f"acknowledged and not in the journal: {lost}"
        crossings = check_one_outcome_each(entries)
        worlds = {lane: self.hall.simulator.log(lane) for lane in (DEVICE_LANE, REQUEST_LANE)}
        releases = check_releases(entries, worlds)
        return (
            f"{len(self.told)} answers, {crossings} crossings, {self.killed} kills, {self.retries} retries, "
            f"{releases} releases, {len(entries)} journal entries"
        )


def _of_the_power(error: BaseException) -> bool:
    """An error that a power cut explains: the channel died, or the lane is not ready again."""
    if isinstance(error, grpc.aio.AioRpcError):
        lost = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN}
        return error.code() in lost | BUSY
    return isinstance(error, DemoError | SimulatorError)
