"""Goal: the face engine tells the people of the sample photographs apart, counts people, and survives what is no face."""

from __future__ import annotations

import gc
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import psutil
import pytest

from egate.domain.biometric import FaceSample, FaceTemplate, Guidance, Image
from egate.errors import ConfigurationError, ImageError, TemplateError
from egate.inference.face.engine import OnnxFaceEngine
from egate.inference.image.decoder import decode
from egate.inference.weights.store import ModelStore

pytestmark = pytest.mark.models
NAMES = ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg")
FMR = 5e-4


@pytest.fixture(scope="module")
def photographs(store: ModelStore) -> dict[str, Image]:
    return {name: decode(store.sample(name).read_bytes()) for name in NAMES}


@pytest.fixture(scope="module")
def faces(face_engine: OnnxFaceEngine, photographs: dict[str, Image]) -> dict[str, FaceSample]:
    found = {name: face_engine.capture(image).face for name, image in photographs.items()}
    return {name: face for name, face in found.items() if face is not None}


def framed(photograph: Image, height: int = 480, width: int = 640) -> Image:
    """The photograph in a camera frame, its height filling the frame's."""
    columns = photograph.shape[1] * height // photograph.shape[0]
    frame = np.full((height, width, 3), 90, np.uint8)
    left = (width - columns) // 2
    frame[:, left : left + columns] = cv2.resize(photograph, (columns, height), interpolation=cv2.INTER_AREA)
    return frame


def test_same_person_matches_and_another_does_not(face_engine: OnnxFaceEngine, faces: dict[str, FaceSample]) -> None:
    threshold = face_engine.threshold(FMR)
    assert len(faces) == len(NAMES)
    for a in NAMES:
        for b in NAMES:
            score = face_engine.compare(faces[a].template, faces[b].template)
            assert (score.value >= threshold) == (a[:5] == b[:5]), (a, b)
            assert (score.fmr <= FMR) == (a[:5] == b[:5])
            assert score.calibration == "face-int8"


def test_camera_frame_matches_the_photograph(
    face_engine: OnnxFaceEngine, photographs: dict[str, Image], faces: dict[str, FaceSample]
) -> None:
    live = face_engine.capture(framed(photographs["obama2.jpg"]))
    assert live.face is not None
    assert live.face_count == 1
    assert face_engine.compare(live.face.template, faces["obama.jpg"].template).fmr <= FMR
    assert face_engine.compare(live.face.template, faces["biden.jpg"].template).fmr > FMR


def test_sample_has_the_promised_shapes(faces: dict[str, FaceSample]) -> None:
    for face in faces.values():
        assert face.crop.shape == (200, 160, 3)
        assert face.crop.dtype == np.uint8
        assert face.points.shape == (5, 2)
        assert face.points.dtype == np.float32
        assert face.iod_px == pytest.approx(float(np.linalg.norm(face.points[1] - face.points[0])))
        assert face.points[0, 0] < face.points[1, 0]  # the subject's right eye is on the left
        assert 0.5 <= face.confidence <= 1.0
        x, y, width, height = face.box
        assert ((face.points > [x, y]) & (face.points < [x + width, y + height])).all()
        for embedding in face.template.embeddings.values():
            assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)
            assert embedding.dtype == np.float32
            assert embedding.flags.c_contiguous


def test_two_people_are_counted_and_told_so(face_engine: OnnxFaceEngine, photographs: dict[str, Image]) -> None:
    both = np.concatenate([framed(photographs[name], 480, 420) for name in ("obama.jpg", "biden.jpg")], axis=1)
    capture = face_engine.capture(both)
    assert capture.face_count == 2
    assert Guidance.ONE_PERSON_ONLY in capture.guidance


def test_person_of_half_the_size_behind_still_counts(
    face_engine: OnnxFaceEngine, photographs: dict[str, Image]
) -> None:
    frame = framed(photographs["obama.jpg"], 480, 640)
    behind = cv2.resize(photographs["biden.jpg"][:800], (106, 88), interpolation=cv2.INTER_AREA)
    frame[40:128, 10:116] = behind  # its face is about 28 px wide, the other's about 100
    near = face_engine.capture(frame)
    frame[20:196, 0:212][:] = cv2.resize(photographs["biden.jpg"][:800], (212, 176), interpolation=cv2.INTER_AREA)
    far = face_engine.capture(frame)
    assert (near.face_count, far.face_count) == (1, 2)


@pytest.mark.parametrize("level", [0, 127, 255])
def test_frame_without_a_face_says_so(face_engine: OnnxFaceEngine, level: int) -> None:
    capture = face_engine.capture(np.full((480, 640, 3), level, np.uint8))
    assert capture.face is None
    assert capture.face_count == 0
    assert capture.guidance == (Guidance.STEP_INTO_VIEW,)


def test_noise_is_no_face(face_engine: OnnxFaceEngine) -> None:
    rng = np.random.default_rng(1)
    for _ in range(5):
        assert face_engine.capture(rng.integers(0, 255, (480, 640, 3), np.uint8)).face is None


def test_face_that_fills_the_image_is_still_found(face_engine: OnnxFaceEngine, faces: dict[str, FaceSample]) -> None:
    tight = cv2.resize(faces["obama.jpg"].crop[45:170, 30:130], (500, 625))
    capture = face_engine.capture(np.ascontiguousarray(tight))
    assert capture.face is not None
    assert face_engine.compare(capture.face.template, faces["obama2.jpg"].template).fmr <= FMR


