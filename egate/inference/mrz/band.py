"""Where the MRZ is in an image: two or three straight lines of text, equally long, close together.

    ink      dark strokes on any background: black-hat, Otsu
    lines    strokes joined along the line, opened so that only long ones remain; their smallest rectangles
    bands    groups of lines with common ends; the third line of a TD1 may be found in part only, its ends are the others'

An image that is turned is given with the angle to try: see turns().
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import Image

WORK_WIDTH_PX = 1000  # chosen: a TD3's line of 44 then has 16-20 px a character, enough to join and to separate
BANDS_MAX = 12  # of one image at one angle; chosen, three lines give three
LINES_MAX = 60  # text lines considered; a page has about twenty

# In px of the working image. Chosen from specimens: characters are 10-30 px high there, gaps within a line up to 20 px.
_STROKE = (15, 25)
_JOIN = (25, 1)
_LONG = (50, 5)
_HEIGHT_MIN, _LENGTH_MIN, _ASPECT_MIN = 8.0, 300.0, 9.0
_TILT_MAX = 20.0  # degrees; more is a turn
_ENDS_TOLERANCE = 0.06  # of a line's length
# Distance of two lines' centres: Doc 9303-3, 4.1.1 sets the lines 6.35 mm apart, OCR-B is 2.5 mm high, a TD3's line
# 110 mm, a TD1's 75 mm long; screens and mock-ups deviate.
_PITCH_HEIGHTS = (1.2, 4.5)
_PITCH_LENGTHS = (0.02, 0.12)
_TURN_STEP, _TURN_WIDTH_PX = 2.5, 400


@dataclass(frozen=True, slots=True)
class Band:
    """Lines from top to bottom in the coordinates of the working image; to_image: 2x3, from there to the image's pixels.

    centres: (x, y) of each line. length, height: px there. tilt: degrees, clockwise.
    """

    centres: tuple[tuple[float, float], ...]
    length: float
    height: float
    tilt: float
    to_image: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Line:
    x: float
    y: float
    length: float
    height: float
    tilt: float

    @property
    def left(self) -> float:
        return self.x - self.length / 2

    @property
    def right(self) -> float:
        return self.x + self.length / 2


def find_bands(grey: Image, turn: float = 0.0) -> list[Band]:
    """Candidates, the likeliest first, at most BANDS_MAX. grey: (h, w) uint8. turn: degrees to turn it clockwise first."""
    work, to_image = _turned(grey, turn, WORK_WIDTH_PX)
    lines = _lines(work)
    found: list[tuple[float, Band]] = []
    for upper in lines:
        for lower in lines:
            if _belong(upper, lower):
                length = max(upper.right, lower.right) - min(upper.left, lower.left)
                # The zone is the longest text of a document and its lowest.
                found.append((length + 0.5 * lower.y, _band(upper, lower, lines, to_image)))
    found.sort(key=lambda pair: -pair[0])
    return [band for _, band in found[:BANDS_MAX]]


def cut_lines(image: Image, band: Band, height_px: int, squeeze: float) -> list[Image]:
    """Each line of the band upright, height_px high, the characters 60 % of it. image: what the band was found in, any
    channels. squeeze: its width relative to its height, 1 for what is printed."""
    scale = height_px * 0.6 / band.height  # px of the cut per px of the working image
    margin = 0.9 * band.height
    width = round((band.length + 2 * margin) * scale * squeeze)
    cosine, sine = math.cos(math.radians(band.tilt)), math.sin(math.radians(band.tilt))
    source, shrunk = _shrunk(image, math.hypot(band.to_image[0, 0], band.to_image[1, 0]) / scale)
    cuts = []
    for centre in band.centres:
        to_work = np.array([[cosine / squeeze, -sine], [sine / squeeze, cosine]]) / scale
        offset = np.array(centre) - to_work @ np.array([width / 2, height_px / 2])
        to_work = np.vstack([np.column_stack([to_work, offset]), [0, 0, 1]])
        matrix = (band.to_image @ to_work) * shrunk
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        cut = cv2.warpAffine(source, matrix, (width, height_px), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        cuts.append(np.ascontiguousarray(cut, np.uint8))
    return cuts


def turns(grey: Image) -> list[float]:
    """Angles to try when nothing was found upright, the likeliest first: where rows of ink are sharpest, then upside down.

    Each in degrees clockwise, as find_bands takes them.
    """
    work, _ = _turned(grey, 0.0, _TURN_WIDTH_PX)
    ink = _ink(work, (7, 11)).astype(np.float32)
    side = math.ceil(math.hypot(*ink.shape))
    scores = []
    angles = np.arange(-90.0, 90.0, _TURN_STEP)
    for angle in angles:
        matrix = np.array(cv2.getRotationMatrix2D((ink.shape[1] / 2, ink.shape[0] / 2), -float(angle), 1.0), np.float64)
        matrix[:, 2] += (np.array([side, side]) - np.array([ink.shape[1], ink.shape[0]])) / 2
        rows = cv2.warpAffine(ink, matrix, (side, side)).sum(1)
        scores.append(float(np.square(np.diff(rows)).sum()))
    best = [float(angles[index]) for index in np.argsort(scores)[::-1]]
    chosen: list[float] = []
    for angle in best:
        if all(min(abs(angle - other), 180 - abs(angle - other)) > 4 * _TURN_STEP for other in chosen):
            chosen.append(angle)
        if len(chosen) == 2:
            break
    return [turn for turn in (*chosen, *(angle + 180.0 for angle in chosen)) if turn != 0.0]


def _turned(grey: Image, turn: float, width_px: int) -> tuple[Image, NDArray[np.float64]]:
    """The image turned by an angle, clockwise, scaled to a width; and the 2x3 matrix back to its own pixels."""
    height, width = grey.shape[:2]
    cosine, sine = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    wide = abs(width * cosine) + abs(height * sine)
    high = abs(width * sine) + abs(height * cosine)
    scale = width_px / wide
    size = (width_px, max(1, round(high * scale)))
    back = np.array([[cosine, sine], [-sine, cosine]]) / scale
    offset = np.array([width / 2, height / 2]) - back @ np.array([size[0] / 2, size[1] / 2])
    to_image = np.column_stack([back, offset])
    source, shrunk = _shrunk(grey, 1 / scale)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    work = cv2.warpAffine(source, to_image * shrunk, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(work, np.uint8), to_image


def _shrunk(image: Image, factor: float) -> tuple[Image, float]:
    """The image made smaller by averaging if each pixel wanted covers more than one of it: a warp would only sample them."""
    if factor <= 1.2:
        return image, 1.0
    size = (max(1, round(image.shape[1] / factor)), max(1, round(image.shape[0] / factor)))
    return np.ascontiguousarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), 1 / factor


def _ink(work: Image, stroke: tuple[int, int]) -> Image:
    hat = cv2.morphologyEx(work, cv2.MORPH_BLACKHAT, cv2.getStructuringElement(cv2.MORPH_RECT, stroke))
    _, ink = cv2.threshold(hat, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return np.asarray(ink, np.uint8)


def _lines(work: Image) -> list[_Line]:
    joined = cv2.morphologyEx(_ink(work, _STROKE), cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_RECT, _JOIN))
    joined = cv2.morphologyEx(joined, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_RECT, _LONG))
    contours, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    lines = []
    for contour in contours:
        (x, y), (length, height), tilt = cv2.minAreaRect(contour)
        if length < height:
            length, height, tilt = height, length, tilt - 90
        tilt = (tilt + 90) % 180 - 90
        if height >= _HEIGHT_MIN and length >= _ASPECT_MIN * height and abs(tilt) <= _TILT_MAX:
            lines.append(_Line(x, y, length, height, tilt))
    return sorted(sorted(lines, key=lambda line: -line.length)[:LINES_MAX], key=lambda line: line.y)


def _belong(upper: _Line, lower: _Line) -> bool:
    length, pitch = max(upper.length, lower.length), lower.y - upper.y
    height = max(upper.height, lower.height)
    return (
        min(upper.length, lower.length) >= _LENGTH_MIN
        and abs(upper.left - lower.left) <= _ENDS_TOLERANCE * length
        and abs(upper.right - lower.right) <= _ENDS_TOLERANCE * length
        and min(upper.height, lower.height) >= 0.55 * height
        and _PITCH_HEIGHTS[0] * height <= pitch <= _PITCH_HEIGHTS[1] * height
        and _PITCH_LENGTHS[0] * length <= pitch <= _PITCH_LENGTHS[1] * length
    )


def _band(upper: _Line, lower: _Line, lines: Sequence[_Line], to_image: NDArray[np.float64]) -> Band:
    left, right = min(upper.left, lower.left), max(upper.right, lower.right)
    tilt = (upper.tilt + lower.tilt) / 2
    pitch = lower.y - upper.y
    members = [upper, lower]
    for line in lines:
        if line is upper or line is lower or line.height < 0.55 * upper.height:
            continue
        inside = line.left >= left - 0.05 * (right - left) and line.right <= right + 0.05 * (right - left)
        if inside and min(abs(line.y - (upper.y - pitch)), abs(line.y - (lower.y + pitch))) < 0.25 * pitch:
            members.append(line)
            break
    middle = (left + right) / 2
    slope = math.tan(math.radians(tilt))
    centres = sorted(((middle, line.y + slope * (middle - line.x)) for line in members), key=lambda centre: centre[1])
    return Band(tuple(centres), right - left, (upper.height + lower.height) / 2, tilt, to_image)
