"""Plots of `egate bench accuracy --plots DIR`: det.png, det.svg, scores.png, scores.svg."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from egate.commands.bench.plots import SUFFIXES, Series, det_plot, histogram_plot
from egate.matching.rates.calibration import Scores
from egate.matching.rates.det_curve import DetCurve
from egate.matching.rates.operating_point import Figures


def plot_accuracy(
    folder: Path, title: str, curves: Mapping[str, DetCurve], mated: Scores, non_mated: Scores, found: Figures
) -> None:
    plot_det(folder, title, curves, found)
    plot_scores(folder, title, mated, non_mated, found)


def plot_det(folder: Path, title: str, curves: Mapping[str, DetCurve], found: Figures) -> None:
    """The curves, and the figures of the report with the intervals of their FNMR."""
    series = [Series(name, curve.fmr, curve.fnmr) for name, curve in curves.items()]
    told = [point for point in found.points if point.fnmr.value is not None]
    if told:
        bounds = np.array([point.fnmr.interval or (np.nan, np.nan) for point in told], np.float64)
        rates = [np.nan if point.fnmr.value is None else point.fnmr.value for point in told]
        at = [point.target for point in told]
        series.append(Series("FNMR with 95 % interval", at, rates, bounds[:, 0], bounds[:, 1], points=True))
    for suffix in SUFFIXES:
        det_plot(series, folder / f"det{suffix}", title=title)


def plot_scores(folder: Path, title: str, mated: Scores, non_mated: Scores, found: Figures) -> None:
    """Distributions of the scores, with the thresholds of the report."""
    marks = {
        f"threshold at FMR {point.target:g}": point.threshold.value
        for point in found.points
        if point.threshold.value is not None
    }
    groups = {"mated": mated, "non-mated": non_mated}
    for suffix in SUFFIXES:
        histogram_plot(groups, folder / f"scores{suffix}", title=title, marks=marks)
