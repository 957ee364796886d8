"""MatchService: stateless comparisons for gates that run their own flow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from egate.api.v1 import match_service_pb2 as pb
from egate.api.v1 import match_service_pb2_grpc as pb_grpc
from egate.domain.biometric import ComparisonScore, FaceCapture, FaceSample, FingerSample
from egate.errors import ConfigurationError, ImageError
from egate.inference.image.decoder import decode, decode_grey
from egate.ports import FaceEngine, FingerEngine
from egate.service import fields
from egate.service.errors import Exhausted, FieldError
from egate.service.interceptor import caller
from egate.service.rate import RateLimit

T = TypeVar("T")


class InferencePool(Protocol):
    """The bounded pool all inference runs on."""

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """function(*arguments) in one of the pool's threads."""


@dataclass(frozen=True, slots=True)
class Engines:
    face: FaceEngine
    finger: FingerEngine
    pool: InferencePool


class MatchServicer(pb_grpc.MatchServiceServicer):
    def __init__(self, engines: Engines, rate: RateLimit, fmr_target: float) -> None:
        self._engines = engines
        self._rate = rate
        self._fmr_target = fmr_target

    async def VerifyFace(self, request: pb.VerifyFaceRequest, context: object) -> pb.VerifyFaceResponse:
        fmr = self._admit(request.fmr_target)
        return await self._engines.pool.run(verify_face, self._engines.face, request.probe, request.reference, fmr)

    async def VerifyFinger(self, request: pb.VerifyFingerRequest, context: object) -> pb.VerifyFingerResponse:
        fmr = self._admit(request.fmr_target)
        return await self._engines.pool.run(verify_finger, self._engines.finger, request.probe, request.reference, fmr)

    def _admit(self, fmr_target: float) -> float:
        if not self._rate.take(caller().identity):
            raise Exhausted("too many comparisons; slow down", code="MATCH_RATE")
        return fields.fmr_target(fmr_target, self._fmr_target)


def verify_face(engine: FaceEngine, probe: bytes, reference: bytes, fmr: float) -> pb.VerifyFaceResponse:
    """Runs in the pool. Raises FieldError naming the image."""
    threshold = _threshold(engine, fmr)
    probe_capture, reference_capture = (
        _capture_face(engine, "probe", probe),
        _capture_face(engine, "reference", reference),
    )
    probe_face, reference_face = _face("probe", probe_capture), _face("reference", reference_capture)
    score = engine.compare(probe_face.template, reference_face.template)
    return pb.VerifyFaceResponse(
        comparison=_comparison(score, threshold, probe_face, reference_face),
        probe_face_count=probe_capture.face_count,
    )


def verify_finger(engine: FingerEngine, probe: bytes, reference: bytes, fmr: float) -> pb.VerifyFingerResponse:
    """Runs in the pool. Raises FieldError naming the image."""
    threshold = _threshold(engine, fmr)
    probe_print, reference_print = (
        _capture_finger(engine, "probe", probe),
        _capture_finger(engine, "reference", reference),
    )
    score = engine.compare(probe_print.template, reference_print.template)
    return pb.VerifyFingerResponse(comparison=_comparison(score, threshold, probe_print, reference_print))


def _threshold(engine: FaceEngine | FingerEngine, fmr: float) -> float:
    try:
        return engine.threshold(fmr)
    except ConfigurationError as error:
        raise FieldError("fmr_target", "is below what the calibration supports") from error


def _capture_face(engine: FaceEngine, field: str, data: bytes) -> FaceCapture:
    try:
        return engine.capture(decode(data))
    except ImageError as error:
        raise FieldError(field, str(error), code=error.code) from error


def _face(field: str, capture: FaceCapture) -> FaceSample:
    if capture.face is None:
        raise FieldError(field, "no usable face", code="IMAGE_NO_FACE")
    return capture.face


def _capture_finger(engine: FingerEngine, field: str, data: bytes) -> FingerSample:
    try:
        return engine.capture(decode_grey(data).pixels)
    except ImageError as error:
        raise FieldError(field, str(error), code=error.code) from error


def _comparison(
    score: ComparisonScore, threshold: float, probe: FaceSample | FingerSample, reference: FaceSample | FingerSample
) -> pb.Comparison:
    return pb.Comparison(
        score=score.value,
        fmr=score.fmr,
        threshold=threshold,
        match=score.value >= threshold,  # NaN: False
        calibration=score.calibration,
        probe_quality=probe.quality.unified,
        reference_quality=reference.quality.unified,
    )
