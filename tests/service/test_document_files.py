"""A gate that reads the chip itself sends its files: one presentation, and the portrait out of what the issuer signed."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import pytest

from egate.api.v1 import crossing_service_pb2 as pb
from egate.api.v1 import values_pb2
from egate.document.lds.face_record import FaceEncoding, FaceImage, write_dg2
from egate.document.lds.finger_record import FingerEncoding, FingerImage, write_dg3
from egate.document.lds.structure import write_dg1, write_ef_com
from egate.domain.chip import AccessProtocol, ChipAuthenticationProtocol
from egate.domain.evidence import CheckResult
from egate.service.document import document
from egate.service.errors import FieldError

LINES = (
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
    "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
)  # Doc 9303-4, appendix B
SESSION = "session-1"


def png(side: int = 64) -> bytes:
    """A grey square."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    pixels = zlib.compress((b"\0" + bytes(side)) * side)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def jpeg(width: int = 64, height: int = 64) -> bytes:
    """Frame, scan and end (ITU-T T.81, B.2): DG2's parser does not look into the image, the request's check does at its headers."""
    frame = b"\xff\xc0\x00\x0b\x08" + struct.pack(">HH", height, width) + b"\x01\x01\x11\x00"
    return b"\xff\xd8" + frame + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + bytes(16) + b"\xff\xd9"


def message(**changes: object) -> pb.Document:
    files = {
        "com": write_ef_com((1, 2)),
        "dg1": write_dg1(LINES),
        "dg2": write_dg2(FaceImage(FaceEncoding.JPEG, 64, 64, jpeg())),
    }
    sent = [pb.DocumentFile(document_session_id=SESSION, name=name, content=data) for name, data in files.items()]
    values = {"document_session_id": SESSION, "mrz_lines": LINES, "files": sent, "access": pb.CHIP_ACCESS_PACE}
    return pb.Document(**{**values, **changes})  # type: ignore[arg-type]


def test_one_print_that_cannot_be_read_leaves_the_other() -> None:
    def read(*prints: bytes) -> list[int]:
        held = [FingerImage(2 + 5 * index, FingerEncoding.PNG, 0, 0, data) for index, data in enumerate(prints)]
        found = message()
        found.files.append(pb.DocumentFile(document_session_id=SESSION, name="dg3", content=write_dg3(held)))
        return [finger.position for finger in document(found).fingers]

    assert read(png(80), png(80)) == [2, 7]
    assert read(png(80), b"no image") == [2]
    assert read(b"no image", png(80)) == [7]
    with pytest.raises(FieldError, match="dg3"):
        read(b"no image", b"none either")


def test_portrait_and_zone_come_out_of_the_files() -> None:
    read = document(message())
    assert read.chip is not None and read.chip.present
    assert (read.portrait, read.chip_mrz, read.fingers) == (jpeg(), "".join(LINES), ())
    assert (read.chip.access, set(read.chip.files), read.failure) == (AccessProtocol.PACE, {"com", "dg1", "dg2"}, "")


def test_portrait_that_is_png_is_none() -> None:
    spoiled = message()
    spoiled.files[2].content = write_dg2(FaceImage(FaceEncoding.JPEG, 64, 64, png()))
    read = document(spoiled)
    assert (read.portrait, read.failure) == (None, "dg2_malformed")


def test_part_of_more_than_a_document_needs_is_refused() -> None:
    for image in (jpeg(2001, 2000), jpeg() + bytes(2 * 1024 * 1024)):
        part = pb.DocumentPart(document_session_id=SESSION, image=image)
        with pytest.raises(FieldError, match=r"document\.portrait\.image"):
            document(pb.Document(document_session_id=SESSION, mrz_lines=LINES, portrait=part))


def test_proofs_come_along() -> None:
    claim = pb.ChipAuthentication(
        protocol="CHIP_AUTHENTICATION", public_key=b"key", result=values_pb2.CHECK_RESULT_PASS
    )
    signed = pb.ActiveAuthentication(challenge=bytes(8), response=b"response")
    chip = document(message(chip_authentication=claim, active_authentication=signed)).chip
    assert chip is not None and chip.chip_authentication is not None and chip.active_authentication is not None
    assert chip.chip_authentication.protocol is ChipAuthenticationProtocol.CHIP_AUTHENTICATION
    assert (chip.chip_authentication.public_key, chip.chip_authentication.result) == (b"key", CheckResult.PASS)
    assert (chip.active_authentication.challenge, chip.active_authentication.response) == (bytes(8), b"response")


