"""What a candidate's score means: the rate of false positives of a search (FPIR), by the size of the gallery.

The best score of a search for someone not enrolled is the largest of many non-mated ones; such maxima follow a Gumbel distribution
where the tail is exponential, as that of a log-likelihood ratio is. Its location and scale were fitted, for galleries of three sizes, to
the best scores of searches for fingers that were not enrolled, among real and synthetic ones:

    egate bench identify finger --root CORPUS/fingers --gallery 50 (1000, 10000) --json OUT     prints both

Between these sizes both are interpolated over the logarithm of the size. They rise slowly there, because stage 2 sees no more than a
shortlist of a large gallery. Below, where all are compared, and above, where nothing was measured, the location moves by the
scale for each e-fold: exact for the one, an upper estimate for the other.
"""

from __future__ import annotations

import bisect
import math

# Impressions, location, scale: 400 searches each, so that rates below 1 % are extrapolated.
MEASURED = ((150, 0.93, 0.51), (3_000, 1.26, 0.58), (30_000, 1.45, 0.69))


def false_positive_rate(score: float, comparisons: int) -> float:
    """FPIR of a threshold at this score among so many stored impressions, in [0, 1]. NaN in, NaN out."""
    if math.isnan(score):
        return math.nan
    if comparisons < 1:
        return 0.0
    location, scale = distribution(comparisons)
    return -math.expm1(-math.exp(min((location - score) / scale, 50.0)))


def threshold(fpir: float, comparisons: int) -> float:
    """Score at which a search among so many stored impressions has this FPIR. Raises ValueError unless 0 < fpir < 1 and any."""
    if not (0.0 < fpir < 1.0 and comparisons >= 1):
        raise ValueError("an FPIR is between 0 and 1, of at least one comparison")
    location, scale = distribution(comparisons)
    return location - scale * math.log(-math.log1p(-fpir))


def distribution(comparisons: int) -> tuple[float, float]:
    """Location and scale of the best non-mated score among so many stored impressions, at least one."""
    after = bisect.bisect([size for size, _, _ in MEASURED], comparisons)
    if after in (0, len(MEASURED)):
        size, location, scale = MEASURED[min(after, len(MEASURED) - 1)]
        return location + scale * math.log(comparisons / size), scale
    (size, location, scale), (size_after, location_after, scale_after) = MEASURED[after - 1 : after + 1]
    share = math.log(comparisons / size) / math.log(size_after / size)
    return location + share * (location_after - location), scale + share * (scale_after - scale)


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
