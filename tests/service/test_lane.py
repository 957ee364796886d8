"""LaneService: what officers see and do."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from egate.api.v1 import lane_service_pb2 as pb
from egate.api.v1 import lane_service_pb2_grpc as pb_grpc
from egate.api.v1 import values_pb2
from egate.domain.decision import ReasonDetail
from egate.domain.device import DeviceState
from egate.domain.reason import Reason
from egate.lane.api import LanePhase, LaneRefused, LaneSnapshot
from tests.service.site import TIMEOUT_S, Site, idle
from tests.service.test_officers import bearer, refused


def desk(site: Site) -> Any:
    return site.stub(pb_grpc.LaneServiceStub, "console-1")


async def test_the_present_state_comes_first_then_each_change(site: Site) -> None:
    call = desk(site).WatchLanes(pb.WatchLanesRequest(lanes=["lane-1"]), timeout=TIMEOUT_S)
    first = await call.read()
    out = LaneSnapshot(
        site.lane.id,
        2,
        LanePhase.OUT_OF_SERVICE,
        devices={"lock": DeviceState.LOST},
        reasons=(ReasonDetail(Reason.DEVICE_LOST, "lock"),),
    )
    site.hall.changes.put_nowait((out, "7"))
    second = await call.read()
    assert (first.lane.phase, first.lane.lock, first.lane.door_closed) == (pb.LANE_PHASE_READY, "SECURED", True)
    assert (second.lane.phase, second.lane.lock) == (pb.LANE_PHASE_OUT_OF_SERVICE, "UNKNOWN")
    assert dict(second.lane.devices) == {"lock": "LOST"}
    assert not second.lane.HasField("door_closed"), "an unknown sensor must not read as an open or closed door"
    assert [(reason.code, reason.detail) for reason in second.lane.reasons] == [("DEVICE_LOST", "lock")]
    assert second.resume_token == "7"


async def test_watching_an_unknown_lane_is_not_found(site: Site) -> None:
    call = desk(site).WatchLanes(pb.WatchLanesRequest(lanes=["lane-9"]), timeout=TIMEOUT_S)
    assert await refused(call.read()) == (grpc.StatusCode.NOT_FOUND, "LANE_UNKNOWN")


async def test_overriding_an_unknown_lane_is_not_found(site: Site) -> None:
    token, stub = await bearer(site, "console-1", "ada"), desk(site)
    secure = pb.SecureLaneRequest(request_id="r", lane="lane-9")
    release = pb.ReleaseLaneRequest(request_id="r", lane="lane-9", reason="x")
    assert await refused(stub.SecureLane(secure, metadata=token)) == (grpc.StatusCode.NOT_FOUND, "LANE_UNKNOWN")
    assert await refused(stub.ReleaseLane(release, metadata=token)) == (grpc.StatusCode.NOT_FOUND, "LANE_UNKNOWN")


@pytest.mark.parametrize(
    ("reason", "code"),
    [("", "FIELD_MISSING"), (" \n", "FIELD_MISSING"), ("x" * 501, "FIELD_INVALID"), ("a\x07", "FIELD_INVALID")],
)
async def test_a_release_needs_a_reason(site: Site, reason: str, code: str) -> None:
    token = await bearer(site, "console-1", "ada")
    request = pb.ReleaseLaneRequest(request_id="r", lane="lane-1", reason=reason)
    assert await refused(desk(site).ReleaseLane(request, metadata=token)) == (grpc.StatusCode.INVALID_ARGUMENT, code)
    assert not site.lane.released


async def test_an_officer_who_hangs_up_has_secured_all_the_same(narrow_site: Site) -> None:
    token = await bearer(narrow_site, "console-1", "ada")
    narrow_site.lane.gate = asyncio.Event()
    call = desk(narrow_site).SecureLane(pb.SecureLaneRequest(request_id="r", lane="lane-1"), metadata=token)
    await asyncio.wait_for(narrow_site.lane.started.wait(), TIMEOUT_S)
    call.cancel()
    await idle(narrow_site, "console-1")
    narrow_site.lane.gate.set()
    await asyncio.wait_for(narrow_site.lane.done.wait(), TIMEOUT_S)


@pytest.mark.parametrize("code", ["LANE_NOT_OVERRIDABLE", "LANE_BUSY"])
async def test_a_lane_that_refuses(site: Site, code: str) -> None:
    token = await bearer(site, "console-1", "ada")
    site.lane.refusal = LaneRefused("no", code=code)
    request = pb.ReleaseLaneRequest(request_id="r", lane="lane-1", reason="x")
    assert await refused(desk(site).ReleaseLane(request, metadata=token)) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        code,
    )


async def test_release_reports_what_the_lock_said(site: Site) -> None:
    token = await bearer(site, "console-1", "ada")
    request = pb.ReleaseLaneRequest(request_id="r", lane="lane-1", reason="x")
    answer = await desk(site).ReleaseLane(request, metadata=token, timeout=TIMEOUT_S)
    assert answer.release == values_pb2.RELEASE_ACKNOWLEDGED


async def test_devices_tell_their_heartbeat_counters_and_last_error(site: Site) -> None:
    answer = await desk(site).GetDevices(pb.GetDevicesRequest(lanes=["lane-1", "lane-1"]), timeout=TIMEOUT_S)
    lock, sensors = answer.devices
    assert (lock.lane, lock.name, lock.state, lock.last_error, lock.identity) == (
        "lane-1",
        "lock",
        "ONLINE",
        "no answer",
        "vendor 1",
    )
    assert dict(lock.counters) == {"opened": 1, "lost": 0, "errors": 3}
    assert lock.heard_ago.ToTimedelta().total_seconds() == 2.0  # the site's clock stands at 0
    assert (sensors.name, sensors.state, sensors.HasField("heard_ago")) == ("sensors", "LOST", False)


async def test_devices_of_all_lanes_are_listed_and_unknown_lanes_refused(site: Site) -> None:
    every = await desk(site).GetDevices(pb.GetDevicesRequest(), timeout=TIMEOUT_S)
    assert {device.lane for device in every.devices} == set(site.hall.lanes)
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await desk(site).GetDevices(pb.GetDevicesRequest(lanes=["lane-9"]), timeout=TIMEOUT_S)
    assert error.value.code() is grpc.StatusCode.NOT_FOUND
