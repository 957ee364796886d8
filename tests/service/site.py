"""A whole service over real TLS on loopback, with a real journal and real cases; only the lanes are doubles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import grpc
import numpy as np
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from egate.cases.dossier import DossierStore
from egate.cases.store import CaseStore
from egate.domain.ids import LaneId
from egate.journal.store import SqliteJournal
from egate.service.match import Engines
from egate.service.officer_file import OfficerFile
from egate.service.officers import Officers
from egate.service.password import PasswordHash, _derive
from egate.service.server import Parts, Service, build_service
from egate.service.settings import ServiceSettings, TlsFiles
from tests.service.lane_double import HallDouble, LaneDouble

TRUST_DOMAIN = "egate.example"
PASSWORD = "correct horse battery"
TIMEOUT_S = 10.0
Metadata = tuple[tuple[str, str], ...]


class VirtualClock:
    """Starts now, because the handshake looks at the real time; moves only when told."""

    def __init__(self) -> None:
        self._start = datetime.now(UTC)
        self._elapsed_s = 0.0

    def monotonic(self) -> float:
        return self._elapsed_s

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed_s)

    def advance(self, seconds: float) -> None:
        self._elapsed_s += seconds


def cheap_hash(password: str) -> PasswordHash:
    """The weakest parameters the file accepts, so that tests are quick."""
    salt = b"0123456789abcdef"
    return PasswordHash(12, 8, 1, salt, _derive(password, 12, 8, 1, salt))


def picture(side: int = 64, suffix: str = ".png") -> bytes:
    pixels = np.random.default_rng(side).integers(0, 255, (side, side, 3), dtype=np.uint8)
    done, data = cv2.imencode(suffix, pixels)
    assert done
    return data.tobytes()


def reason_of(error: grpc.RpcError) -> tuple[grpc.StatusCode, str, Mapping[str, str]]:
    """Status, reason and metadata of google.rpc.ErrorInfo."""
    details = [value for key, value in error.trailing_metadata() if key == "grpc-status-details-bin"]
    if not details:
        return error.code(), "", {}
    status = status_pb2.Status.FromString(details[0])
    assert status.code == error.code().value[0]
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.domain == "egate"
    return error.code(), info.reason, dict(info.metadata)


@dataclass
class Site:
    """pki: the folder of certificates. Every channel made here is closed with the site."""

    service: Service
    hall: HallDouble
    journal: SqliteJournal
    cases: CaseStore
    dossiers: DossierStore
    officers_file: Path
    clock: VirtualClock
    pki: Path
    channels: list[grpc.aio.Channel]

    @property
    def lane(self) -> LaneDouble:
        return self.hall.doubles[LaneId("lane-1")]

    def channel(self, name: str | None, server_ca: Path | None = None) -> grpc.aio.Channel:
        """As the holder of <name>.pem; None: without a certificate."""
        root = (server_ca or self.pki / "ca.pem").read_bytes()
        if name is None:
            credentials = grpc.ssl_channel_credentials(root)
        else:
            key, certificate = ((self.pki / f"{name}{suffix}").read_bytes() for suffix in (".key", ".pem"))
            credentials = grpc.ssl_channel_credentials(root, key, certificate)
        options = [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
        channel = grpc.aio.secure_channel(f"localhost:{self.service.port}", credentials, options=options)
        self.channels.append(channel)
        return channel

    def stub(self, kind: Any, name: str | None) -> Any:
        """A stub of this kind (generated without types) on a channel of its own."""
        return kind(self.channel(name))


async def idle(site: Site, name: str) -> None:
    """Until none of this caller's calls is under way: with rpcs_per_caller_max=1 a further one is refused till then."""
    stub = site.stub(health_pb2_grpc.HealthStub, name)
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            try:
                await stub.Check(health_pb2.HealthCheckRequest())
            except grpc.RpcError as error:
                assert reason_of(error)[1] == "CALLER_BUSY"
            else:
                return


@asynccontextmanager
async def running(
    tmp: Path,
    pki: Path,
    *,
    engines: Engines | None = None,
    gates: Mapping[str, frozenset[LaneId]] | None = None,
    plaintext: bool = False,
    crl: bool = True,
    rpcs_max: int = 64,
    rpcs_per_caller_max: int = 16,
) -> AsyncIterator[Site]:
    clock = VirtualClock()
    officers_file = tmp / "officers.toml"
    lines = [f'[[officer]]\nid = "{name}"\npassword = "{cheap_hash(PASSWORD)}"\n' for name in ("ada", "demo")]
    officers_file.write_text("".join(lines))
    hall = HallDouble({lane: LaneDouble(lane) for lane in (LaneId("lane-1"), LaneId("lane-2"))})
    one, two = (frozenset({LaneId(name)}) for name in ("lane-1", "lane-2"))
    settings = ServiceSettings(
        address="127.0.0.1:0" if plaintext else "localhost:0",
        trust_domain=TRUST_DOMAIN,
        tls=None if plaintext else TlsFiles(pki / "server.pem", pki / "server.key", pki / "ca.pem"),
        gates={"1": one, "2": two} if gates is None else gates,
        crl_files=(pki / "crl.pem",) if crl else (),
        plaintext_demo=plaintext,
        rpcs_max=rpcs_max,
        rpcs_per_caller_max=rpcs_per_caller_max,
    )
    async with await SqliteJournal.open(tmp / "journal.db") as journal:
        dossiers = DossierStore(tmp)
        cases = await CaseStore.open(journal, journal.read, journal.on_commit, dossiers)
        officers = Officers(OfficerFile(officers_file), journal, clock, settings.token_lifetime_s)
        service = build_service(settings, Parts(hall, journal, cases, officers, clock, engines))
        await service.start()
        site = Site(service, hall, journal, cases, dossiers, officers_file, clock, pki, [])
        try:
            yield site
        finally:
            for channel in site.channels:
                await channel.close()
            await service.stop(0)
            await cases.close()
