"""What a gate may send by mistake or malice: a named error or a referral, a lane that serves the next traveller, memory as before."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import grpc
import psutil
import pytest

from egate.api.v1 import crossing_service_pb2 as pb
from egate.api.v1 import values_pb2
from egate.demo.client import RPC_S_MAX, CrossingStream, channel, new_request_id
from tests.end_to_end.evidence import Picture, picture
from tests.end_to_end.hall import (
    DEVICE_LANE,
    REQUEST_LANE,
    Callers,
    Hall,
    admitted,
    authorise,
    cross,
    grey,
    named,
    request,
    small_passport,
    step_in,
    stream,
)
from tests.end_to_end.record import released_count

MEBIBYTE = 1 << 20
MEMORY_TOLERANCE_BYTES = 64 * MEBIBYTE  # chosen: a 20 MB message in gRPC's and Python's arenas, not a 300 MB picture
PEAK_TOLERANCE_BYTES = 200 * MEBIBYTE  # one 100-megapixel picture decoded would take 300 MB
AUTHORISE = "/egate.api.v1.CrossingService/AuthoriseCrossing"
CROSS = "/egate.api.v1.CrossingService/Cross"


def png(width: int, height: int, scanlines: bytes) -> bytes:
    """A complete PNG (W3C PNG, 5) of 8-bit RGB with this compressed data, whatever it says."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", scanlines) + chunk(b"IEND", b"")


def bomb(width: int, height: int) -> bytes:
    """A picture of zeros: a thousand times smaller than what it becomes."""
    compress = zlib.compressobj(9)
    row = b"\0" * (1 + 3 * width)
    return png(width, height, b"".join(compress.compress(row) for _ in range(height)) + compress.flush())


IMAGES: dict[str, tuple[bytes, str]] = {
    "zero bytes": (b"", "IMAGE_EMPTY"),
    "garbage": (bytes(range(256)) * 64, "IMAGE_FORMAT"),
    "text": (b"<svg/>", "IMAGE_FORMAT"),
    "truncated": (grey(".jpg")[:-40], "IMAGE_TRUNCATED"),
    "truncated png": (grey(".png")[:-20], "IMAGE_TRUNCATED"),
    "100 megapixels, header only": (png(10_000, 10_000, b""), "IMAGE_SIZE"),
    "100 megapixels, bomb": (bomb(10_000, 10_000), "IMAGE_SIZE"),
    "one pixel": (png(1, 1, zlib.compress(b"\0\0\0\0")), "IMAGE_SIZE"),
}


@pytest.mark.parametrize("name", list(IMAGES))
@pytest.mark.parametrize("place", ["face", "finger", "portrait"])
async def test_bad_image_is_a_named_error(hall: Hall, callers: Callers, name: str, place: str) -> None:
    image, code = IMAGES[name]
    message = request()
    target: pb.Capture | pb.DocumentPart = {  # type: ignore[assignment]  # mypy joins the two to Message
        "face": message.faces[0],
        "finger": message.fingers[0],
        "portrait": message.document.portrait,
    }[place]
    target.image = image
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await authorise(callers, message)
    assert named(refused.value) == (grpc.StatusCode.INVALID_ARGUMENT, code)
    assert place in (refused.value.details() or "")
    await callers.ready(REQUEST_LANE)


@pytest.mark.parametrize("where", ["face", "finger"])
async def test_image_that_only_decoding_shows_to_be_bad_refers(hall: Hall, callers: Callers, where: str) -> None:
    """Header and frame are right; what they hold is not."""
    broken = png(400, 400, zlib.compress(b"\5" * 1000))
    answer = await cross(hall, callers, request(**{where: broken}))  # type: ignore[arg-type]
    expected = {"face": "FACE_UNUSABLE", "finger": "FINGER_UNUSABLE"}[where]
    reasons = {reason.code for reason in answer.decision.reasons}
    # A finger is never looked at if the document's own is unusable.
    assert reasons & {expected, "FINGER_REFERENCE_UNUSABLE", "PORTRAIT_UNUSABLE"}
    assert answer.release == values_pb2.RELEASE_NONE


async def test_nan_score_refers(hall: Hall, callers: Callers) -> None:
    for face, finger in ((Picture.NAN, Picture.MATCH), (Picture.MATCH, Picture.NAN), (Picture.NAN, Picture.NAN)):
        count = released_count(hall.simulator.log(REQUEST_LANE))
        answer = await cross(hall, callers, request(face=face, finger=finger))
        assert answer.decision.verdict == values_pb2.VERDICT_REFER
        assert released_count(hall.simulator.log(REQUEST_LANE)) == count


async def test_parts_of_another_document_session_are_refused(hall: Hall, callers: Callers) -> None:
    message = request()
    message.document.portrait.document_session_id = new_request_id()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await authorise(callers, message)
    assert named(refused.value) == (grpc.StatusCode.INVALID_ARGUMENT, "DOCUMENT_MIXED")
    await admitted(hall, callers)


