"""Gates that ask twice or hang up: one crossing, and a lane that finishes by itself."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from egate.demo.client import CrossingStream, new_request_id
from egate.lane.api import LanePhase
from tests.end_to_end.evidence import Picture, picture
from tests.end_to_end.hall import (
    DEVICE_LANE,
    REQUEST_LANE,
    Callers,
    Hall,
    admitted,
    authorise,
    named,
    passed,
    request,
    small_passport,
    step_in,
)
from tests.end_to_end.record import released_count


async def test_identical_requests_at_once_are_one_crossing(hall: Hall, callers: Callers) -> None:
    await step_in(hall, callers, REQUEST_LANE)
    count = released_count(hall.simulator.log(REQUEST_LANE))
    message = request()
    answers = await asyncio.gather(*(authorise(callers, message) for _ in range(4)))
    assert len({answer.SerializeToString(deterministic=True) for answer in answers}) == 1
    crossing = answers[0].crossing_id
    await callers.outcome(hall, crossing)
    started = [entry for entry in hall.journal.entries() if entry.kind == "STARTED" and entry.crossing == crossing]
    assert len(started) == 1
    assert released_count(hall.simulator.log(REQUEST_LANE)) <= count + 1
    assert (await authorise(callers, message)) == answers[0]
    assert released_count(hall.simulator.log(REQUEST_LANE)) <= count + 1


async def test_request_id_with_another_payload_is_refused(hall: Hall, callers: Callers) -> None:
    message = request()
    await admitted(hall, callers, lambda: message)
    other = request(face=Picture.NON_MATCH, request_id=message.request_id)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await authorise(callers, other)
    assert named(refused.value) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


async def test_second_gate_finds_the_lane_busy(hall: Hall, callers: Callers) -> None:
    await step_in(hall, callers, REQUEST_LANE)
    asking = asyncio.create_task(authorise(callers, request(face=Picture.SLOW_MATCH, finger=Picture.NON_MATCH)))
    await callers.state(REQUEST_LANE, lambda state: bool(state.crossing_id))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await authorise(callers, request())
    assert named(refused.value) == (grpc.StatusCode.FAILED_PRECONDITION, "LANE_BUSY")
    await asking
    hall.simulator.leave(REQUEST_LANE)


@pytest.mark.parametrize("phase", [LanePhase.READING, LanePhase.VERIFYING, LanePhase.RELEASED])
async def test_client_that_hangs_up_cancels_nothing(hall: Hall, callers: Callers, phase: LanePhase) -> None:
    """READING: before the document. VERIFYING: after the captures. RELEASED: while the traveller walks."""
    await step_in(hall, callers, DEVICE_LANE)
    call = CrossingStream(callers.gates[DEVICE_LANE], DEVICE_LANE, new_request_id())
    await call.begin()
    crossing = ""
    async for answer in call.events():
        event = answer.WhichOneof("event")
        if not crossing:
            crossing = (await callers.state(DEVICE_LANE, lambda state: bool(state.crossing_id))).crossing_id
        if event == "guidance" and "PLACE_DOCUMENT" in answer.guidance.codes:
            if phase is LanePhase.READING:
                break
            hall.simulator.present_document(DEVICE_LANE, small_passport(), repeat_s=0.5)
        if event == "progress" and answer.progress.stage == "document":
            slow = Picture.SLOW_MATCH if phase is LanePhase.VERIFYING else Picture.MATCH
            await call.face(picture(slow))
            await call.finger(picture(Picture.MATCH))
            await call.captures_end()
        verified = event == "progress" and answer.progress.stage == "finger"
        if (verified and phase is LanePhase.VERIFYING) or event == "decision":
            break
    call.cancel()
    if phase is LanePhase.READING:
        # Nobody lays a document down any more: the deadline ends it.
        await callers.state(DEVICE_LANE, lambda state: state.crossing_id != crossing or state.phase == 7)
        hall.simulator.leave(DEVICE_LANE)
    outcome = await callers.outcome(hall, crossing)
    if phase is LanePhase.READING:
        assert outcome["outcome"] == "REFERRED"
        assert outcome["reasons"] == [["DOCUMENT_NOT_PRESENTED", ""]]
    else:
        assert outcome["outcome"] == "PASSED"
    await callers.ready(DEVICE_LANE)
    hall.simulator.remove_document(DEVICE_LANE)
    await passed(hall, callers)
