"""What a candidate's score means: the rate of false positives of a search (FPIR), by the size of the gallery.

The best score of a search for someone not enrolled is the largest of very many non-mated ones; such maxima follow a Gumbel
distribution where the tail is exponential, as that of a log-likelihood ratio is. In a gallery m times as large it is moved by
SCALE * ln m. So one measurement serves all sizes: location and scale fitted to the best scores of searches for fingers that were
not enrolled, among real and synthetic ones.

    egate bench identify finger --root CORPUS/fingers --gallery 10000 --json OUT     prints both

It assumes that the 1:1 matcher sees each mate-like stranger: a shortlist only loses some, so the rate is an upper estimate.
"""

from __future__ import annotations

import math

LOCATION = 1.15
SCALE = 0.58
COMPARISONS = 3_000  # stored impressions in the gallery of that measurement


def false_positive_rate(score: float, comparisons: int) -> float:
    """FPIR of a threshold at this score among so many stored impressions, in [0, 1]. NaN in, NaN out."""
    if math.isnan(score):
        return math.nan
    if comparisons < 1:
        return 0.0
    expected = math.exp(min((LOCATION - score) / SCALE, 50.0)) * comparisons / COMPARISONS
    return -math.expm1(-expected)


def threshold(fpir: float, comparisons: int) -> float:
    """Score at which a search among so many stored impressions has this FPIR. Raises ValueError unless 0 < fpir < 1 and any."""
    if not (0.0 < fpir < 1.0 and comparisons >= 1):
        raise ValueError("an FPIR is between 0 and 1, of at least one comparison")
    expected = -math.log1p(-fpir) * COMPARISONS / comparisons
    return LOCATION - SCALE * math.log(expected)


def fit_gumbel(best: list[float], steps: int = 100) -> tuple[float, float]:
    """Location and scale of largest likelihood of n >= 2 best scores that are not all equal; ValueError otherwise.

    The scale solves s = mean - sum(x e^(-x/s)) / sum(e^(-x/s)), found by halving (Johnson, Kotz, Balakrishnan: Continuous
    Univariate Distributions 2, 22.9).
    """
    if len(best) < 2 or not max(best) > min(best):
        raise ValueError("a distribution needs scores that differ")
    mean, least = sum(best) / len(best), min(best)
    low, high = 1e-6 * (max(best) - least), max(best) - least
    for _ in range(steps):
        scale = 0.5 * (low + high)
        shares = [math.exp(-(x - least) / scale) for x in best]
        weighted = sum(x * share for x, share in zip(best, shares, strict=True)) / sum(shares)
        low, high = (scale, high) if mean - weighted > scale else (low, scale)
    location = least - scale * math.log(sum(shares) / len(best))
    return location, scale
