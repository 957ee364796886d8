"""The resolution of a finger image: who says it, and bringing it to 500 dpi."""

from __future__ import annotations

import cv2
import numpy as np

from egate.domain.biometric import Image
from egate.errors import ImageError

DPI = 500.0  # of the network and of every template
DPI_MIN, DPI_MAX = 250.0, 2000.0  # chosen: below, ridges are lost; above, no sensor is


def choose_dpi(stated: float | None, asked: float | None = None) -> float:
    """Resolution of an image in dpi: what the caller or its sensor asked for, else what the file states.

    Raises ImageError with code FINGER_RESOLUTION if neither says one, or what counts is not from DPI_MIN to DPI_MAX.
    """
    dpi = stated if asked is None else asked
    if dpi is None:
        raise ImageError("the image states no resolution and the request none", code="FINGER_RESOLUTION")
    return _checked(dpi)


def resample(image: Image, dpi: float) -> Image:
    """The grey image at 500 dpi, by cubic interpolation. Raises ImageError with code FINGER_RESOLUTION."""
    if _checked(dpi) == DPI:
        return image
    height, width = (max(1, round(side * DPI / dpi)) for side in image.shape)
    resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(resized, np.uint8)


def _checked(dpi: float) -> float:
    if not DPI_MIN <= dpi <= DPI_MAX:
        raise ImageError(f"a finger image has {DPI_MIN:g} to {DPI_MAX:g} dpi", code="FINGER_RESOLUTION")
    return dpi
