"""Image to face capture: search, embeddings, quality and guidance."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from egate.domain.biometric import FaceCapture, FaceSample, Guidance, Image, QualityScore
from egate.errors import ImageError
from egate.inference.face.chip import cut
from egate.inference.face.embedding import Networks, choose_models, face_template, load_networks
from egate.inference.face.search import FoundFace, find_faces
from egate.inference.weights.store import ModelStore
from egate.matching.align import similarity
from egate.matching.face_quality import face_quality

# The chip that quality is measured on, whatever the engine's networks are. Points: dlib's own chips, measured.
QUALITY_SIDE_PX = 150
QUALITY_POINTS = np.array(
    [(46.94, 43.67), (100.69, 43.45), (75.55, 78.90), (49.99, 102.93), (98.02, 102.43)], np.float32
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

    def __init__(self, detector: onnxruntime.InferenceSession, networks: Networks) -> None:
        """networks: the embedding networks of the templates, by model id."""
        self._detector = detector
        self._networks = networks

    @property
    def networks(self) -> Networks:
        return self._networks

    def with_networks(self, networks: Networks) -> FaceExtractor:
        """This extractor with other networks for its templates (egate.inference.batch)."""
        return FaceExtractor(self._detector, networks)

    def capture(self, image: Image) -> FaceCapture:
        """The most prominent face of an RGB image (h, w, 3) uint8, how many people there are, and guidance.

        face_count counts faces at least a third as wide as the widest. face is None if there is none, or its eyes are less
        than IOD_PX_MIN apart. Raises ImageError (IMAGE_TYPE) unless image is (h, w, 3) uint8 with sides >= 16.
        """
        _check(image)
        found = find_faces(self._detector, image)
        if found.traveller is None:
            return FaceCapture(None, 0, (Guidance.STEP_INTO_VIEW,))
        face = self._sample(image, found.traveller)
        if face is None:
            return FaceCapture(None, found.count, (Guidance.COME_CLOSER,), found.boxes)
        return FaceCapture(face, found.count, _guidance(face, found.count, image.shape[0]), found.boxes)

    def warm_up(self) -> None:
        """Runs every network once, so that the first traveller does not wait for their memory plans."""
        find_faces(self._detector, np.full((480, 640, 3), 127, np.uint8))
        face_template(self._networks, np.full((QUALITY_SIDE_PX, QUALITY_SIDE_PX, 3), 127, np.uint8), QUALITY_POINTS)

    def _sample(self, image: Image, found: FoundFace) -> FaceSample | None:
        iod_px = float(np.linalg.norm(found.points[1] - found.points[0]))
        if not iod_px >= IOD_PX_MIN:
            return None
        chip = cut(image, similarity(found.points, QUALITY_POINTS), QUALITY_SIDE_PX, QUALITY_SIDE_PX)
        x, y, width, height = (float(value) for value in found.box)
        return FaceSample(
            box=(x, y, width, height),
            points=found.points,
            confidence=found.score,
            iod_px=iod_px,
            quality=face_quality(found.points, chip),
            template=face_template(self._networks, image, found.points),
            crop=_portrait(image, found.box),
        )


def load_face_extractor(store: ModelStore, models: Sequence[str]) -> FaceExtractor:
    """An extractor on one face detector and one or more face embeddings. Raises ModelError if a model is missing, has another hash
    or another role.
    """
    cv2.setNumThreads(1)  # parallelism is the caller's pool, as with onnxruntime
    detector, embeddings = choose_models(store, models)
    return FaceExtractor(store.session(detector), load_networks(store, embeddings))


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
