"""Prints as sensors and scenes spoil them, made from clean ones: drawn from a seed, so that a run repeats.

What it does not model: skin that stretches otherwise than on the sensor, scars, two prints on one another, sensors' own noise.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import Image

F4 = NDArray[np.float32]
Degradation = Callable[[Image, np.random.Generator], Image]

RIDGE_BLOCK_PX = 16  # a ridge and a valley are about 9 px at 500 dpi
RIDGE_STD_MIN = 10.0  # grey levels within a block; chosen: the background of the corpus has below 6


def rotated(degrees: float) -> Degradation:
    """Turned counter-clockwise on a canvas that holds all of it, filled with the background: no skin is lost."""

    def turn(image: Image, _: np.random.Generator) -> Image:
        height, width = image.shape
        matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), degrees, 1.0)
        sine, cosine = abs(matrix[0, 1]), abs(matrix[0, 0])
        size = (int(np.ceil(width * cosine + height * sine)), int(np.ceil(width * sine + height * cosine)))
        matrix[:, 2] += ((size[0] - width) / 2, (size[1] - height) / 2)
        turned = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_CUBIC, borderValue=background(image))
        return np.ascontiguousarray(turned, np.uint8)

    return turn


def partial(share: float) -> Degradation:
    """What a straight edge leaves: share of the skin, from one of the four sides."""

    def cut(image: Image, random: np.random.Generator) -> Image:
        skin = ridges(image)
        across, from_end = bool(random.integers(2)), bool(random.integers(2))
        line = skin.sum(axis=0 if across else 1)
        kept = np.cumsum(line[::-1] if from_end else line) <= share * line.sum()
        kept = kept[::-1] if from_end else kept
        out = image.copy()
        if across:
            out[:, ~kept] = background(image)
        else:
            out[~kept] = background(image)
        return out

    return cut


def dry(image: Image, random: np.random.Generator) -> Image:
    """Thin ridges with gaps, and pores: a fifth of the ridge is missing."""
    thin = cv2.addWeighted(image, 0.5, cv2.dilate(image, np.ones((3, 3), np.uint8)), 0.5, 0.0)
    gaps = cv2.GaussianBlur(random.standard_normal(image.shape).astype(np.float32), (0, 0), 1.5)
    missing = gaps > np.quantile(gaps, 0.8)
    valley = cv2.blur(cv2.dilate(image, np.ones((9, 9), np.uint8)), (9, 9))  # as bright as the skin around is
    broken = np.where(missing, np.maximum(thin, valley), thin)
    return _bytes(cv2.GaussianBlur(broken.astype(np.float32), (0, 0), 0.7) + 6.0 * random.standard_normal(image.shape))


def wet(image: Image, random: np.random.Generator) -> Image:
    """Ridges that run together: thicker by a pixel on either side, blurred, darker."""
    thick = cv2.erode(image, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)))
    blurred = cv2.GaussianBlur(thick.astype(np.float32), (0, 0), 1.6)
    return _bytes(0.8 * blurred + 4.0 * random.standard_normal(image.shape))


def faint(image: Image, random: np.random.Generator) -> Image:
    """A tenth of the contrast, no noise."""
    return _bytes(200.0 + 0.1 * (image.astype(np.float32) - 255.0))


def latent(image: Image, random: np.random.Generator) -> Image:
    """A third of the contrast under noise, on a ruled ground that darkens to one side."""
    height, width = image.shape
    angle, phase, period = random.uniform(0, np.pi), random.uniform(0, 2 * np.pi), random.uniform(20, 30)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    along = x * np.cos(angle) + y * np.sin(angle)
    lines = 25.0 * (np.sin(2 * np.pi * along / period + phase) > 0.8)
    ground = 60.0 * x / width
    noise = cv2.GaussianBlur(random.standard_normal(image.shape).astype(np.float32), (0, 0), 0.8) * 20.0
    return _bytes(180.0 + 0.33 * (image.astype(np.float32) - 200.0) - lines - ground + noise)


def inverted(image: Image, _: np.random.Generator) -> Image:
    """White ridges on black."""
    return np.ascontiguousarray(255 - image)


DEGRADATIONS: dict[str, Degradation] = {
    "clean": lambda image, _: image,
    **{f"rotated {degrees}": rotated(degrees) for degrees in (15, 30, 45, 60, 90)},
    **{f"partial {round(100 * share)} %": partial(share) for share in (0.6, 0.4)},
    "dry": dry,
    "wet": wet,
    "faint": faint,
    "latent": latent,
    "inverted": inverted,
}


def background(image: Image) -> int:
    """Grey of what is not skin: the median of the outermost pixels."""
    edge = (image[0], image[-1], image[:, 0], image[:, -1])
    return int(np.median(np.concatenate(edge)))


def ridges(image: Image) -> NDArray[np.bool_]:
    """(h, w): where there is skin, by the contrast around each pixel."""
    size = (RIDGE_BLOCK_PX, RIDGE_BLOCK_PX)
    grey = image.astype(np.float32)
    mean = cv2.blur(grey, size)
    return np.asarray(cv2.blur(grey * grey, size) - mean * mean > RIDGE_STD_MIN**2)


def _bytes(values: NDArray[np.floating]) -> Image:
    return np.ascontiguousarray(np.clip(np.rint(values), 0, 255), np.uint8)
