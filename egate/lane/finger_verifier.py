"""Is the live finger the document's? Bytes in, evidence out, on the inference pool."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from egate.crossing.policy import FingerResult
from egate.domain.biometric import ComparisonScore, EncodedFinger, FingerSample, Guidance, Image
from egate.domain.reason import Reason
from egate.errors import EgateError, ImageError
from egate.inference.finger.resolution import choose_dpi
from egate.inference.image.budget import ImageBudget
from egate.inference.image.decoder import DOCUMENT_PIXELS_MAX, PIXELS_MAX, GreyImage
from egate.inference.pool import InferencePool
from egate.ports import FingerEngine

NAN = math.nan
# Measured (models/finger-minutiae/CARD.md): parts of prints reach up to four times the FMR the score stands for, and below this quality a
# third of the mated comparisons fail anyway. Such an impression is taken again instead of compared.
FINGER_QUALITY_MIN = 25.0
# Chosen: documents hold two (Regulation (EC) 2252/2004, article 1). Each more would cost an extraction while the traveller waits, and
# every finger that is tried makes a false match likelier.
REFERENCES_MAX = 2

FingerReferences = tuple[FingerSample, ...] | Reason  # the document's fingers, at least one, or why there is none


@dataclass(frozen=True, slots=True, repr=False)
class FingerVerification:
    result: FingerResult
    guidance: tuple[Guidance, ...] = ()
    images: Mapping[str, Image] = field(default_factory=dict)


class FingerVerifier:
    def __init__(self, engine: FingerEngine, pool: InferencePool, images: ImageBudget) -> None:
        """images: what may be decoded at once, shared with whoever else decodes."""
        self._engine = engine
        self._pool = pool
        self._images = images

    async def references(self, fingers: Sequence[EncodedFinger], denied: bool) -> FingerReferences:
        """The first REFERENCES_MAX of the document's that can be compared with. denied: the chip kept its fingers."""
        if not fingers:
            return Reason.FINGER_ACCESS_DENIED if denied else Reason.FINGER_REFERENCE_MISSING
        found: list[FingerSample] = []
        for finger in fingers[:REFERENCES_MAX]:
            try:
                found.append(await self._pool.run(self._captured, finger, DOCUMENT_PIXELS_MAX))
            except EgateError:
                continue  # the other one may do
        return tuple(found) or Reason.FINGER_REFERENCE_UNUSABLE

    async def verify(self, finger: EncodedFinger, references: FingerReferences) -> FingerVerification:
        """A live impression against the document's fingers: that of its position, all of them if it is unknown."""
        if isinstance(references, Reason):
            return _failed(references)
        images = {"document_finger": references[0].image}
        try:
            probe = await self._pool.run(self._captured, finger, PIXELS_MAX)
            images = {**images, "live_finger": probe.image}
            if not probe.quality.unified >= FINGER_QUALITY_MIN:
                return _failed(Reason.FINGER_UNUSABLE, images, probe.guidance or (Guidance.PRESS_HARDER,))
            claimed = [each for each in references if _may_be_same(probe, each)]
            if not claimed:
                return _failed(Reason.FINGER_UNUSABLE, images, (Guidance.USE_ENROLLED_FINGER,))
            scores = await self._pool.run(self._scores, probe, claimed)
        except ImageError:
            return _failed(Reason.FINGER_UNUSABLE, images)
        except EgateError:
            return _failed(Reason.VERIFIER_FAILED, images)
        best = max(range(len(scores)), key=lambda index: _rank(scores[index]))
        images["document_finger"] = claimed[best].image
        return FingerVerification(
            FingerResult(scores[best].value, joint_fmr(scores[best].fmr, len(scores))), probe.guidance, images
        )

    def _captured(self, finger: EncodedFinger, pixels_max: int) -> FingerSample:
        def see(image: GreyImage) -> FingerSample:
            return self._engine.capture(image.pixels, finger.position, choose_dpi(image.dpi, finger.dpi))

        return self._images.look_grey(finger.image, see, pixels_max=pixels_max)

    def _scores(self, probe: FingerSample, references: Sequence[FingerSample]) -> list[ComparisonScore]:
        return [self._engine.compare(probe.template, each.template) for each in references]


def joint_fmr(fmr: float, tried: int) -> float:
    """The chance that a stranger reaches with any of `tried` fingers what reaches one with chance fmr; never too small, since what is
    alike about fingers of one hand only lowers it (Boole's inequality). NaN in, NaN out."""
    return min(1.0, tried * fmr) if not math.isnan(fmr) else NAN


def _may_be_same(probe: FingerSample, reference: FingerSample) -> bool:
    """Of the same position, as far as both are known."""
    live, claimed = probe.template.position, reference.template.position
    return live == claimed or 0 in (live, claimed)


def _rank(score: ComparisonScore) -> float:
    """NaN is the lowest."""
    return -math.inf if math.isnan(score.value) else score.value


def _failed(
    reason: Reason, images: Mapping[str, Image] | None = None, guidance: tuple[Guidance, ...] = ()
) -> FingerVerification:
    return FingerVerification(FingerResult(NAN, NAN, reason), guidance, images or {})
