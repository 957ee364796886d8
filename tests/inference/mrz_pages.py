"""Pages with a zone drawn on them, and a second reader that says what it is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import cv2
import numpy as np

from egate.document.data import DocumentData
from egate.document.zone.mrz_writer import write_td3
from egate.domain.biometric import Image

HOLDER = DocumentData(
    "P", "UTO", "ERIKSSON", "ANNA MARIA", "L898902C3", "UTO", date(1974, 8, 12), "F", date(2030, 4, 15)
)
LINES = write_td3(HOLDER)


class Says:
    """A second reader that says what it is told."""

    def __init__(self, *readings: Sequence[str]) -> None:
        self._readings = [tuple(lines) for lines in readings]

    def readings(self, lines: Sequence[Image]) -> Iterable[tuple[str, ...]]:
        return self._readings


def drawn(lines: Sequence[str], character: str = "", at: int = 0) -> Image:
    """A page with these lines in a stroke font of one pitch, and some print above them. character: put over place `at` of
    the first line."""
    page = np.full((max(700, 610 + 48 * len(lines)), 1000, 3), 235, np.uint8)
    for row in range(5):
        cv2.putText(page, "some print above", (350, 100 + 60 * row), cv2.FONT_HERSHEY_DUPLEX, 0.8, (60, 60, 60), 1)
    pitch = 880 / max(len(line) for line in lines)
    for row, line in enumerate(lines):
        for index, letter in enumerate(line):
            letter = character if character and row == 0 and index == at else letter
            (width, _), _ = cv2.getTextSize(letter, cv2.FONT_HERSHEY_SIMPLEX, 0.72, 2)
            x = round(60 + pitch * (index + 0.5) - width / 2)
            cv2.putText(page, letter, (x, 560 + 48 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.72, (30, 30, 30), 2, cv2.LINE_AA)
    return np.ascontiguousarray(page, np.uint8)


def turned(image: Image, degrees: float) -> Image:
    height, width = image.shape[:2]
    side = int(np.hypot(height, width)) + 1
    matrix = np.array(cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0), np.float64)
    matrix[:, 2] += (np.array([side, side]) - np.array([width, height])) / 2
    return np.ascontiguousarray(cv2.warpAffine(image, matrix, (side, side), borderValue=(235, 235, 235)), np.uint8)
