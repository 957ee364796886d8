"""Goal: each defect of a photograph lowers its component the more the worse it is, and yields its guidance; nothing else is blamed first.

The defects are made here from the sample photographs in a 640x480 frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import pytest

from egate.domain.biometric import FaceCapture, Guidance, Image
from egate.inference.face.chip import cut
from egate.inference.face.engine import OnnxFaceEngine
from egate.inference.image.decoder import decode
from egate.inference.weights.store import ModelStore
from egate.matching.face.align import similarity
from egate.matching.face.quality import CHIP_POINTS, FACE_QUALITY_MIN_GOOD, FACE_QUALITY_MIN_USABLE
from egate.matching.rates.error_discard import error_discard

pytestmark = pytest.mark.models
HEIGHT, WIDTH = 480, 640
NAMES = ("obama.jpg", "obama2.jpg", "biden.jpg")
FRAME_POINTS = ((CHIP_POINTS - CHIP_POINTS.mean(axis=0)) * (60 / 54) + (WIDTH / 2, HEIGHT / 2.4)).astype(np.float32)


@dataclass(frozen=True)
class Defect:
    """amounts: rising, the first one harmless. code: what the last one asks for, None where the traveller cannot help."""

    make: Callable[[Image, float], Image]
    amounts: tuple[float, ...]
    component: str
    code: Guidance | None


def framed(engine: OnnxFaceEngine, photograph: Image) -> Image:
    """The photograph with its eyes 60 px apart, the face in the upper middle of the frame."""
    face = engine.capture(photograph).face
    assert face is not None
    return cut(photograph, similarity(face.points, FRAME_POINTS), WIDTH, HEIGHT)


def clipped(values: np.ndarray) -> Image:
    return np.ascontiguousarray(np.clip(values, 0, 255).astype(np.uint8))


def transformed(frame: Image, matrix: np.ndarray) -> Image:
    return np.asarray(cv2.warpAffine(frame, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def blurred(frame: Image, amount: float) -> Image:
    return np.asarray(cv2.GaussianBlur(frame, (0, 0), amount), np.uint8) if amount else frame


def compressed(frame: Image, amount: float) -> Image:
    data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, int(100 - amount)])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def rotated(frame: Image, amount: float) -> Image:
    return transformed(frame, cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), amount, 1))


def shifted(frame: Image, amount: float) -> Image:
    return transformed(frame, np.array([[1, 0, -amount], [0, 1, 0]], float))


def scaled(frame: Image, amount: float) -> Image:
    """Reduced by 1 + amount; enlarged for a negative one."""
    return transformed(frame, cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2.4), 0, 1 / (1 + amount)))


def lit_from_the_side(frame: Image, amount: float) -> Image:
    across = np.linspace(-1, 1, WIDTH)[None, :, None]
    return clipped(frame * (1 / (1 + np.exp(24 * across))) ** amount)


def lit_from_behind(frame: Image, amount: float) -> Image:
    """The photograph's middle stays, darker; around it everything is bright."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    outside = np.clip((np.hypot((x - 320) / 80, (y - 200) / 125) - 1) * 4, 0, 1)[..., None]
    dark = frame * (1 - amount)
    return clipped(dark * (1 - outside) + 250 * outside) if amount else frame


def painted(where: Callable[[np.ndarray], list[tuple[float, float, float, float]]]) -> Callable[[Image, float], Image]:
    """Dark ellipses at places given by the five points: x, y, half width, half height."""

    def paint(frame: Image, amount: float) -> Image:
        done = frame.copy()
        for x, y, a, b in where(POINTS):
            cv2.ellipse(done, ((x, y), (2 * a, 2 * b), 0.0), (8, 8, 8), -1, cv2.LINE_AA)
        return clipped(frame * (1 - amount) + done * amount)

    return paint


POINTS = np.zeros((5, 2))  # of the frame under test, set by the test


def glasses(points: np.ndarray) -> list[tuple[float, float, float, float]]:
    iod = float(points[1, 0] - points[0, 0])
    return [(float(x), float(y) + 0.05 * iod, 0.36 * iod, 0.28 * iod) for x, y in points[:2]]


def mouth(points: np.ndarray) -> list[tuple[float, float, float, float]]:
    x, y = points[3:].mean(axis=0)
    width = float(points[4, 0] - points[3, 0])
    return [(float(x), float(y) + 0.12 * width, 0.34 * width, 0.22 * width)]


DEFECTS = {
    "blurred": Defect(blurred, (0, 2, 3, 5), "sharpness", Guidance.HOLD_STILL),
    "dark": Defect(
        lambda frame, amount: clipped(frame * (1 - amount)),
        (0, 0.8, 0.9, 0.94),
        "under_exposure_prevention",
        Guidance.TOO_DARK,
    ),
    "bright": Defect(
        lambda frame, amount: clipped(frame * (1.0 + amount)),
        (0, 1, 1.5, 2),
        "over_exposure_prevention",
        Guidance.TOO_BRIGHT,
    ),
    "flat": Defect(
        lambda frame, amount: clipped(128 + (frame - 128.0) * (1 - amount)), (0, 0.7, 0.8, 0.88), "dynamic_range", None
    ),
    "backlit": Defect(lit_from_behind, (0, 0.6, 0.75, 0.88), "backlight_prevention", Guidance.TOO_BRIGHT_BEHIND),
    "side light": Defect(lit_from_the_side, (0, 0.3, 0.6, 1.2), "illumination_uniformity", None),
    "compressed": Defect(compressed, (0, 80, 90, 97), "compression_artifacts", None),
    "tilted": Defect(rotated, (0, 15, 25, 40), "head_pose_roll", Guidance.HOLD_HEAD_STRAIGHT),
    "far": Defect(scaled, (0, 1, 2, 3.2), "inter_eye_distance", Guidance.COME_CLOSER),
    "near": Defect(scaled, (0, -0.6, -0.65, -0.7), "head_size", Guidance.STEP_BACK),
    "cut": Defect(shifted, (0, 250, 270, 300), "leftward_crop_of_the_face_image", Guidance.MOVE_TO_CENTRE),
    "dark glasses": Defect(painted(glasses), (0, 0.6, 0.8, 1), "eyes_visible", Guidance.TAKE_OFF_GLASSES),
    "open mouth": Defect(painted(mouth), (0, 0.6, 0.8, 1), "mouth_closed", Guidance.CLOSE_MOUTH),
}


