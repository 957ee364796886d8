"""A traveller who must not pass is referred, and an officer sees the case at once; one who misbehaves on the way fails."""

from __future__ import annotations

import asyncio
import time

import pytest

from egate.api.v1 import case_service_pb2, lane_service_pb2, values_pb2
from egate.api.v1 import crossing_service_pb2 as pb
from egate.demo.client import RPC_S_MAX
from hw.sim.world import Behaviour
from tests.end_to_end.evidence import Picture
from tests.end_to_end.hall import REQUEST_LANE, Callers, Hall, admitted, authorise, cross, passed, request, step_in
from tests.end_to_end.record import released_count

CASE_S_MAX = 1.0  # required


def codes(answer: pb.AuthoriseCrossingResponse) -> set[str]:
    return {reason.code for reason in answer.decision.reasons}


async def case_of(callers: Callers, crossing: str) -> case_service_pb2.Case:
    """The case as WatchCases tells it."""
    watch = callers.console.case.WatchCases(
        case_service_pb2.WatchCasesRequest(), metadata=callers.officer, timeout=RPC_S_MAX
    )
    try:
        async for change in watch:
            if change.case.crossing_id == crossing:
                case: case_service_pb2.Case = change.case
                return case
    finally:
        watch.cancel()
    raise AssertionError("the watch ended")


async def new_case(callers: Callers) -> tuple[str, float]:
    """The first case that WatchCases tells although it was not there when the watch began, and when."""
    listed = await callers.console.case.ListCases(case_service_pb2.ListCasesRequest(), metadata=callers.officer)
    known = {case.case_id for case in listed.cases}
    watch = callers.console.case.WatchCases(case_service_pb2.WatchCasesRequest(), metadata=callers.officer, timeout=10)
    async for change in watch:
        if change.case.case_id not in known:
            return change.case.case_id, time.monotonic()
    raise AssertionError("the watch ended")


async def test_holder_passes_on_both_lanes(hall: Hall, callers: Callers) -> None:
    answer = await admitted(hall, callers)
    assert (await callers.outcome(hall, answer.crossing_id))["outcome"] == "PASSED"
    told = await passed(hall, callers)
    assert told.decision is not None
    assert (await callers.outcome(hall, told.decision.crossing_id))["outcome"] == "PASSED"


async def test_referral_is_visible_to_officers_within_a_second(hall: Hall, callers: Callers) -> None:
    released = released_count(hall.simulator.log(REQUEST_LANE))
    await step_in(hall, callers, REQUEST_LANE)
    # The watch is open before the traveller is referred: it must be told, not asked.
    watching = asyncio.create_task(new_case(callers))
    answer = await authorise(callers, request(face=Picture.NON_MATCH))
    decided = time.monotonic()
    assert answer.decision.verdict == values_pb2.VERDICT_REFER
    assert "FACE_NON_MATCH" in codes(answer)
    case, seen_at = await watching
    assert case == answer.case_id
    assert seen_at - decided < CASE_S_MAX
    hall.simulator.leave(REQUEST_LANE)
    assert (await callers.outcome(hall, answer.crossing_id))["outcome"] == "REFERRED"
    assert released_count(hall.simulator.log(REQUEST_LANE)) == released


async def test_two_faces_in_the_picture_refer(hall: Hall, callers: Callers) -> None:
    answer = await cross(hall, callers, request(face=Picture.TWO_FACES))
    assert "MULTIPLE_PERSONS" in codes(answer)
    assert answer.release == values_pb2.RELEASE_NONE


async def test_two_people_in_the_zone_refer(hall: Hall, callers: Callers) -> None:
    await callers.ready(REQUEST_LANE)
    hall.simulator.enter(REQUEST_LANE, 2)
    await callers.state(REQUEST_LANE, lambda state: state.person_count == 2)
    answer = await authorise(callers, request())
    hall.simulator.leave(REQUEST_LANE)
    assert "MULTIPLE_PERSONS" in codes(answer)
    assert answer.case_id


@pytest.mark.parametrize("returns", [False, True], ids=["gone", "another one steps in"])
async def test_presence_broken_between_capture_and_release_refers(hall: Hall, callers: Callers, returns: bool) -> None:
    released = released_count(hall.simulator.log(REQUEST_LANE))
    await step_in(hall, callers, REQUEST_LANE)
    asking = asyncio.create_task(authorise(callers, request(face=Picture.SLOW_MATCH)))
    await callers.state(REQUEST_LANE, lambda state: state.phase == lane_service_pb2.LANE_PHASE_VERIFYING)
    hall.simulator.leave(REQUEST_LANE)
    if returns:
        await callers.state(REQUEST_LANE, lambda state: state.person_count == 0)
        hall.simulator.enter(REQUEST_LANE)
    answer = await asking
    hall.simulator.leave(REQUEST_LANE)
    assert "PRESENCE_BROKEN" in codes(answer)
    assert released_count(hall.simulator.log(REQUEST_LANE)) == released


@pytest.mark.parametrize(
    ("behaviour", "outcome", "reason", "case"),
    [
        (Behaviour.TAILGATE, "FAILED", "TAILGATING", True),
        (Behaviour.HOLD_DOOR, "FAILED", "DOOR_HELD", True),
        (Behaviour.TURN_BACK, "NOT_PASSED", "NOT_PASSED", False),
        (Behaviour.WAIT, "NOT_PASSED", "NOT_PASSED", False),
    ],
)
async def test_passage_ends_as_the_sensors_say(
    hall: Hall, callers: Callers, behaviour: Behaviour, outcome: str, reason: str, case: bool
) -> None:
    hall.simulator.plan(REQUEST_LANE, behaviour)
    answer = await admitted(hall, callers)
    ended = await callers.outcome(hall, answer.crossing_id)
    assert (ended["outcome"], ended["reasons"][0][0]) == (outcome, reason)
    assert bool(ended["case"]) is case
    if case:
        async with asyncio.timeout(CASE_S_MAX):
            assert (await case_of(callers, answer.crossing_id)).case_id == ended["case"]
    hall.simulator.wait_until(REQUEST_LANE, lambda state: not state.released, 1.0)
    if behaviour is Behaviour.TAILGATE:
        log = hall.simulator.log(REQUEST_LANE)
        released, secured = ([event.at for event in log if event.kind == kind][-1] for kind in ("released", "secured"))
        assert secured - released < 0.9, "the lock's own timer secured it, not the daemon"
