"""Calibration: what a comparison score means as a false match rate (FMR), measured once per model and kept as numbers.

A score >= threshold is a match. FMR(t) = share of non-mated scores >= t, FNMR(t) = share of mated scores < t
(ISO/IEC 19795-1). A score of NaN never matches. Between two grid points the FMR of the lower one is reported, which
is never too small; beyond the data the bound 3/n is (rule of three, 95 %), never 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egate.errors import ConfigurationError, ModelError
from egate.matching.rates.calibration_text import format_table, parse_table, starts_with

FORMAT_LINE = "# egate calibration 1"
HEAD_KEYS = ("id", "weights", "dataset", "mated", "non_mated", "date", "command")
COLUMNS = "score,fmr,fnmr"
RULE_OF_THREE = 3.0  # no event in n trials: below 3/n with 95 % confidence (ISO/IEC 19795-1, annex B)
POINTS_PER_DECADE = 50  # of FMR: a threshold is at most 4.7 % of its FMR on the strict side
TARGETS = (0.01, 0.001, 0.0005, 0.0001)  # FMRs that reports name; each has a grid point of its own

Scores = NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """FMR and FNMR over a score grid.

    score: (n,) float64, strictly ascending. fmr, fnmr: (n,) float64 in [0, 1], fmr falling, fnmr rising.
    mated, non_mated: comparisons measured. weights: id=sha256 of each model the scores came from, blank-separated.
    dataset, date, command: where the numbers come from. fusion: the line the scores were fused by, empty where nothing is fused.
    """

    id: str
    score: NDArray[np.float64]
    fmr_at: NDArray[np.float64]
    fnmr_at: NDArray[np.float64]
    mated: int
    non_mated: int
    weights: str = ""
    dataset: str = ""
    date: str = ""
    command: str = ""
    fusion: str = ""

    @property
    def fmr_min(self) -> float:
        """Smallest FMR the data can support: 3 / non_mated."""
        return min(1.0, RULE_OF_THREE / self.non_mated)

    def fmr(self, score: float) -> float:
        """FMR of a threshold at this score, in [fmr_min, 1]. NaN in, NaN out. Below the data: 1."""
        if math.isnan(score):
            return math.nan
        index = int(np.searchsorted(self.score, score, side="right")) - 1
        if index < 0:
            return 1.0
        return max(float(self.fmr_at[index]), self.fmr_min)

    def fnmr(self, score: float) -> float:
        """FNMR of a threshold at this score, that of the next grid point above: never too small. NaN in, NaN out."""
        if math.isnan(score):
            return math.nan
        index = int(np.searchsorted(self.score, score, side="left"))
        return 1.0 if index == len(self.score) else float(self.fnmr_at[index])

    def threshold(self, fmr: float) -> float:
        """Smallest grid score whose FMR is at most fmr.

        Raises ConfigurationError unless 0 < fmr < 1 and fmr * non_mated >= 3.
        """
        if not 0.0 < fmr < 1.0:
            raise ConfigurationError(f"FMR target {fmr!r} is not between 0 and 1")
        if not fmr >= self.fmr_min:
            raise ConfigurationError(
                f"calibration {self.id} has {self.non_mated} non-mated comparisons: "
                f"it supports FMR >= {self.fmr_min:.2g}, not {fmr:.2g}"
            )
        return float(self.score[int(np.argmax(self.fmr_at <= fmr))])


def measure(
    mated: Scores,
    non_mated: Scores,
    *,
    id: str,
    weights: str = "",
    dataset: str = "",
    date: str = "",
    command: str = "",
    fusion: str = "",
) -> Calibration:
    """Calibration from (m,) mated and (n,) non-mated scores. NaN scores count as non-matches.

    Raises ValueError if either holds no number.
    """
    mated_sorted, non_mated_sorted = sort_scores(mated), sort_scores(non_mated)
    if not np.isfinite(mated_sorted).any() or not np.isfinite(non_mated_sorted).any():
        raise ValueError("a calibration needs mated and non-mated scores")
    n = len(non_mated_sorted)
    thresholds = [threshold_of_rank(non_mated_sorted, rank) for rank in _ranks(n)]
    finite = np.isfinite(non_mated_sorted)
    grid = np.unique(np.array([*thresholds, float(non_mated_sorted[finite][0])], np.float64))
    grid = grid[np.isfinite(grid)]
    return Calibration(
        id=id,
        score=grid,
        fmr_at=(n - np.searchsorted(non_mated_sorted, grid, side="left")) / n,
        fnmr_at=np.searchsorted(mated_sorted, grid, side="left") / len(mated_sorted),
        mated=len(mated_sorted),
        non_mated=n,
        weights=weights,
        dataset=dataset,
        date=date,
        command=command,
        fusion=fusion,
    )


def sort_scores(scores: Scores) -> NDArray[np.float64]:
    """(n,) ascending float64; NaN, which never matches, becomes -inf."""
    values = np.asarray(scores, dtype=np.float64).ravel()
    return np.sort(np.where(np.isnan(values), -np.inf, values))


def threshold_of_rank(non_mated_sorted: NDArray[np.float64], rank: int) -> float:
    """Smallest threshold with at most rank false matches: just above the (rank + 1)-th largest score."""
    if rank >= len(non_mated_sorted):
        return -math.inf
    return float(np.nextafter(non_mated_sorted[-1 - rank], np.inf))


def _ranks(non_mated: int) -> list[int]:
    """Counts of false matches at which the grid has a point, rising."""
    decades = math.log10(non_mated)
    spread = np.logspace(0.0, decades, int(decades * POINTS_PER_DECADE) + 2)
    return sorted({0, *(int(r) for r in spread), *(allowed_false_matches(fmr, non_mated) for fmr in TARGETS)})


def allowed_false_matches(fmr: float, non_mated: int) -> int:
    """Largest count of false matches among non_mated whose share is at most fmr."""
    return math.floor(fmr * non_mated + 1e-6)  # 0.0001 * 30000 is 3, though not in binary


def format_calibration(calibration: Calibration) -> str:
    """CSV with a commented head; parse_calibration gives the same values back."""
    keys = (*HEAD_KEYS, "fusion") if calibration.fusion else HEAD_KEYS
    head = {key: getattr(calibration, key) for key in keys}
    return format_table(FORMAT_LINE, head, COLUMNS, (calibration.score, calibration.fmr_at, calibration.fnmr_at))


def parse_calibration(text: str) -> Calibration:
    """The calibration of a calibration.csv. Raises ModelError if it is malformed or not monotone."""
    if not starts_with(text, FORMAT_LINE):
        raise ModelError(f"not a calibration: the first line must be {FORMAT_LINE!r}")
    try:
        head, (score, fmr, fnmr) = parse_table(text, COLUMNS)
        mated, non_mated, name = int(head["mated"]), int(head["non_mated"]), head["id"]
    except (ValueError, KeyError, IndexError):
        raise ModelError("calibration: malformed head or table") from None
    told = {key: head.get(key, "") for key in ("weights", "dataset", "date", "command", "fusion")}
    calibration = Calibration(name, score, fmr, fnmr, mated, non_mated, **told)
    _check(calibration)
    return calibration


def _check(calibration: Calibration) -> None:
    """Raises ModelError unless the numbers can be a calibration: a table that is not would open gates silently."""
    score, fmr, fnmr = calibration.score, calibration.fmr_at, calibration.fnmr_at
    sound = (
        calibration.mated > 0
        and calibration.non_mated > 0
        and bool(np.isfinite([score, fmr, fnmr]).all())
        and bool((np.diff(score) > 0).all() and (np.diff(fmr) <= 0).all() and (np.diff(fnmr) >= 0).all())
        and bool(((fmr >= 0) & (fmr <= 1) & (fnmr >= 0) & (fnmr <= 1)).all())
        and float(fmr[-1]) == 0.0
    )
    if not sound:
        raise ModelError(f"calibration {calibration.id}: scores must ascend, FMR fall to 0, FNMR rise, all in [0, 1]")
