"""VerifyFinger with several fingers, ExtractFinger and ExtractEnrolment, against a double of the engine's port."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import cv2
import grpc
import numpy as np
import pytest

from egate.api.v1 import match_service_pb2 as pb
from egate.api.v1 import match_service_pb2_grpc as pb_grpc
from egate.domain.biometric import (
    ComparisonScore,
    FingerSample,
    FingerTemplate,
    Guidance,
    Image,
    QualityScore,
)
from egate.domain.finger import AbsenceReason, Enrolment, FingerPair, FingerPosition, FingerSetComparison
from egate.errors import ConfigurationError, ImageError, TemplateError
from egate.inference.image.budget import ImageBudget
from egate.inference.pool import InferencePool
from egate.matching.finger.format.template_format import TemplateFormat, read_template, write_template
from egate.matching.finger.hand.enrolment import enrol
from egate.matching.finger.hand.scale import comparison_scale
from egate.matching.finger.quality.usable import COMPONENT
from egate.matching.rates.calibration import Calibration
from egate.service.match import Engines
from tests.service.site import TIMEOUT_S, Site, running
from tests.service.test_extract import SlowFace
from tests.service.test_officers import refused

SCORES = np.arange(11.0)
CALIBRATION = Calibration("double-2", SCORES, 10.0**-SCORES, SCORES / 100.0, mated=100_000, non_mated=10_000_000)
SCALE = comparison_scale(lambda score: math.log(10.0) * score, CALIBRATION)
INVALID = grpc.StatusCode.INVALID_ARGUMENT
DENIED = grpc.StatusCode.PERMISSION_DENIED
NO_PRINT, POOR = 20, 60  # grey levels
COUNT = 16  # minutiae


@dataclass
class PrintEngine:
    """A print's minutiae tell its grey level; two prints are alike as their levels are."""

    resolutions: list[float] = field(default_factory=list)
    sides: list[tuple[list[int], list[int]]] = field(default_factory=list)
    answer: FingerSetComparison | None = None
    refusal: Exception | None = None
    calibration = "double-2"
    models = ("net",)

    def capture(self, image: Image, position: int = 0, dpi: float = 500.0) -> FingerSample:
        self.resolutions.append(dpi)
        level = int(image[0, 0])
        if level == NO_PRINT:
            raise ImageError("no print", code="FINGER_NOT_FOUND")
        weight = 20.0 if level == POOR else 80.0
        quality = QualityScore(weight, {"area": 55.0, COMPONENT: weight})
        guidance = (Guidance.PRESS_HARDER,) if level == POOR else ()
        template = print_of(level, position)
        template.y[-1] += len(self.resolutions)  # no two captures are the same in every minutia
        return FingerSample(template, quality, image, guidance)

    def compare(self, probe: FingerTemplate, reference: FingerTemplate) -> ComparisonScore:
        value = 5.0 if probe.x[0] == reference.x[0] else 0.0
        return ComparisonScore(value, 1e-6 if value else 1.0, self.calibration)

    def compare_fingers(
        self, probes: Sequence[FingerTemplate], references: Sequence[FingerTemplate]
    ) -> FingerSetComparison:
        if self.refusal is not None:
            raise self.refusal
        self.sides.append(([each.position for each in probes], [each.position for each in references]))
        if self.answer is not None:
            return self.answer
        score = max(self.compare(probe, reference).value for probe in probes for reference in references)
        pair = FingerPair(FingerPosition(probes[0].position), FingerPosition.UNKNOWN, score, 3)
        return FingerSetComparison(score, 1e-5, score, (pair,))

    def enrol(
        self,
        samples: Sequence[FingerSample],
        *,
        wanted: Sequence[FingerPosition] = (),
        absent: Mapping[FingerPosition, AbsenceReason] = MappingProxyType({}),
    ) -> Enrolment:
        """The real one, over this double's comparisons."""
        return enrol(
            samples,
            lambda template: template,
            lambda probe, reference: self.compare(probe, reference).value,
            SCALE,
            expected=wanted,
            absent=absent,
        )

    def threshold(self, fmr: float) -> float:
        if fmr < 1e-6:
            raise ConfigurationError("not supported")
        return 2.0


@dataclass
class Bench:
    site: Site
    engine: PrintEngine

    def stub(self, name: str = "matcher-1") -> Any:
        return self.site.stub(pb_grpc.MatchServiceStub, name)

    async def verify(self, **request: Any) -> pb.VerifyFingerResponse:
        response: pb.VerifyFingerResponse = await self.stub().VerifyFinger(
            pb.VerifyFingerRequest(**request), timeout=TIMEOUT_S
        )
        return response

    async def extract(self, fingers: list[pb.Finger], name: str = "enroller-1", **options: Any) -> Any:
        request = pb.ExtractFingerRequest(impressions=fingers, **options)
        return await self.stub(name).ExtractFinger(request, timeout=TIMEOUT_S)


