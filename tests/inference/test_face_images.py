"""Goal: whatever is sent as a picture of a face ends in a named verdict or a named error, and what is a good picture in an odd
file is seen as a viewer shows it. Method: the table of face_images.py, from bytes to verdict."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from egate.domain.biometric import FaceSample, Image
from egate.errors import ImageError
from egate.inference.face.engine import OnnxFaceEngine
from egate.inference.image.decoder import decode, decode_grey
from egate.inference.image.exif import read_orientation
from egate.inference.weights.store import ModelStore
from tests.inference.face_images import MATCH, NAMES, NO_FACE, NON_MATCH, Case, cases, cmyk, photographs, turned, ycck

FMR = 5e-4


@pytest.fixture(scope="module")
def table(store: ModelStore) -> dict[str, Case]:
    return {case.name: case for case in cases(*photographs(store))}


@pytest.fixture(scope="module")
def reference(store: ModelStore, face_engine: OnnxFaceEngine) -> FaceSample:
    face = face_engine.capture(decode(store.sample("obama2.jpg").read_bytes())).face
    assert face is not None
    return face


@pytest.mark.models
@pytest.mark.parametrize("name", NAMES)
def test_a_picture_ends_in_a_named_verdict(
    face_engine: OnnxFaceEngine, reference: FaceSample, table: dict[str, Case], name: str
) -> None:
    case = table[name]
    try:
        capture = face_engine.capture(decode(case.make()))
    except ImageError as error:
        assert error.code in case.verdicts
        return
    if capture.face is None:
        verdict = NO_FACE
    else:
        score = face_engine.compare(capture.face.template, reference.template).value
        verdict = MATCH if score >= face_engine.threshold(FMR) else NON_MATCH
    assert verdict in case.verdicts
    assert capture.guidance  # always something to tell the traveller
    assert not case.guidance or set(case.guidance) & set(capture.guidance)
    assert case.face_count in (None, capture.face_count)


NOISE = np.random.default_rng(2).integers(0, 255, (48, 32, 3), np.uint8)
FACE = np.asarray(cv2.GaussianBlur(NOISE, (0, 0), 5), np.uint8)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_is_turned_as_a_viewer_turns_it(kind: str, orientation: int) -> None:
    data = turned(FACE, orientation, kind)
    assert decode(data).shape == FACE.shape
    assert np.abs(decode(data).astype(int) - FACE).mean() < 3
    assert decode_grey(data).pixels.shape == FACE.shape[:2]


@pytest.mark.parametrize("make", [cmyk, ycck])
def test_inks_become_the_colours_they_print(make: Callable[[Image], bytes]) -> None:
    assert np.abs(decode(make(FACE)).astype(int) - FACE).mean() < 5


def test_sixteen_bits_are_scaled_not_cut() -> None:
    ramp = np.arange(0, 65_536, 64, dtype=np.uint16).reshape(32, 32)
    data = cv2.imencode(".png", ramp)[1].tobytes()
    assert np.abs(decode_grey(data).pixels.astype(float) - ramp / 257).max() <= 1


@pytest.mark.parametrize(
    "tiff",
    [
        b"",
        b"II*\x00",
        b"MM\x00*\xff\xff\xff\xff",
        b"II*\x00\x08\x00\x00\x00\xff\xff",
        b"II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x09\x00\x00\x00",
        b"II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x04\x00\x01\x00\x00\x00\x06\x00\x00\x00",
        b"XX*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00",
    ],
)
def test_an_orientation_that_is_none_turns_nothing(tiff: bytes) -> None:
    assert read_orientation(tiff) == 1


def test_an_orientation_in_either_byte_order_is_read() -> None:
    little = b"II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"
    big = b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"
    assert read_orientation(little) == read_orientation(big) == 6
