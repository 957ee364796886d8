"""The protocol of folds in `egate bench accuracy face`: fitted on half the folds, judged on the others, every way to choose them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from egate.commands.bench.face_splits import SplitReport, measure_splits
from egate.commands.bench.face_trials import Trials
from egate.errors import ConfigurationError
from egate.matching.face.comparison import Embeddings

FOLDS = 6  # of pairs_lfw.csv; a CSV with another number is not judged so unless it is asked for


def splits_of(trials: Trials, templates: Embeddings, asked: bool) -> SplitReport | None:
    """None where the CSV was not made for it and nobody asked. Raises ConfigurationError where it was asked for and cannot be done."""
    if not asked and (len(np.unique(trials.fold)) != FOLDS or _shared(trials)):
        return None
    try:
        return measure_splits(trials, templates, progress=_progress)
    except ValueError as error:
        raise ConfigurationError(f"splits: {error}", code="ACCURACY_DATA") from None


def splits_table(report: SplitReport) -> str:
    """Lines for people: means over the splits, and how far thresholds of the fitted folds are off on the judged ones."""
    halves = len(report.splits[0].fitted)
    lines = [
        f"{len(report.splits)} splits, fitted on {halves} folds, judged on {halves}: mean EER {100 * report.eer:.3g} %"
    ]
    return "\n".join(lines + [f"  FMR {fmr:g}: {_line(report, fmr)}" for fmr in report.fnmr])


def _line(report: SplitReport, fmr: float) -> str:
    fnmr, mean, worst = (by.get(fmr) for by in _by_target(report))
    if fnmr is None or mean is None or worst is None:
        return "no figure, the comparisons of a split are too few"
    return f"mean FNMR {100 * fnmr:.3g} %, realised FMR {mean:.2f} of the target, at worst a factor {worst:.2f} away"


def _by_target(report: SplitReport) -> tuple[Mapping[float, float | None], ...]:
    return report.fnmr, report.realised, report.realised_worst


def _shared(trials: Trials) -> bool:
    """Whether a person is in two folds."""
    places = np.unique(np.stack([trials.person, trials.fold]), axis=1)
    return bool(places.shape[1] > len(np.unique(trials.person)))


def _progress(items: Sequence[Any]) -> Iterable[Any]:
    return track(items, description="splits", console=Console(stderr=True))
