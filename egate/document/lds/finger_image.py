"""One encoded impression of a finger, as DG3 holds it in either format."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

POSITION_MAX = 10  # ISO/IEC 19794-4, table 5: 0 unknown, 1-5 right thumb to little finger, 6-10 left
DPI = 500.0  # what chips hold, and what a record of 39794-4 means that states none (Doc 9303-10, 4.7.3)
# ISO/IEC 19794-4, table 1: 250, 500, 750 or 1000 ppi, within 1 %
DPI_MIN, DPI_MAX, DPI_TOLERANCE = 247.5, 1010.0, 0.01
CENTIMETRES_PER_INCH = 2.54


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
    """One impression of 8 bits.

    position: finger position code 0-10. width, height: pixels as the record says, 0 where it says nothing.
    dpi: as the record says, across and down; the record is signed, so it counts before what the image itself may state.
    """

    position: int
    encoding: FingerEncoding
    width: int
    height: int
    image: bytes
    dpi: float = DPI

    def __repr__(self) -> str:
        return f"FingerImage({self.encoding.name}, {self.width}x{self.height}, redacted)"

    def file(self) -> bytes:
        """The image as a file egate.inference.image.decoder decodes: as it is, raw pixels as PGM. Pixels of 8 bits packed are raw ones."""
        if self.encoding in (FingerEncoding.RAW, FingerEncoding.PACKED):
            return f"P5\n{self.width} {self.height}\n255\n".encode("ascii") + self.image
        return self.image


def record_dpi(across: int, down: int, centimetres: bool) -> float | None:
    """Resolution in dpi of what a record states in pixels per inch or centimetre; None if no print on a chip has it."""
    factor = CENTIMETRES_PER_INCH if centimetres else 1.0
    plausible = DPI_MIN <= across * factor <= DPI_MAX and abs(across - down) <= DPI_TOLERANCE * across
    return across * factor if plausible else None
