"""Is the live finger the document's? Bytes in, evidence out, on the inference pool."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from egate.crossing.policy import FingerResult
from egate.domain.biometric import EncodedFinger, FingerSample, Guidance, Image
from egate.domain.finger import FINGERS_MAX, FingerSetComparison
from egate.domain.reason import Reason
from egate.errors import EgateError, ImageError
from egate.inference.finger.advice import advice
from egate.inference.finger.image import STORED_PIXELS_MAX, capture_finger
from egate.inference.image.budget import ImageBudget
from egate.inference.image.decoder import DOCUMENT_PIXELS_MAX
from egate.inference.pool import InferencePool
from egate.matching.finger.quality import usable
from egate.ports import FingerEngine

NAN = math.nan
# Chosen: documents hold two fingers (Regulation (EC) 2252/2004, article 1), rarely several impressions of each. Each more costs an
# extraction while the traveller walks in; one of each finger is taken in any case.
REFERENCES_MAX = 4

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
        """Those of the document's that can be compared with. denied: the chip kept its fingers."""
        if not fingers:
            return Reason.FINGER_ACCESS_DENIED if denied else Reason.FINGER_REFERENCE_MISSING
        found: list[FingerSample] = []
        for finger in _chosen(fingers):
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
            probe = await self._pool.run(self._captured, finger, STORED_PIXELS_MAX)
            images = {**images, "live_finger": probe.image}
            if not usable(probe.quality):
                return _failed(Reason.FINGER_UNUSABLE, images, probe.guidance or (Guidance.PRESS_HARDER,))
            found = await self._pool.run(self._compared, probe, references)
        except ImageError as error:
            return _failed(Reason.FINGER_UNUSABLE, images, advice(error))
        except EgateError:
            return _failed(Reason.VERIFIER_FAILED, images)
        if not found.pairs:
            return _failed(Reason.FINGER_UNUSABLE, images, (Guidance.USE_ENROLLED_FINGER,))
        images["document_finger"] = _at(found.pairs[0].reference, references).image
        return FingerVerification(FingerResult(found.score, found.fmr), probe.guidance, images)

    def _captured(self, finger: EncodedFinger, pixels_max: int) -> FingerSample:
        return capture_finger(self._engine, self._images, finger, pixels_max=pixels_max)

    def _compared(self, probe: FingerSample, references: Sequence[FingerSample]) -> FingerSetComparison:
        return self._engine.compare_fingers([probe.template], [each.template for each in references])


def _chosen(fingers: Sequence[EncodedFinger]) -> list[EncodedFinger]:
    """The first impression of each finger, then second ones: the traveller may lay down any of them. Those of unknown position are a
    finger each."""
    seen: Counter[int] = Counter()
    turn: list[tuple[int, EncodedFinger]] = []
    for finger in fingers:
        turn.append((seen[finger.position] if finger.position else 0, finger))
        seen[finger.position] += 1
    firsts = sum(number == 0 for number, _ in turn)
    count = min(max(REFERENCES_MAX, firsts), FINGERS_MAX)
    return [finger for _, finger in sorted(turn, key=lambda each: each[0])][:count]


def _at(position: int, references: Sequence[FingerSample]) -> FingerSample:
    """What the officer is shown of the document: an impression of the finger that it was found to be."""
    return next(each for each in references if each.template.position == position)


def _failed(
    reason: Reason, images: Mapping[str, Image] | None = None, guidance: tuple[Guidance, ...] = ()
) -> FingerVerification:
    return FingerVerification(FingerResult(NAN, NAN, reason), guidance, images or {})
