"""What ExtractFinger and ExtractEnrolment answer for impressions."""

from __future__ import annotations

from egate.api.v1 import match_service_pb2 as pb
from egate.domain.biometric import FingerSample
from egate.errors import ImageError
from egate.inference.finger.advice import advice
from egate.matching.finger.format.template_format import TemplateFormat, write_template
from egate.ports import FingerEngine
from egate.service.engines import Engines
from egate.service.fingers import look


def extract_finger(engines: Engines, message: pb.Finger, form: TemplateFormat | None) -> pb.FingerExtraction:
    """Runs in the pool. form: of the template, None without. What is wrong with the image is an answer. Raises ModelError."""
    return answer(engines.finger, see(engines, message), form)


def see(engines: Engines, message: pb.Finger) -> FingerSample | ImageError:
    """The impression, or what is wrong with its image."""
    try:
        return look(engines, message)
    except ImageError as error:
        return error


def answer(engine: FingerEngine, seen: FingerSample | ImageError, form: TemplateFormat | None) -> pb.FingerExtraction:
    if isinstance(seen, ImageError):
        error = pb.ExtractionError(code=seen.code, message=str(seen))
        return pb.FingerExtraction(error=error, guidance=list(advice(seen)))
    finger = pb.ExtractedFinger(
        position=seen.template.position,
        minutiae_count=len(seen.template.x),
        quality=seen.quality.unified,
        quality_components=dict(seen.quality.components),
        models=sorted(engine.models),
        calibration=engine.calibration,
    )
    if form is not None:
        finger.template = write_template([seen.template], form, qualities=[whole_quality(seen)])
    return pb.FingerExtraction(finger=finger, guidance=list(seen.guidance))


def whole_quality(sample: FingerSample) -> int | None:
    """For a template's header; None where there is none (ISO/IEC 29794-1: not computed)."""
    unified = sample.quality.unified
    return round(unified) if 0.0 <= unified <= 100.0 else None