def other_portrait(found: pb.Document) -> None:
    found.portrait.CopyFrom(pb.DocumentPart(document_session_id=SESSION, image=png(80)))


def other_finger(found: pb.Document) -> None:
    found.finger.CopyFrom(pb.DocumentPart(document_session_id=SESSION, image=png(80)))


def finger_position(found: pb.Document) -> None:
    found.finger_position = 2


def other_session(found: pb.Document) -> None:
    found.files[1].document_session_id = "session-2"


def unknown_name(found: pb.Document) -> None:
    found.files[0].name = "dg17"


def sent_twice(found: pb.Document) -> None:
    found.files.append(found.files[0])


def empty_file(found: pb.Document) -> None:
    found.files[0].content = b""


def too_long(found: pb.Document) -> None:
    found.files[0].content = bytes(512 * 1024 + 1)


def no_access(found: pb.Document) -> None:
    found.access = pb.CHIP_ACCESS_UNSPECIFIED


def unknown_access(found: pb.Document) -> None:
    found.access = 9  # type: ignore[assignment]


def unknown_protocol(found: pb.Document) -> None:
    found.chip_authentication.CopyFrom(pb.ChipAuthentication(protocol="TRUST_ME", result=values_pb2.CHECK_RESULT_PASS))


def untried_proof(found: pb.Document) -> None:
    found.chip_authentication.CopyFrom(
        pb.ChipAuthentication(protocol="PACE_CAM", result=values_pb2.CHECK_RESULT_NOT_PERFORMED)
    )


def short_challenge(found: pb.Document) -> None:
    found.active_authentication.CopyFrom(pb.ActiveAuthentication(challenge=b"1234", response=b"r"))


def no_response(found: pb.Document) -> None:
    found.active_authentication.CopyFrom(pb.ActiveAuthentication(challenge=bytes(8)))


def no_image(found: pb.Document) -> None:
    found.files[2].content = write_dg2(FaceImage(FaceEncoding.JPEG, 64, 64, b"\xff\xd8 no image"))


def large_image(found: pb.Document) -> None:
    found.files[2].content = write_dg2(FaceImage(FaceEncoding.JPEG, 0, 0, jpeg(2001, 2000)))


def narrow_image(found: pb.Document) -> None:
    found.files[2].content = write_dg2(FaceImage(FaceEncoding.JPEG, 0, 0, jpeg(16, 400)))


def proof_without_files(found: pb.Document) -> None:
    del found.files[:]
    found.access = pb.CHIP_ACCESS_UNSPECIFIED
    found.active_authentication.CopyFrom(pb.ActiveAuthentication(challenge=bytes(8), response=b"r"))


def access_without_files(found: pb.Document) -> None:
    del found.files[:]


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (other_portrait, "document.portrait"),
        (other_finger, "document.finger"),
        (finger_position, "document.finger_position"),
        (other_session, "document.files[1].document_session_id"),
        (unknown_name, "document.files[0].name"),
        (sent_twice, "document.files[3].name"),
        (empty_file, "document.files[0].content"),
        (too_long, "document.files[0].content"),
        (no_access, "document.access"),
        (unknown_access, "document.access"),
        (unknown_protocol, "document.chip_authentication.protocol"),
        (untried_proof, "document.chip_authentication.result"),
        (short_challenge, "document.active_authentication.challenge"),
        (no_response, "document.active_authentication.response"),
        (no_image, "document.files[dg2]"),
        (large_image, "document.files[dg2]"),
        (narrow_image, "document.files[dg2]"),
        (proof_without_files, "document.active_authentication"),
        (access_without_files, "document.access"),
    ],
)
def test_what_is_wrong_is_named(spoil: Callable[[pb.Document], None], field: str) -> None:
    spoiled = message()
    spoil(spoiled)
    with pytest.raises(FieldError) as caught:
        document(spoiled)
    assert str(caught.value).startswith(f"{field}"), str(caught.value)
