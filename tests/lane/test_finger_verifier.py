"""Goal: a live impression is compared with the document's fingers it may be, and every finger tried counts against it."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
import pytest_asyncio

from egate.domain.biometric import (
    ComparisonScore,
    EncodedFinger,
    FingerSample,
    FingerTemplate,
    Guidance,
    Image,
    QualityScore,
)
from egate.domain.finger import Enrolment, FingerSetComparison
from egate.domain.reason import Reason
from egate.errors import ImageError, ModelError
from egate.inference.image.budget import ImageBudget
from egate.inference.pool import InferencePool
from egate.lane.finger_verifier import REFERENCES_MAX, FingerVerifier
from egate.matching.finger.hand.comparison import compare_hands
from egate.matching.finger.hand.fingers import fingers_of
from egate.matching.finger.hand.scale import comparison_scale
from egate.matching.finger.quality.usable import COMPONENT
from egate.matching.rates.calibration import Calibration

EMPTY = np.zeros(0, np.float32)
SCORES = np.arange(11.0)
CALIBRATION = Calibration("double", SCORES, 10.0 ** -(SCORES / 2.0), SCORES / 100.0, mated=100_000, non_mated=1_000_000)
SCALE = comparison_scale(lambda score: 0.5 * math.log(10.0) * score, CALIBRATION)


@dataclass
class EngineDouble:
    """A print is told by its grey level: below 50 no print, 50-99 of low quality. score: by the reference's grey level."""

    scores: dict[int, float] = field(default_factory=dict)
    resolutions: list[float] = field(default_factory=list)
    failure: Exception | None = None
    calibration = "double"
    models = ("net",)

    def capture(self, image: Image, position: int = 0, dpi: float = 500.0) -> FingerSample:
        self.resolutions.append(dpi)
        level = int(image[0, 0])
        if level < 50:
            raise ImageError("no print", code="FINGER_NOT_FOUND")
        template = FingerTemplate(EMPTY, EMPTY, EMPTY, np.zeros(0, np.bool_), EMPTY, level, 64, position)
        return FingerSample(template, QualityScore(80.0, {COMPONENT: 10.0 if level < 100 else 80.0}), image)

    def compare(self, probe: FingerTemplate, reference: FingerTemplate) -> ComparisonScore:
        if self.failure is not None:
            raise self.failure
        value = self.scores.get(reference.width, 0.0)
        return ComparisonScore(value, CALIBRATION.fmr(value), "double")

    def compare_fingers(
        self, probes: Sequence[FingerTemplate], references: Sequence[FingerTemplate]
    ) -> FingerSetComparison:
        def score(probe: FingerTemplate, reference: FingerTemplate) -> float:
            return self.compare(probe, reference).value

        left, right = (fingers_of(side, lambda template: template) for side in (probes, references))
        return compare_hands(left, right, score, SCALE)

    def enrol(self, samples: Sequence[FingerSample], **_: object) -> Enrolment:
        raise NotImplementedError

    def threshold(self, fmr: float) -> float:
        return SCALE.calibration.threshold(fmr)


@dataclass
class Bench:
    engine: EngineDouble
    verifier: FingerVerifier


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    engine, pool = EngineDouble(), InferencePool(1)
    yield Bench(engine, FingerVerifier(engine, pool, ImageBudget()))
    pool.close()


def finger(level: int, position: int = 0, dpi: float | None = 500.0) -> EncodedFinger:
    return EncodedFinger(cv2.imencode(".png", np.full((160, 160), level, np.uint8))[1].tobytes(), position, dpi)


async def test_a_position_nobody_knows_tries_every_finger_and_pays_for_it(bench: Bench) -> None:
    references = await bench.verifier.references([finger(110, 2), finger(120, 7)], denied=False)
    bench.engine.scores = {110: 1.0, 120: 8.0}
    found = await bench.verifier.verify(finger(200), references)
    assert found.result.failure is None
    assert found.result.fmr == pytest.approx(2e-4, rel=0.01)  # 1e-4 for one finger
    assert 7.0 <= found.result.score < 8.0
    assert found.images["document_finger"][0, 0] == 120  # the officer sees the finger it was found to be


