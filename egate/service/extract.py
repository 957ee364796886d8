"""The faces of one image: what ExtractFace answers for it."""

from __future__ import annotations

from egate.api.v1 import match_service_pb2 as pb
from egate.domain.biometric import FaceBox, FaceCapture, FaceSample
from egate.errors import ImageError
from egate.ports import FaceEngine
from egate.service import convert
from egate.service.engines import Engines

NO_FACE = "IMAGE_NO_FACE"


def extract_face(engines: Engines, image: bytes, with_template: bool) -> pb.FaceExtraction:
    """Runs in the pool. What is wrong with the image is an answer. Raises ModelError: then something is wrong with us."""
    try:
        capture = engines.images.look(image, engines.face.capture)
    except ImageError as error:
        return pb.FaceExtraction(error=pb.ExtractionError(code=error.code, message=str(error)))
    return _seen(engines.face, capture, with_template)


def _seen(engine: FaceEngine, capture: FaceCapture, with_template: bool) -> pb.FaceExtraction:
    seen = pb.FaceExtraction(
        guidance=list(capture.guidance),
        faces=[convert.face_box(box) for box in capture.faces],
        face_count=capture.face_count,
    )
    if capture.face is None:
        seen.error.CopyFrom(pb.ExtractionError(code=NO_FACE, message="no usable face"))
    else:
        seen.face.CopyFrom(_face(engine, capture.face, with_template))
    return seen


def _face(engine: FaceEngine, face: FaceSample, with_template: bool) -> pb.ExtractedFace:
    message = pb.ExtractedFace(
        box=convert.face_box(FaceBox(*face.box, face.confidence)),
        inter_eye_px=face.iod_px,
        quality=face.quality.unified,
        quality_components=dict(face.quality.components),
        models=sorted(face.template.embeddings),
        # By which calibration scores of this template go, the engine says with a score.
        calibration=engine.compare(face.template, face.template).calibration,
    )
    if with_template:
        message.template.CopyFrom(convert.face_template(face.template))
    return message