@pytest.fixture
async def bench(tmp_path: Path, certificates: Path) -> AsyncIterator[Bench]:
    engine, pool = PrintEngine(), InferencePool(2)
    engines = Engines(SlowFace(), engine, pool, images=ImageBudget())
    async with running(tmp_path, certificates, engines=engines) as site:
        yield Bench(site, engine)
    pool.close()


def print_of(level: int, position: int = 0) -> FingerTemplate:
    """Minutiae here and there, the level the first one's place."""
    random = np.random.default_rng(level)
    x, y = random.permutation(np.arange(10, 290, 4))[: 2 * COUNT].reshape(2, COUNT).astype(np.float32)
    x[0] = level
    angle = random.uniform(0, 6, COUNT).astype(np.float32)
    quality = np.linspace(1.0, 0.8, COUNT, dtype=np.float32)
    return FingerTemplate(x, y, angle, np.arange(COUNT) % 2 == 0, quality, 300, 300, position)


def lattice() -> bytes:
    x, y = np.meshgrid(np.arange(50, 200, 30, dtype=np.float32), np.arange(50, 200, 30, dtype=np.float32))
    ones = np.ones(x.size, np.float32)
    crafted = FingerTemplate(x.ravel(), y.ravel(), ones, ones > 0, ones, 300, 300)
    return write_template([crafted], TemplateFormat.ISO_19794_2_RECORD)


def tip() -> bytes:
    """A template of a fingertip: too few minutiae."""
    whole = print_of(100)
    columns = {name: getattr(whole, name)[:12] for name in ("x", "y", "angle", "ending", "quality")}
    return write_template([replace(whole, **columns)], TemplateFormat.ISO_19794_2_RECORD)


def image(level: int) -> bytes:
    return cv2.imencode(".png", np.full((160, 160), level, np.uint8))[1].tobytes()


def finger(level: int, position: int = 0, dpi: float = 500.0) -> pb.Finger:
    return pb.Finger(image=image(level), position=position, resolution_dpi=dpi)


def template(level: int, position: int = 0, form: TemplateFormat = TemplateFormat.ISO_19794_2_RECORD) -> bytes:
    return write_template([print_of(level, position)], form)


async def test_several_fingers_are_one_comparison(bench: Bench) -> None:
    answer = await bench.verify(
        probes=[finger(100, 2), finger(110, 7)], references=[finger(100, 2), finger(100, 2, 1000.0), finger(110, 7)]
    )
    assert bench.engine.sides == [([2, 7], [2, 2, 7])]
    assert bench.engine.resolutions == [500.0, 500.0, 500.0, 1000.0, 500.0]
    comparison = answer.comparison
    assert (comparison.match, comparison.score, comparison.threshold, comparison.fmr) == (True, 5.0, 2.0, 1e-5)
    assert (comparison.calibration, comparison.probe_quality) == ("double-2", 80.0)
    (pair,) = answer.pairs
    assert (pair.probe_position, pair.reference_position, pair.comparisons) == (2, 0, 3)


@pytest.mark.parametrize("form", [TemplateFormat.ISO_19794_2_RECORD, TemplateFormat.ISO_39794_2])
async def test_templates_of_others_are_recognised_and_compared(bench: Bench, form: TemplateFormat) -> None:
    held = pb.Finger(template=template(100, 0, form), position=4)
    answer = await bench.verify(probes=[finger(100)], references=[held])
    assert answer.comparison.match and math.isnan(answer.comparison.reference_quality)
    assert bench.engine.sides == [([0], [4])]  # the template says none, the request does


async def test_a_card_s_template_needs_its_format(bench: Bench) -> None:
    data = template(100, 0, TemplateFormat.ISO_19794_2_CARD_COMPACT)
    named = pb.Finger(template=data, format=pb.TEMPLATE_FORMAT_ISO_19794_2_CARD_COMPACT)
    assert (await bench.verify(probes=[finger(100)], references=[named])).pairs
    assert await refused(bench.verify(probes=[finger(100)], references=[pb.Finger(template=data)])) == (
        INVALID,
        "TEMPLATE_FORMAT_UNKNOWN",
    )


