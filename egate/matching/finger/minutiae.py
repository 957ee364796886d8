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
from egate.matching.finger import minutiae_kernels as kernels
from egate.matching.finger.minutiae_hull import convex_hull
from egate.matching.finger.minutiae_weights import WEIGHTS

MINUTIAE_MAX = 120  # best by quality; a full print at 500 dpi has 30-80, so more is noise and would only cost time
CANDIDATES_MAX = 120  # pairs that vote; chosen on the corpus, no gain beyond
HYPOTHESES_MAX = 10  # alignments tried
VOTES = 4
NEIGHBOURHOOD_SHARE = 0.25  # how much of a minutia's mean similarity is taken off its own: common ones prove less


def _cell_centres() -> NDArray[np.float64]:
    """(c, 2) centres of the cylinder's cells within its radius, row by row."""
    step = 2.0 * kernels.CYLINDER_RADIUS_PX / kernels.CYLINDER_CELLS
    line = (np.arange(kernels.CYLINDER_CELLS) - (kernels.CYLINDER_CELLS - 1) / 2) * step
    x, y = np.meshgrid(line, line)
    inside = x**2 + y**2 <= kernels.CYLINDER_RADIUS_PX**2
    return np.ascontiguousarray(np.stack([x[inside], y[inside]], axis=1))


CELLS = _cell_centres()
WORDS = -(-len(CELLS) * kernels.CYLINDER_LAYERS // 64)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Minutiae:
    """A template made ready for comparing: y up, float64, C-contiguous.

    x, y, angle, ending: (n,). length, bearing: (n, n) of the edge from row to column. hull: (k, 2) counter-clockwise.
    code, mask: (n, WORDS) uint64. finite: False if the template held a NaN or infinity; then n = 0.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    angle: NDArray[np.float64]
    ending: NDArray[np.bool_]
    length: NDArray[np.float64]
    bearing: NDArray[np.float64]
    hull: NDArray[np.float64]
    code: NDArray[np.uint64]
    mask: NDArray[np.uint64]
    finite: bool

    def __repr__(self) -> str:
        return f"Minutiae(count={len(self.x)}, redacted)"


def prepare(template: FingerTemplate) -> Minutiae:
    """The template's MINUTIAE_MAX best minutiae with what comparing needs. Time: about 0.2 ms for 40 minutiae."""
    columns = np.stack([template.x, -template.y, template.angle]).astype(np.float64)[:, :MINUTIAE_MAX]
    finite = bool(np.isfinite(columns).all())
    if not finite:
        columns = columns[:, :0]
    x, y, angle = (np.ascontiguousarray(column) for column in columns)
    dx, dy = x[None, :] - x[:, None], y[None, :] - y[:, None]
    hull = convex_hull(x, y)
    code, mask = kernels.cylinder_codes(x, y, angle, hull, CELLS, WORDS)
    ending = np.ascontiguousarray(template.ending[: len(x)], np.bool_)
    return Minutiae(x, y, angle, ending, np.hypot(dx, dy), np.arctan2(dy, dx), hull, code, mask, finite)


def compare(probe: Minutiae, reference: Minutiae) -> float:
    """Comparison score >= 0; larger means more alike. Exactly symmetric. What it means as an FMR: the calibration.

    0 if either has too few minutiae to be aligned; NaN if either was not finite. Time: about 0.3 ms for 40 minutiae each.
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
    a, b = (probe, reference) if _rank(probe) <= _rank(reference) else (reference, probe)
    if len(a.x) < kernels.SEED_PAIRS_MIN:
        return -math.inf, np.zeros(kernels.EVIDENCE_SIZE)
    similarity = kernels.code_similarity(a.code, a.mask, b.code, b.mask)
    at, to = _candidates(similarity)
    agreement = kernels.compatibility(at, to, a.angle, b.angle, a.length, b.length, a.bearing, b.bearing)
    standing = kernels.relax(agreement, similarity[at, to], VOTES)
    ratio, evidence = kernels.best_alignment(
        a.x, a.y, a.angle, a.ending, a.length, a.hull, b.x, b.y, b.angle, b.ending, b.hull,
        at, to, standing, agreement, weights, HYPOTHESES_MAX,
    )  # fmt: skip
    return float(ratio), evidence


def _rank(minutiae: Minutiae) -> tuple[int, bytes, bytes, bytes]:
    """An order of impressions by content: comparing always starts from the same one, so that scores are symmetric."""
    return len(minutiae.x), minutiae.x.tobytes(), minutiae.y.tobytes(), minutiae.angle.tobytes()


def _candidates(similarity: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The CANDIDATES_MAX most similar pairs, each minutia's own average taken off."""
    usual = similarity.mean(axis=1, keepdims=True) + similarity.mean(axis=0, keepdims=True)
    distinct = (NEIGHBOURHOOD_SHARE * usual - similarity).ravel()
    count = min(CANDIDATES_MAX, distinct.size)
    chosen = np.argpartition(distinct, count - 1)[:count]
    chosen = chosen[np.lexsort((chosen, distinct[chosen]))]
    at, to = np.divmod(chosen, similarity.shape[1])
    return at.astype(np.int32), to.astype(np.int32)


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
