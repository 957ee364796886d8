"""MatchService: translation, limits and errors. The engines are doubles of their ports; their scores are the test's."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from egate.api.v1 import match_service_pb2 as pb
from egate.api.v1 import match_service_pb2_grpc as pb_grpc
from egate.api.v1 import values_pb2
from egate.domain.biometric import (
    ComparisonScore,
    FaceCapture,
    FaceSample,
    FaceTemplate,
    FingerSample,
    FingerTemplate,
    Image,
    PadScore,
    QualityScore,
)
from egate.domain.finger import Enrolment, FingerSetComparison
from egate.errors import ConfigurationError, ImageError
from egate.inference.pool import InferencePool
from egate.matching.finger.quality.usable import COMPONENT
from egate.service.match import Engines
from tests.service.site import TIMEOUT_S, Site, picture, running
from tests.service.test_officers import refused

EMPTY = np.zeros(0, np.float32)


@dataclass
class FaceDouble:
    score: float = 0.7
    faces: int = 1
    shapes: list[tuple[int, ...]] = field(default_factory=list)

    def capture(self, image: Image) -> FaceCapture:
        self.shapes.append(image.shape)
        face = FaceSample((0, 0, 1, 1), EMPTY, 1.0, 60.0, QualityScore(80.0), FaceTemplate({}), image)
        return FaceCapture(face if self.faces else None, self.faces)

    def compare(self, probe: FaceTemplate, reference: FaceTemplate) -> ComparisonScore:
        return ComparisonScore(self.score, 1e-4, "double-1")

    def threshold(self, fmr: float) -> float:
        if fmr < 1e-6:
            raise ConfigurationError("not supported")
        return 0.5


@dataclass
class FingerDouble:
    refusal: Exception | None = None
    models = ("net",)
    calibration = "double-2"

    def capture(self, image: Image, position: int = 0, dpi: float = 500.0) -> FingerSample:
        assert image.ndim == 2
        if self.refusal is not None:
            raise self.refusal
        template = FingerTemplate(EMPTY, EMPTY, EMPTY, np.zeros(0, np.bool_), EMPTY, 64, 64)
        return FingerSample(template, QualityScore(50.0, {COMPONENT: 50.0}), image)

    def compare(self, probe: FingerTemplate, reference: FingerTemplate) -> ComparisonScore:
        return ComparisonScore(0.2, 0.5, "double-2")

    def compare_fingers(
        self, probes: Sequence[FingerTemplate], references: Sequence[FingerTemplate]
    ) -> FingerSetComparison:
        return FingerSetComparison(0.2, 0.5, 0.2, ())

    def enrol(self, samples: Sequence[FingerSample], **_: object) -> Enrolment:
        raise NotImplementedError

    def threshold(self, fmr: float) -> float:
        return 0.5


@dataclass
class PadDouble:
    value: float = 2.0
    shapes: list[tuple[int, ...]] = field(default_factory=list)

    def score(self, image: Image, face: FaceSample) -> float:
        self.shapes.append(image.shape)
        return self.value

    def combine(self, scores: Sequence[float]) -> PadScore:
        return PadScore(scores[0], 0.01, 0.02, "double-3", len(scores))

    def threshold(self, apcer: float) -> float:
        return 1.0


@dataclass
class Bench:
    site: Site
    face: FaceDouble
    finger: FingerDouble
    stub: Any


@pytest.fixture
async def bench(tmp_path: Path, certificates: Path) -> AsyncIterator[Bench]:
    face, finger, pool = FaceDouble(), FingerDouble(), InferencePool(2)
    async with running(tmp_path, certificates, engines=Engines(face, finger, pool)) as site:
        yield Bench(site, face, finger, site.stub(pb_grpc.MatchServiceStub, "matcher-1"))
    pool.close()


def faces(**changes: Any) -> pb.VerifyFaceRequest:
    return pb.VerifyFaceRequest(**{"probe": picture(), "reference": picture(65, ".jpg"), **changes})


async def test_a_face_comparison_says_score_and_what_it_stands_for(bench: Bench) -> None:
    answer = (await bench.stub.VerifyFace(faces(), timeout=TIMEOUT_S)).comparison
    assert (answer.score, answer.threshold, answer.match, answer.fmr) == (0.7, 0.5, True, 1e-4)
    assert (answer.calibration, answer.probe_quality) == ("double-1", 80.0)
    assert bench.face.shapes == [(64, 64, 3), (65, 65, 3)]


async def test_a_finger_comparison_below_the_threshold_is_no_match(bench: Bench) -> None:
    request = pb.VerifyFingerRequest(probe=picture(), reference=picture(), resolution_dpi=500)
    answer = (await bench.stub.VerifyFinger(request, timeout=TIMEOUT_S)).comparison
    assert (answer.score, answer.match) == (0.2, False)


async def test_a_score_that_is_no_number_is_no_match(bench: Bench) -> None:
    bench.face.score = math.nan
    answer = (await bench.stub.VerifyFace(faces(), timeout=TIMEOUT_S)).comparison
    assert math.isnan(answer.score)
    assert not answer.match


async def test_several_faces_are_counted(bench: Bench) -> None:
    bench.face.faces = 3
    assert (await bench.stub.VerifyFace(faces(), timeout=TIMEOUT_S)).probe_face_count == 3


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"probe": b""}, "IMAGE_EMPTY"),
        ({"reference": b"text"}, "IMAGE_FORMAT"),
        ({"reference": picture()[:-30]}, "IMAGE_TRUNCATED"),
        ({"fmr_target": math.nan}, "FIELD_INVALID"),
        ({"fmr_target": -0.1}, "FIELD_INVALID"),
        ({"fmr_target": 1.0}, "FIELD_INVALID"),
        ({"fmr_target": math.inf}, "FIELD_INVALID"),
        ({"fmr_target": 1e-9}, "FIELD_INVALID"),
    ],
)
async def test_a_wrong_request_is_named(bench: Bench, changes: dict[str, Any], reason: str) -> None:
    assert await refused(bench.stub.VerifyFace(faces(**changes))) == (grpc.StatusCode.INVALID_ARGUMENT, reason)


async def test_no_face_and_no_print_are_errors_of_the_image(bench: Bench) -> None:
    bench.face.faces = 0
    bench.finger.refusal = ImageError("no print", code="IMAGE_NO_PRINT")
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    assert await refused(bench.stub.VerifyFace(faces())) == (invalid, "IMAGE_NO_FACE")
    request = pb.VerifyFingerRequest(probe=picture(), reference=picture(), resolution_dpi=500)
    assert await refused(bench.stub.VerifyFinger(request)) == (invalid, "IMAGE_NO_PRINT")


async def test_a_caller_is_held_to_its_rate(bench: Bench) -> None:
    for _ in range(20):
        await bench.stub.VerifyFace(faces(), timeout=TIMEOUT_S)
    assert await refused(bench.stub.VerifyFace(faces())) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "MATCH_RATE")
    bench.site.clock.advance(0.11)
    await bench.stub.VerifyFace(faces(), timeout=TIMEOUT_S)


async def test_without_a_detector_attack_detection_is_not_performed(bench: Bench) -> None:
    answer = await bench.stub.VerifyFace(faces(), timeout=TIMEOUT_S)
    attack = answer.presentation_attack_detection
    assert attack.result == values_pb2.CHECK_RESULT_NOT_PERFORMED
    assert not (attack.HasField("score") or attack.HasField("apcer"))


@pytest.mark.parametrize(
    ("value", "threshold", "result"),
    [
        (2.0, 1.0, "PASS"),
        (1.0, 1.0, "PASS"),
        (0.9, 1.0, "FAIL"),
        (-math.inf, 1.0, "FAIL"),
        (math.nan, 1.0, "UNDETERMINED"),
        (2.0, math.nan, "UNDETERMINED"),
    ],
)
async def test_an_attack_is_told_beside_the_match_and_never_instead_of_it(
    tmp_path: Path, certificates: Path, value: float, threshold: float, result: str
) -> None:
    pool, pad = InferencePool(1), PadDouble(value)
    engines = Engines(FaceDouble(), FingerDouble(), pool, pad=pad, pad_threshold=threshold)
    async with running(tmp_path, certificates, engines=engines) as site:
        stub = site.stub(pb_grpc.MatchServiceStub, "matcher-1")
        answer = await stub.VerifyFace(faces(), timeout=TIMEOUT_S)
    pool.close()
    attack = answer.presentation_attack_detection
    assert values_pb2.CheckResult.Name(attack.result) == f"CHECK_RESULT_{result}"
    assert attack.score == value or (math.isnan(attack.score) and math.isnan(value))
    assert (attack.apcer, attack.calibration) == (0.01, "double-3")
    assert answer.comparison.match  # who it is does not depend on it
    assert pad.shapes == [(64, 64, 3)]  # the probe's frame, not the reference's


@pytest.mark.parametrize("name", ["gate-1", "console-1", "engineer-1", "enroller-1"])
async def test_only_matchers_match(bench: Bench, name: str) -> None:
    stub = bench.site.stub(pb_grpc.MatchServiceStub, name)
    assert await refused(stub.VerifyFace(faces())) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_DENIED")
