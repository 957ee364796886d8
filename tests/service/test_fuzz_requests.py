"""Any bytes that parse as a request are either taken or refused with the field named; nothing else is raised."""

from __future__ import annotations

from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from egate.api.v1 import crossing_service_pb2 as pb
from egate.service import fields
from egate.service.crossing import _checked
from egate.service.errors import FieldError, status_of

TEXT = st.text(max_size=80)
IMAGE = st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: b"\x89PNG\r\n\x1a\n" + tail)
CAPTURE = st.builds(pb.Capture, image=IMAGE, finger_position=st.integers(-(2**31), 2**31 - 1))
PART = st.builds(pb.DocumentPart, document_session_id=TEXT, image=IMAGE)
DOCUMENT = st.builds(
    pb.Document,
    document_session_id=TEXT,
    mrz_lines=st.lists(TEXT, max_size=4),
    portrait=st.none() | PART,
    finger=st.none() | PART,
    finger_position=st.integers(-(2**31), 2**31 - 1),
)
REQUEST = st.builds(
    pb.AuthoriseCrossingRequest,
    request_id=TEXT,
    lane=TEXT,
    document=st.none() | DOCUMENT,
    faces=st.lists(CAPTURE, max_size=9),
    fingers=st.lists(CAPTURE, max_size=5),
)


def take(request: pb.AuthoriseCrossingRequest) -> None:
    try:
        fields.request_id(request.request_id)
        fields.identifier("lane", request.lane)
        _checked(request)
    except FieldError as error:
        assert error.field
        assert status_of(error).details


@given(REQUEST)
@settings(max_examples=300, deadline=None)
def test_any_request_is_taken_or_refused_by_field(request: pb.AuthoriseCrossingRequest) -> None:
    take(request)


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_any_bytes(data: bytes) -> None:
    try:
        take(pb.AuthoriseCrossingRequest.FromString(data))
    except DecodeError:
        pass


@given(TEXT)
def test_a_reason_is_people_words_or_refused(text: str) -> None:
    try:
        kept = fields.reason("reason", text, required=True)
    except FieldError:
        return
    assert 1 <= len(kept) <= fields.REASON_CHARACTERS_MAX
    assert all(character.isprintable() or ord(character) > 31 or character == "\n" for character in kept)