async def test_document_for_a_lane_with_its_own_reader_is_refused(hall: Hall, callers: Callers) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await authorise(callers, request(lane=DEVICE_LANE))
    assert named(refused.value) == (grpc.StatusCode.INVALID_ARGUMENT, "DOCUMENT_SOURCE")
    await callers.ready(DEVICE_LANE)


async def test_chip_of_another_document_refers(hall: Hall, callers: Callers) -> None:

    await step_in(hall, callers, DEVICE_LANE)
    told = await stream(hall, callers, document=small_passport(chip_number="X99999999"))
    assert told.decision is not None
    assert "DOCUMENT_MIXED" in {reason.code for reason in told.decision.decision.reasons}


def _no_lane(message: pb.AuthoriseCrossingRequest) -> None:
    message.lane = ""


def _no_request_id(message: pb.AuthoriseCrossingRequest) -> None:
    message.request_id = ""


def _no_faces(message: pb.AuthoriseCrossingRequest) -> None:
    del message.faces[:]


def _many_faces(message: pb.AuthoriseCrossingRequest) -> None:
    message.faces.extend([message.faces[0]] * 8)


def _no_document(message: pb.AuthoriseCrossingRequest) -> None:
    message.ClearField("document")


def _eleventh_finger(message: pb.AuthoriseCrossingRequest) -> None:
    message.fingers[0].finger_position = 11


@pytest.mark.parametrize(
    "spoil",
    [_no_lane, _no_request_id, _no_faces, _many_faces, _no_document, _eleventh_finger],
    ids=lambda spoil: spoil.__name__.strip("_"),
)
async def test_missing_or_wrong_field_is_a_named_error(
    hall: Hall, callers: Callers, spoil: Callable[[pb.AuthoriseCrossingRequest], None]
) -> None:
    message = request()
    spoil(message)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await callers.gates[REQUEST_LANE].crossing.AuthoriseCrossing(message, timeout=RPC_S_MAX)
    code, reason = named(refused.value)
    assert reason
    assert code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.PERMISSION_DENIED)
    await callers.ready(REQUEST_LANE)


@pytest.mark.parametrize(
    "data",
    [b"\xff" * 64, b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x02\xc3\x28"],
    ids=["garbage", "length beyond the end", "no UTF-8"],
)
async def test_bytes_that_are_no_message_are_refused(hall: Hall, callers: Callers, data: bytes) -> None:
    async with channel(hall.daemon.address, hall.site.pki, "gate-2") as connection:
        call = connection.unary_unary(AUTHORISE, request_serializer=bytes, response_deserializer=bytes)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(data, timeout=RPC_S_MAX)
    assert named(refused.value) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    await callers.ready(REQUEST_LANE)


async def test_bytes_that_are_no_message_end_a_stream(hall: Hall, callers: Callers) -> None:
    async with channel(hall.daemon.address, hall.site.pki, "gate-1") as connection:
        call = connection.stream_stream(CROSS, request_serializer=bytes, response_deserializer=bytes)(timeout=RPC_S_MAX)
        await call.write(b"\xff" * 64)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            while await call.read() is not grpc.aio.EOF:
                pass
    assert named(refused.value) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    await callers.ready(DEVICE_LANE)


async def test_capture_before_start_is_a_named_error(hall: Hall, callers: Callers) -> None:
    call = CrossingStream(callers.gates[DEVICE_LANE], DEVICE_LANE, new_request_id())
    await call.face(picture(Picture.MATCH))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        async for _ in call.events():
            pass
    assert named(refused.value) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_MISSING")
    await callers.ready(DEVICE_LANE)


async def test_memory_is_back_after_bad_input(hall: Hall, callers: Callers) -> None:
    """Includes the 20 MB message and pictures that would take 300 MB each if anybody decoded them."""
    process = psutil.Process(hall.daemon.process.pid)
    await admitted(hall, callers)
    await spoilt_round(hall, callers)  # what the first round leaves is the allocator's, not ours
    before, peak_before = process.memory_info().rss, peak_bytes(process.pid)
    for _ in range(4):
        await spoilt_round(hall, callers)
    await admitted(hall, callers)
    after = process.memory_info().rss
    print(f"resident {before >> 20} MiB before, {after >> 20} MiB after; peak {peak_bytes(process.pid) >> 20} MiB")
    assert after - before < MEMORY_TOLERANCE_BYTES
    assert peak_bytes(process.pid) - peak_before < PEAK_TOLERANCE_BYTES


async def spoilt_round(hall: Hall, callers: Callers) -> None:
    too_long = request(face=grey(".png") + b"\0" * (20 * MEBIBYTE))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await authorise(callers, too_long)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    spoilt = [request(face=image) for image, _ in IMAGES.values()]
    answers = await asyncio.gather(*(authorise(callers, message) for message in spoilt), return_exceptions=True)
    assert all(isinstance(answer, grpc.aio.AioRpcError) for answer in answers)


def peak_bytes(pid: int) -> int:
    """VmHWM of proc_pid_status(5)."""

    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024
