"""Comparison of two finger impressions by their minutiae, 1:1.

Neighbourhoods (cylinder codes) propose pairs of minutiae; pairs that fit one motion of the finger vote for each other; the
best-standing ones seed alignments, which take up all minutiae they can, following the skin's distortion; what was
paired, how well, and what stayed alone is weighed into a log-likelihood ratio. Any rotation and translation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import FingerTemplate
from egate.matching.finger import minutiae_alignment as alignment
from egate.matching.finger import minutiae_codes as codes
from egate.matching.finger import minutiae_evidence as evidence
from egate.matching.finger import minutiae_votes as votes
from egate.matching.finger.minutiae_weights import WEIGHTS

MINUTIAE_MAX = 120  # best by quality; a full print at 500 dpi has 30-80, so more is noise and would only cost time
COORDINATE_MAX = 65536.0  # px; chosen: far beyond any sensor, and its square is nothing to float32
MINUTIAE_MIN = 4  # three pairs can be found between any two fingers


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Minutiae:
    """A template made ready for comparing: y up, float32, C-contiguous, sorted by x, then y.

    points: (3, n) x, y, angle. ending: (n,). near: (n, n) how far a minutia's displacement tells of another's. hull: (k, 3)
    lines of the convex hull. code, mask: (layers, n), (n,) uint64. first: index over x. rank: an order of impressions by
    content. finite: False if the template held a NaN, an infinity or a place that is none; then n = 0. Arrays: see minutiae_codes.
    """

    points: NDArray[np.float32]
    ending: NDArray[np.bool_]
    near: NDArray[np.float32]
    hull: NDArray[np.float32]
    code: NDArray[np.uint64]
    mask: NDArray[np.uint64]
    first: NDArray[np.int32]
    rank: tuple[int, bytes]
    finite: bool

    @property
    def count(self) -> int:
        return self.rank[0]

    def __repr__(self) -> str:
        return f"Minutiae(count={self.count}, redacted)"


def prepare(template: FingerTemplate) -> Minutiae:
    """The template's MINUTIAE_MAX best minutiae with what comparing needs. Time: about 50 us for 40 minutiae, 2 ms at most."""
    # Copies: numba would compile anew, in the request path, for arrays that are read-only or not contiguous.
    columns = np.array(
        (template.x[:MINUTIAE_MAX], template.y[:MINUTIAE_MAX], template.angle[:MINUTIAE_MAX]), np.float32
    )
    finite = bool((np.abs(columns) <= COORDINATE_MAX).all())
    if not finite:
        columns = np.empty((3, 0), np.float32)
    np.negative(columns[1], out=columns[1])
    order, points, near, hull, code, mask, first = codes.ready(columns)
    ending = np.array(template.ending, np.bool_)[order]
    return Minutiae(points, ending, near, hull, code, mask, first, (len(order), points.tobytes()), finite)


def compare(probe: Minutiae, reference: Minutiae) -> float:
    """Comparison score >= 0; larger means more alike. Exactly symmetric. What it means as an FMR: the calibration.

    0 if either has too few minutiae to be aligned; NaN if either was not finite. Time: about 50 us for 40 minutiae each, below
    2 ms for any two templates, however crowded (measured 1.5 ms; see minutiae_alignment.REACHED_MAX).
    """
    if not (probe.finite and reference.finite):
        return math.nan
    return score(align(probe, reference)[0])


def score(ratio: float) -> float:
    """Softplus: the log-likelihood ratio where it is large, never below 0, and 0 for -inf."""
    return max(ratio, 0.0) + math.log1p(math.exp(-abs(ratio)))


def align(
    probe: Minutiae, reference: Minutiae, weights: NDArray[np.float64] = WEIGHTS
) -> tuple[float, NDArray[np.float64]]:
    """Log-likelihood ratio of the best alignment and its evidence; (-inf, zeros) if there is none."""
    # By rank: comparing always starts from the same one, so that scores are symmetric.
    a, b = (probe, reference) if probe.rank <= reference.rank else (reference, probe)
    if a.count < MINUTIAE_MIN:
        return -math.inf, np.zeros(evidence.EVIDENCE_SIZE)
    at, to, standing, agreement = votes.propose(a.points, a.code, a.mask, b.points, b.code, b.mask)
    found = alignment.align(a.points, a.near, b.points, b.first, at, to, standing, agreement)
    return evidence.weigh(*found, a.ending, a.hull, b.points, b.ending, b.hull, weights)


def warm_up() -> None:
    """Compiles the kernels (or loads them from numba's cache), so that no traveller waits for it."""
    count = 12
    turn = np.arange(count, dtype=np.float32)
    template = FingerTemplate(
        x=100 + 10 * turn * np.cos(turn), y=100 + 10 * turn * np.sin(turn), angle=turn % np.float32(6.0),
        ending=turn % 2 == 0, quality=np.ones(count, np.float32), width=300, height=300,
    )  # fmt: skip
    ready = prepare(template)
    compare(ready, ready)
