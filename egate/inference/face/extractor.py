"""Image to face capture: search, embeddings, quality and guidance."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from egate.domain.biometric import FaceCapture, FaceSample, Guidance, Image
from egate.errors import ImageError
from egate.inference.face.chip import cut
from egate.inference.face.embedding import Networks, choose_models, embed_face, load_networks
from egate.inference.face.search import FoundFace, find_faces
from egate.inference.face.tilt import tilted_points
from egate.inference.weights.store import ModelStore
from egate.matching.face.align import similarity
from egate.matching.face.quality import (
    CHIP_POINTS,
    CHIP_SIDE_PX,
    face_quality,
    guidance,
    view_face,
    with_magnitude,
)
from egate.matching.face.quality.inter_eye_distance import inter_eye_distance_px
from egate.matching.face.quality.unified import MAGNITUDE

CROP_WIDTH_PX, CROP_HEIGHT_PX = 160, 200  # portrait for the dossier
CROP_BOXES = 1.6  # its height in box heights: hair and chin are in it

IMAGE_SIDE_MIN = 16
IOD_PX_MIN = 10.0  # below it no template is made: fewer pixels than features
# Embeddings shorter than that (11 of SFace) may be those of a tilted head. Measured: heads turned by 20 degrees have 10, by 45 degrees 6.3;
# looked at again (egate.inference.face.tilt) 12.3, and of 60 mated comparisons at FMR 1e-3 2 in place of 55 fail at 45 degrees, 1 in place
# of 16 at 30. Of the images of pairs_lfw 9 % are below; the look costs them 2 ms more.
TILT_MAGNITUDE = 70.0


class FaceExtractor:
    """Thread-safe: it holds no state but the networks."""

    def __init__(self, detector: onnxruntime.InferenceSession, networks: Networks) -> None:
        """networks: the embedding networks of the templates, by model id."""
        self._detector = detector
        self._networks = networks

    @property
    def networks(self) -> Networks:
        return self._networks

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
        advice = guidance(face.quality, face.iod_px, found.count)
        return FaceCapture(face, found.count, advice, found.boxes)

    def warm_up(self) -> None:
        """Runs every network once, so that the first traveller does not wait for their memory plans."""
        find_faces(self._detector, np.full((480, 640, 3), 127, np.uint8))
        embed_face(self._networks, np.full((CHIP_SIDE_PX, CHIP_SIDE_PX, 3), 127, np.uint8), CHIP_POINTS)

    def _sample(self, image: Image, found: FoundFace) -> FaceSample | None:
        if not inter_eye_distance_px(found.points) >= IOD_PX_MIN:
            return None
        face = self._measured(image, found, found.points)
        known = face.quality.components.get(MAGNITUDE)
        if known is None or known >= TILT_MAGNITUDE:
            return face
        points = tilted_points(self._detector, image, found.box)
        if points is None or not inter_eye_distance_px(points) >= IOD_PX_MIN:
            return face
        turned = self._measured(image, found, points)
        return turned if turned.quality.components[MAGNITUDE] > known else face

    def _measured(self, image: Image, found: FoundFace, points: NDArray[np.float32]) -> FaceSample:
        """The face with these points: template, portrait and quality."""
        template, magnitudes = embed_face(self._networks, image, points)
        # Quality is measured on a chip of its own, whatever the engine's networks are.
        chip = cut(image, similarity(points, CHIP_POINTS), CHIP_SIDE_PX, CHIP_SIDE_PX)
        scale = CROP_HEIGHT_PX / (float(found.box[3]) * CROP_BOXES)
        portrait = _portrait(image, found.box, scale)
        quality = face_quality(view_face(image, points, found.box, chip, portrait, scale))
        x, y, width, height = (float(value) for value in found.box)
        return FaceSample(
            box=(x, y, width, height),
            points=points,
            confidence=found.score,
            iod_px=inter_eye_distance_px(points),
            quality=with_magnitude(quality, magnitudes),
            template=template,
            crop=portrait,
        )


def load_face_extractor(store: ModelStore, models: Sequence[str]) -> FaceExtractor:
    """An extractor on one face detector and one or more face embeddings. Raises ModelError if a model is missing, has another hash
    or another role.
    """
    cv2.setNumThreads(1)  # parallelism is the caller's pool, as with onnxruntime
    detector, embeddings = choose_models(store, models)
    return FaceExtractor(store.session(detector), load_networks(store, embeddings))


def _portrait(image: Image, box: NDArray[np.float32], scale: float) -> Image:
    centre = box[:2] + box[2:] / 2
    shift = np.array([CROP_WIDTH_PX / 2, CROP_HEIGHT_PX / 2]) - scale * centre
    return cut(image, np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]]), CROP_WIDTH_PX, CROP_HEIGHT_PX)


def _check(image: Image) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < IMAGE_SIDE_MIN:
        raise ImageError("a face image is RGB, 8 bits a channel, with sides of 16 pixels and more", code="IMAGE_TYPE")
