"""Image to face capture: search, alignment, both embeddings, quality and guidance."""

from __future__ import annotations

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from egate.domain.biometric import FaceCapture, FaceSample, FaceTemplate, Guidance, Image, QualityScore
from egate.errors import ImageError
from egate.inference.face.chip import cut
from egate.inference.face.search import FoundFace, find_faces
from egate.inference.weights.store import ModelStore
from egate.matching.align import similarity
from egate.matching.face import normalised
from egate.matching.face_quality import face_quality

DETECTOR, DLIB, SFACE = "yunet", "dlib-resnet29", "sface"  # ids in models/manifest.toml
MODELS = (DETECTOR, DLIB, SFACE)

# Where the five points belong in each network's input. dlib: measured, lines YuNet's points up with dlib's own chips.
# SFace: the 112 px template of InsightFace, as OpenCV's FaceRecognizerSF uses it.
DLIB_SIDE_PX, SFACE_SIDE_PX = 150, 112
DLIB_POINTS = np.array([(46.94, 43.67), (100.69, 43.45), (75.55, 78.90), (49.99, 102.93), (98.02, 102.43)], np.float32)
SFACE_POINTS = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)], np.float32
)
CROP_WIDTH_PX, CROP_HEIGHT_PX = 160, 200  # portrait for the dossier
CROP_BOXES = 1.6  # its height in box heights: hair and chin are in it

IMAGE_SIDE_MIN = 16
IOD_PX_MIN = 10.0  # below it no template is made: fewer pixels than features
COMPONENT_MIN = 30.0  # quality components below it ask the traveller to do something
CLOSER_IOD_PX = 40.0  # chosen: the smallest faces of pairs_lfw, on which the calibration stands
TOO_CLOSE = 0.75  # box height in image heights


class FaceExtractor:
    """Thread-safe: it holds no state but the networks."""

    def __init__(
        self,
        detector: onnxruntime.InferenceSession,
        dlib: onnxruntime.InferenceSession,
        sface: onnxruntime.InferenceSession,
    ) -> None:
        self._detector = detector
        self._dlib = dlib
        self._sface = sface

    def capture(self, image: Image) -> FaceCapture:
        """The most prominent face of an RGB image (h, w, 3) uint8, how many people there are, and guidance.

        face_count counts faces at least a third as wide as the widest. face is None if there is none, or its eyes are less
        than IOD_PX_MIN apart. Raises ImageError (IMAGE_TYPE) unless image is (h, w, 3) uint8 with sides >= 16.
        """
        _check(image)
        found, count = find_faces(self._detector, image)
        if found is None:
            return FaceCapture(None, 0, (Guidance.STEP_INTO_VIEW,))
        face = self._sample(image, found)
        if face is None:
            return FaceCapture(None, count, (Guidance.COME_CLOSER,))
        return FaceCapture(face, count, _guidance(face, count, image.shape[0]))

    def warm_up(self) -> None:
        """Runs every network once, so that the first traveller does not wait for their memory plans."""
        find_faces(self._detector, np.full((480, 640, 3), 127, np.uint8))
        self._template(np.full((DLIB_SIDE_PX, DLIB_SIDE_PX, 3), 127, np.uint8), DLIB_POINTS)

    def _sample(self, image: Image, found: FoundFace) -> FaceSample | None:
        iod_px = float(np.linalg.norm(found.points[1] - found.points[0]))
        if not iod_px >= IOD_PX_MIN:
            return None
        template, chip = self._template(image, found.points)
        x, y, width, height = (float(value) for value in found.box)
        return FaceSample(
            box=(x, y, width, height),
            points=found.points,
            confidence=found.score,
            iod_px=iod_px,
            quality=face_quality(found.points, chip),
            template=template,
            crop=_portrait(image, found.box),
        )

    def _template(self, image: Image, points: NDArray[np.float32]) -> tuple[FaceTemplate, Image]:
        """Template and the aligned 150 px chip it was made from."""
        chip = cut(image, similarity(points, DLIB_POINTS), DLIB_SIDE_PX, DLIB_SIDE_PX)
        small = cut(image, similarity(points, SFACE_POINTS), SFACE_SIDE_PX, SFACE_SIDE_PX)
        # The mean of a face and its mirror image: FNMR of dlib's network at FMR 1e-3 falls from 9.6 to 7.3 %.
        both = _planes(np.stack([chip, chip[:, ::-1]]))
        dlib = self._dlib.run(["embedding"], {"image": both})[0].mean(axis=0)
        sface = self._sface.run(["fc1"], {"data": _planes(small[np.newaxis])})[0][0]
        return FaceTemplate({DLIB: normalised(dlib), SFACE: normalised(sface)}), chip


def load_face_extractor(store: ModelStore) -> FaceExtractor:
    """Raises ModelError if a model is missing or has another hash."""
    cv2.setNumThreads(1)  # parallelism is the caller's pool, as with onnxruntime
    return FaceExtractor(store.session(DETECTOR), store.session(DLIB), store.session(SFACE))


def _planes(images: Image) -> NDArray[np.float32]:
    """(n, h, w, 3) uint8 to (n, 3, h, w) float32, C-contiguous."""
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2), np.float32)


def _portrait(image: Image, box: NDArray[np.float32]) -> Image:
    scale = CROP_HEIGHT_PX / (float(box[3]) * CROP_BOXES)
    centre = box[:2] + box[2:] / 2
    shift = np.array([CROP_WIDTH_PX / 2, CROP_HEIGHT_PX / 2]) - scale * centre
    return cut(image, np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]]), CROP_WIDTH_PX, CROP_HEIGHT_PX)


def _guidance(face: FaceSample, count: int, image_height: int) -> tuple[Guidance, ...]:
    quality: QualityScore = face.quality

    def poor(component: str) -> bool:
        return not quality.components[component] >= COMPONENT_MIN

    advice = [
        (count > 1, Guidance.ONE_PERSON_ONLY),
        (face.iod_px < CLOSER_IOD_PX, Guidance.COME_CLOSER),
        (face.box[3] > TOO_CLOSE * image_height, Guidance.STEP_BACK),
        (poor("head_pose_yaw") or poor("head_pose_roll"), Guidance.LOOK_AT_CAMERA),
        (poor("sharpness"), Guidance.HOLD_STILL),
        (poor("under_exposure"), Guidance.TOO_DARK),
        (poor("over_exposure"), Guidance.TOO_BRIGHT),
    ]
    codes = tuple(code for applies, code in advice if applies)
    return codes or (Guidance.GO_AHEAD,)


def _check(image: Image) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < IMAGE_SIDE_MIN:
        raise ImageError("a face image is RGB, 8 bits a channel, with sides of 16 pixels and more", code="IMAGE_TYPE")
