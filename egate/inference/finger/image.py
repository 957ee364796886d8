"""A finger image as a file, to pixels and their resolution. All that its header says against it is said before a pixel is decoded."""

from __future__ import annotations

from dataclasses import dataclass

from egate.domain.biometric import EncodedFinger, FingerSample, Image
from egate.inference.finger.resolution import DPI, DPI_MAX, PIXELS_MAX, check_size, choose_dpi
from egate.inference.image.budget import ImageBudget
from egate.inference.image.bytes import Header
from egate.inference.image.decoder import GreyImage, decode_grey_bounded, read_bounded
from egate.ports import FingerEngine

# Of the largest finger at the highest resolution: 6.6 million.
STORED_PIXELS_MAX = int(PIXELS_MAX * (DPI_MAX / DPI) ** 2)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Impression:
    """pixels: (h, w) uint8 as stored. dpi: their resolution, across and down; as the engine's capture wants both."""

    pixels: Image
    dpi: float

    def __repr__(self) -> str:
        return "Impression(redacted)"


def finger_image(data: bytes, asked: float | None = None, *, otherwise: float | None = None) -> Impression:
    """The file's pixels and whose resolution counts.

    asked: what the request or the sensor says, in dpi. otherwise: for images that state none (egate/inference/finger/resolution.py).
    Raises ImageError: FINGER_RESOLUTION, FINGER_IMAGE_SIZE, and as decode_grey.
    """
    header, dpi = _header(data, asked, otherwise)
    return Impression(decode_grey_bounded(data, header).pixels, dpi)


def capture_finger(
    engine: FingerEngine, images: ImageBudget, finger: EncodedFinger, *, pixels_max: int = STORED_PIXELS_MAX
) -> FingerSample:
    """The engine's sample of a file, decoded within the budget. Raises ImageError as finger_image and the engine do, and ModelError."""

    def see(image: GreyImage) -> FingerSample:
        return engine.capture(image.pixels, finger.position, dpi)

    dpi = finger_dpi(finger.image, finger.dpi)
    return images.look_grey(finger.image, see, pixels_max=pixels_max)


def finger_dpi(data: bytes, asked: float | None = None, *, otherwise: float | None = None) -> float:
    """The resolution alone, for who decodes within a budget: refuses what finger_image refuses by the header, and decodes nothing."""
    return _header(data, asked, otherwise)[1]


def _header(data: bytes, asked: float | None, otherwise: float | None) -> tuple[Header, float]:
    header = read_bounded(data, STORED_PIXELS_MAX, prints=True)
    dpi = choose_dpi(header.dpi, asked, stated_y=header.dpi_y, otherwise=otherwise)
    check_size(header.width, header.height, dpi)
    return header, dpi
