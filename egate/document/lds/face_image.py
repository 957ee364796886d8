"""One encoded portrait, as DG2 holds it in either format."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

# JPEG (ITU-T T.81): SOI. JPEG 2000 (T.800): signature box of a JP2 file; SOC and SIZ of a bare codestream.
_STARTS = (b"\xff\xd8", b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")


class FaceEncoding(IntEnum):
    """Image data type, ISO/IEC 19794-5, table 11."""

    JPEG = 0
    JPEG2000 = 1


@dataclass(frozen=True, slots=True, repr=False)
class FaceImage:
    """width, height: pixels as the record says, 0 where it says nothing; not checked against the image.

    encoding: as the record says, which is not always true. What decodes the image goes by the image's own first bytes (is_portrait).
    """

    encoding: FaceEncoding
    width: int
    height: int
    image: bytes

    def __repr__(self) -> str:
        return f"FaceImage({self.encoding.name}, {self.width}x{self.height}, redacted)"


def is_portrait(image: bytes) -> bool:
    """Whether image begins like JPEG or JPEG 2000, the only formats of a portrait (Doc 9303-10, 4.7.2), whatever the record says."""
    return image.startswith(_STARTS)
