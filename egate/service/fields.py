"""Checks of request fields. Each raises FieldError, which names the field."""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from google.protobuf.message import Message

from egate.domain.finger import FINGER_POSITIONS
from egate.domain.ids import RequestId
from egate.errors import ConfigurationError, ImageError, TemplateError
from egate.inference.finger.image import STORED_PIXELS_MAX
from egate.inference.finger.resolution import DPI_MAX, DPI_MIN
from egate.inference.image.decoder import DOCUMENT_PIXELS_MAX, read_bounded
from egate.ports import FaceEngine, FingerEngine
from egate.service.errors import FieldError

ID_CHARACTERS_MAX = 64
REASON_CHARACTERS_MAX = 500
TOKEN_CHARACTERS_MAX = 128  # page and resume tokens are ours and short
PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX = 100, 1000
DOCUMENT_IMAGE_SIZE_MAX = (
    2 * 1024 * 1024
)  # chosen: a chip's file has at most 512 kB; prints of other sources up to four times that


def payload_sha256(method: str, request: Message) -> bytes:
    """What a retry must repeat: method and whole request, deterministically serialised."""
    return hashlib.sha256(method.encode() + b"\0" + request.SerializeToString(deterministic=True)).digest()


def request_id(value: str) -> RequestId:
    return RequestId(identifier("request_id", value))


def identifier(field: str, value: str) -> str:
    """1 to 64 printable ASCII characters."""
    if not value:
        raise FieldError(field, "is required", code="FIELD_MISSING")
    if len(value) > ID_CHARACTERS_MAX or not (value.isascii() and value.isprintable()):
        raise FieldError(field, f"must be 1 to {ID_CHARACTERS_MAX} printable ASCII characters")
    return value


def reason(field: str, value: str, *, required: bool) -> str:
    """People's words: up to 500 characters, no control characters but line breaks."""
    text = value.strip()
    if required and not text:
        raise FieldError(field, "is required", code="FIELD_MISSING")
    if len(text) > REASON_CHARACTERS_MAX:
        raise FieldError(field, f"must have at most {REASON_CHARACTERS_MAX} characters")
    if any(unicodedata.category(character) == "Cc" and character != "\n" for character in text):
        raise FieldError(field, "must not hold control characters")
    return text


def token(field: str, value: str) -> str:
    if len(value) > TOKEN_CHARACTERS_MAX or not (value.isascii() and value.isprintable()):
        raise FieldError(field, "is not a token of this service")
    return value


def page_size(value: int) -> int:
    if value < 0:
        raise FieldError("page_size", "must not be negative")
    return min(value, PAGE_SIZE_MAX) or PAGE_SIZE_DEFAULT


def sequence(field: str, value: int) -> int:
    if value < 0:
        raise FieldError(field, "must not be negative")
    return value


def finger_position(field: str, value: int) -> int:
    if value not in FINGER_POSITIONS:
        raise FieldError(field, "must be an ISO finger position, 0 to 10")
    return value


def finger_dpi(field: str, value: float) -> float | None:
    """Pixels per inch as the caller says; 0 means that the file tells."""
    if value == 0:
        return None
    if not DPI_MIN <= value <= DPI_MAX:
        raise FieldError(field, f"must be {DPI_MIN:g} to {DPI_MAX:g} pixels per inch, or 0")
    return value


def fmr_target(value: float, default: float) -> float:
    """0 means the default; otherwise strictly between 0 and 1."""
    if value == 0:
        return default
    if not (math.isfinite(value) and 0 < value < 1):
        raise FieldError("fmr_target", "must be 0 or lie between 0 and 1")
    return value


def threshold(engine: FaceEngine | FingerEngine, fmr: float) -> float:
    """The engine's, of a target that fmr_target has passed."""
    try:
        return engine.threshold(fmr)
    except ConfigurationError as error:
        raise FieldError("fmr_target", "is below what the calibration supports") from error


@contextmanager
def named(field: str) -> Iterator[None]:
    """What is wrong with an image or a template, with the field it is in."""
    try:
        yield
    except (ImageError, TemplateError) as error:
        raise FieldError(field, str(error), code=error.code) from None


def image(field: str, data: bytes) -> bytes:
    """Refuses by the header what no decoder should touch. Walks the whole file: run it in a thread."""
    with named(field):
        read_bounded(data)
    return data


def finger_image(field: str, data: bytes) -> bytes:
    """As image, of a print: also in the formats of sensors. Its resolution is the lane's matter, which may know it better than the file."""
    with named(field):
        read_bounded(data, STORED_PIXELS_MAX, prints=True)
    return data


def images(field: str, values: Sequence[bytes], count_max: int) -> list[bytes]:
    """1 to count_max images, none of them looked at. Their size is that of the message, which the door has bounded."""
    if not values:
        raise FieldError(field, "is required", code="FIELD_MISSING")
    if len(values) > count_max:
        raise FieldError(field, f"must hold at most {count_max} images", code="IMAGES_COUNT")
    return list(values)


def document_image(field: str, data: bytes) -> bytes:
    """As image, for a portrait or print of a document: those are smaller than a camera's frame."""
    if len(data) > DOCUMENT_IMAGE_SIZE_MAX:
        raise FieldError(field, f"must have at most {DOCUMENT_IMAGE_SIZE_MAX} bytes", code="IMAGE_SIZE")
    with named(field):
        read_bounded(data, DOCUMENT_PIXELS_MAX)
    return data
