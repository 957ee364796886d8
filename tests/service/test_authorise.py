"""Every RPC has a rule, and the rules hold over real mutual TLS."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from egate.api.v1 import (
    case_service_pb2,
    crossing_service_pb2,
    crossing_service_pb2_grpc,
    journal_service_pb2,
    lane_service_pb2,
    lane_service_pb2_grpc,
    match_service_pb2,
    officer_service_pb2,
    officer_service_pb2_grpc,
)
from egate.service import pki
from egate.service.authorise import RULES, authorise
from egate.service.errors import Denied
from egate.service.identity import DEMO_IDENTITY_METADATA, Identity, Role
from tests.service.site import PASSWORD, TIMEOUT_S, Site, reason_of, running

MODULES = (
    case_service_pb2,
    crossing_service_pb2,
    journal_service_pb2,
    lane_service_pb2,
    match_service_pb2,
    officer_service_pb2,
    health_pb2,
    reflection_pb2,
)
METHODS = {
    f"/{service.full_name}/{method.name}"
    for module in MODULES
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
START = crossing_service_pb2.CrossRequest(
    start=crossing_service_pb2.CrossRequest.Start(request_id="r-1", lane="lane-2")
)
AUTHORISE_2 = crossing_service_pb2.AuthoriseCrossingRequest(request_id="r-1", lane="lane-2")
RELEASE = lane_service_pb2.ReleaseLaneRequest(request_id="r-1", lane="lane-1", reason="wheelchair")
P = grpc.StatusCode.PERMISSION_DENIED
U = grpc.StatusCode.UNAUTHENTICATED


async def refused(call: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        await asyncio.wait_for(call, TIMEOUT_S)
    return reason_of(caught.value)[:2]


async def login(site: Site, name: str, officer: str) -> tuple[tuple[str, str], ...]:
    request = officer_service_pb2.LoginRequest(officer=officer, password=PASSWORD)
    answer = await site.stub(officer_service_pb2_grpc.OfficerServiceStub, name).Login(request, timeout=TIMEOUT_S)
    return (("authorization", f"Bearer {answer.token}"),)


def test_every_rpc_has_a_rule_and_every_rule_an_rpc() -> None:
    assert set(RULES) == METHODS


def test_a_method_without_a_rule_is_denied_to_every_role() -> None:
    for role in Role:
        with pytest.raises(Denied):
            authorise("/egate.api.v1.LaneService/OpenAll", Identity(role, "1", b""))


def test_whatever_a_gate_may_call_is_bound_to_its_lanes() -> None:
    for method, rule in RULES.items():
        if Role.GATE in rule.roles and method.startswith("/egate."):
            assert rule.lane_of is not None, method


def test_whatever_changes_a_lane_or_shows_a_traveller_needs_an_officer() -> None:
    for method in ("SecureLane", "ReleaseLane"):
        rule = RULES[f"/egate.api.v1.LaneService/{method}"]
        assert rule.roles == rule.officer_token == {Role.CONSOLE, Role.OFFICER}
    for method, rule in RULES.items():
        if "CaseService" in method:
            assert rule.roles == rule.officer_token, method


async def test_gate_1_calling_lane_2_is_denied(site: Site) -> None:
    stub = site.stub(crossing_service_pb2_grpc.CrossingServiceStub, "gate-1")
    assert await refused(stub.AuthoriseCrossing(AUTHORISE_2)) == (P, "LANE_DENIED")
    call = stub.Cross()
    await call.write(START)
    assert await refused(call.read()) == (P, "LANE_DENIED")
    assert not any(lane.begun for lane in site.hall.doubles.values())


async def test_a_lane_that_does_not_exist_looks_like_another_gates(site: Site) -> None:
    request = crossing_service_pb2.AuthoriseCrossingRequest(request_id="r-1", lane="lane-99")
    stub = site.stub(crossing_service_pb2_grpc.CrossingServiceStub, "gate-1")
    assert await refused(stub.AuthoriseCrossing(request)) == (P, "LANE_DENIED")


async def test_a_gate_without_lanes_in_the_settings_has_none(tmp_path: Path, certificates: Path) -> None:
    async with running(tmp_path, certificates, gates={}) as site:
        stub = site.stub(crossing_service_pb2_grpc.CrossingServiceStub, "gate-2")
        assert await refused(stub.AuthoriseCrossing(AUTHORISE_2)) == (P, "LANE_DENIED")


@pytest.mark.parametrize("name", ["gate-1", "engineer-1", "matcher-1"])
async def test_only_officers_release_a_lane(site: Site, name: str) -> None:
    bearer = await login(site, "console-1", "ada")
    stub = site.stub(lane_service_pb2_grpc.LaneServiceStub, name)
    assert await refused(stub.ReleaseLane(RELEASE, metadata=bearer)) == (P, "ROLE_DENIED")
    assert not site.lane.released


@pytest.mark.parametrize("name", ["console-1", "officer-demo", "engineer-1", "matcher-1"])
async def test_only_gates_take_travellers_across(site: Site, name: str) -> None:
    stub = site.stub(crossing_service_pb2_grpc.CrossingServiceStub, name)
    assert await refused(stub.AuthoriseCrossing(AUTHORISE_2)) == (P, "ROLE_DENIED")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("dns-role", "IDENTITY_INVALID"),
        ("two-uris", "IDENTITY_INVALID"),
        ("other-domain", "IDENTITY_INVALID"),
        ("no-names", "IDENTITY_INVALID"),
    ],
)
async def test_a_certificate_without_exactly_one_role_is_nobody(site: Site, name: str, reason: str) -> None:
    stub = site.stub(crossing_service_pb2_grpc.CrossingServiceStub, name)
    request = crossing_service_pb2.AuthoriseCrossingRequest(request_id="r-1", lane="lane-1")
    assert await refused(stub.AuthoriseCrossing(request)) == (U, reason)
    assert await refused(site.stub(health_pb2_grpc.HealthStub, name).Check(health_pb2.HealthCheckRequest())) == (
        U,
        reason,
    )


async def test_a_dns_name_that_looks_like_a_gate_adds_no_role(site: Site) -> None:
    stub = site.stub(crossing_service_pb2_grpc.CrossingServiceStub, "dns-and-engineer")
    request = crossing_service_pb2.AuthoriseCrossingRequest(request_id="r-1", lane="lane-1")
    assert await refused(stub.AuthoriseCrossing(request)) == (P, "ROLE_DENIED")


async def test_a_revoked_certificate_is_refused_on_an_open_connection(site: Site) -> None:
    stub = site.stub(health_pb2_grpc.HealthStub, "gate-1")
    await stub.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S)
    pki.revoke(site.pki, site.pki / "gate-1.pem")
    assert await refused(stub.Check(health_pb2.HealthCheckRequest())) == (U, "CERTIFICATE_REVOKED")
    other = site.stub(health_pb2_grpc.HealthStub, "gate-2")
    await other.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S)


async def test_a_revocation_ends_a_stream(site: Site) -> None:
    call = site.stub(lane_service_pb2_grpc.LaneServiceStub, "console-1").WatchLanes(
        lane_service_pb2.WatchLanesRequest(), timeout=TIMEOUT_S
    )
    await call.read()
    await call.read()
    pki.revoke(site.pki, site.pki / "console-1.pem")
    site.hall.changes.put_nowait((site.lane.snapshot, "2"))
    assert await refused(call.read()) == (U, "CERTIFICATE_REVOKED")


async def test_a_certificate_that_expires_on_an_open_connection_is_refused(site: Site) -> None:
    stub = site.stub(health_pb2_grpc.HealthStub, "gate-1")
    await stub.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S)
    site.clock.advance(pki.VALID.total_seconds() + 1)
    assert await refused(stub.Check(health_pb2.HealthCheckRequest())) == (U, "CERTIFICATE_EXPIRED")


async def test_no_certificate_ends_in_the_handshake(site: Site) -> None:
    stub = site.stub(health_pb2_grpc.HealthStub, None)
    assert (await refused(stub.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S)))[0] in (
        grpc.StatusCode.UNAVAILABLE,
    )


async def test_a_foreign_authoritys_certificate_ends_in_the_handshake(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    foreign = tmp_path_factory.mktemp("foreign")
    pki.init(foreign, "egate.example", [(Role.GATE, "1")])
    ours, site.pki = site.pki, foreign
    kind: Any = health_pb2_grpc.HealthStub
    stub = kind(site.channel("gate-1", ours / "ca.pem"))
    assert (await refused(stub.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S)))[0] == (
        grpc.StatusCode.UNAVAILABLE
    )


async def test_metadata_names_nobody_over_tls(site: Site) -> None:
    stub = site.stub(crossing_service_pb2_grpc.CrossingServiceStub, "engineer-1")
    claim = ((DEMO_IDENTITY_METADATA, "gate/2"),)
    assert await refused(stub.AuthoriseCrossing(AUTHORISE_2, metadata=claim)) == (P, "ROLE_DENIED")


async def test_plaintext_demo_callers_name_their_role_and_are_bound_to_it(tmp_path: Path, certificates: Path) -> None:
    async with running(tmp_path, certificates, plaintext=True) as site:
        address = f"127.0.0.1:{site.service.port}"
        async with grpc.aio.insecure_channel(address) as channel:
            health: Any = health_pb2_grpc.HealthStub
            crossing: Any = crossing_service_pb2_grpc.CrossingServiceStub
            check = health(channel).Check
            assert await refused(check(health_pb2.HealthCheckRequest())) == (U, "IDENTITY_MISSING")
            gate_1 = ((DEMO_IDENTITY_METADATA, "gate/1"),)
            await check(health_pb2.HealthCheckRequest(), metadata=gate_1)
            call = crossing(channel).AuthoriseCrossing(AUTHORISE_2, metadata=gate_1)
            assert await refused(call) == (P, "LANE_DENIED")
            both = (*gate_1, (DEMO_IDENTITY_METADATA, "engineer/1"))
            assert await refused(check(health_pb2.HealthCheckRequest(), metadata=both)) == (U, "IDENTITY_MISSING")


async def test_a_caller_has_a_limited_number_of_calls_under_way(tmp_path: Path, certificates: Path) -> None:
    async with running(tmp_path, certificates, rpcs_per_caller_max=2) as site:
        stub = site.stub(lane_service_pb2_grpc.LaneServiceStub, "console-1")
        watches = [stub.WatchLanes(lane_service_pb2.WatchLanesRequest(), timeout=TIMEOUT_S) for _ in range(2)]
        for watch in watches:
            await watch.read()
        third = stub.WatchLanes(lane_service_pb2.WatchLanesRequest(), timeout=TIMEOUT_S)
        assert await refused(third.read()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CALLER_BUSY")
        other = site.stub(lane_service_pb2_grpc.LaneServiceStub, "console-2")
        await other.WatchLanes(lane_service_pb2.WatchLanesRequest(), timeout=TIMEOUT_S).read()
        watches[0].cancel()
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                again = stub.WatchLanes(lane_service_pb2.WatchLanesRequest(), timeout=TIMEOUT_S)
                try:
                    await again.read()
                    break
                except grpc.RpcError as error:
                    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_watchers_leave_half_of_the_calls_to_the_gates(tmp_path: Path, certificates: Path) -> None:
    async with running(tmp_path, certificates, rpcs_max=4, rpcs_per_caller_max=4) as site:
        for name in ("console-1", "console-2"):
            stub = site.stub(lane_service_pb2_grpc.LaneServiceStub, name)
            await stub.WatchLanes(lane_service_pb2.WatchLanesRequest(), timeout=TIMEOUT_S).read()
        engineer, gate = (site.stub(health_pb2_grpc.HealthStub, name) for name in ("engineer-1", "gate-1"))
        busy = grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVICE_BUSY"
        assert await refused(engineer.Check(health_pb2.HealthCheckRequest())) == busy
        await gate.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S)


async def test_health_says_serving_only_when_told(site: Site) -> None:
    stub = site.stub(health_pb2_grpc.HealthStub, "engineer-1")
    request = health_pb2.HealthCheckRequest(service="egate.api.v1.CrossingService")
    before = await stub.Check(request, timeout=TIMEOUT_S)
    await site.service.set_serving(True)
    after = await stub.Check(request, timeout=TIMEOUT_S)
    statuses = health_pb2.HealthCheckResponse
    assert (before.status, after.status) == (statuses.NOT_SERVING, statuses.SERVING)


async def test_reflection_lists_the_services(site: Site) -> None:
    stub = site.stub(reflection_pb2_grpc.ServerReflectionStub, "engineer-1")
    call = stub.ServerReflectionInfo(timeout=TIMEOUT_S)
    await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
    answer = await call.read()
    names = {service.name for service in answer.list_services_response.service}
    assert {"egate.api.v1.CrossingService", "grpc.health.v1.Health"} <= names


async def test_a_served_method_without_a_rule_is_denied(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = {method: rule for method, rule in RULES.items() if not method.endswith("Health/Check")}
    monkeypatch.setattr("egate.service.authorise.RULES", rules)
    stub = site.stub(health_pb2_grpc.HealthStub, "engineer-1")
    assert await refused(stub.Check(health_pb2.HealthCheckRequest())) == (P, "METHOD_DENIED")
