"""Plots of measurements as PNG or SVG, by the suffix of the path. The same numbers give the same bytes.

Needs the extra `lab` (matplotlib), which is imported on first use. No display, no pyplot: nothing global is kept.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from egate.errors import ConfigurationError
from egate.matching.rates.det_curve import probit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

SUFFIXES = (".png", ".svg")
SIZE_INCHES = (7.0, 5.0)
DPI = 120
HISTOGRAM_BINS = 120
DET_TICKS = (1e-5, 1e-4, 1e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)  # chosen: the range a gate cares about
DET_RATE_MAX = 0.5
STYLE: dict[str, Any] = {
    "svg.hashsalt": "egate",  # without it the ids of an SVG's clip paths are random
    "svg.fonttype": "none",  # text stays text: smaller, and a change of it can be read in a diff
    "axes.grid": True,
    "grid.alpha": 0.4,
}


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One line, or points. x, y: (n,). low, high: (n,) bounds around y, a band or bars, or None. NaN leaves a gap."""

    label: str
    x: ArrayLike
    y: ArrayLike
    low: ArrayLike | None = None
    high: ArrayLike | None = None
    points: bool = False


def curve_plot(
    series: Sequence[Series],
    path: Path,
    *,
    xlabel: str,
    ylabel: str,
    title: str = "",
    x_log: bool = False,
    y_log: bool = False,
) -> None:
    """Lines over common axes. Raises ConfigurationError as every plot here: no matplotlib, unknown suffix, path not writable."""
    with _axes(path, xlabel, ylabel, title) as axes:
        if x_log:
            axes.set_xscale("log")
        if y_log:
            axes.set_yscale("log")
        for line in series:
            _draw(axes, line, _array)


def det_plot(
    series: Sequence[Series],
    path: Path,
    *,
    xlabel: str = "false match rate (%)",
    ylabel: str = "false non-match rate (%)",
    title: str = "",
) -> None:
    """Detection error trade-off on probit axes, ISO/IEC 19795-1. x, y: rates in [0, 1]; 0 and 1 lie beyond the axes."""
    with _axes(path, xlabel, ylabel, title) as axes:
        for line in series:
            _draw(axes, line, lambda rates: probit(_array(rates)))
        ticks = probit(np.array(DET_TICKS))
        names = [f"{100 * rate:g}" for rate in DET_TICKS]
        limits = probit(np.array([DET_TICKS[0] / 2, DET_RATE_MAX]))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks(ticks.tolist(), names)
        axes.set_xlim(float(limits[0]), float(limits[1]))
        axes.set_ylim(float(limits[0]), float(limits[1]))


def histogram_plot(
    groups: Mapping[str, ArrayLike],
    path: Path,
    *,
    xlabel: str = "comparison score",
    title: str = "",
    marks: Mapping[str, float] | None = None,
) -> None:
    """Distribution of each group over common bins; each sums to 1. marks: labelled vertical lines. Not finite: left out."""
    finite = {label: values[np.isfinite(values)] for label, values in ((k, _array(v)) for k, v in groups.items())}
    filled = [values for values in finite.values() if len(values)]
    with _axes(path, xlabel, "share of comparisons", title) as axes:
        if filled:
            edges = np.linspace(min(v.min() for v in filled), max(v.max() for v in filled), HISTOGRAM_BINS + 1)
            for label, values in finite.items():
                share = np.histogram(values, edges)[0] / max(len(values), 1)
                axes.stairs(share, edges, label=label, fill=True, alpha=0.5)
        for number, (label, value) in enumerate((marks or {}).items()):
            axes.axvline(value, color="black", linestyle=("--", ":", "-.", "-")[number % 4], linewidth=1, label=label)


def require_matplotlib() -> None:
    """Raises ConfigurationError where it is missing: ask before measuring for minutes."""
    try:
        importlib.import_module("matplotlib")
    except ImportError:
        raise ConfigurationError("plots need matplotlib: install egate[lab]") from None


@contextmanager
def _axes(path: Path, xlabel: str, ylabel: str, title: str) -> Iterator[Axes]:
    """Axes to draw on; written to path when the block ends without an error."""
    if path.suffix not in SUFFIXES:
        raise ConfigurationError(f"a plot is written as {' or '.join(SUFFIXES)}, not {path.suffix!r}")
    require_matplotlib()
    from matplotlib import style
    from matplotlib.figure import Figure

    with style.context(["default", STYLE]):  # not the user's matplotlibrc: the same bytes everywhere
        figure = Figure(figsize=SIZE_INCHES, dpi=DPI, layout="constrained")
        axes = figure.add_subplot()
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        if title:
            axes.set_title(title)
        yield axes
        if axes.get_legend_handles_labels()[1]:
            axes.legend()
        metadata = {"Date": None} if path.suffix == ".svg" else {}
        try:
            figure.savefig(path, metadata=metadata)
        except OSError:
            raise ConfigurationError(f"cannot write {path.name}") from None


def _draw(axes: Axes, series: Series, scaled: Callable[[ArrayLike], NDArray[np.float64]]) -> None:
    x, y = scaled(series.x), scaled(series.y)
    points = series.points or len(x) == 1
    (line,) = axes.plot(x, y, label=series.label, marker="o" if points else None, linestyle="none" if points else "-")
    if series.low is None or series.high is None:
        return
    low, high = scaled(series.low), scaled(series.high)
    if points:
        axes.vlines(x, np.fmin(low, y), np.fmax(high, y), colors=line.get_color())
    else:
        axes.fill_between(x, low, high, alpha=0.2, linewidth=0)


def _array(values: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(values, np.float64)