async def test_a_score_at_the_threshold_whose_joint_rate_is_too_high_is_no_match(bench: Bench) -> None:
    for score, fmr, match in ((3.0, 1e-2, False), (1.0, 1e-9, False), (math.nan, math.nan, False), (2.0, 5e-4, True)):
        bench.engine.answer = FingerSetComparison(score, fmr, score, ())
        answer = await bench.verify(probes=[finger(100)], references=[finger(100)], fmr_target=5e-4)
        assert answer.comparison.match is match


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"probes": [pb.Finger(image=b"x")]}, "FIELD_INVALID"),
        ({"probe": b"x", "probes": [finger(1)], "references": [finger(1)]}, "FIELD_INVALID"),
        ({"probes": [finger(1)] * 11, "references": [finger(1)]}, "FIELD_INVALID"),
        ({"probes": [finger(1)], "references": [finger(1)] * 31}, "FIELD_INVALID"),
        ({"probes": [pb.Finger()], "references": [finger(1)]}, "FIELD_MISSING"),
        ({"probes": [finger(1, 11)], "references": [finger(1)]}, "FIELD_INVALID"),
        ({"probes": [finger(1, 0, 90.0)], "references": [finger(1)]}, "FIELD_INVALID"),
        ({"probes": [finger(1, 0, math.nan)], "references": [finger(1)]}, "FIELD_INVALID"),
        ({"probes": [finger(1, 0, 0.0)], "references": [finger(1)]}, "FINGER_RESOLUTION"),
        ({"probes": [finger(NO_PRINT)], "references": [finger(1)]}, "FINGER_NOT_FOUND"),
        ({"probes": [finger(POOR)], "references": [finger(1)]}, "FINGER_MINUTIAE"),
        ({"probes": [finger(1)], "references": [pb.Finger(template=tip())]}, "FINGER_MINUTIAE"),
        ({"probes": [finger(1)], "references": [pb.Finger(template=lattice())]}, "FINGER_IMPLAUSIBLE"),
        ({"probes": [finger(1)], "references": [pb.Finger(template=b"FMR\0 20\0")]}, "TEMPLATE_SIZE"),
        ({"probes": [finger(1)], "references": [pb.Finger(template=b"t", format=cast(Any, 9))]}, "FIELD_INVALID"),
        ({"probe": image(1), "reference": image(1)}, "FINGER_RESOLUTION"),
        ({"probe": b"", "reference": image(1)}, "IMAGE_EMPTY"),
        ({"probes": [finger(1)], "references": [finger(1)], "fmr_target": 1e-9}, "FIELD_INVALID"),
    ],
)
async def test_a_wrong_request_is_named(bench: Bench, request_: dict[str, Any], reason: str) -> None:
    assert await refused(bench.verify(**request_)) == (INVALID, reason)


async def test_more_fingers_than_a_person_has_are_refused_by_name(bench: Bench) -> None:
    bench.engine.refusal = TemplateError("more than 10 fingers of one person", code="FINGER_COUNT")
    assert await refused(bench.verify(probes=[finger(100)], references=[finger(100)])) == (INVALID, "FINGER_COUNT")


async def test_each_impression_has_its_own_answer_and_the_enroller_its_template(bench: Bench) -> None:
    answers = (
        await bench.extract(
            [finger(100, 3), finger(NO_PRINT), finger(POOR, 0, 0.0), finger(POOR)], include_template=True
        )
    ).extractions
    assert [answer.error.code for answer in answers] == ["", "FINGER_NOT_FOUND", "FINGER_RESOLUTION", ""]
    first = answers[0].finger
    assert (first.position, first.minutiae_count, first.quality, dict(first.quality_components)) == (
        3,
        COUNT,
        80.0,
        {"area": 55.0, COMPONENT: 80.0},
    )
    assert (list(first.models), first.calibration) == (["net"], "double-2")
    (found,) = read_template(first.template)
    assert found.position == 3 and found.x.tolist() == print_of(100).x.tolist()
    assert [list(answer.guidance) for answer in answers] == [[], ["PLACE_FINGER"], [], ["PRESS_HARDER"]]


async def test_who_only_compares_gets_no_template(bench: Bench) -> None:
    (answer,) = (await bench.extract([finger(100)], "matcher-1")).extractions
    assert answer.finger.minutiae_count == COUNT and answer.finger.template == b""
    assert await refused(bench.extract([finger(100)], "matcher-1", include_template=True)) == (
        DENIED,
        "TEMPLATE_DENIED",
    )
    assert await refused(bench.extract([finger(100)], "gate-1")) == (DENIED, "ROLE_DENIED")


