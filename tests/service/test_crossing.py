"""CrossingService over real TLS: what reaches the lane, what comes back, and what never starts."""

from __future__ import annotations

import asyncio
import math
import zlib
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import grpc
import pytest

from egate.api.v1 import crossing_service_pb2 as pb
from egate.api.v1 import crossing_service_pb2_grpc as pb_grpc
from egate.api.v1 import values_pb2
from egate.domain.biometric import EncodedFinger, Guidance
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.ids import LaneId
from egate.errors import JournalError
from egate.lane.api import Guided, LaneRefused, Progressed
from egate.service import convert
from tests.service.lane_double import ADMIT, REFER
from tests.service.site import TIMEOUT_S, Site, idle, picture, reason_of, running

PICTURE = picture()


def request(request_id: str = "r-1", lane: str = "lane-1", **changes: object) -> pb.AuthoriseCrossingRequest:
    part = pb.DocumentPart(document_session_id="s-1", image=PICTURE)
    document = pb.Document(document_session_id="s-1", mrz_lines=["A", "B"], portrait=part, finger=part)
    message = pb.AuthoriseCrossingRequest(
        request_id=request_id,
        lane=lane,
        document=document,
        faces=[pb.Capture(image=PICTURE)],
        fingers=[pb.Capture(image=PICTURE, finger_position=2)],
    )
    message.MergeFrom(pb.AuthoriseCrossingRequest(**changes))  # type: ignore[arg-type]
    return message


def gate(site: Site, name: str = "gate-1") -> Any:
    return site.stub(pb_grpc.CrossingServiceStub, name)