MARK_MAX = {
    "tilted": 93,
    "compressed": 50,
    "flat": 50,
    "far": 40,
}  # a pose is marked by the square of its cosine; the others cost few matches


@pytest.fixture(scope="module")
def frames(face_engine: OnnxFaceEngine, store: ModelStore) -> dict[str, Image]:
    return {name: framed(face_engine, decode(store.sample(name).read_bytes())) for name in NAMES}


def captures(engine: OnnxFaceEngine, frame: Image, defect: Defect) -> list[FaceCapture]:
    plain = engine.capture(frame).face
    assert plain is not None
    POINTS[:] = plain.points
    return [engine.capture(defect.make(frame, amount)) for amount in defect.amounts]


@pytest.mark.parametrize("name", NAMES)
def test_untouched_photograph_may_go_ahead(face_engine: OnnxFaceEngine, frames: dict[str, Image], name: str) -> None:
    capture = face_engine.capture(frames[name])
    assert capture.guidance == (Guidance.GO_AHEAD,)
    assert capture.face is not None
    assert capture.face.quality.unified >= FACE_QUALITY_MIN_GOOD


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", DEFECTS)
def test_defect_lowers_its_component_and_is_told(
    face_engine: OnnxFaceEngine, frames: dict[str, Image], name: str, kind: str
) -> None:
    defect = DEFECTS[kind]
    found = captures(face_engine, frames[name], defect)
    marks = [capture.face.quality.components[defect.component] for capture in found if capture.face]
    assert len(marks) == len(defect.amounts)
    assert all(worse <= better + 1 for better, worse in pairwise(marks))
    assert marks[0] > 50  # one of the men smiles
    assert marks[-1] < MARK_MAX.get(kind, 30)
    if defect.code:
        assert defect.code in found[-1].guidance
    assert defect.code not in found[0].guidance


@pytest.mark.parametrize("angle", [-45.0, -25.0, 25.0, 45.0])
@pytest.mark.parametrize("name", ["obama.jpg", "obama2.jpg"])
def test_tilted_head_is_recognised(
    face_engine: OnnxFaceEngine, frames: dict[str, Image], store: ModelStore, name: str, angle: float
) -> None:
    reference = face_engine.capture(decode(store.sample("obama3.jpg").read_bytes())).face
    capture = face_engine.capture(rotated(frames[name], -angle))
    assert capture.face is not None
    assert reference is not None
    assert face_engine.compare(capture.face.template, reference.template).fmr <= 1e-4


@pytest.mark.parametrize("angle", [-45.0, 45.0])
@pytest.mark.parametrize("name", ["obama.jpg", "obama2.jpg"])
def test_tilt_that_matters_is_told(
    face_engine: OnnxFaceEngine, frames: dict[str, Image], name: str, angle: float
) -> None:
    capture = face_engine.capture(rotated(frames[name], -angle))
    assert capture.face is not None
    across = capture.face.points[1] - capture.face.points[0]
    assert np.degrees(np.arctan2(across[1], across[0])) == pytest.approx(angle, abs=12)
    assert Guidance.HOLD_HEAD_STRAIGHT in capture.guidance


def test_quality_predicts_which_frames_fail(
    face_engine: OnnxFaceEngine, frames: dict[str, Image], store: ModelStore
) -> None:
    """Frames made worse step by step against another photograph of the same man; noise in place of quality predicts nothing."""
    reference = face_engine.capture(decode(store.sample("obama3.jpg").read_bytes())).face
    assert reference is not None
    threshold = face_engine.threshold(1e-4)
    kinds = (
        blurred,
        lambda f, a: clipped(f + np.random.default_rng(1).normal(0, 12 * a, f.shape)),
        lambda f, a: clipped(f * a),
    )
    quality, errors = [], []
    for frame in (frames["obama.jpg"], frames["obama2.jpg"]):
        for kind in kinds:
            for amount in np.linspace(1, 12, 8):
                face = face_engine.capture(kind(frame, float(amount))).face
                if face:
                    quality.append(face.quality.unified)
                    errors.append(not face_engine.compare(face.template, reference.template).value >= threshold)
    values, wrong = np.array(quality), np.array(errors)
    assert 5 <= wrong.sum() <= len(wrong) - 5
    assert values[wrong].mean() < FACE_QUALITY_MIN_USABLE + 15 < FACE_QUALITY_MIN_GOOD < values[~wrong].mean() + 10
    curve = error_discard(values, wrong)
    noise = error_discard(np.random.default_rng(2).permutation(values), wrong)
    assert curve.area - curve.ideal_area < 0.25 * (1 - curve.ideal_area)
    assert not noise.area - noise.ideal_area < 0.25 * (1 - noise.ideal_area)
