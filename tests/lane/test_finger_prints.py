"""Goal: with the real engine, a live print passes against the document that holds its finger, and against no other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from egate.crossing.policy import ALWAYS_MANDATORY, Policy, judge_finger
from egate.domain.biometric import EncodedFinger, Guidance
from egate.domain.evidence import Check, CheckResult
from egate.domain.reason import Reason
from egate.inference.finger.engine import load_finger_engine
from egate.inference.image.budget import ImageBudget
from egate.inference.pool import InferencePool
from egate.inference.weights.store import ModelStore
from egate.lane.finger_verifier import FingerReferences, FingerVerification, FingerVerifier

pytestmark = pytest.mark.models
FMR = 5e-4
RIGHT_INDEX, LEFT_INDEX = 2, 7


@dataclass(frozen=True, slots=True)
class Bench:
    verifier: FingerVerifier
    policy: Policy
    document: FingerReferences

    async def live(self, name: str, position: int) -> FingerVerification:
        return await self.verifier.verify(sample(name, position), self.document)

    def result(self, found: FingerVerification) -> CheckResult:
        return judge_finger(found.result, self.policy).result


def sample(name: str, position: int = 0) -> EncodedFinger:
    return EncodedFinger(ModelStore().sample(f"{name}.png").read_bytes(), position, 500.0)


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    """The document holds p1 as its right and p2 as its left index finger."""
    engine, pool = load_finger_engine(ModelStore()), InferencePool(1)
    verifier = FingerVerifier(engine, pool, ImageBudget())
    policy = Policy("t", ALWAYS_MANDATORY | {Check.FINGER}, 1.0, engine.threshold(FMR), FMR)
    document = await verifier.references([sample("p1_1", RIGHT_INDEX), sample("p2_1", LEFT_INDEX)], denied=False)
    yield Bench(verifier, policy, document)
    pool.close()


async def test_the_holder_passes_with_and_without_a_position(bench: Bench) -> None:
    for position in (0, RIGHT_INDEX):
        found = await bench.live("p1_2", position)
        assert bench.result(found) is CheckResult.PASS
        assert found.result.fmr <= FMR


async def test_a_finger_does_not_pass_as_another_one(bench: Bench) -> None:
    assert bench.result(await bench.live("p1_2", LEFT_INDEX)) is CheckResult.FAIL
    stranger = await bench.verifier.references([sample("p2_1")], denied=False)
    found = await bench.verifier.verify(sample("p1_2"), stranger)
    assert bench.result(found) is CheckResult.FAIL
    none = await bench.live("p1_2", 4)
    assert (none.result.failure, none.guidance) == (Reason.FINGER_UNUSABLE, (Guidance.USE_ENROLLED_FINGER,))
