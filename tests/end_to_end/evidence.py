"""Recorded evidence at the verifier port, chosen by the width of the live picture; pictures of any other width go to the models.

Crossings take milliseconds then, and a test says what the comparison yields: a match, a non-match, two faces, NaN, a bug.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from enum import IntEnum
from functools import cache

import cv2
import numpy as np

from egate.crossing.policy import FaceResult, FingerResult
from egate.document.data import DocumentData
from egate.domain.biometric import EncodedFinger
from egate.domain.document import DocumentRead
from egate.domain.evidence import CheckEvidence
from egate.errors import ImageError
from egate.inference.image.header import read_header
from egate.lane.live_face import LiveFace, LiveFrame
from egate.lane.verifiers import FaceVerification, FingerVerification, References, Verifiers

HEIGHT_PX = 64
MATCH_SCORE, NON_MATCH_SCORE = 1e6, -1e6  # beyond any calibration
SLOW_S = 1.0


class Picture(IntEnum):
    """What the comparison with this picture yields; the value is its width in pixels."""

    MATCH = 64
    NON_MATCH = 65
    TWO_FACES = 66
    NAN = 67
    BUG = 68
    SLOW_MATCH = 69


@cache
def picture(kind: Picture) -> bytes:
    """A grey PNG of that width."""
    done, data = cv2.imencode(".png", np.full((HEIGHT_PX, kind.value), 128, np.uint8))
    assert done
    return data.tobytes()


class PlantedBug(RuntimeError):
    """Not an EgateError: nobody below the lane may catch it. Like many a real one, it says what it stumbled over."""


class RecordedEvidence:
    """Implements Verifiers around the daemon's own."""

    def __init__(self, own: Verifiers) -> None:
        self._own = own
        self._mrz_lines: tuple[str, ...] = ()

    @property
    def versions(self) -> Mapping[str, str]:
        return self._own.versions

    def references(self, read: DocumentRead) -> References:
        self._mrz_lines = read.mrz_lines
        return self._own.references(read)

    async def document(self, read: DocumentRead) -> tuple[tuple[CheckEvidence, ...], DocumentData | None]:
        return await self._own.document(read)

    async def face(
        self, frame: LiveFrame | None, references: References, view: LiveFace, last: bool
    ) -> FaceVerification:
        kind = None if frame is None else _kind(frame.image)
        if kind is None:
            return await self._own.face(frame, references, view, last)
        score = await self._score(kind)
        return FaceVerification(FaceResult(score, _fmr(score), 2 if kind is Picture.TWO_FACES else 1))

    async def finger(self, finger: EncodedFinger, references: References) -> FingerVerification:
        kind = _kind(finger.image)
        if kind is None:
            return await self._own.finger(finger, references)
        score = await self._score(kind)
        return FingerVerification(FingerResult(score, _fmr(score)))

    async def _score(self, kind: Picture) -> float:
        match kind:
            case Picture.BUG:
                raise PlantedBug(*self._mrz_lines)
            case Picture.NAN:
                return math.nan
            case Picture.NON_MATCH:
                return NON_MATCH_SCORE
            case Picture.SLOW_MATCH:
                await asyncio.sleep(SLOW_S)  # the models' time, not the test's
                return MATCH_SCORE
            case _:
                return MATCH_SCORE


def _kind(image: bytes) -> Picture | None:
    try:
        width = read_header(image).width
    except ImageError:
        return None
    return Picture(width) if width in set(Picture) else None


def _fmr(score: float) -> float:
    return 0.0 if score > 0 else 1.0 if score < 0 else math.nan
