"""Accuracy of a comparison at given operating points, ISO/IEC 19795-1: what `egate bench accuracy` reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egate.matching.rates.calibration import (
    RULE_OF_THREE,
    TARGETS,
    Scores,
    allowed_false_matches,
    sort_scores,
    threshold_of_rank,
)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Fractions, never percent. fnmr, thresholds: by FMR target, None where fmr * non_mated < 3.

    eer: (FMR + FNMR) / 2 at the threshold where they are closest. failures_to_enrol: samples without a template;
    their comparisons are in mated and non_mated as non-matches.
    """

    eer: float
    fnmr: Mapping[float, float | None]
    mated: int
    non_mated: int
    failures_to_enrol: int
    thresholds: Mapping[float, float | None]

    def to_json(self) -> dict[str, object]:
        return {
            "eer": self.eer,
            "fnmr": {key_of(fmr): value for fmr, value in self.fnmr.items()},
            "mated": self.mated,
            "non_mated": self.non_mated,
            "failures_to_enrol": self.failures_to_enrol,
            "thresholds": {key_of(fmr): value for fmr, value in self.thresholds.items()},
        }


def measure_accuracy(mated: Scores, non_mated: Scores, failures_to_enrol: int = 0) -> Accuracy:
    """Accuracy from (m,) mated and (n,) non-mated scores; NaN is a non-match. Raises ValueError if either is empty.

    Time: one sort of each; 10^7 non-mated scores take about a second.
    """
    if len(mated) == 0 or len(non_mated) == 0:
        raise ValueError("accuracy needs mated and non-mated scores")
    mated_sorted, non_mated_sorted = sort_scores(mated), sort_scores(non_mated)
    n = len(non_mated_sorted)
    fnmr: dict[float, float | None] = {}
    thresholds: dict[float, float | None] = {}
    for fmr in TARGETS:
        if allowed_false_matches(fmr, n) < RULE_OF_THREE:
            fnmr[fmr] = thresholds[fmr] = None
            continue
        threshold = threshold_of_rank(non_mated_sorted, allowed_false_matches(fmr, n))
        thresholds[fmr] = threshold if np.isfinite(threshold) else None
        fnmr[fmr] = float(np.searchsorted(mated_sorted, threshold, side="left")) / len(mated_sorted)
    eer = _equal_error_rate(mated_sorted, non_mated_sorted)
    return Accuracy(eer, fnmr, len(mated_sorted), n, failures_to_enrol, thresholds)


def mean_accuracy(parts: Sequence[Accuracy]) -> Accuracy:
    """Mean of the rates of several sets, None where any set has None; counts are summed.

    Thresholds are None: a mean of thresholds is no operating point of anything. Raises ValueError if parts is empty.
    """
    if not parts:
        raise ValueError("no sets to average")
    fnmr: dict[float, float | None] = {}
    for fmr in TARGETS:
        values = [part.fnmr[fmr] for part in parts]
        known = [value for value in values if value is not None]
        fnmr[fmr] = sum(known) / len(known) if len(known) == len(values) else None
    return Accuracy(
        eer=sum(part.eer for part in parts) / len(parts),
        fnmr=fnmr,
        mated=sum(part.mated for part in parts),
        non_mated=sum(part.non_mated for part in parts),
        failures_to_enrol=sum(part.failures_to_enrol for part in parts),
        thresholds=dict.fromkeys(TARGETS),
    )


def key_of(fmr: float) -> str:
    """The FMR as reports write it: 0.01, 0.001, 0.0005, 0.0001."""
    return f"{fmr:.4f}".rstrip("0")


def _equal_error_rate(mated: NDArray[np.float64], non_mated: NDArray[np.float64]) -> float:
    """FNMR - FMR rises with the threshold: bisect the distinct scores for its change of sign, take the closer side."""

    def rates(threshold: float) -> tuple[float, float]:
        fnmr = float(np.searchsorted(mated, threshold, side="left")) / len(mated)
        fmr = float(len(non_mated) - np.searchsorted(non_mated, threshold, side="left")) / len(non_mated)
        return fmr, fnmr

    scores = np.unique(np.concatenate([mated, non_mated]))
    # A threshold above every score ends the curve at FMR 0, FNMR 1.
    candidates = np.append(scores, np.nextafter(scores[-1], np.inf))
    low, high = 0, len(candidates) - 1
    while low < high:
        middle = (low + high) // 2
        fmr, fnmr = rates(float(candidates[middle]))
        low, high = (low, middle) if fnmr >= fmr else (middle + 1, high)
    near = [rates(float(candidates[index])) for index in (max(low - 1, 0), low)]
    fmr, fnmr = min(near, key=lambda pair: abs(pair[0] - pair[1]))
    return (fmr + fnmr) / 2.0
