"""egate bench pad: APCER by species of attack, and BPCER, of an attack detection engine over a data set (ISO/IEC 30107-3), as JSON.

With --train-subjects, fusion and threshold come from those people and the rates from the others: nobody is in both. Without, they are those
of the engine's calibration, which may have been measured on the same data. No figure says anything of another camera or attack.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from egate.commands.bench import pad_trials
from egate.commands.bench.measurement import summary_ms
from egate.commands.bench.pad_trials import Presentation
from egate.commands.bench.plots import histogram_plot
from egate.commands.bench.provenance import file_json, provenance
from egate.commands.calibrate.pad import calibrated, progress
from egate.commands.models import add_models_option
from egate.errors import ConfigurationError
from egate.inference.pad.calibration import load_pad_calibration
from egate.inference.pad.engine import CALIBRATION
from egate.inference.pad.networks import choose_models, load_pad_networks
from egate.inference.weights.engine_entry import engine_entry
from egate.inference.weights.store import ModelStore
from egate.matching.pad.calibration import PadCalibration
from egate.matching.pad.combination import Floats, combined, fused
from egate.matching.pad.rates import BONA_FIDE, PadRates, pad_rates

APCER = 0.05  # chosen: the target that the 80 attacks of four people can support
FRAMES = 3  # of a combined verdict, as face_frames keeps
SEED = 20251125
SPEED_COUNT = 200


@dataclass(frozen=True, slots=True)
class Scored:
    """Presentations and their (n,) log-likelihood ratios."""

    presentations: Sequence[Presentation]
    scores: Floats

    def part(self, chosen: Sequence[int]) -> Scored:
        return Scored([self.presentations[index] for index in chosen], self.scores[list(chosen)])

    def rates(self, threshold: float) -> PadRates:
        species = [one.species for one in self.presentations]
        subjects = [one.subject for one in self.presentations]
        return pad_rates(self.scores, species, subjects, threshold, np.random.default_rng(SEED))

    def over_frames(self, frames: int) -> Scored:
        """One score for each `frames` frames that follow each other."""
        members = pad_trials.groups(self.presentations, frames)
        scores = [combined([float(self.scores[index]) for index in group]) for group in members]
        return Scored([self.presentations[group[0]] for group in members], np.array(scores, np.float64))


def register(bench_subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `pad` to the subparsers of `egate bench`."""
    parser = bench_subparsers.add_parser("pad", help="error rates of presentation attack detection")
    parser.add_argument("--labels", type=Path, required=True, metavar="CSV", help="columns path, label, subject")
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="folder the paths start at")
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="histogram of the scores, .png or .svg")
    parser.add_argument("--engine", default=CALIBRATION, metavar="ID")
    parser.add_argument("--apcer", type=float, default=APCER, help=f"target of the threshold (default: {APCER})")
    parser.add_argument("--train-subjects", type=pad_trials.parse_subjects, metavar="NAMES", help="0001-0004,0007")
    parser.add_argument(
        "--test-subjects", type=pad_trials.parse_subjects, metavar="NAMES", help="default: all the others"
    )
    add_models_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    store = ModelStore(arguments.models)
    entry = engine_entry(store, arguments.engine, ())
    _, networks = choose_models(store, entry.models)
    presentations = pad_trials.read_presentations(arguments.labels)
    train, test = _halves(presentations, arguments.train_subjects, arguments.test_subjects)
    odds = pad_trials.log_odds(store, entry.models, arguments.root, presentations, progress)
    if train:
        calibration = calibrated(
            store, entry, networks, [presentations[index] for index in train], odds[train], dataset="", command=""
        )
    else:
        calibration = load_pad_calibration(store, entry.id)
    threshold = calibration.threshold(arguments.apcer)
    scored = Scored(presentations, fused(calibration.fusion, odds)).part(test)
    command = _command(arguments)
    report = {
        **provenance(store, entry.id, entry.models, command),
        "labels": file_json(arguments.labels),
        "threshold": _threshold_json(calibration, arguments, threshold),
        **_rates_json(scored, threshold),
        "cpu_ms_of_a_frame": _speed_ms(store, entry.models),
    }
    arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    _show("single frames", scored.rates(threshold))
    if arguments.plot:
        _plot(scored, threshold, arguments.plot)
    return 0


