"""Error-versus-discard curves of several measures of quality over the same mated comparisons, with intervals by subject, and their plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egate.commands.bench.plots import Series, curve_plot
from egate.commands.bench.quality_trials import UNIFIED, MatedTrials
from egate.matching.rates.bootstrap import interval
from egate.matching.rates.error_discard import DISCARDS, ErrorDiscard, error_discard, pair_quality

REPLICATES = 500  # chosen: 12 lie beyond each end of an interval
SEED = 1


def measure_curves(mated: MatedTrials, threshold: float, drawn: Sequence[str]) -> dict[str, Any]:
    """Areas with intervals over subjects, by quality, the best predictor first; the curves of those drawn."""
    errors = ~(mated.scores >= threshold)
    draws = _draws(mated.subject)
    found: dict[str, Any] = {}
    for name, quality in mated.qualities.items():
        worse = pair_quality(quality[mated.pairs[:, 0]], quality[mated.pairs[:, 1]])
        found[name] = _curve(error_discard(worse, errors), worse, errors, draws)
        if name not in drawn:
            found[name] = {key: found[name][key] for key in ("area", "area_interval")}
    first = error_discard(np.zeros(len(errors)), errors)
    return {
        "comparisons": first.comparisons,
        "errors": first.errors,
        "people": len(np.unique(mated.subject)),
        "discard": _rounded(DISCARDS),
        "ideal": _rounded(first.ideal),
        "ideal_area": _number(first.ideal_area),
        "quality": dict(sorted(found.items(), key=lambda item: item[1]["area"] or 0.0)),
    }


def print_curves(report: Mapping[str, Any]) -> None:
    for fmr, part in report.items():
        counts = f"{part['errors']} errors in {part['comparisons']} mated comparisons of {part['people']} people"
        unified = part["quality"][UNIFIED]
        if unified["area"] is None or unified["area_interval"] is None:
            print(f"FMR {fmr}: {counts}")
            continue
        low, high = unified["area_interval"]
        area = (
            f"area {unified['area']:.2f} (95 %: {low:.2f} to {high:.2f}; at random 1, ideal {part['ideal_area']:.2f})"
        )
        print(f"FMR {fmr}: {counts}; {area}")


def _curve(
    curve: ErrorDiscard, quality: NDArray[np.float64], errors: NDArray[np.bool_], draws: Sequence[NDArray[np.float64]]
) -> dict[str, Any]:
    again = [error_discard(quality, errors, weights) for weights in draws]
    fnmr = np.array([each.fnmr for each in again])
    bounds = interval(np.array([each.area for each in again]), curve.area, len(draws[0]))
    return {
        "area": _number(curve.area),
        "area_interval": [round(bound, 4) for bound in bounds] if bounds else None,
        "fnmr": _rounded(curve.fnmr),
        "fnmr_low": _rounded(np.quantile(fnmr, 0.025, axis=0)),
        "fnmr_high": _rounded(np.quantile(fnmr, 0.975, axis=0)),
    }


def _draws(subject: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """REPLICATES times (m,) how often each comparison counts when the people are drawn with replacement."""
    random = np.random.default_rng(SEED)
    people, which = np.unique(subject, return_inverse=True)
    even = np.full(len(people), 1.0 / len(people))
    return [random.multinomial(len(people), even)[which].astype(np.float64) for _ in range(REPLICATES)]


def plot_curves(report: Mapping[str, Any], drawn: Sequence[str], fmr: float, path: Path) -> None:
    """report: of measure_curves at this FMR. The first of drawn with its interval."""
    quality, discard = report["quality"], 100 * np.array(report["discard"])
    first = {key: 100 * np.array(quality[drawn[0]][key]) for key in ("fnmr", "fnmr_low", "fnmr_high")}
    name = "unified quality" if drawn[0] == UNIFIED else drawn[0]
    others = [Series(other, discard, 100 * np.array(quality[other]["fnmr"])) for other in drawn[1:] if other in quality]
    lines = [
        Series(name, discard, first["fnmr"], first["fnmr_low"], first["fnmr_high"]),
        *others,
        Series("at random", discard, np.full(len(discard), first["fnmr"][0])),
        Series("ideal", discard, 100 * np.array(report["ideal"])),
    ]
    curve_plot(
        lines,
        path,
        xlabel="mated comparisons left out, lowest quality first (%)",
        ylabel="false non-match rate (%)",
        title=f"Error versus discard, threshold at FMR {fmr:g}",
    )


def _number(value: float) -> float | None:
    """None where there was no error to predict."""
    return None if np.isnan(value) else round(value, 4)


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 6) for value in values]
