"""One encoded portrait, as DG2 holds it in either format."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class FaceEncoding(IntEnum):
    """Image data type, ISO/IEC 19794-5, table 11."""

    JPEG = 0
    JPEG2000 = 1


@dataclass(frozen=True, slots=True, repr=False)
class FaceImage:
    """width, height: pixels as the record says, 0 where it says nothing; not checked against the image.

    encoding: as the record says. What decodes the image goes by the image's own first bytes.
    """

    encoding: FaceEncoding
    width: int
    height: int
    image: bytes

    def __repr__(self) -> str:
        return f"FaceImage({self.encoding.name}, {self.width}x{self.height}, redacted)"