def _halves(
    presentations: Sequence[Presentation], train: frozenset[str] | None, test: frozenset[str] | None
) -> tuple[list[int], list[int]]:
    """Indices of training and of test presentations. Raises ConfigurationError if a person is in both, or unknown."""
    people = {one.subject for one in presentations}
    for named in (train or frozenset(), test or frozenset()):
        if unknown := sorted(named - people):
            raise ConfigurationError(f"no presentation of subject {unknown[0]}")
    if train and test and train & test:
        raise ConfigurationError(f"subject {sorted(train & test)[0]} is for training and for testing")
    fitted = train or frozenset()
    judged = test or people - fitted
    chosen = [[index for index, one in enumerate(presentations) if one.subject in names] for names in (fitted, judged)]
    return chosen[0], chosen[1]


def _rates_json(scored: Scored, threshold: float) -> dict[str, object]:
    """Rates over all test presentations, by split, and over frames of one sequence."""
    splits = sorted({one.split for one in scored.presentations} - {""})
    by_split = {
        name: scored.part([i for i, one in enumerate(scored.presentations) if one.split == name]) for name in splits
    }
    report: dict[str, object] = {"single_frames": _json(scored, threshold)}
    report["splits"] = {name: _json(part, threshold) for name, part in by_split.items()}
    over = scored.over_frames(FRAMES)
    report[f"combined_over_{FRAMES}_frames"] = _json(over, threshold) if len(over.presentations) else None
    return report


def _json(scored: Scored, threshold: float) -> dict[str, object] | None:
    """None where there is not one bona fide presentation, or a species without any response: no rate can be said."""
    try:
        return scored.rates(threshold).to_json()
    except ValueError:
        return None


def _threshold_json(calibration: PadCalibration, arguments: argparse.Namespace, threshold: float) -> dict[str, object]:
    return {
        "value": threshold,
        "apcer_target": arguments.apcer,
        "from": sorted(arguments.train_subjects) if arguments.train_subjects else f"calibration of {calibration.id}",
        "attacks": dict(calibration.attacks),
        "bona_fide": calibration.bona_fide,
        "subjects": calibration.subjects,
        "fusion": {
            "bias": calibration.fusion.bias,
            **dict(zip(calibration.fusion.models, calibration.fusion.weights, strict=True)),
        },
    }


def _speed_ms(store: ModelStore, models: Sequence[str]) -> dict[str, dict[str, float | int]]:
    """Time of all networks on one frame whose face is known, on one thread; CPU time, so that other work does not count."""
    networks = load_pad_networks(store, models)
    times: dict[str, dict[str, float | int]] = {}
    for width, height in ((640, 480), (1920, 1080)):
        frame = np.random.default_rng(SEED).integers(0, 256, (height, width, 3), np.uint8)
        box = (width * 0.4, height * 0.3, height * 0.4, height * 0.4)
        seconds = []
        for _ in range(SPEED_COUNT):
            started = time.thread_time()
            networks.log_odds(frame, box)
            seconds.append(time.thread_time() - started)
        times[f"{width}x{height}"] = summary_ms(seconds)
    return times


def _command(arguments: argparse.Namespace) -> str:
    """What to run again, without folders: they say nothing elsewhere."""
    words = ["egate bench pad --labels", arguments.labels.name, "--engine", arguments.engine]
    words += ["--apcer", f"{arguments.apcer:g}"]
    for option in ("train_subjects", "test_subjects"):
        if names := getattr(arguments, option):
            words += [f"--{option.replace('_', '-')}", ",".join(sorted(names))]
    return " ".join(words)


def _show(what: str, rates: PadRates) -> None:
    parts = [
        *((f"APCER of {species}", rate) for species, rate in rates.apcer.items()),
        ("BPCER", rates.bpcer),
    ]
    for name, rate in parts:
        low, high = rate.counted.interval
        print(
            f"{what}: {name} {rate.counted.errors} of {rate.counted.trials} ({100 * low:.1f} to {100 * high:.1f} % at 95 %), "
            f"{rate.subjects.errors} of {rate.subjects.trials} people, {rate.silent.errors} without a response"
        )


def _plot(scored: Scored, threshold: float, path: Path) -> None:
    kinds = [one.species for one in scored.presentations]
    named = {
        kind or "bona fide": scored.scores[[index for index, own in enumerate(kinds) if own == kind]]
        for kind in [BONA_FIDE, *sorted(set(kinds) - {BONA_FIDE})]
    }
    histogram_plot(
        named,
        path,
        xlabel="log-likelihood ratio of bona fide against attack",
        title="Presentation attack detection, single frames",
        marks={"threshold": threshold},
    )
