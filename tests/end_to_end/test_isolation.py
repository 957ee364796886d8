"""A bug on one lane is that lane's: it is secured, its crossing ends with a case, the neighbour goes on, the lane comes back."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from egate.api.v1 import values_pb2
from egate.demo.client import new_request_id
from tests.end_to_end.evidence import Picture
from tests.end_to_end.hall import (
    DEVICE_LANE,
    REQUEST_LANE,
    Callers,
    Hall,
    admitted,
    named,
    passed,
    request,
    step_in,
    stream,
)
from tests.end_to_end.record import check_one_outcome_each, released_count


async def test_bug_in_a_verifier_stays_on_its_lane(hall: Hall, callers: Callers) -> None:
    await step_in(hall, callers, DEVICE_LANE)
    released = released_count(hall.simulator.log(DEVICE_LANE))
    request_id = new_request_id()
    neighbour = asyncio.create_task(admitted(hall, callers, lambda: request(face=Picture.SLOW_MATCH)))
    await callers.state(REQUEST_LANE, lambda state: bool(state.crossing_id))
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stream(hall, callers, face=Picture.BUG, request_id=request_id)
    assert named(failed.value)[1] == "LANE_FAILED"
    crossing = next(
        entry.crossing
        for entry in hall.journal.entries()
        if entry.kind == "STARTED" and request_id.encode() in entry.body
    )
    ended = await callers.outcome(hall, crossing)
    assert ended["outcome"] == "UNKNOWN"
    assert ended["case"]
    assert (await neighbour).release == values_pb2.RELEASE_ACKNOWLEDGED
    assert not hall.simulator.state(DEVICE_LANE).released
    assert released_count(hall.simulator.log(DEVICE_LANE)) == released
    hall.simulator.leave(DEVICE_LANE)
    hall.simulator.remove_document(DEVICE_LANE)
    await passed(hall, callers)
    await callers.ready(REQUEST_LANE)
    check_one_outcome_each(hall.journal.entries())
