"""Error rates of morphing attack detection, ISO/IEC 20059, with intervals bootstrapped by subject.

MACER: share of morphs classified as bona fide, score < threshold. BSCER: share of bona fide samples classified as morphs,
score >= threshold. A score of NaN is an error on either side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egate.matching.rates.bootstrap import interval
from egate.matching.rates.calibration import RULE_OF_THREE

BSCER_TARGETS = (0.01, 0.05, 0.1, 0.2)
REPLICATES = 1_000  # chosen: 25 of them lie beyond each end of an interval
SEED = 1

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """score: (n,). subjects: (n, 2) numbers of the people in each comparison, the same twice where it is only one."""

    score: Floats
    subjects: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.score)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Thresholds, ascending, and both error rates at each: bscer falls, macer rises."""

    threshold: Floats
    bscer: Floats
    macer: Floats

    @property
    def equal(self) -> float:
        """The mean of both where they are closest (D-EER)."""
        index = int(np.argmin(np.abs(self.bscer - self.macer)))
        return float(self.bscer[index] + self.macer[index]) / 2.0

    def at(self, bscer: float) -> tuple[float, float]:
        """Smallest threshold whose BSCER is at most bscer, and the MACER there; infinity and 1 if none has it."""
        reached = self.bscer <= bscer + 1e-12
        if not reached.any():
            return float("inf"), 1.0
        index = int(np.argmax(reached))
        return float(self.threshold[index]), float(self.macer[index])


def curve(bona_fide: Floats, morphs: Floats, weights: tuple[Floats, Floats] | None = None) -> Curve:
    """Error rates over all thresholds. weights: of each bona fide and each morph comparison. Raises ValueError if either has none."""
    weight_b, weight_m = weights or (np.ones(len(bona_fide)), np.ones(len(morphs)))
    if not weight_b.sum() > 0.0 or not weight_m.sum() > 0.0:
        raise ValueError("error rates need bona fide and morph comparisons")
    bona_fide, morphs = np.where(np.isnan(bona_fide), np.inf, bona_fide), np.where(np.isnan(morphs), -np.inf, morphs)
    finite = np.unique(np.concatenate([bona_fide[np.isfinite(bona_fide)], morphs[np.isfinite(morphs)]]))
    threshold = np.append(finite, np.inf)
    below_b = _below(bona_fide, weight_b, threshold)
    return Curve(threshold, 1.0 - below_b, _below(morphs, weight_m, threshold))


def report(bona_fide: Scored, morphs: Scored) -> dict[str, object]:
    """D-EER, and MACER at each BSCER target at which three bona fide errors are expected; fractions. Else only the counts."""
    if not len(bona_fide) or not len(morphs):
        return {"bona_fide": len(bona_fide), "morphs": len(morphs)}
    measured = curve(bona_fide.score, morphs.score)
    supported = [target for target in BSCER_TARGETS if target * len(bona_fide) >= RULE_OF_THREE]
    replicas = _replicates(bona_fide, morphs)
    people = len(np.unique(np.concatenate([bona_fide.subjects.ravel(), morphs.subjects.ravel()])))

    def stated(value: float, values: Sequence[float]) -> dict[str, object]:
        return {"value": round(value, 4), "interval": _rounded(interval(np.array(values), value, people))}

    return {
        "bona_fide": len(bona_fide),
        "morphs": len(morphs),
        "people": people,
        "d_eer": stated(measured.equal, [one.equal for one in replicas]),
        "macer_at_bscer": {
            f"{target:g}": {
                "threshold": round(measured.at(target)[0], 3),
                **stated(measured.at(target)[1], [one.at(target)[1] for one in replicas]),
            }
            for target in supported
        },
    }


def _replicates(bona_fide: Scored, morphs: Scored) -> list[Curve]:
    """Curves of people drawn with replacement; a comparison counts as often as the people in it were drawn."""
    random = np.random.default_rng(SEED)
    people = np.unique(np.concatenate([bona_fide.subjects.ravel(), morphs.subjects.ravel()]))
    curves = []
    for _ in range(REPLICATES):
        drawn = np.bincount(random.integers(0, len(people), len(people)), minlength=len(people)).astype(np.float64)
        weights = (_weight(bona_fide.subjects, people, drawn), _weight(morphs.subjects, people, drawn))
        if weights[0].sum() > 0.0 and weights[1].sum() > 0.0:
            curves.append(curve(bona_fide.score, morphs.score, weights))
    return curves


def _weight(subjects: NDArray[np.int64], people: NDArray[np.int64], drawn: Floats) -> Floats:
    left, right = (drawn[np.searchsorted(people, column)] for column in subjects.T)
    return np.asarray(np.where(subjects[:, 0] == subjects[:, 1], left, left * right), np.float64)


def _below(score: Floats, weight: Floats, threshold: Floats) -> Floats:
    """Weighted share of the scores that are below each threshold."""
    order = np.argsort(score)
    total = np.concatenate([[0.0], np.cumsum(weight[order])])
    return np.asarray(total[np.searchsorted(score[order], threshold, side="left")] / total[-1], np.float64)


def _rounded(bounds: tuple[float, float] | None) -> list[float] | None:
    return None if bounds is None else [round(bound, 4) for bound in bounds]
