"""The gRPC server: the servicers behind their one door, with health and reflection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from egate.api.v1 import (
    case_service_pb2,
    case_service_pb2_grpc,
    crossing_service_pb2,
    crossing_service_pb2_grpc,
    journal_service_pb2,
    journal_service_pb2_grpc,
    lane_service_pb2,
    lane_service_pb2_grpc,
    match_service_pb2,
    match_service_pb2_grpc,
    officer_service_pb2,
    officer_service_pb2_grpc,
)
from egate.cases.store import CaseStore
from egate.errors import ConfigurationError
from egate.journal.store import SqliteJournal
from egate.lane.api import Hall
from egate.ports import Clock
from egate.service.case import CaseServicer
from egate.service.crossing import CrossingServicer
from egate.service.identity import DemoIdentifier, Identifier
from egate.service.interceptor import Doorkeeper
from egate.service.journal import JournalServicer
from egate.service.lane import LaneServicer
from egate.service.match import Engines, MatchServicer
from egate.service.officer import OfficerServicer
from egate.service.officers import Officers
from egate.service.rate import RateLimit
from egate.service.revocation import RevocationLists
from egate.service.settings import ANSWER_BYTES_MAX, RECEIVED_BYTES_MAX, ServiceSettings, TlsFiles

_MODULES = (
    case_service_pb2,
    crossing_service_pb2,
    journal_service_pb2,
    lane_service_pb2,
    match_service_pb2,
    officer_service_pb2,
)
SERVICES: tuple[str, ...] = tuple(
    service.full_name for module in _MODULES for service in module.DESCRIPTOR.services_by_name.values()
)
OPTIONS: Sequence[tuple[str, int]] = (
    ("grpc.max_receive_message_length", RECEIVED_BYTES_MAX),
    ("grpc.max_send_message_length", ANSWER_BYTES_MAX),
    ("grpc.max_concurrent_streams", 32),  # of one connection; a gate needs one or two
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.so_reuseport", 0),  # a second daemon on the same port must fail, not share its travellers
    # A gate that lost its cable is noticed within 30 s; pings of clients faster than 10 s end their connection.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the servicers translate to. engines None: MatchService answers UNIMPLEMENTED."""

    hall: Hall
    journal: SqliteJournal
    cases: CaseStore
    officers: Officers
    clock: Clock
    engines: Engines | None = None


class Service:
    """A server not yet started, its port and its health. Made in the loop that runs it."""

    def __init__(self, settings: ServiceSettings, parts: Parts) -> None:
        """Raises ConfigurationError if keys or certificates can't be read or the address can't be bound."""
        identifier = _identifier(settings, parts.clock)
        door = Doorkeeper(identifier, parts.officers, settings.gates, settings.rpcs_max, settings.rpcs_per_caller_max)
        self._server = grpc.aio.server(
            interceptors=(door,), options=list(OPTIONS), maximum_concurrent_rpcs=settings.rpcs_max
        )
        _register(self._server, settings, parts)
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = (*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        self.port: int = _bind(self._server, settings)

    async def start(self) -> None:
        """Answers, and says NOT_SERVING until set_serving(True)."""
        await self.set_serving(False)
        await self._server.start()

    async def set_serving(self, serving: bool) -> None:
        """What grpc.health.v1 says of the daemon and of each service. True only after warm-up."""
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ("", *SERVICES):
            await self._health.set(name, status)

    async def stop(self, grace_s: float) -> None:
        """Refuses new calls, lets those under way end within grace_s, then ends them."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace_s)

    async def wait(self) -> None:
        await self._server.wait_for_termination()


def build_service(settings: ServiceSettings, parts: Parts) -> Service:
    return Service(settings, parts)


def _identifier(settings: ServiceSettings, clock: Clock) -> Identifier:
    if settings.tls is None:
        return DemoIdentifier(settings.trust_domain, clock, None)
    revocation = None
    if settings.crl_files:
        authorities = _read(settings.tls.client_ca)
        revocation = RevocationLists(settings.crl_files, authorities, clock, settings.on_stale_crl)
    return Identifier(settings.trust_domain, clock, revocation)


def _register(server: grpc.aio.Server, settings: ServiceSettings, parts: Parts) -> None:
    clock, journal = parts.clock, parts.journal
    servicers: list[tuple[Callable[[Any, Any], None], object]] = [
        (crossing_service_pb2_grpc.add_CrossingServiceServicer_to_server, CrossingServicer(parts.hall)),
        (lane_service_pb2_grpc.add_LaneServiceServicer_to_server, LaneServicer(parts.hall, clock)),
        (case_service_pb2_grpc.add_CaseServiceServicer_to_server, CaseServicer(parts.cases, journal, clock)),
        (journal_service_pb2_grpc.add_JournalServiceServicer_to_server, JournalServicer(journal)),
        (officer_service_pb2_grpc.add_OfficerServiceServicer_to_server, OfficerServicer(parts.officers)),
    ]
    if parts.engines is not None:
        rate = RateLimit(clock, settings.match_rate_per_s, settings.match_burst)
        match = MatchServicer(
            parts.engines, rate, settings.fmr_target, settings.finger_fmr_target, settings.extract_images_max
        )
        servicers.append((match_service_pb2_grpc.add_MatchServiceServicer_to_server, match))
    for add, servicer in servicers:
        add(servicer, server)


def _bind(server: grpc.aio.Server, settings: ServiceSettings) -> int:
    try:
        if settings.tls is None:
            return int(server.add_insecure_port(settings.address))
        return int(server.add_secure_port(settings.address, _credentials(settings.tls)))
    except RuntimeError as error:
        raise ConfigurationError("the address cannot be bound, or the certificate is unusable", code="BIND") from error


def _credentials(tls: TlsFiles) -> grpc.ServerCredentials:
    chain = ((_read(tls.key), _read(tls.certificate)),)
    return grpc.ssl_server_credentials(chain, root_certificates=_read(tls.client_ca), require_client_auth=True)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path.name} cannot be read") from error
