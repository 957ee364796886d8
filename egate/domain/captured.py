"""What the devices of a lane capture. Their `repr` holds nothing of a traveller."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, repr=False)
class CameraFrame:
    """One picture. image: (h, w, 3) uint8, RGB. taken_s: CLOCK_MONOTONIC seconds when it came out of the camera. number: counts up by one
    for each picture the camera gave, those dropped included."""

    image: NDArray[np.uint8]
    taken_s: float
    number: int

    def __repr__(self) -> str:
        return f"CameraFrame(number={self.number}, redacted)"


@dataclass(frozen=True, slots=True, repr=False)
class FingerImage:
    """One impression. pixels: (h, w) uint8, dark ridges on light. dpi: pixels per inch of the sensor. taken_s: CLOCK_MONOTONIC seconds when
    the finger lay there; the image may take seconds to come."""

    pixels: NDArray[np.uint8]
    dpi: float
    taken_s: float

    def __repr__(self) -> str:
        return "FingerImage(redacted)"


class Symbology(StrEnum):
    """What kind of bar code it was, as far as the reader tells (AIM identifier, ISO/IEC 15424)."""

    PDF417 = "PDF417"
    AZTEC = "AZTEC"
    DATA_MATRIX = "DATA_MATRIX"
    QR = "QR"
    OTHER = "OTHER"
    UNKNOWN = "UNKNOWN"  # the reader sends no identifier


@dataclass(frozen=True, slots=True, repr=False)
class ScannedCode:
    """One bar code. content: its bytes without the reader's prefix, identifier and terminator."""

    symbology: Symbology
    content: bytes
    scanned_s: float

    def __repr__(self) -> str:
        return f"ScannedCode({self.symbology}, {len(self.content)} bytes, redacted)"


@dataclass(frozen=True, slots=True, repr=False)
class CardRead:
    """One card at a reader. bits: as read, most significant first, bit_count of them; formats are the reader's (Wiegand, raw)."""

    bits: bytes
    bit_count: int
    reader: int = 0

    def __repr__(self) -> str:
        return f"CardRead({self.bit_count} bits, redacted)"
