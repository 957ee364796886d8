"""`egate bench quality finger`: every mated pair of each set of prints, and what the quality of the worse of both says of it.

Nothing of the unified score was fitted on prints: all subjects are judged. minutiae_weight, what a capture is refused by, stands beside it.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egate.commands.bench.accuracy_output import progress, write_report
from egate.commands.bench.finger_trials import Set, find_sets
from egate.commands.bench.provenance import provenance
from egate.commands.bench.quality_curves import measure_curves, plot_curves, print_curves
from egate.commands.bench.quality_trials import UNIFIED, MatedTrials
from egate.domain.biometric import FingerTemplate, QualityScore
from egate.errors import ImageError
from egate.inference.finger.engine import CALIBRATION, NETWORK, load_finger_engine
from egate.inference.finger.quality import FOREST
from egate.inference.image.decoder import decode_grey
from egate.inference.weights.store import ModelStore
from egate.matching.finger.quality import USABLE_QUALITY, usable
from egate.matching.finger.quality.usable import COMPONENT
from egate.matching.rates.error_discard import pair_quality
from egate.ports import FingerEngine

FMRS = (1e-3, 5e-4)
PLOTTED_FMR = 5e-4  # the one gates work at
DRAWN = (UNIFIED, COMPONENT)
FLOORS = {UNIFIED: (8.0, 12.0, 20.0), COMPONENT: (25.0, USABLE_QUALITY)}


@dataclass(frozen=True, slots=True, repr=False)
class Captured:
    """What is kept of a print. None, NaN and not usable if its image holds none."""

    template: FingerTemplate | None
    quality: QualityScore
    usable: bool


def run_finger(arguments: argparse.Namespace) -> int:
    store = ModelStore(arguments.models)
    origin = provenance(store, CALIBRATION, (NETWORK, FOREST), "egate bench quality finger")
    engine = load_finger_engine(store)
    sets = find_sets(arguments.root)
    images = [image for members in sets.values() for image in members]
    captured = [_capture(engine, path.read_bytes()) for _, path in progress("fingers")(images)]
    mated = mated_trials(engine, list(sets.values()), captured)
    report = {f"{fmr:g}": _report(mated, captured, engine.threshold(fmr)) for fmr in FMRS}
    document = {
        "question": "does leaving out the mated comparisons of lowest quality lower FNMR?",
        **origin,
        "sets": sorted(sets),
        "images": len(captured),
        "failures_to_enrol": sum(each.template is None for each in captured),
        "unusable": {"minimum": USABLE_QUALITY, "of": COMPONENT, "images": sum(not each.usable for each in captured)},
        "unified": _percentiles(mated.qualities[UNIFIED]),
        "fmr": report,
    }
    write_report(arguments.json, document)
    if arguments.svg:
        plot_curves(report[f"{PLOTTED_FMR:g}"], DRAWN, PLOTTED_FMR, arguments.svg)
    print_curves(report)
    return 0


def mated_trials(engine: FingerEngine, sets: Sequence[Set], captured: Sequence[Captured]) -> MatedTrials:
    """All pairs of impressions of one finger. captured: of the images of all sets, one set after the other."""
    finger = [(index, number) for index, members in enumerate(sets) for number, _ in members]
    pairs = [pair for pair in itertools.combinations(range(len(finger)), 2) if finger[pair[0]] == finger[pair[1]]]
    subjects = {one: subject for subject, one in enumerate(dict.fromkeys(finger))}
    names = next((tuple(each.quality.components) for each in captured if each.template), ())
    qualities = {name: np.array([each.quality.components.get(name, np.nan) for each in captured]) for name in names}
    return MatedTrials(
        np.array(pairs, np.int64).reshape(-1, 2),
        np.array([_score(engine, captured[left], captured[right]) for left, right in pairs], np.float64),
        np.array([subjects[finger[left]] for left, _ in pairs], np.int64),
        {UNIFIED: np.array([each.quality.unified for each in captured]), **qualities},
    )


def _report(mated: MatedTrials, captured: Sequence[Captured], threshold: float) -> dict[str, Any]:
    """The curves, the FNMR of the comparisons that `usable` allows and refuses, and what other floors would do."""
    errors = ~(mated.scores >= threshold)
    known = np.array([float(each.usable) for each in captured])
    refused = ~(pair_quality(*known[mated.pairs.T]) > 0.0)
    return {
        **measure_curves(mated, threshold, DRAWN),
        "fnmr_usable": _share(errors[~refused]),
        "fnmr_unusable": _share(errors[refused]),
        "comparisons_unusable": int(np.count_nonzero(refused)),
        "floors": {
            name: {f"{floor:g}": _floor(mated, mated.qualities[name], floor, errors, refused) for floor in floors}
            for name, floors in FLOORS.items()
            if name in mated.qualities
        },
    }


def _floor(
    mated: MatedTrials,
    quality: NDArray[np.float64],
    floor: float,
    errors: NDArray[np.bool_],
    refused: NDArray[np.bool_],
) -> dict[str, Any]:
    """refused: what `usable` refuses anyway."""
    below = ~(pair_quality(*quality[mated.pairs.T]) >= floor)
    return {
        "images_below": round(float((~(quality >= floor)).mean()), 4),
        "fnmr_below": _share(errors[below]),
        "fnmr": _share(errors[~below]),
        "comparisons_below_though_usable": int(np.count_nonzero(below & ~refused)),
        "errors_below_though_usable": int(np.count_nonzero(below & ~refused & errors)),
    }


def _capture(engine: FingerEngine, image: bytes) -> Captured:
    try:
        sample = engine.capture(decode_grey(image).pixels)
    except ImageError:
        return Captured(None, QualityScore(float("nan")), False)
    return Captured(sample.template, sample.quality, usable(sample.quality))


def _score(engine: FingerEngine, one: Captured, other: Captured) -> float:
    if one.template is None or other.template is None:
        return float("nan")
    return engine.compare(one.template, other.template).value


def _share(errors: NDArray[np.bool_]) -> float | None:
    return round(float(errors.mean()), 6) if len(errors) else None


def _percentiles(quality: NDArray[np.float64]) -> dict[str, float]:
    known = np.where(np.isnan(quality), 0.0, quality)
    return {f"percentile_{share}": round(float(np.percentile(known, share)), 1) for share in (1, 5, 50, 95)}
