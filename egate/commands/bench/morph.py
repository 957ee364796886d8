"""egate bench morph: error rates of morphing attack detection on morphs made here from the images of a data set.

Nothing but the JSON and the plot is written: the morphs exist in memory only. Rates are of comparisons that match at the operating
threshold, for the others are refused anyway; a morph counts as a real attack if it matches both of its people.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from egate.commands.bench import face_trials, measurement, morph_trials
from egate.commands.bench.morph_rates import Scored, curve, report
from egate.commands.bench.morph_trials import KINDS, MATCH_FMR, SHARES, Compared
from egate.commands.bench.plots import Series, curve_plot, require_matplotlib
from egate.commands.models import add_models_option
from egate.domain.biometric import ComparisonScore
from egate.inference.face.engine import OnnxFaceEngine, load_face_engine
from egate.inference.weights.store import ModelStore
from egate.matching.face.frames import FRAMES_MAX
from egate.matching.face.morph import features, morph_score
from egate.matching.rates.rates import CountedRate

COUNT = 150  # pairs of each kind: two minutes on one core
NEWTON_STEPS = 50


def register(bench_subparsers: Any) -> None:
    """Adds `morph` to the subparsers of `egate bench`."""
    parser = bench_subparsers.add_parser("morph", help="morphing attack detection on morphs of a data set's faces")
    parser.add_argument("--pairs", type=Path, required=True, metavar="CSV", help="columns path_a, path_b, same")
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="folder the paths start at")
    parser.add_argument(
        "--exclude", type=Path, metavar="CSV", help="columns name_a, name_b: one person under two names"
    )
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="also plot MACER over BSCER")
    parser.add_argument("--count", type=int, default=COUNT, metavar="N", help="pairs of each kind")
    parser.add_argument("--fit", action="store_true", help="also fit the score's constants on the other half")
    add_models_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if arguments.svg:
        require_matplotlib()
    engine = load_face_engine(ModelStore(arguments.models))
    trials = face_trials.read_trials(arguments.pairs, arguments.exclude)
    fit_half, report_half = morph_trials.halves(trials)
    fitted = {}
    if arguments.fit:
        constants, errors = fit(engine, *_comparisons(engine, arguments, trials, fit_half))
        rows = zip(("INTERCEPT", "VALUE_WEIGHT", "SPREAD_WEIGHT"), constants, errors, strict=True)
        fitted = {name: {"value": round(value, 3), "standard_error": round(error, 3)} for name, value, error in rows}
    genuine, attacks = _comparisons(engine, arguments, trials, report_half)
    result = {
        "command": _command(arguments),
        "commit": measurement.commit(),
        "host": measurement.host(),
        "dataset": f"{arguments.pairs.stem}: {len(report_half)} of {len(report_half) + len(fit_half)} people with 2 images",
        "operating_fmr": MATCH_FMR,
        "fitted_on_the_other_half": fitted,
        "morphs_matching_both": matching_both(attacks),
        "detection": detection(engine, genuine, attacks),
    }
    arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result["detection"], indent=2))
    if arguments.svg:
        _plot(engine, genuine, attacks, arguments.svg)
    return 0


def _command(arguments: argparse.Namespace) -> str:
    words = ["egate bench morph --pairs", arguments.pairs.name, "--count", str(arguments.count)]
    words += ["--exclude", arguments.exclude.name] if arguments.exclude else []
    return " ".join(words + ["--fit"] * arguments.fit)


def _comparisons(
    engine: OnnxFaceEngine,
    arguments: argparse.Namespace,
    trials: face_trials.Trials,
    people: Sequence[NDArray[np.intp]],
) -> tuple[list[Compared], list[Compared]]:
    subjects = morph_trials.enrol(engine, arguments.root, trials, people, _progress("faces"))
    pairs = list(morph_trials.choose_pairs(engine, subjects, trials.excluded, arguments.count))
    return morph_trials.bona_fide(engine, subjects), morph_trials.attacks(
        engine, arguments.root, pairs, _progress("morphs")
    )


def matching_both(attacks: Sequence[Compared]) -> dict[str, object]:
    """Share of the morphs that match both of their people, by kind and share of the second one; Clopper-Pearson intervals."""
    table: dict[str, object] = {}
    for kind in KINDS:
        for share in SHARES:
            # Each morph stands in attacks for each of its people and each number of live images; here once.
            once = [one for one in attacks if one.frames == 1 and one.kind == kind and not one.of_second]
            made = [one for one in once if math.isclose(one.share, 1.0 - share)]
            if made:
                rate = CountedRate(sum(one.both for one in made), len(made))
                low, high = rate.interval
                table[f"{kind} {share:g}"] = {
                    "morphs": len(made),
                    "share": round(rate.errors / rate.trials, 4),
                    "interval": [round(low, 4), round(high, 4)],
                }
    return table


def detection(engine: OnnxFaceEngine, genuine: Sequence[Compared], attacks: Sequence[Compared]) -> dict[str, object]:
    """Error rates over all matching comparisons with one live image, over parts of them, and with more live images."""
    one_live = [one for one in attacks if one.frames == 1]
    real = [one for one in one_live if one.both]
    bona_fide = scored(engine, [one for one in genuine if one.frames == 1])
    table: dict[str, object] = {
        "all that match": report(bona_fide, scored(engine, one_live)),
        "morphs that match both": report(bona_fide, scored(engine, real)),
    }
    for share in SHARES:
        part = [one for one in real if math.isclose(one.share, share)]
        table[f"morphs that match both, share of the live person {share:g}"] = report(bona_fide, scored(engine, part))
    # The same people whatever the number of frames: those with enough live images.
    for frames in range(1, FRAMES_MAX + 1):
        table[f"morphs that match both, {frames} live images (people with {FRAMES_MAX})"] = report(
            scored(engine, with_frames(genuine, frames)),
            scored(engine, with_frames([one for one in attacks if one.both], frames)),
        )
    return table


def with_frames(compared: Sequence[Compared], frames: int) -> list[Compared]:
    """Comparisons with so many live images, of the people that have FRAMES_MAX."""
    enough = {one.live for one in compared if one.frames == FRAMES_MAX}
    return [one for one in compared if one.frames == frames and one.live in enough]


def scored(engine: OnnxFaceEngine, compared: Sequence[Compared]) -> Scored:
    """Morph scores of the comparisons that match."""
    matching = _matching(engine, compared)
    people = np.array([(one.live, one.other) for one in matching], np.int64).reshape(-1, 2)
    return Scored(np.array([morph_score(_score(one)).value for one in matching], np.float64), people)


def fit(
    engine: OnnxFaceEngine, genuine: Sequence[Compared], attacks: Sequence[Compared]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The constants of egate.matching.face.morph and their standard errors: logistic regression, bona fide and morphs equally heavy.

    The errors take comparisons for independent and so are somewhat too small.
    """
    sides = [_matching(engine, [one for one in side if one.frames == 1]) for side in (genuine, attacks)]
    rows = [(1.0, -value, spread) for side in sides for value, spread in (features(_score(one)) for one in side)]
    x, y = np.array(rows), np.repeat([0.0, 1.0], [len(side) for side in sides])
    weight = np.repeat([len(rows) / 2 / len(side) for side in sides], [len(side) for side in sides])
    beta = np.zeros(x.shape[1])
    for _ in range(NEWTON_STEPS):
        p = 1.0 / (1.0 + np.exp(-x @ beta))
        hessian = (x * (weight * p * (1.0 - p))[:, np.newaxis]).T @ x
        beta -= np.linalg.solve(hessian, x.T @ (weight * (p - y)))
    return beta, np.sqrt(np.diag(np.linalg.inv(hessian)))


def _matching(engine: OnnxFaceEngine, compared: Sequence[Compared]) -> list[Compared]:
    minimum = engine.threshold(MATCH_FMR)
    return [one for one in compared if one.value >= minimum]


def _score(one: Compared) -> ComparisonScore:
    return ComparisonScore(one.value, float("nan"), "", one.parts)


def _plot(engine: OnnxFaceEngine, genuine: Sequence[Compared], attacks: Sequence[Compared], path: Path) -> None:
    bona_fide = scored(engine, [one for one in genuine if one.frames == 1])
    lines = []
    for label, both in (("all that match", False), ("morphs that match both people", True)):
        part = scored(engine, [one for one in attacks if one.frames == 1 and one.both >= both])
        if len(bona_fide) and len(part):
            measured = curve(bona_fide.score, part.score)
            lines.append(Series(label, measured.bscer, measured.macer))
    curve_plot(lines, path, xlabel="BSCER", ylabel="MACER", title="Differential morphing attack detection")


def _progress(what: str) -> face_trials.Progress:
    console = Console(stderr=True)

    def shown(items: Sequence[Any]) -> Iterable[Any]:
        return track(items, description=what, console=console)

    return shown
