"""DG5 and DG7: the portrait and the signature as they are printed (ICAO Doc 9303-10, 4.7.5 and 4.7.7).

65 or 67
  02     number of images
  5F40   a portrait, or 5F43 a signature or usual mark: JPEG or JPEG 2000
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from egate.document.encoding.tlv import element, elements, single
from egate.errors import DocumentError

DG5_TAG, DG7_TAG = 0x65, 0x67
PORTRAIT_TAG, SIGNATURE_TAG = 0x5F40, 0x5F43
IMAGE_COUNT_MAX = 9  # one digit, as for biometric instances
_COUNT_TAG = 0x02


@dataclass(frozen=True, slots=True, repr=False)
class DisplayedImage:
    """image: encoded; what decodes it goes by its first bytes."""

    image: bytes

    def __repr__(self) -> str:
        return f"DisplayedImage({len(self.image)} bytes)"


def parse_dg5(data: bytes) -> tuple[DisplayedImage, ...]:
    """The displayed portraits. Raises DocumentError."""
    return _parse(single(data, DG5_TAG), PORTRAIT_TAG, "DG5_MALFORMED")


def parse_dg7(data: bytes) -> tuple[DisplayedImage, ...]:
    """The displayed signatures or marks. Raises DocumentError."""
    return _parse(single(data, DG7_TAG), SIGNATURE_TAG, "DG7_MALFORMED")


def write_dg5(portraits: Sequence[bytes]) -> bytes:
    """portraits: encoded images."""
    return _write(DG5_TAG, PORTRAIT_TAG, portraits)


def write_dg7(signatures: Sequence[bytes]) -> bytes:
    """signatures: encoded images."""
    return _write(DG7_TAG, SIGNATURE_TAG, signatures)


def _parse(content: bytes, image_tag: int, code: str) -> tuple[DisplayedImage, ...]:
    found = list(elements(content))
    counts = [value for tag, value in found if tag == _COUNT_TAG]
    images = tuple(value for tag, value in found if tag == image_tag)
    if counts != [bytes([len(images)])] or len(images) > IMAGE_COUNT_MAX or not all(images):
        raise DocumentError("displayed images malformed", code=code)
    return tuple(DisplayedImage(image) for image in images)


def _write(tag: int, image_tag: int, images: Sequence[bytes]) -> bytes:
    return element(
        tag, element(_COUNT_TAG, bytes([len(images)])) + b"".join(element(image_tag, image) for image in images)
    )