async def test_a_known_position_is_compared_with_its_own_finger_alone(bench: Bench) -> None:
    references = await bench.verifier.references([finger(110, 2), finger(120, 7)], denied=False)
    bench.engine.scores = {110: 1.0, 120: 8.0}
    found = await bench.verifier.verify(finger(200, 2), references)
    assert [found.result.score, found.result.fmr] == pytest.approx([1.0, 10**-0.5])
    mine = await bench.verifier.verify(finger(200, 7), references)
    assert [mine.result.score, mine.result.fmr] == pytest.approx([8.0, 1e-4])
    other = await bench.verifier.verify(finger(200, 3), references)
    assert (other.result.failure, other.guidance) == (Reason.FINGER_UNUSABLE, (Guidance.USE_ENROLLED_FINGER,))


async def test_a_comparison_that_failed_is_never_the_best(bench: Bench) -> None:
    references = await bench.verifier.references([finger(110), finger(120)], denied=False)
    bench.engine.scores = {110: math.nan, 120: 8.0}
    found = await bench.verifier.verify(finger(200), references)
    assert found.result.fmr == pytest.approx(2e-4, rel=0.01)
    bench.engine.scores = {110: math.nan, 120: math.nan}
    nothing = await bench.verifier.verify(finger(200), references)
    assert math.isnan(nothing.result.score) and math.isnan(nothing.result.fmr)


async def test_a_finger_that_cannot_be_used_leaves_the_other_one(bench: Bench) -> None:
    references = await bench.verifier.references([finger(10, 2), finger(120, 7)], denied=False)
    assert not isinstance(references, Reason) and [each.template.position for each in references] == [7]
    assert await bench.verifier.references([finger(10)], denied=False) is Reason.FINGER_REFERENCE_UNUSABLE
    assert await bench.verifier.references([], denied=True) is Reason.FINGER_ACCESS_DENIED
    assert await bench.verifier.references([], denied=False) is Reason.FINGER_REFERENCE_MISSING


@pytest.mark.parametrize(
    ("held", "taken"),
    [
        ([2] * 20, [2] * REFERENCES_MAX),
        ([2, 2, 2, 2, 7], [2, 7, 2, 2]),  # no impression of one finger hides another finger
        (list(range(1, 11)), list(range(1, 11))),
        ([*range(1, 11), *range(1, 11)], list(range(1, 11))),
        ([0] * 20, [0] * 10),
    ],
)
async def test_of_a_document_full_of_fingers_each_is_looked_at(bench: Bench, held: list[int], taken: list[int]) -> None:
    references = await bench.verifier.references([finger(110, position) for position in held], denied=False)
    assert not isinstance(references, Reason) and [each.template.position for each in references] == taken


async def test_poor_and_unreadable_prints_are_taken_again(bench: Bench) -> None:
    references = await bench.verifier.references([finger(110)], denied=False)
    poor = await bench.verifier.verify(finger(60), references)
    assert (poor.result.failure, poor.guidance) == (Reason.FINGER_UNUSABLE, (Guidance.PRESS_HARDER,))
    assert set(poor.images) == {"document_finger", "live_finger"}
    for bad in (finger(10), EncodedFinger(b"no image", 0, 500.0), finger(200, dpi=None), finger(200, dpi=90.0)):
        assert (await bench.verifier.verify(bad, references)).result.failure is Reason.FINGER_UNUSABLE
    nothing = await bench.verifier.verify(finger(10), references)
    assert nothing.guidance == (Guidance.PLACE_FINGER,)
    bench.engine.failure = ModelError("broken")
    assert (await bench.verifier.verify(finger(200), references)).result.failure is Reason.VERIFIER_FAILED


async def test_the_resolution_reaches_the_engine(bench: Bench) -> None:
    references = await bench.verifier.references([finger(110)], denied=False)
    await bench.verifier.verify(finger(200, dpi=1000.0), references)
    assert bench.engine.resolutions == [500.0, 1000.0]
