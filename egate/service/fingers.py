"""Fingers of a request: images and templates of either side, to what the engine compares. Each function runs in the pool."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from egate.api.v1 import match_service_pb2 as pb
from egate.domain.biometric import EncodedFinger, FingerSample, FingerTemplate
from egate.inference.finger.image import capture_finger
from egate.matching.finger.format.template_format import TemplateFormat, read_template
from egate.matching.finger.plausible import plausible
from egate.matching.finger.quality import usable
from egate.service import fields
from egate.service.engines import Engines
from egate.service.errors import FieldError

TOO_FEW = "FINGER_MINUTIAE"
# As many as an image must show (egate.matching.finger.quality.usable): parts of prints match too easily.
TEMPLATE_MINUTIAE_MIN = 13
PROBES_MAX = 10  # a person's fingers
REFERENCES_MAX = 30  # three impressions of each; each image takes a thread a tenth of a second
_FORMATS: dict[int, TemplateFormat] = {
    pb.TEMPLATE_FORMAT_ISO_19794_2_RECORD: TemplateFormat.ISO_19794_2_RECORD,
    pb.TEMPLATE_FORMAT_ISO_19794_2_CARD_NORMAL: TemplateFormat.ISO_19794_2_CARD_NORMAL,
    pb.TEMPLATE_FORMAT_ISO_19794_2_CARD_COMPACT: TemplateFormat.ISO_19794_2_CARD_COMPACT,
    pb.TEMPLATE_FORMAT_ISO_39794_2: TemplateFormat.ISO_39794_2,
}


@dataclass(frozen=True, slots=True, repr=False)
class Impressions:
    """What one Finger message holds. quality: unified score of an image; None of a template, whose own word for it nobody has checked."""

    templates: tuple[FingerTemplate, ...]
    quality: float | None

    def __repr__(self) -> str:
        return f"Impressions(count={len(self.templates)}, redacted)"


def check_fingers(field: str, messages: Sequence[pb.Finger], count_max: int, *, images_only: bool = False) -> None:
    """Looks at no sample. Raises FieldError."""
    if not 0 < len(messages) <= count_max:
        raise FieldError(field, f"must hold 1 to {count_max} impressions")
    for index, message in enumerate(messages):
        place = f"{field}[{index}]"
        fields.finger_position(f"{place}.position", message.position)
        fields.finger_dpi(f"{place}.resolution_dpi", message.resolution_dpi)
        kind = message.WhichOneof("sample")
        if kind is None or (images_only and kind != "image"):
            what = "an image" if images_only else "an image or a template"
            raise FieldError(place, f"needs {what}", code="FIELD_MISSING")
        if kind == "template":
            template_format(f"{place}.format", message.format)


def template_format(field: str, value: int) -> TemplateFormat | None:
    """None where it is not specified. Raises FieldError."""
    if value == pb.TEMPLATE_FORMAT_UNSPECIFIED:
        return None
    if value not in _FORMATS:
        raise FieldError(field, "is no template format")
    return _FORMATS[value]


def look(engines: Engines, message: pb.Finger) -> FingerSample:
    """The impression of an image. Raises ImageError and ModelError."""
    finger = EncodedFinger(message.image, message.position, message.resolution_dpi or None)
    return capture_finger(engines.finger, engines.images, finger)


def impressions(engines: Engines, field: str, message: pb.Finger) -> Impressions:
    """Of a message that check_fingers has passed. Raises FieldError naming it, and ModelError."""
    with fields.named(field):
        if message.WhichOneof("sample") == "image":
            sample = look(engines, message)
            if not usable(sample.quality):
                raise FieldError(field, "has too few minutiae to be compared", code=TOO_FEW)
            return Impressions((sample.template,), sample.quality.unified)
        found = read_template(message.template, format=template_format(f"{field}.format", message.format))
        if any(len(template.x) < TEMPLATE_MINUTIAE_MIN for template in found):
            raise FieldError(field, "has too few minutiae to be compared", code=TOO_FEW)
        if not all(plausible(template) for template in found):
            raise FieldError(field, "is of no finger: its minutiae stand in a pattern", code="FINGER_IMPLAUSIBLE")
        return Impressions(tuple(_placed(template, message.position) for template in found), None)


def _placed(template: FingerTemplate, position: int) -> FingerTemplate:
    return template if template.position else replace(template, position=position)


def sides(request: pb.VerifyFingerRequest) -> tuple[list[tuple[str, pb.Finger]], list[tuple[str, pb.Finger]]]:
    """The impressions of both sides, each with the name of its field. Raises FieldError."""
    if request.probes or request.references:
        if request.probe or request.reference:
            raise FieldError("probe", "must be absent where probes and references are sent")
        check_fingers("probes", request.probes, PROBES_MAX)
        check_fingers("references", request.references, REFERENCES_MAX)
        return _numbered("probes", request.probes), _numbered("references", request.references)
    dpi = request.resolution_dpi
    fields.finger_dpi("resolution_dpi", dpi)
    probe, reference = (pb.Finger(image=data, resolution_dpi=dpi) for data in (request.probe, request.reference))
    return [("probe", probe)], [("reference", reference)]


def compare_sides(
    engines: Engines, probes: Sequence[Impressions], references: Sequence[Impressions], fmr: float, threshold: float
) -> pb.VerifyFingerResponse:
    """threshold: of fmr, the target. Raises FieldError where there are more fingers or impressions than a person has."""
    engine = engines.finger
    with fields.named("probes"):
        found = engine.compare_fingers(_templates(probes), _templates(references))
    return pb.VerifyFingerResponse(
        comparison=pb.Comparison(
            score=found.score,
            fmr=found.fmr,
            threshold=threshold,
            match=found.score >= threshold and found.fmr <= fmr,  # NaN: False
            calibration=engine.calibration,
            probe_quality=_lowest(probes),
            reference_quality=_lowest(references),
        ),
        pairs=[
            pb.FingerPair(
                probe_position=pair.probe,
                reference_position=pair.reference,
                log_likelihood_ratio=pair.llr,
                comparisons=pair.trials,
            )
            for pair in found.pairs
        ],
    )


def _numbered(field: str, messages: Sequence[pb.Finger]) -> list[tuple[str, pb.Finger]]:
    return [(f"{field}[{index}]", message) for index, message in enumerate(messages)]


def _templates(side: Sequence[Impressions]) -> list[FingerTemplate]:
    return [template for each in side for template in each.templates]


def _lowest(side: Sequence[Impressions]) -> float:
    """Of the images; NaN if there is none among them or one's could not be computed."""
    known = [each.quality for each in side if each.quality is not None]
    return math.nan if not known or any(math.isnan(quality) for quality in known) else min(known)
