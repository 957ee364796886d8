"""Several fingers against several of one person: pairs by position, the best impression of each, the sum over fingers.

Every trial gives a non-mate one more chance, so the trials are counted, taken off the value (log n) and part of the FMR: ten fingers
tried instead of one do not multiply the false match rate by ten.

So is what is no new evidence: fingers of one side that look like one finger count as one (`same_finger`).

NaN refuses: an impression that gives no number counts as a trial and can only lose; a finger of which none does makes the whole NaN,
because leaving its term out could raise the sum; so does a side that cannot be compared with itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from egate.domain.finger import FingerPair, FingerPosition, FingerSetComparison
from egate.matching.finger.hand.fingers import Finger, T, check
from egate.matching.finger.hand.pairing import pair_fingers
from egate.matching.finger.hand.same_finger import same_fingers
from egate.matching.finger.hand.scale import ComparisonScale

UNKNOWN = FingerPosition.UNKNOWN


def compare_hands(
    probes: Sequence[Finger[T]],
    references: Sequence[Finger[T]],
    compare: Callable[[T, T], float],
    scale: ComparisonScale,
) -> FingerSetComparison:
    """Fused comparison of one person's fingers with those of one person.

    compare: score of two impressions, NaN where it failed. At most 10 pairs of fingers are tried if all positions are known, 100
    if not, times the impressions of both. Raises TemplateError with code FINGER_COUNT or FINGER_IMPRESSIONS, ValueError if a known position
    is twice on one side. Time: at most 900 comparisons between the sides and 435 within each; none within where one side has one finger
    to compare. Symmetric if compare is; the order of fingers and impressions does not matter.
    """
    check(probes)
    check(references)
    probes, references = _meeting(probes, references), _meeting(references, probes)
    several = min(len(probes), len(references)) > 1
    left, right = (
        same_fingers(side, compare, scale) if several else [[finger] for finger in side]
        for side in (probes, references)
    )
    if left is None or right is None:
        return FingerSetComparison(math.nan, math.nan, math.nan, ())
    pairing = pair_fingers(left, right, lambda probe, reference: _best(probe, reference, compare, scale))
    pairs = pairing.pairs
    if not pairs or any(math.isinf(pair.llr) for pair in pairs):
        return FingerSetComparison(math.nan, math.nan, math.nan, pairs)
    trials = tuple(pair.trials for pair in pairs)
    taken_off = min(_logs(trials), _logs((pairing.ways, *pairing.once)))
    total = math.fsum(pair.llr for pair in pairs)
    rate = min(scale.rate(total, trials), pairing.ways * scale.rate(total, pairing.once))
    fmr = scale.supported(rate)
    return FingerSetComparison(total - taken_off, fmr, scale.score(fmr), pairs)


def _meeting(fingers: Sequence[Finger[T]], others: Sequence[Finger[T]]) -> list[Finger[T]]:
    """The fingers that are compared with any of the others'."""
    positions = {finger.position for finger in others}
    anywhere = UNKNOWN in positions
    return [finger for finger in fingers if anywhere or finger.position is UNKNOWN or finger.position in positions]


def _logs(counts: Sequence[int]) -> float:
    return math.fsum(math.log(count) for count in counts)


def _best(
    probe: Finger[T], reference: Finger[T], compare: Callable[[T, T], float], scale: ComparisonScale
) -> FingerPair:
    ratios = [scale.llr_of(compare(a, b)) for a in probe.impressions for b in reference.impressions]
    numbers = [ratio for ratio in ratios if not math.isnan(ratio)]
    return FingerPair(probe.position, reference.position, max(numbers, default=-math.inf), len(ratios))