def test_face_of_few_pixels_is_not_used(face_engine: OnnxFaceEngine, photographs: dict[str, Image]) -> None:
    tiny = np.full((480, 640, 3), 90, np.uint8)
    tiny[200:248, 300:338] = cv2.resize(photographs["obama.jpg"], (38, 48), interpolation=cv2.INTER_AREA)
    capture = face_engine.capture(tiny)
    assert capture.face is None
    assert capture.guidance[0] in (Guidance.COME_CLOSER, Guidance.STEP_INTO_VIEW)


def test_blurred_dark_and_small_faces_are_guided(face_engine: OnnxFaceEngine, photographs: dict[str, Image]) -> None:
    frame = framed(photographs["obama.jpg"])
    blurred = face_engine.capture(np.asarray(cv2.GaussianBlur(frame, (0, 0), 4), np.uint8))
    dark = face_engine.capture((frame // 7).astype(np.uint8))
    small = face_engine.capture(framed(photographs["obama.jpg"], 250, 640))
    assert Guidance.HOLD_STILL in blurred.guidance
    assert Guidance.TOO_DARK in dark.guidance
    assert Guidance.COME_CLOSER in small.guidance
    assert face_engine.capture(frame).guidance == (Guidance.GO_AHEAD,)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_embedding_that_is_not_finite_scores_nan(
    face_engine: OnnxFaceEngine, faces: dict[str, FaceSample], bad: float
) -> None:
    good = faces["obama.jpg"].template
    embeddings = {model: values.copy() for model, values in good.embeddings.items()}
    embeddings["dlib-resnet29"][3] = bad
    for pair in ((FaceTemplate(embeddings), good), (good, FaceTemplate(embeddings))):
        score = face_engine.compare(*pair)
        assert math.isnan(score.value)
        assert math.isnan(score.fmr)
        assert not score.value >= face_engine.threshold(FMR)


def test_template_of_other_models_is_refused(face_engine: OnnxFaceEngine, faces: dict[str, FaceSample]) -> None:
    template = faces["obama.jpg"].template
    with pytest.raises(TemplateError):
        face_engine.compare(template, FaceTemplate({"sface-int8": template.embeddings["sface-int8"]}))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((480, 640), np.uint8),
        np.zeros((480, 640, 4), np.uint8),
        np.zeros((480, 640, 3), np.float32),
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((1, 640, 3), np.uint8),
    ],
)
def test_array_of_another_kind_is_an_image_error(face_engine: OnnxFaceEngine, image: Image) -> None:
    with pytest.raises(ImageError) as caught:
        face_engine.capture(image)
    assert caught.value.code == "IMAGE_TYPE"


@pytest.mark.parametrize("shape", [(16, 10_300, 3), (10_300, 16, 3)])
def test_long_strip_has_no_face(face_engine: OnnxFaceEngine, shape: tuple[int, int, int]) -> None:
    """Scaled down to the network's input it has no width left; decode refuses it, an engine has to bear it."""
    image = np.full(shape, 120, np.uint8)
    image[::3, ::5] = 200
    assert face_engine.capture(image).face is None


def test_array_that_is_not_contiguous_gives_the_same_face(
    face_engine: OnnxFaceEngine, photographs: dict[str, Image], faces: dict[str, FaceSample]
) -> None:
    bgr = np.ascontiguousarray(photographs["obama.jpg"][:, :, ::-1])
    face = face_engine.capture(bgr[:, :, ::-1]).face
    assert face is not None
    assert face_engine.compare(face.template, faces["obama.jpg"].template).value == pytest.approx(
        face_engine.compare(faces["obama.jpg"].template, faces["obama.jpg"].template).value, abs=1e-3
    )


def test_threshold_beyond_the_calibration_is_refused(face_engine: OnnxFaceEngine) -> None:
    assert face_engine.threshold(1e-4) > face_engine.threshold(1e-3)
    for fmr in (1e-8, 0.0, math.nan):
        with pytest.raises(ConfigurationError):
            face_engine.threshold(fmr)


def test_threads_get_the_same_result_as_one(face_engine: OnnxFaceEngine, photographs: dict[str, Image]) -> None:
    frames = [framed(photographs[name]) for name in NAMES] * 4

    def embedding(frame: Image) -> bytes:
        face = face_engine.capture(frame).face
        assert face is not None
        return b"".join(values.tobytes() for values in face.template.embeddings.values())

    alone = [embedding(frame) for frame in frames]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(embedding, frames)) == alone


def test_bad_images_leave_no_memory_behind(face_engine: OnnxFaceEngine, store: ModelStore) -> None:
    good = store.sample("obama2.jpg").read_bytes()
    bad = [b"", bytes(1000), good[: len(good) // 2], good[:20], b"\x89PNG\r\n\x1a\n" + bytes(100)]

    def round_of_bad_and_good() -> None:
        for data in bad:
            with pytest.raises(ImageError):
                face_engine.capture(decode(data))
        assert face_engine.capture(decode(good)).face is not None

    for _ in range(3):
        round_of_bad_and_good()
    gc.collect()
    before = psutil.Process().memory_info().rss
    for _ in range(25):
        round_of_bad_and_good()
    gc.collect()
    assert psutil.Process().memory_info().rss - before < 20_000_000


def test_repr_shows_nothing_of_the_face(faces: dict[str, FaceSample]) -> None:
    face = faces["obama.jpg"]
    for value in (face, face.template, replace(face, quality=face.quality)):
        assert "redacted" in repr(value)
        assert "array" not in repr(value)
