"""Officers: claim, override and resolve; secure and hold; what they may not do."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from egate.api.v1 import case_service_pb2, lane_service_pb2, values_pb2
from egate.demo.client import new_request_id
from tests.end_to_end.evidence import Picture
from tests.end_to_end.hall import (
    READY_S_MAX,
    REQUEST_LANE,
    Callers,
    Hall,
    admitted,
    authorise,
    calling,
    named,
    request,
    step_in,
)
from tests.end_to_end.record import released_count


async def release(
    callers: Callers, lane: str = REQUEST_LANE, request_id: str = ""
) -> lane_service_pb2.ReleaseLaneResponse:
    message = lane_service_pb2.ReleaseLaneRequest(
        request_id=request_id or new_request_id(), lane=lane, reason="compared by eye: the holder"
    )
    answer: lane_service_pb2.ReleaseLaneResponse
    answer = await callers.console.lane.ReleaseLane(message, metadata=callers.officer)
    return answer


async def secure(callers: Callers, *, hold: bool, lane: str = REQUEST_LANE) -> lane_service_pb2.SecureLaneResponse:
    message = lane_service_pb2.SecureLaneRequest(request_id=new_request_id(), lane=lane, hold=hold, reason="test")
    answer: lane_service_pb2.SecureLaneResponse
    answer = await callers.console.lane.SecureLane(message, metadata=callers.officer)
    return answer


async def test_officer_overrides_a_referral_and_resolves_its_case(hall: Hall, callers: Callers) -> None:
    await step_in(hall, callers, REQUEST_LANE)
    referred = await authorise(callers, request(face=Picture.NON_MATCH))
    assert referred.case_id
    claim = case_service_pb2.ClaimCaseRequest(request_id=new_request_id(), case_id=referred.case_id)
    claimed = await callers.console.case.ClaimCase(claim, metadata=callers.officer)
    assert claimed.case.state == case_service_pb2.CASE_STATE_CLAIMED
    request_id = new_request_id()
    released = await release(callers, request_id=request_id)
    assert released.crossing_id == referred.crossing_id
    assert released.release == values_pb2.RELEASE_ACKNOWLEDGED
    assert (await callers.outcome(hall, referred.crossing_id))["outcome"] == "PASSED"
    assert [entry["officer"] for entry in hall.journal.bodies(referred.crossing_id, "OVERRIDE")] == ["demo"]
    resolve = case_service_pb2.ResolveCaseRequest(
        request_id=new_request_id(),
        case_id=referred.case_id,
        resolution=case_service_pb2.RESOLUTION_ADMITTED,
        reason="compared by eye",
    )
    resolved = await callers.console.case.ResolveCase(resolve, metadata=callers.officer)
    assert resolved.case.state == case_service_pb2.CASE_STATE_RESOLVED
    dossiers = hall.site.directory / "data"
    assert not list(dossiers.glob(f"keys/{referred.case_id}*")), "the dossier's key outlived the case"
    # The same override told twice releases once.
    count = released_count(hall.simulator.log(REQUEST_LANE))
    await callers.ready(REQUEST_LANE)
    again = await release(callers, request_id=request_id)
    assert (again.crossing_id, again.release) == (released.crossing_id, released.release)
    assert released_count(hall.simulator.log(REQUEST_LANE)) == count


async def test_override_is_refused_while_a_crossing_is_under_way(hall: Hall, callers: Callers) -> None:
    await step_in(hall, callers, REQUEST_LANE)
    count = released_count(hall.simulator.log(REQUEST_LANE))
    asking = asyncio.create_task(authorise(callers, request(face=Picture.SLOW_MATCH, finger=Picture.NON_MATCH)))
    await callers.state(REQUEST_LANE, lambda state: state.phase == lane_service_pb2.LANE_PHASE_VERIFYING)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await release(callers)
    assert named(refused.value) == (grpc.StatusCode.FAILED_PRECONDITION, "LANE_NOT_OVERRIDABLE")
    assert (await asking).case_id
    hall.simulator.leave(REQUEST_LANE)
    await callers.ready(REQUEST_LANE)
    assert released_count(hall.simulator.log(REQUEST_LANE)) == count


async def test_securing_refers_the_crossing_under_way(hall: Hall, callers: Callers) -> None:
    await step_in(hall, callers, REQUEST_LANE)
    asking = asyncio.create_task(authorise(callers, request(face=Picture.SLOW_MATCH)))
    await callers.state(REQUEST_LANE, lambda state: state.phase == lane_service_pb2.LANE_PHASE_VERIFYING)
    assert (await secure(callers, hold=False)).confirmed
    answer = await asking
    hall.simulator.leave(REQUEST_LANE)
    assert "OFFICER" in {reason.code for reason in answer.decision.reasons}
    assert answer.release == values_pb2.RELEASE_NONE


async def test_hold_survives_a_restart(hall: Hall, callers: Callers) -> None:
    assert (await secure(callers, hold=True)).confirmed
    hall.daemon.kill()
    hall.restart()
    async with calling(hall) as after:
        state = await after.state(
            REQUEST_LANE, lambda state: state.held and {reason.code for reason in state.reasons} == {"OFFICER"}
        )
        assert state.phase == lane_service_pb2.LANE_PHASE_OUT_OF_SERVICE
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await authorise(after, request())
        assert named(refused.value) == (grpc.StatusCode.FAILED_PRECONDITION, "LANE_HELD")
        with pytest.raises(grpc.aio.AioRpcError) as not_even_an_override:
            await release(after)
        assert named(not_even_an_override.value)[1] == "LANE_NOT_OVERRIDABLE"
        await secure(after, hold=False)
        await admitted(hall, after)
        await after.state(REQUEST_LANE, lambda state: not state.crossing_id, READY_S_MAX)