async def refusal(call: Awaitable[object]) -> tuple[grpc.StatusCode, str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        await asyncio.wait_for(call, TIMEOUT_S)
    code, reason, metadata = reason_of(caught.value)
    return code, reason, metadata.get("field", "")


async def test_a_traveller_with_everything_is_authorised(site: Site) -> None:
    call = asyncio.ensure_future(gate(site).AuthoriseCrossing(request(), timeout=TIMEOUT_S))
    await asyncio.wait_for(site.lane.started.wait(), TIMEOUT_S)
    handle = site.lane.last
    await asyncio.wait_for(handle.received.wait(), TIMEOUT_S)
    handle.decide(ADMIT)
    response = await call
    assert handle.faces == [PICTURE]
    assert handle.fingers == [EncodedFinger(PICTURE, 2)]
    assert handle.ended
    assert handle.documents[0].mrz_lines == ("A", "B")
    assert response.release == values_pb2.RELEASE_ACKNOWLEDGED
    assert response.decision.verdict == values_pb2.VERDICT_ADMIT
    assert list(response.decision.not_performed) == ["PASSIVE_AUTHENTICATION", "LISTS"]
    assert response.decision.checks[1].score == 0.61
    assert not response.decision.checks[0].HasField("score")


async def test_a_retry_gets_the_first_answer(site: Site) -> None:
    stub = gate(site)
    first = asyncio.ensure_future(stub.AuthoriseCrossing(request(), timeout=TIMEOUT_S))
    await asyncio.wait_for(site.lane.started.wait(), TIMEOUT_S)
    await asyncio.wait_for(site.lane.last.received.wait(), TIMEOUT_S)
    site.lane.last.decide(REFER)
    again = await stub.AuthoriseCrossing(request(), timeout=TIMEOUT_S)
    assert again == await first
    assert again.release == values_pb2.RELEASE_NONE
    assert again.case_id == "c" * 32
    assert len(site.lane.begun) == 1


async def test_another_payload_under_a_used_request_id_is_refused(site: Site) -> None:
    stub = gate(site)
    first = asyncio.ensure_future(stub.AuthoriseCrossing(request(), timeout=TIMEOUT_S))
    await asyncio.wait_for(site.lane.started.wait(), TIMEOUT_S)
    other = request()
    other.faces[0].image = picture(65)
    assert await refusal(stub.AuthoriseCrossing(other, timeout=TIMEOUT_S)) == (
        grpc.StatusCode.ALREADY_EXISTS,
        "REQUEST_ID_REUSED",
        "",
    )
    site.lane.last.decide()
    await first


async def test_a_gate_that_hangs_up_cancels_nothing(narrow_site: Site) -> None:
    lane = narrow_site.lane
    lane.gate = asyncio.Event()
    call = gate(narrow_site).AuthoriseCrossing(request(), timeout=TIMEOUT_S)
    await asyncio.wait_for(lane.started.wait(), TIMEOUT_S)
    call.cancel()
    await idle(narrow_site, "gate-1")
    lane.started.clear()
    lane.gate.set()
    await asyncio.wait_for(lane.started.wait(), TIMEOUT_S)
    await asyncio.wait_for(lane.last.received.wait(), TIMEOUT_S)
    assert lane.last.ended, "the captures of a gate that hung up must still reach the lane"


async def test_a_stream_that_breaks_says_nothing_to_the_lane(narrow_site: Site) -> None:
    call = gate(narrow_site).Cross(timeout=TIMEOUT_S)
    await call.write(pb.CrossRequest(start=pb.CrossRequest.Start(request_id="r-1", lane="lane-1")))
    await call.write(pb.CrossRequest(face=pb.Capture(image=PICTURE)))
    await asyncio.wait_for(narrow_site.lane.started.wait(), TIMEOUT_S)
    handle = narrow_site.lane.last
    await asyncio.wait_for(handle.received.wait(), TIMEOUT_S)
    call.cancel()
    await idle(narrow_site, "gate-1")
    assert (len(handle.faces), handle.ended) == (1, False)


@pytest.mark.parametrize(
    ("changed", "reason", "field"),
    [
        ({"request_id": "x" * 65}, "FIELD_INVALID", "request_id"),
        ({"request_id": "tab\there"}, "FIELD_INVALID", "request_id"),
        ({"faces": [pb.Capture(image=PICTURE)] * 8}, "FIELD_INVALID", "faces"),
        ({"fingers": [pb.Capture(image=PICTURE)] * 4}, "FIELD_INVALID", "fingers"),
        ({"faces": [pb.Capture(image=b"")]}, "IMAGE_EMPTY", "faces[1].image"),
        ({"faces": [pb.Capture(image=b"GIF89a")]}, "IMAGE_FORMAT", "faces[1].image"),
        ({"faces": [pb.Capture(image=PICTURE[:-20])]}, "IMAGE_TRUNCATED", "faces[1].image"),
        ({"fingers": [pb.Capture(image=PICTURE, finger_position=11)]}, "FIELD_INVALID", "fingers[1].finger_position"),
        ({"document": pb.Document(mrz_lines=["A", "B"])}, "FIELD_INVALID", "document.mrz_lines"),
        (
            {"document": pb.Document(document_session_id="s-2")},
            "DOCUMENT_MIXED",
            "document.portrait.document_session_id",
        ),
        (
            {"document": pb.Document(finger=pb.DocumentPart(document_session_id="s-2"))},
            "DOCUMENT_MIXED",
            "document.finger.document_session_id",
        ),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_starts(
    site: Site, changed: dict[str, object], reason: str, field: str
) -> None:
    call = gate(site).AuthoriseCrossing(request(**changed), timeout=TIMEOUT_S)  # type: ignore[arg-type]
    assert await refusal(call) == (grpc.StatusCode.INVALID_ARGUMENT, reason, field)
    assert not site.lane.begun


async def test_required_fields(site: Site) -> None:
    stub = gate(site)
    nothing = pb.AuthoriseCrossingRequest(lane="lane-1")
    assert await refusal(stub.AuthoriseCrossing(nothing)) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "FIELD_MISSING",
        "request_id",
    )
    faceless = request()
    del faceless.faces[:]
    assert (await refusal(stub.AuthoriseCrossing(faceless)))[2] == "faces"


async def test_a_huge_picture_is_refused_by_its_header(site: Site) -> None:
    bomb = bytearray(PICTURE)
    bomb[16:24] = (10_000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bytes(bomb[12:29])).to_bytes(4, "big")
    message = request(faces=[pb.Capture(image=bytes(bomb))])
    assert await refusal(gate(site).AuthoriseCrossing(message)) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "IMAGE_SIZE",
        "faces[1].image",
    )


async def test_a_message_of_20_mb_is_refused_and_the_lane_stays_usable(site: Site) -> None:
    stub = gate(site)
    big = request(faces=[pb.Capture(image=bytes(20 * 1024 * 1024))])
    assert (await refusal(stub.AuthoriseCrossing(big)))[0] == grpc.StatusCode.RESOURCE_EXHAUSTED
    call = asyncio.ensure_future(stub.AuthoriseCrossing(request(), timeout=TIMEOUT_S))
    await asyncio.wait_for(site.lane.started.wait(), TIMEOUT_S)
    site.lane.last.decide()
    assert (await call).release == values_pb2.RELEASE_ACKNOWLEDGED


async def test_garbage_bytes_as_a_message_are_an_error_and_no_crossing(site: Site) -> None:
    raw = site.channel("gate-1").unary_unary("/egate.api.v1.CrossingService/AuthoriseCrossing")
    with pytest.raises(grpc.RpcError):
        await raw(b"\xff" * 100, timeout=TIMEOUT_S)
    assert not site.lane.begun


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (LaneRefused("busy", code="LANE_BUSY"), grpc.StatusCode.FAILED_PRECONDITION, "LANE_BUSY"),
        (LaneRefused("held", code="LANE_HELD"), grpc.StatusCode.FAILED_PRECONDITION, "LANE_HELD"),
        (LaneRefused("full", code="LANE_INBOX_FULL"), grpc.StatusCode.RESOURCE_EXHAUSTED, "LANE_INBOX_FULL"),
        (LaneRefused("source", code="DOCUMENT_SOURCE"), grpc.StatusCode.INVALID_ARGUMENT, "DOCUMENT_SOURCE"),
        (JournalError("disk /secret/path"), grpc.StatusCode.UNAVAILABLE, "JOURNAL"),
        (ZeroDivisionError("L898902C3"), grpc.StatusCode.INTERNAL, "INTERNAL"),
    ],
)
async def test_errors_of_the_lane_have_their_status(
    site: Site, error: Exception, status: grpc.StatusCode, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    site.lane.refusal = error
    with pytest.raises(grpc.RpcError) as caught:
        await gate(site).AuthoriseCrossing(request(), timeout=TIMEOUT_S)
    assert reason_of(caught.value)[:2] == (status, reason)
    assert "/secret" not in str(caught.value.details())
    assert "L898902C3" not in str(caught.value.details()) + "".join(capsys.readouterr())


async def test_cross_takes_a_traveller_through(site: Site) -> None:
    call = gate(site).Cross(timeout=TIMEOUT_S)
    await call.write(pb.CrossRequest(start=pb.CrossRequest.Start(request_id="r-1", lane="lane-1")))
    await call.write(pb.CrossRequest(document=request().document))
    await call.write(pb.CrossRequest(face=pb.Capture(image=PICTURE)))
    await call.write(pb.CrossRequest(finger=pb.Capture(image=PICTURE, finger_position=3)))
    await call.write(pb.CrossRequest(captures_end=pb.CrossRequest.CapturesEnd()))
    await asyncio.wait_for(site.lane.started.wait(), TIMEOUT_S)
    handle = site.lane.last
    handle.news.put_nowait(Progressed("document", CheckResult.PASS, 0.25))
    handle.news.put_nowait(Guided((Guidance.COME_CLOSER,)))
    progress, guidance = await call.read(), await call.read()
    while not handle.ended:
        handle.received.clear()
        await asyncio.wait_for(handle.received.wait(), TIMEOUT_S)
    handle.decide()
    decision = await call.read()
    await call.write(pb.CrossRequest(face=pb.Capture(image=PICTURE)))  # on its way while the decision fell
    handle.end()
    outcome = await call.read()
    assert (progress.progress.stage, progress.progress.elapsed.nanos) == ("document", 250_000_000)
    assert list(guidance.guidance.codes) == ["COME_CLOSER"]
    assert decision.decision.release == values_pb2.RELEASE_ACKNOWLEDGED
    assert outcome.outcome.outcome == values_pb2.OUTCOME_PASSED
    assert await call.read() is grpc.aio.EOF
    assert await call.code() == grpc.StatusCode.OK
    assert (handle.faces, handle.fingers, len(handle.documents)) == ([PICTURE], [EncodedFinger(PICTURE, 3)], 1)


async def test_half_closing_a_stream_does_not_end_the_captures(site: Site) -> None:
    call = gate(site).Cross(timeout=TIMEOUT_S)
    await call.write(pb.CrossRequest(start=pb.CrossRequest.Start(request_id="r-1", lane="lane-1")))
    await call.done_writing()
    await asyncio.wait_for(site.lane.started.wait(), TIMEOUT_S)
    site.lane.last.decide(REFER)
    site.lane.last.end()
    assert [event.WhichOneof("event") async for event in call] == ["decision", "outcome"]
    assert not site.lane.last.ended


@pytest.mark.parametrize(
    ("second", "reason", "field"),
    [
        (pb.CrossRequest(face=pb.Capture(image=b"")), "IMAGE_EMPTY", "face.image"),
        (pb.CrossRequest(finger=pb.Capture(image=b"x")), "IMAGE_FORMAT", "finger.image"),
        (pb.CrossRequest(), "FIELD_MISSING", "event"),
        (pb.CrossRequest(start=pb.CrossRequest.Start(request_id="r-2", lane="lane-1")), "FIELD_INVALID", "start"),
    ],
)
async def test_a_wrong_message_ends_the_stream_and_not_the_crossing(
    site: Site, second: pb.CrossRequest, reason: str, field: str
) -> None:
    call = gate(site).Cross(timeout=TIMEOUT_S)
    await call.write(pb.CrossRequest(start=pb.CrossRequest.Start(request_id="r-1", lane="lane-1")))
    await call.write(second)
    assert await refusal(call.read()) == (grpc.StatusCode.INVALID_ARGUMENT, reason, field)
    assert not site.lane.last.ended
    again = gate(site).Cross(timeout=TIMEOUT_S)  # the gate comes back to the same crossing
    await again.write(pb.CrossRequest(start=pb.CrossRequest.Start(request_id="r-1", lane="lane-1")))
    site.lane.last.decide()
    site.lane.last.end()
    assert [event.WhichOneof("event") async for event in again] == ["decision", "outcome"]
    assert len(site.lane.begun) == 1


async def test_a_second_document_is_another_presentation(site: Site) -> None:
    call = gate(site).Cross(timeout=TIMEOUT_S)
    await call.write(pb.CrossRequest(start=pb.CrossRequest.Start(request_id="r-1", lane="lane-1")))
    await call.write(pb.CrossRequest(document=request().document))
    await call.write(pb.CrossRequest(document=request().document))
    assert await refusal(call.read()) == (grpc.StatusCode.INVALID_ARGUMENT, "DOCUMENT_MIXED", "document")
    assert len(site.lane.last.documents) == 1


async def test_the_stream_must_start_with_start(site: Site) -> None:
    call = gate(site).Cross(timeout=TIMEOUT_S)
    await call.write(pb.CrossRequest(face=pb.Capture(image=PICTURE)))
    assert await refusal(call.read()) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_MISSING", "start")


async def test_a_lane_nobody_has_is_not_found(tmp_path: Path, certificates: Path) -> None:
    async with running(tmp_path, certificates, gates={"1": frozenset({LaneId("lane-9")})}) as site:
        call = gate(site).AuthoriseCrossing(request(lane="lane-9"))
        assert await refusal(call) == (grpc.StatusCode.NOT_FOUND, "LANE_UNKNOWN", "")


def test_a_score_that_is_no_number_stays_one_on_the_wire() -> None:
    message = convert.check(CheckEvidence(Check.FACE, CheckResult.UNDETERMINED, score=math.nan))
    assert math.isnan(values_pb2.Check.FromString(message.SerializeToString()).score)
