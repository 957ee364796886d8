"""Encoded images to pixels. Everything a stranger can hand us comes through here and is bounded before it is decoded."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from egate.domain.biometric import Image
from egate.errors import ImageError
from egate.inference.image_header import Header, read_header

PIXELS_MAX = 20_000_000  # chosen: twice a 4K frame; 60 MB decoded
SIDE_MIN = 16  # chosen: no face or finger fits into less


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GreyImage:
    """pixels: (h, w) uint8. dpi: what the file states, None if nothing."""

    pixels: Image
    dpi: float | None

    def __repr__(self) -> str:
        return "GreyImage(redacted)"


def decode(data: bytes, *, pixels_max: int = PIXELS_MAX) -> Image:
    """(h, w, 3) uint8 RGB, C-contiguous, turned upright by its EXIF orientation.

    Raises ImageError with code IMAGE_EMPTY, IMAGE_FORMAT, IMAGE_TRUNCATED, IMAGE_CORRUPT or IMAGE_SIZE; an image of more
    than pixels_max pixels costs no memory. Thread-safe.
    """
    _bounded(data, pixels_max)
    return _decoded(data, cv2.IMREAD_COLOR_RGB)


def decode_grey(data: bytes, *, pixels_max: int = PIXELS_MAX) -> GreyImage:
    """As decode, one channel, with the resolution the file states."""
    header = _bounded(data, pixels_max)
    return GreyImage(_decoded(data, cv2.IMREAD_GRAYSCALE), header.dpi)


def _bounded(data: bytes, pixels_max: int) -> Header:
    header = read_header(data)
    if header.width * header.height > pixels_max:
        raise ImageError(f"image has more than {pixels_max} pixels", code="IMAGE_SIZE")
    if min(header.width, header.height) < SIDE_MIN:
        raise ImageError(f"image is narrower than {SIDE_MIN} pixels", code="IMAGE_SIZE")
    return header


def _decoded(data: bytes, flags: int) -> Image:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        pixels = None
    if pixels is None or pixels.dtype != np.uint8:
        raise ImageError("image data cannot be decoded", code="IMAGE_CORRUPT")
    return np.ascontiguousarray(pixels, np.uint8)
