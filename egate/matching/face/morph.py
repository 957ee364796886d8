"""Differential morphing attack detection: does the document's face lie between the traveller and somebody else?

A morph gives way towards its second contributor, so the live face agrees with it less than with a true photograph, and the models differ
a little more about it. The score is the log-odds that a comparison is of a morph and not of a bona fide reference, both equally likely:

    score = INTERCEPT - VALUE_WEIGHT * value + SPREAD_WEIGHT * (largest - smallest part)

value: the fused comparison score, parts: the models' scores, all log-likelihood ratios. Constants: logistic regression on half of
the people (`egate bench morph --fit`); errors on the other half: bench/baseline/morph.json. Nearly all of it is the value; the
spread's weight is about three standard errors above 0 and lowers D-EER by 0.2 points. Tried on the embeddings and left out, because it did
worse on other people than those it was fitted on: nearness to the mean face, the differences element by element, the covariance of
what the live face leaves unexplained of the reference.

So the score says little more than how much weaker than usual a match is, and calls poor photographs and years of ageing morph-like
too. It is weak: evidence for an officer, never a decision. Where the comparison does not match it means nothing.
"""

from __future__ import annotations

from egate.domain.biometric import ComparisonScore, MorphScore

# morph.json holds the newest fit and its standard errors: these lie within a quarter of one. Rounding moves no error rate.
INTERCEPT, VALUE_WEIGHT, SPREAD_WEIGHT = 3.99, 0.373, 0.099


def morph_score(comparison: ComparisonScore) -> MorphScore:
    """Score of the comparison of the live face, or of the fused live frames, with the document's. Larger: more like a morph.

    NaN if the comparison has no parts, for its value is no log-likelihood ratio then, or if one of them or the value is NaN. More live
    frames make it sharper: egate.matching.face.frames.fused.
    """
    value, spread = features(comparison)
    return MorphScore(INTERCEPT - VALUE_WEIGHT * value + SPREAD_WEIGHT * spread)


def features(comparison: ComparisonScore) -> tuple[float, float]:
    """Value, and largest minus smallest part; NaN as in morph_score."""
    parts = sorted(comparison.parts.values())
    if not parts or any(part != part for part in parts):  # sorting with NaN among them would hide it
        return float("nan"), float("nan")
    return comparison.value, parts[-1] - parts[0]
