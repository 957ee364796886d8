"""What the score of a finger comparison is worth as evidence: a calibrated log-likelihood ratio, for fusing several fingers.

The score is a log-likelihood ratio squeezed to >= 0, with weights fitted to whole and partial prints and less a handicap.
Here it is straightened out and laid on the whole prints of five FVC sets by logistic regression:
    python -m bench.finger.calibrate llr --root CORPUS/fingers --models DIR
Independent comparisons add up: fingers of one hand nearly are, impressions of one finger are not.
"""

from __future__ import annotations

import math

# Logistic regression of 1,400 mated and 14,400 non-mated comparisons, mated ones a tenth; Cllr in models/finger-minutiae/CARD.md.
SLOPE, OFFSET = 1.1, -1.4
# Below, nothing speaks stronger against a mate: 13 in 1,400 mated comparisons share no skin and score like half of the non-mated,
# which is -4.1, with 95 % confidence between -4.7 and -3.5.
LLR_MIN = -4.5
# Above, no non-mated comparison was seen: 3 in 14,400 is the bound (rule of three, ISO/IEC 19795-1, annex B).
LLR_MAX = 8.4


def llr(score: float) -> float:
    """Natural logarithm of how much likelier a score of `minutiae.compare` is for mated than for non-mated impressions.

    In [LLR_MIN, LLR_MAX], rising with the score; NaN in, NaN out. Raises ValueError for a negative score: there is none.
    """
    if math.isnan(score):
        return math.nan
    if score < 0.0:
        raise ValueError("a finger score is not negative")
    if score == 0.0:
        return LLR_MIN
    ratio = score + math.log(-math.expm1(-score))  # the inverse of minutiae.score
    return min(max(SLOPE * ratio + OFFSET, LLR_MIN), LLR_MAX)