@pytest.mark.parametrize(
    ("form", "read"),
    [
        (pb.TEMPLATE_FORMAT_ISO_19794_2_CARD_NORMAL, TemplateFormat.ISO_19794_2_CARD_NORMAL),
        (pb.TEMPLATE_FORMAT_ISO_19794_2_CARD_COMPACT, TemplateFormat.ISO_19794_2_CARD_COMPACT),
        (pb.TEMPLATE_FORMAT_ISO_39794_2, TemplateFormat.ISO_39794_2),
    ],
)
async def test_templates_come_in_the_format_asked_for(bench: Bench, form: Any, read: TemplateFormat) -> None:
    (answer,) = (await bench.extract([finger(100)], include_template=True, format=form)).extractions
    assert len(read_template(answer.finger.template, format=read)[0].x) == COUNT


@pytest.mark.parametrize("fingers", [[], [finger(1)] * 65, [pb.Finger(template=b"FMR\0 20\0")], [pb.Finger()]])
async def test_only_images_are_extracted_and_not_too_many(bench: Bench, fingers: list[pb.Finger]) -> None:
    assert (await refused(bench.extract(fingers)))[0] == INVALID


async def enrol_all(bench: Bench, fingers: list[pb.Finger], name: str = "enroller-1", **options: Any) -> Any:
    request = pb.ExtractEnrolmentRequest(impressions=fingers, **options)
    return await bench.stub(name).ExtractEnrolment(request, timeout=TIMEOUT_S)


async def test_an_enrolment_keeps_what_agrees_and_names_the_rest(bench: Bench) -> None:
    """Right index three times; left index once as itself and once as another finger; one print that is none."""
    fingers = [finger(100, 2), finger(NO_PRINT, 2), finger(100, 2), finger(110, 7), finger(150, 7), finger(POOR, 7)]
    absent = [pb.AbsentFinger(position=1, reason=pb.FINGER_ABSENCE_BANDAGED)]
    answer = await enrol_all(bench, fingers, absent=absent, wanted=[1, 2, 3, 7])
    assert [each.position for each in read_template(answer.template)] == [2, 2]
    assert [each.error.code for each in answer.extractions] == ["", "FINGER_NOT_FOUND", "", "", "", ""]
    assert not any(each.finger.template for each in answer.extractions)
    found = {
        (each.code, each.position, each.impression if each.HasField("impression") else None) for each in answer.findings
    }
    assert ("low_quality", 7, 5) in found  # the request's index, though an earlier impression could not be read
    assert ("no_majority", 7, 3) in found and ("not_presented", 3, None) in found
    assert not answer.complete
    assert [each.position for each in answer.recapture] == [3, 7]


async def test_one_finger_under_two_positions_is_enrolled_under_neither(bench: Bench) -> None:
    fingers = [finger(100, 2), finger(100, 2), finger(100, 7), finger(100, 7), finger(120, 8), finger(120, 8)]
    answer = await enrol_all(bench, fingers)
    assert [each.position for each in read_template(answer.template)] == [8, 8]
    twice = {(each.position, each.other_position) for each in answer.findings if each.code == "same_finger_twice"}
    assert twice and {place for pair in twice for place in pair} == {2, 7}


async def test_a_whole_enrolment_is_complete(bench: Bench) -> None:
    form = pb.TEMPLATE_FORMAT_ISO_39794_2
    answer = await enrol_all(bench, [finger(100, 2)] * 4 + [finger(120, 7)] * 2, wanted=[2, 7], format=form)
    assert answer.complete and not answer.recapture
    assert [each.position for each in read_template(answer.template)] == [2, 2, 2, 7, 7]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"format": pb.TEMPLATE_FORMAT_ISO_19794_2_CARD_COMPACT}, "FIELD_INVALID"),
        ({"wanted": [0]}, "FIELD_INVALID"),
        ({"absent": [pb.AbsentFinger(position=11, reason=pb.FINGER_ABSENCE_MISSING)]}, "FIELD_INVALID"),
        ({"absent": [pb.AbsentFinger(position=1)]}, "FIELD_MISSING"),
        ({"absent": [pb.AbsentFinger(position=1, reason=pb.FINGER_ABSENCE_MISSING)] * 2}, "FIELD_INVALID"),
    ],
)
async def test_a_wrong_enrolment_is_named(bench: Bench, options: dict[str, Any], reason: str) -> None:
    assert await refused(enrol_all(bench, [finger(100, 2)], **options)) == (INVALID, reason)
    assert await refused(enrol_all(bench, [finger(100, 2)] * 11)) == (INVALID, "FINGER_IMPRESSIONS")
    assert await refused(enrol_all(bench, [finger(100, 2)], "matcher-1")) == (DENIED, "ROLE_DENIED")


async def test_nothing_usable_enrols_nothing(bench: Bench) -> None:
    answer = await enrol_all(bench, [finger(NO_PRINT, 2)], wanted=[2])
    assert (answer.template, answer.complete, [each.position for each in answer.recapture]) == (b"", False, [2])
