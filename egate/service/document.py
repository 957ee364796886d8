"""A request's document: read as one presentation, or refused."""

from __future__ import annotations

from egate.api.v1 import crossing_service_pb2 as pb
from egate.domain.document import DocumentRead
from egate.domain.ids import DocumentSessionId
from egate.service import fields
from egate.service.errors import FieldError

# What the zone says is judged by the document checks; only its size is bounded here. Doc 9303-3: 2 or 3 lines of at most 44.
LINE_COUNTS = (2, 3)
LINE_CHARACTERS_MAX = 64


def document(message: pb.Document, field: str = "document") -> DocumentRead:
    """Raises FieldError; DOCUMENT_MIXED names the part that is of another document session. Walks images: run it in a thread."""
    session = fields.identifier(f"{field}.document_session_id", message.document_session_id)
    lines = tuple(message.mrz_lines)
    if len(lines) not in LINE_COUNTS or any(len(line) > LINE_CHARACTERS_MAX for line in lines):
        raise FieldError(f"{field}.mrz_lines", f"must be 2 or 3 lines of at most {LINE_CHARACTERS_MAX} characters")
    return DocumentRead(
        session=DocumentSessionId(session),
        mrz_lines=lines,
        portrait=_part(f"{field}.portrait", message.portrait, session) if message.HasField("portrait") else None,
        finger=_part(f"{field}.finger", message.finger, session) if message.HasField("finger") else None,
        finger_position=fields.finger_position(f"{field}.finger_position", message.finger_position),
    )


def _part(field: str, part: pb.DocumentPart, session: str) -> bytes:
    if part.document_session_id != session:
        raise FieldError(f"{field}.document_session_id", "is of another document session", code="DOCUMENT_MIXED")
    return fields.image(f"{field}.image", part.image)
