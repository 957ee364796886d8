"""One encoded impression of a finger, as DG3 holds it in either format."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

POSITION_MAX = 10  # ISO/IEC 19794-4, table 5: 0 unknown, 1-5 right thumb to little finger, 6-10 left
# ISO/IEC 19794-4, table 1: 500 ppi within 1 %; in pixels per centimetre 197.
RESOLUTIONS_INCH, RESOLUTIONS_CENTIMETRE = range(495, 506), range(195, 200)


class FingerEncoding(IntEnum):
    """Image compression algorithm, ISO/IEC 19794-4, table 3."""

    RAW = 0
    PACKED = 1
    WSQ = 2
    JPEG = 3
    JPEG2000 = 4
    PNG = 5


@dataclass(frozen=True, slots=True, repr=False)
class FingerImage:
    """One impression of 500 dpi and 8 bits.

    position: finger position code 0-10. width, height: pixels as the record says, 0 where it says nothing.
    """

    position: int
    encoding: FingerEncoding
    width: int
    height: int
    image: bytes

    def __repr__(self) -> str:
        return f"FingerImage({self.encoding.name}, {self.width}x{self.height}, redacted)"

    def file(self) -> bytes:
        """The image as a file egate.inference.image.decoder decodes: as it is, raw pixels as PGM. Pixels of 8 bits packed are raw ones."""
        if self.encoding in (FingerEncoding.RAW, FingerEncoding.PACKED):
            return f"P5\n{self.width} {self.height}\n255\n".encode("ascii") + self.image
        return self.image
