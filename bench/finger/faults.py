"""Prints made worse in a known way: the faults that guidance must name."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import Guidance, Image
from egate.matching.finger.quality.region import Mask, region_of_interest

FAULTS = {
    "faint": Guidance.PRESS_HARDER,
    "dry": Guidance.PRESS_HARDER,
    "wet": Guidance.PRESS_LIGHTER,
    "off_centre": Guidance.CENTRE_FINGER,
    "residue": Guidance.CLEAN_SENSOR,
}

FAINT = 0.2  # of the contrast that was
DRY_PX, WET_PX = 5, 7  # by which valleys and ridges grow, of the nine pixels both take; at 8 no minutia is left
WET_BLUR_PX = 1.0
OFF_CENTRE = 0.35  # of the width
RESIDUE = 0.3  # of the print's contrast
BESIDE_PX = 9


def make_worse(image: Image, fault: str, other: Image) -> Image:
    """The print with one of FAULTS, or "none". other: a print of the same size, left behind on the sensor where this one is not."""
    if fault == "faint":
        return to_grey(background(image) - FAINT * (background(image) - image.astype(np.float64)))
    if fault == "dry":
        return np.asarray(cv2.dilate(image, disc(DRY_PX)), np.uint8)
    if fault == "wet":
        return np.asarray(cv2.GaussianBlur(cv2.erode(image, disc(WET_PX)), (0, 0), WET_BLUR_PX), np.uint8)
    if fault == "off_centre":
        shift = round(OFF_CENTRE * image.shape[1])
        moved = np.full_like(image, round(background(image)))
        moved[:, shift:] = image[:, :-shift]
        return moved
    if fault == "residue":
        return with_residue(image, other)
    return image


def with_residue(image: Image, other: Image) -> Image:
    """The other print, half an image away and faint, wherever this one is not."""
    left = RESIDUE * (background(other) - other.astype(np.float64)).clip(0.0)
    left = np.roll(left, (image.shape[0] // 2, image.shape[1] // 2), axis=(0, 1))
    beside = ~near(region_of_interest(image))
    return np.where(beside, to_grey(image - left), image)


def background(image: Image) -> float:
    return float(np.median(image[~near(region_of_interest(image))]))


def near(region: Mask) -> Mask:
    return np.asarray(cv2.dilate(region.astype(np.uint8), np.ones((BESIDE_PX, BESIDE_PX), np.uint8)), np.bool_)


def disc(side_px: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side_px, side_px)), np.uint8)


def to_grey(values: NDArray[np.float64]) -> Image:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
