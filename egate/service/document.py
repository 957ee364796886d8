"""A request's document: read as one presentation, or refused."""

from __future__ import annotations

from dataclasses import replace

from egate.api.v1 import crossing_service_pb2 as pb
from egate.api.v1 import values_pb2
from egate.document.encoding.tlv import FILE_SIZE_MAX
from egate.document.presentation import DG3_DPI, present
from egate.domain.biometric import EncodedFinger
from egate.domain.chip import (
    FILE_NAMES,
    AccessProtocol,
    ActiveAuthentication,
    ChipAuthentication,
    ChipAuthenticationProtocol,
    ChipRead,
)
from egate.domain.document import DocumentRead
from egate.domain.evidence import CheckResult
from egate.domain.ids import DocumentSessionId
from egate.service import fields
from egate.service.errors import FieldError

# What the zone says is judged by the document checks; only its size is bounded here. Doc 9303-3: 2 or 3 lines of at most 44.
LINE_COUNTS = (2, 3)
LINE_CHARACTERS_MAX = 64
CHALLENGE_SIZE = 8  # Doc 9303-11, 6.1
PROOF_SIZE_MAX = 4096  # chosen: a DER public key of 8,192 bits takes 1,050 bytes

_ACCESS = {
    pb.CHIP_ACCESS_NONE: AccessProtocol.NONE,
    pb.CHIP_ACCESS_BAC: AccessProtocol.BAC,
    pb.CHIP_ACCESS_PACE: AccessProtocol.PACE,
}
_PROOF_RESULTS = {
    values_pb2.CHECK_RESULT_PASS: CheckResult.PASS,
    values_pb2.CHECK_RESULT_FAIL: CheckResult.FAIL,
    values_pb2.CHECK_RESULT_ABORTED: CheckResult.ABORTED,
}


def document(message: pb.Document, field: str = "document") -> DocumentRead:
    """Raises FieldError; DOCUMENT_MIXED names the part that is of another document session. Walks images: run it in a thread."""
    session = fields.identifier(f"{field}.document_session_id", message.document_session_id)
    lines = tuple(message.mrz_lines)
    if len(lines) not in LINE_COUNTS or any(len(line) > LINE_CHARACTERS_MAX for line in lines):
        raise FieldError(f"{field}.mrz_lines", f"must be 2 or 3 lines of at most {LINE_CHARACTERS_MAX} characters")
    if message.files:
        return _by_files(message, field, session, lines)
    for name in ("access", "chip_authentication", "active_authentication"):
        if getattr(message, name) if name == "access" else message.HasField(name):
            raise FieldError(f"{field}.{name}", "needs the chip's files")
    return DocumentRead(
        session=DocumentSessionId(session),
        mrz_lines=lines,
        portrait=_part(f"{field}.portrait", message.portrait, session) if message.HasField("portrait") else None,
        fingers=_fingers(message, field, session),
    )


def _fingers(message: pb.Document, field: str, session: str) -> tuple[EncodedFinger, ...]:
    position = fields.finger_position(f"{field}.finger_position", message.finger_position)
    if not message.HasField("finger"):
        return ()
    dpi = fields.finger_dpi(f"{field}.finger_resolution_dpi", message.finger_resolution_dpi) or DG3_DPI
    return (EncodedFinger(_part(f"{field}.finger", message.finger, session), position, dpi),)


def _part(field: str, part: pb.DocumentPart, session: str) -> bytes:
    _of_session(field, part.document_session_id, session)
    return fields.document_image(f"{field}.image", part.image)


def _by_files(message: pb.Document, field: str, session: str, lines: tuple[str, ...]) -> DocumentRead:
    """Images come out of the signed files and from nowhere else: another portrait beside them would be a way around the signature."""
    for name in ("portrait", "finger"):
        if message.HasField(name):
            raise FieldError(f"{field}.{name}", "must be absent where the chip's files are sent", code="DOCUMENT_MIXED")
    if message.finger_position:
        raise FieldError(f"{field}.finger_position", "must be absent where the chip's files are sent")
    if message.access not in _ACCESS:
        raise FieldError(f"{field}.access", "is required with files", code="FIELD_MISSING")
    chip = ChipRead(
        present=True,
        files=_files(message, field, session),
        access=_ACCESS[message.access],
        chip_authentication=_chip_authentication(message, field),
        active_authentication=_active_authentication(message, field),
    )
    read = present(DocumentSessionId(session), lines, chip)
    if read.portrait is not None:
        fields.document_image(f"{field}.files[dg2]", read.portrait)
    return replace(read, fingers=_readable(f"{field}.files[dg3]", read.fingers))


def _readable(field: str, fingers: tuple[EncodedFinger, ...]) -> tuple[EncodedFinger, ...]:
    """One print that no decoder would touch leaves the others. Raises FieldError, of the first, if all are like that."""
    found: list[EncodedFinger] = []
    refused: list[FieldError] = []
    for finger in fingers:
        try:
            fields.document_image(field, finger.image)
            found.append(finger)
        except FieldError as error:
            refused.append(error)
    if refused and not found:
        raise refused[0]
    return tuple(found)


def _files(message: pb.Document, field: str, session: str) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for index, file in enumerate(message.files):
        place = f"{field}.files[{index}]"
        _of_session(place, file.document_session_id, session)
        if file.name not in FILE_NAMES or file.name in files:
            raise FieldError(f"{place}.name", "is no file of a chip, or is sent twice")
        if not 0 < len(file.content) <= FILE_SIZE_MAX:
            raise FieldError(f"{place}.content", f"must be 1 to {FILE_SIZE_MAX} bytes")
        files[file.name] = file.content
    return files


def _chip_authentication(message: pb.Document, field: str) -> ChipAuthentication | None:
    if not message.HasField("chip_authentication"):
        return None
    proof, place = message.chip_authentication, f"{field}.chip_authentication"
    if proof.protocol not in set(ChipAuthenticationProtocol):
        raise FieldError(f"{place}.protocol", "is not a protocol of chip authentication")
    if proof.result not in _PROOF_RESULTS:
        raise FieldError(f"{place}.result", "must be PASS, FAIL or ABORTED")
    if len(proof.public_key) > PROOF_SIZE_MAX:
        raise FieldError(f"{place}.public_key", f"must have at most {PROOF_SIZE_MAX} bytes")
    return ChipAuthentication(
        ChipAuthenticationProtocol(proof.protocol), proof.public_key, _PROOF_RESULTS[proof.result]
    )


def _active_authentication(message: pb.Document, field: str) -> ActiveAuthentication | None:
    if not message.HasField("active_authentication"):
        return None
    proof, place = message.active_authentication, f"{field}.active_authentication"
    if len(proof.challenge) != CHALLENGE_SIZE:
        raise FieldError(f"{place}.challenge", f"must have {CHALLENGE_SIZE} bytes")
    if not 0 < len(proof.response) <= PROOF_SIZE_MAX:
        raise FieldError(f"{place}.response", f"must have 1 to {PROOF_SIZE_MAX} bytes")
    return ActiveAuthentication(proof.challenge, proof.response)


def _of_session(field: str, part: str, session: str) -> None:
    if part != session:
        raise FieldError(f"{field}.document_session_id", "is of another document session", code="DOCUMENT_MIXED")
