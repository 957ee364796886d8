"""ExtractEnrolment: what of one person's impressions is worth keeping, and what does not fit together among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from egate.api.v1 import match_service_pb2 as pb
from egate.domain.biometric import FingerSample
from egate.domain.finger import AbsenceReason, Enrolment, FingerPosition
from egate.errors import ImageError
from egate.matching.finger.format.template_format import CARD_SIZES, TemplateFormat, write_template
from egate.service import fields
from egate.service.engines import Engines
from egate.service.errors import FieldError
from egate.service.finger_answers import answer, whole_quality
from egate.service.fingers import template_format

_ABSENCES = {pb.FingerAbsence.Value(f"FINGER_ABSENCE_{reason.name}"): reason for reason in AbsenceReason}


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """absent says what is wrong with whose hand: it has no repr."""

    form: TemplateFormat
    wanted: tuple[FingerPosition, ...]
    absent: Mapping[FingerPosition, AbsenceReason]


def enrolment_asked(request: pb.ExtractEnrolmentRequest) -> Asked:
    """Looks at no impression. Raises FieldError."""
    form = template_format("format", request.format) or TemplateFormat.ISO_19794_2_RECORD
    if form in CARD_SIZES:
        raise FieldError("format", "of a card holds one impression")
    absent: dict[FingerPosition, AbsenceReason] = {}
    for index, finger in enumerate(request.absent):
        position = _position(f"absent[{index}].position", finger.position)
        if position in absent:
            raise FieldError(f"absent[{index}].position", "is named twice")
        if finger.reason not in _ABSENCES:
            raise FieldError(f"absent[{index}].reason", "is required", code="FIELD_MISSING")
        absent[position] = _ABSENCES[finger.reason]
    wanted = tuple(_position(f"wanted[{index}]", code) for index, code in enumerate(request.wanted))
    return Asked(form, wanted, absent)


def enrol_fingers(
    engines: Engines, seen: Sequence[FingerSample | ImageError], asked: Asked
) -> pb.ExtractEnrolmentResponse:
    """Runs in the pool. seen: as many as the request's impressions. Raises FieldError beyond ten impressions of a finger."""
    at = [index for index, each in enumerate(seen) if isinstance(each, FingerSample)]
    with fields.named("impressions"):
        found = engines.finger.enrol(
            [each for each in seen if isinstance(each, FingerSample)], wanted=asked.wanted, absent=asked.absent
        )
        return pb.ExtractEnrolmentResponse(
            template=_template(found, asked.form),
            extractions=[answer(engines.finger, each, None) for each in seen],
            findings=_findings(found, at),
            complete=found.complete,
            recapture=[
                pb.Recapture(position=each.position, because=list(each.because), guidance=list(each.guidance))
                for each in found.recapture
            ],
        )


def _template(found: Enrolment, form: TemplateFormat) -> bytes:
    samples = [sample for finger in found.fingers.values() for sample in finger]
    if not samples:
        return b""
    qualities = [whole_quality(sample) for sample in samples]
    return write_template([sample.template for sample in samples], form, qualities=qualities)


def _findings(found: Enrolment, at: Sequence[int]) -> list[pb.EnrolmentFinding]:
    """at: the request's index of each sample."""
    return [
        pb.EnrolmentFinding(
            code=each.kind,
            position=each.position,
            impression=None if each.impression is None else at[each.impression],
            other_position=each.other,
        )
        for each in found.findings
    ]


def _position(field: str, code: int) -> FingerPosition:
    if code not in range(1, 11):
        raise FieldError(field, "must be an ISO finger position, 1 to 10")
    return FingerPosition(code)
