"""Where in an image the print is: the frame without print cut off, and the region of interest, as NFIQ 2 finds them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import Image
from egate.matching.finger.quality.wide_blur import wide_blur

WHITE_MIN = 250.0  # mean grey of a row or column without print; NFIQ 2, copyRemovingNearWhiteFrame
WHITE = 255
ERODE_PX, FIRST_BLUR_PX, SECOND_BLUR_PX = 5, 41, 91  # NFIQ 2, ImgProcROI

Mask = NDArray[np.bool_]


def without_frame(image: Image) -> tuple[Image, int, int]:
    """The image without its near-white rows and columns at the edges; how far its corner moved right and down."""
    left, right = _inner(image.mean(axis=0))
    top, bottom = _inner(image.mean(axis=1))
    return np.ascontiguousarray(image[top:bottom, left:right]), left, top


def region_of_interest(image: Image) -> Mask:
    """(h, w) True where the print is: dark after two blurs, holes closed, the largest part only. May be all False.

    Its pixels are those of NFIQ 2, hence its own steps: erosion, blur, Otsu's threshold, and the last two once more.
    """
    eroded = cv2.erode(image, np.ones((ERODE_PX, ERODE_PX), np.uint8))
    first = _dark_or_white(np.asarray(cv2.GaussianBlur(eroded, (FIRST_BLUR_PX, FIRST_BLUR_PX), 0.0), np.uint8))
    dark = ~_dark_or_white(wide_blur(first, SECOND_BLUR_PX))
    contours, hierarchy = cv2.findContours(dark, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    for index in range(len(contours)):
        if hierarchy[0, index, 3] != -1:  # it has a parent: a hole
            cv2.drawContours(dark, contours, index, WHITE, cv2.FILLED, 8, hierarchy)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(dark, connectivity=4)
    if count < 2:
        return np.zeros(image.shape, np.bool_)
    areas = boxes[1:, cv2.CC_STAT_WIDTH].astype(np.int64) * boxes[1:, cv2.CC_STAT_HEIGHT]
    return np.asarray(labels == 1 + int(np.argmax(areas)), np.bool_)


def _dark_or_white(blurred: Image) -> Image:
    """0 where the image is not above Otsu's threshold, else 255."""
    return np.asarray(cv2.threshold(blurred, 0, WHITE, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[1], np.uint8)


def _inner(means: NDArray[np.float64]) -> tuple[int, int]:
    """First and one past the last line that has print; all if none has.

    NFIQ 2's development source keeps one more on each side; the official outputs come from images without it.
    """
    printed = np.flatnonzero(means <= WHITE_MIN)
    if not len(printed):
        return 0, len(means)
    return int(printed[0]), int(printed[-1]) + 1
