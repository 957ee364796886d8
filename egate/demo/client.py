"""gRPC clients of a site: its gates and its officer, with the certificates of its development CA."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import grpc

from egate.api.v1 import (
    case_service_pb2_grpc,
    crossing_service_pb2,
    crossing_service_pb2_grpc,
    journal_service_pb2_grpc,
    lane_service_pb2_grpc,
    match_service_pb2_grpc,
    officer_service_pb2,
    officer_service_pb2_grpc,
)

MESSAGE_BYTES_MAX = 32 * 1024 * 1024
RPC_S_MAX = 60.0
SENSOR_DPI = 500.0  # of the demo gates' finger sensors, and of the sample prints, whose files do not say it


def channel(address: str, pki: Path, caller: str) -> grpc.aio.Channel:
    """A mutually authenticated channel. caller: the stem of its certificate's files, e.g. "gate-1"."""
    credentials = grpc.ssl_channel_credentials(
        root_certificates=(pki / "ca.pem").read_bytes(),
        private_key=(pki / f"{caller}.key").read_bytes(),
        certificate_chain=(pki / f"{caller}.pem").read_bytes(),
    )
    options = [("grpc.max_receive_message_length", MESSAGE_BYTES_MAX)]
    return grpc.aio.secure_channel(address, credentials, options)


def new_request_id() -> str:
    return uuid.uuid4().hex


class Stubs:
    """All services over one channel."""

    def __init__(self, connection: grpc.aio.Channel) -> None:
        self.crossing = crossing_service_pb2_grpc.CrossingServiceStub(connection)  # type: ignore[no-untyped-call]
        self.lane = lane_service_pb2_grpc.LaneServiceStub(connection)  # type: ignore[no-untyped-call]
        self.case = case_service_pb2_grpc.CaseServiceStub(connection)  # type: ignore[no-untyped-call]
        self.journal = journal_service_pb2_grpc.JournalServiceStub(connection)  # type: ignore[no-untyped-call]
        self.match = match_service_pb2_grpc.MatchServiceStub(connection)  # type: ignore[no-untyped-call]
        self.officer = officer_service_pb2_grpc.OfficerServiceStub(connection)  # type: ignore[no-untyped-call]


async def login(stubs: Stubs, officer: str, password: str) -> tuple[tuple[str, str], ...]:
    """The metadata that carries the officer's token."""
    request = officer_service_pb2.LoginRequest(officer=officer, password=password)
    answer = await stubs.officer.Login(request, timeout=RPC_S_MAX)
    return (("authorization", f"Bearer {answer.token}"),)


class CrossingStream:
    """One `Cross` stream: what the gate says, and what it hears."""

    def __init__(self, stubs: Stubs, lane: str, request_id: str) -> None:
        self._call = stubs.crossing.Cross(timeout=RPC_S_MAX)
        self._start = crossing_service_pb2.CrossRequest.Start(request_id=request_id, lane=lane)

    async def begin(self) -> None:
        await self._say(start=self._start)

    async def document(self, document: crossing_service_pb2.Document) -> None:
        await self._say(document=document)

    async def face(self, image: bytes) -> None:
        await self._say(face=crossing_service_pb2.Capture(image=image))

    async def finger(self, image: bytes, position: int = 0, dpi: float = SENSOR_DPI) -> None:
        capture = crossing_service_pb2.Capture(image=image, finger_position=position, resolution_dpi=dpi)
        await self._say(finger=capture)

    async def captures_end(self) -> None:
        await self._say(captures_end=crossing_service_pb2.CrossRequest.CapturesEnd())

    async def events(self) -> AsyncIterator[crossing_service_pb2.CrossResponse]:
        while (answer := await self._call.read()) is not grpc.aio.EOF:
            yield answer

    def cancel(self) -> None:
        """The gate hangs up."""
        self._call.cancel()

    async def _say(self, **event: object) -> None:
        await self._call.write(crossing_service_pb2.CrossRequest(**event))  # type: ignore[arg-type]
