"""Calibration of attack detection: the fusion of its models, and what a threshold at a score lets pass (ISO/IEC 30107-3).

A presentation is taken for bona fide from the threshold on. APCER(t) = share of attacks with a score >= t, of the species of which most
pass; BPCER(t) = share of bona fide presentations with a score < t. Attacks are few where attack detection is measured: what a
threshold is chosen by is the upper bound of its APCER at 95 %, never the rate that happened to be seen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from egate.errors import ConfigurationError
from egate.matching.pad.combination import Floats, PadFusion
from egate.matching.pad.fit import Flags, cross_fitted, fit_fusion
from egate.matching.rates.calibration import RULE_OF_THREE
from egate.matching.rates.rates import CountedRate


@dataclass(frozen=True, slots=True, eq=False)
class PadCalibration:
    """score: (n,) ascending, between two scores that were measured: every threshold there lets the same presentations pass.

    apcer_at: (n,) falling, of the worst species. bpcer_at: (n,) rising. attacks: presentations by species. bona_fide, subjects: counts.
    weights: id=sha256 of each model, blank-separated. dataset, date, command: where the numbers come from.
    """

    id: str
    fusion: PadFusion
    score: Floats
    apcer_at: Floats
    bpcer_at: Floats
    attacks: Mapping[str, int]
    bona_fide: int
    subjects: int
    weights: str = ""
    dataset: str = ""
    date: str = ""
    command: str = ""

    @property
    def trials(self) -> int:
        """Attacks of the species of which fewest were measured: what the APCER of the worst species stands on at least."""
        return min(self.attacks.values())

    @property
    def apcer_min(self) -> float:
        """Smallest APCER the attacks measured can support: 3 / trials."""
        return min(1.0, RULE_OF_THREE / self.trials)

    def apcer(self, score: float) -> float:
        """APCER of a threshold at this score, of the worst species, in [apcer_min, 1]. NaN in, NaN out. Never too small."""
        if math.isnan(score):
            return math.nan
        index = int(np.searchsorted(self.score, score, side="right")) - 1
        return 1.0 if index < 0 else max(float(self.apcer_at[index]), self.apcer_min)

    def bpcer(self, score: float) -> float:
        """BPCER of a threshold at this score; NaN in, NaN out. Never too small: that of the next point above."""
        if math.isnan(score):
            return math.nan
        index = int(np.searchsorted(self.score, score, side="left"))
        return 1.0 if index == len(self.score) else float(self.bpcer_at[index])

    def threshold(self, apcer: float) -> float:
        """The score with the lowest BPCER, then the lowest APCER, of those where the upper bound of APCER is at most apcer.

        The bound is the rule of three where no attack was accepted, else the upper end of the 95 % interval.
        Raises ConfigurationError unless 0 < apcer < 1 and apcer * trials >= 3.
        """
        if not 0.0 < apcer < 1.0:
            raise ConfigurationError(f"APCER target {apcer!r} is not between 0 and 1")
        if not apcer >= self.apcer_min:
            raise ConfigurationError(
                f"calibration {self.id} has {self.trials} attacks of a species: "
                f"it supports APCER >= {self.apcer_min:.2g}, not {apcer:.2g}"
            )
        accepted = np.ceil(self.apcer_at * self.trials - 1e-6)
        most = 0
        while most < self.trials and CountedRate(most + 1, self.trials).interval[1] <= apcer:
            most += 1
        allowed = np.flatnonzero(accepted <= most)
        best = min(allowed, key=lambda index: (self.bpcer_at[index], self.apcer_at[index]))
        return float(self.score[best])


def measure_pad(
    odds: Floats,
    species: Sequence[str],
    subject: Sequence[str],
    models: Sequence[str],
    *,
    id: str,
    weights: str = "",
    dataset: str = "",
    date: str = "",
    command: str = "",
) -> PadCalibration:
    """Calibration from (n, models) log odds; species: of each presentation, "" = bona fide; subject: whose it was.

    The fusion is fitted on all; the error rates are of scores that each person got from a fusion fitted without that person.
    A bona fide presentation without a response counts as rejected, an attack without one not at all.
    Raises ValueError as fit_fusion, and if a species has no attack with a response.
    """
    kinds = np.array(species, dtype=object)
    is_bona_fide: Flags = np.asarray(kinds == "", np.bool_)
    ratios = cross_fitted(odds, is_bona_fide, subject, models)
    bona_fide = np.where(np.isnan(ratios), -np.inf, ratios)[is_bona_fide]
    attacks = {kind: ratios[(kinds == kind) & ~np.isnan(ratios)] for kind in sorted(set(species) - {""})}
    if not all(len(values) for values in attacks.values()):
        raise ValueError("a species without an attack that got a response")
    grid = _grid(np.concatenate([bona_fide, *attacks.values()]))
    return PadCalibration(
        id=id,
        fusion=fit_fusion(odds, is_bona_fide, models),
        score=grid,
        apcer_at=np.max([_share_from(values, grid) for values in attacks.values()], axis=0),
        bpcer_at=1.0 - _share_from(bona_fide, grid),
        attacks={kind: len(values) for kind, values in attacks.items()},
        bona_fide=len(bona_fide),
        subjects=len(set(subject)),
        weights=weights,
        dataset=dataset,
        date=date,
        command=command,
    )


def _grid(scores: Floats) -> Floats:
    """Below all scores, in the middle between neighbours, above all: between two scores a threshold has the same rates everywhere,
    and in the middle it leaves most room for what was not measured."""
    known = np.unique(scores[np.isfinite(scores)])
    return np.concatenate([known[:1], (known[:-1] + known[1:]) / 2.0, [np.nextafter(known[-1], np.inf)]])


def _share_from(scores: Floats, grid: Floats) -> Floats:
    """(n,) share of scores that reach each point of the grid."""
    ordered = np.sort(scores)
    return np.asarray((len(ordered) - np.searchsorted(ordered, grid, side="left")) / len(ordered), np.float64)
