"""MatchService: stateless comparisons and extractions for gates that run their own flow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from egate.api.v1 import match_service_pb2 as pb
from egate.api.v1 import match_service_pb2_grpc as pb_grpc
from egate.domain.biometric import FaceCapture, FaceSample, Image
from egate.domain.evidence import CheckResult
from egate.errors import ModelError
from egate.inference.pool import OVERLOADED
from egate.matching.finger.format.template_format import TemplateFormat
from egate.service import convert, fields
from egate.service.authorise import authorise_templates
from egate.service.engines import Engines as Engines
from egate.service.engines import InferencePlace
from egate.service.errors import Exhausted, FieldError
from egate.service.extract import NO_FACE, extract_face
from egate.service.finger_answers import extract_finger, see
from egate.service.finger_enrolment import enrol_fingers, enrolment_asked
from egate.service.fingers import check_fingers, compare_sides, impressions, sides, template_format
from egate.service.interceptor import caller
from egate.service.rate import RateLimit
from egate.service.settings import EXTRACT_IMAGES_MAX


class MatchServicer(pb_grpc.MatchServiceServicer):
    def __init__(
        self,
        engines: Engines,
        rate: RateLimit,
        fmr_target: float,
        finger_fmr_target: float,
        images_max: int = EXTRACT_IMAGES_MAX,
    ) -> None:
        self._engines = engines
        self._rate = rate
        self._fmr_target = fmr_target
        self._finger_fmr_target = finger_fmr_target
        self._images_max = images_max

    async def VerifyFace(self, request: pb.VerifyFaceRequest, context: object) -> pb.VerifyFaceResponse:
        fmr = fields.fmr_target(request.fmr_target, self._fmr_target)
        with self._place() as place:
            return await place.run(verify_face, self._engines, request.probe, request.reference, fmr)

    async def VerifyFinger(self, request: pb.VerifyFingerRequest, context: object) -> pb.VerifyFingerResponse:
        """A job for each impression, one after another, and one for the comparison."""
        fmr = fields.fmr_target(request.fmr_target, self._finger_fmr_target)
        threshold = fields.threshold(self._engines.finger, fmr)
        probes, references = sides(request)
        with self._place() as place:
            seen = [await place.run(impressions, self._engines, *each) for each in probes]
            claimed = [await place.run(impressions, self._engines, *each) for each in references]
            return await place.run(compare_sides, self._engines, seen, claimed, fmr, threshold)

    async def ExtractFinger(self, request: pb.ExtractFingerRequest, context: object) -> pb.ExtractFingerResponse:
        if request.include_template:
            authorise_templates(caller().identity)
        check_fingers("impressions", request.impressions, self._images_max, images_only=True)
        form = template_format("format", request.format) or TemplateFormat.ISO_19794_2_RECORD
        response = pb.ExtractFingerResponse()
        with self._place() as place:
            for message in request.impressions:
                response.extractions.append(
                    await place.run(extract_finger, self._engines, message, form if request.include_template else None)
                )
        return response

    async def ExtractEnrolment(
        self, request: pb.ExtractEnrolmentRequest, context: object
    ) -> pb.ExtractEnrolmentResponse:
        authorise_templates(caller().identity)
        check_fingers("impressions", request.impressions, self._images_max, images_only=True)
        asked = enrolment_asked(request)
        with self._place() as place:
            seen = [await place.run(see, self._engines, message) for message in request.impressions]
            return await place.run(enrol_fingers, self._engines, seen, asked)

    async def ExtractFace(self, request: pb.ExtractFaceRequest, context: object) -> pb.ExtractFaceResponse:
        """A job for each image, one after another: a large request occupies one thread, and others get their turns in between."""
        if request.include_template:
            authorise_templates(caller().identity)
        images = fields.images("images", request.images, self._images_max)
        response = pb.ExtractFaceResponse()
        with self._place() as place:
            for image in images:
                response.extractions.append(
                    await place.run(extract_face, self._engines, image, request.include_template)
                )
        return response

    @contextmanager
    def _place(self) -> Iterator[InferencePlace]:
        """One token of the caller's rate, and a place in the pool. Raises Exhausted."""
        if not self._rate.take(caller().identity):
            raise Exhausted("too many requests; slow down", code="MATCH_RATE")
        try:
            with self._engines.pool.place() as place:
                yield place
        except ModelError as error:
            if error.code == OVERLOADED:
                raise Exhausted(str(error), code=OVERLOADED) from None
            raise


@dataclass(frozen=True, slots=True, repr=False)
class _Probe:
    """attack: log-likelihood ratio of bona fide against attack, None if not performed."""

    capture: FaceCapture
    attack: float | None


def verify_face(engines: Engines, probe: bytes, reference: bytes, fmr: float) -> pb.VerifyFaceResponse:
    """Runs in the pool; one image is decoded at a time. Raises FieldError naming the image."""
    engine = engines.face
    threshold = fields.threshold(engine, fmr)

    def see(image: Image) -> _Probe:
        capture = engine.capture(image)
        if engines.pad is None or capture.face is None:
            return _Probe(capture, None)
        return _Probe(capture, engines.pad.score(image, capture.face))

    with fields.named("probe"):
        seen = engines.images.look(probe, see)
        probe_face = _face("probe", seen.capture)
    with fields.named("reference"):
        reference_face = _face("reference", engines.images.look(reference, engine.capture))
    score = engine.compare(probe_face.template, reference_face.template)
    return pb.VerifyFaceResponse(
        comparison=pb.Comparison(
            score=score.value,
            fmr=score.fmr,
            threshold=threshold,
            match=score.value >= threshold,  # NaN: False
            calibration=score.calibration,
            probe_quality=probe_face.quality.unified,
            reference_quality=reference_face.quality.unified,
        ),
        probe_face_count=seen.capture.face_count,
        presentation_attack_detection=_attack(engines, seen.attack),
    )


def _face(field: str, capture: FaceCapture) -> FaceSample:
    if capture.face is None:
        raise FieldError(field, "no usable face", code=NO_FACE)
    return capture.face


def _attack(engines: Engines, score: float | None) -> pb.PresentationAttackDetection:
    """Never PASS without a number that reaches a threshold that is one."""
    if engines.pad is None or score is None:
        result = convert.check_result(CheckResult.NOT_PERFORMED)
        return pb.PresentationAttackDetection(result=result)
    combined = engines.pad.combine([score])
    if math.isnan(combined.value) or math.isnan(engines.pad_threshold):
        verdict = CheckResult.UNDETERMINED
    else:
        verdict = CheckResult.PASS if combined.value >= engines.pad_threshold else CheckResult.FAIL
    return pb.PresentationAttackDetection(
        result=convert.check_result(verdict),
        score=combined.value,
        apcer=combined.apcer,
        calibration=combined.calibration,
    )
