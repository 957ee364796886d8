"""Several fingers against several of one person: pairs by position, the best impression of each, the sum over fingers.

Every trial gives a non-mate one more chance, so the trials are counted, taken off the value (log n) and part of the FMR: ten fingers
tried instead of one do not multiply the false match rate by ten.

NaN refuses: an impression that gives no number counts as a trial and can only lose; a finger of which none does makes the whole NaN,
because leaving its term out could raise the sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from egate.domain.finger import FingerPair, FingerSetComparison
from egate.matching.finger.hand.fingers import Finger, T, check
from egate.matching.finger.hand.pairing import pair_fingers
from egate.matching.finger.hand.scale import ComparisonScale


def compare_hands(
    probes: Sequence[Finger[T]],
    references: Sequence[Finger[T]],
    compare: Callable[[T, T], float],
    scale: ComparisonScale,
) -> FingerSetComparison:
    """Fused comparison of one person's fingers with those of one person.

    compare: score of two impressions, NaN where it failed. At most 10 pairs of fingers are tried if all positions are known, 100
    if not, times the impressions of both. Raises TemplateError with code FINGER_COUNT, ValueError if a known position is twice on one
    side. Symmetric if compare is; the order of fingers and impressions does not matter.
    """
    check(probes)
    check(references)
    pairing = pair_fingers(probes, references, lambda probe, reference: _best(probe, reference, compare, scale))
    pairs = pairing.pairs
    if not pairs or any(math.isinf(pair.llr) for pair in pairs):
        return FingerSetComparison(math.nan, math.nan, math.nan, pairs)
    trials = tuple(pair.trials for pair in pairs)
    taken_off = min(_logs(trials), _logs((pairing.ways, *pairing.once)))
    total = math.fsum(pair.llr for pair in pairs)
    rate = min(scale.rate(total, trials), pairing.ways * scale.rate(total, pairing.once))
    fmr = scale.supported(rate)
    return FingerSetComparison(total - taken_off, fmr, scale.score(fmr), pairs)


def _logs(counts: Sequence[int]) -> float:
    return math.fsum(math.log(count) for count in counts)


def _best(
    probe: Finger[T], reference: Finger[T], compare: Callable[[T, T], float], scale: ComparisonScale
) -> FingerPair:
    ratios = [scale.llr_of(compare(a, b)) for a in probe.impressions for b in reference.impressions]
    numbers = [ratio for ratio in ratios if not math.isnan(ratio)]
    return FingerPair(probe.position, reference.position, max(numbers, default=-math.inf), len(ratios))
