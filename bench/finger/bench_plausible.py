"""Which templates does `plausible` refuse? Bar: no print of the corpus, and every crafted lattice that is not moved at random.

    python -m bench.finger.bench_plausible --root CORPUS/fingers [--cache DIR]

Prints: LEADER's templates written to each format and read back, the third party's as they are, and parts of prints: a minutia of each
and those nearest to it. Lattices: 3 to 7 minutiae a side, 24 to 33 px apart, flow and flips as in `crafted`, moved at random by 0 to 6 px.
Beside the share refused stands how many strangers those match that are not refused, at the threshold of FMR 5e-4.
Estimate: 400 extractions of half a second, which --cache keeps; 10,000 templates of 0.2 ms; 1,300 lattices against 100 prints of 40 us.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from bench.finger.bench_interop import ARRAYS, FMR, extracted
from bench.finger.calibrate import SETS
from egate.domain.biometric import FingerTemplate
from egate.inference.finger.engine import load_finger_engine
from egate.inference.weights.store import ModelStore
from egate.matching.finger import minutiae
from egate.matching.finger.format.template_format import TemplateFormat, read_template, write_template
from egate.matching.finger.plausible import plausible

SIDES, PITCHES_PX, MOVED_PX = (3, 4, 5, 6, 7), (24.0, 27.0, 30.0, 33.0), (0.0, 1.0, 2.0, 4.0, 6.0)
FLOWS, FLIPS = ("parallel", "arch", "whorl"), ("none", "every second", "every second row", "half")
PARTS = (6, 8, 10, 12, 16, 20)
CENTRE_PX = 200.0


def main() -> None:
    arguments = parse_arguments()
    engine = load_finger_engine(ModelStore(arguments.models))
    ours = [one for name in SETS for one in extracted(engine, arguments.root / name, arguments.cache).values()]
    rng = np.random.default_rng(1)
    for form in TemplateFormat:
        show(form.value, (read_template(write_template([one], form), format=form)[0] for one in ours))
    folder = arguments.root / "iso_secugen"
    show("third party", (read_template(path.read_bytes())[0] for path in sorted(folder.rglob("*.iso"))))
    for count in PARTS:
        show(f"parts of {count}", (part(one, count, rng) for one in ours if len(one.x) > count))
    strangers, threshold = [minutiae.prepare(one) for one in ours[::4]], engine.threshold(FMR)
    for moved in MOVED_PX:
        passed = show(f"lattices moved by {moved:g} px", lattices(moved, rng))
        scores = [minutiae.compare(minutiae.prepare(one), other) for one in passed for other in strangers]
        if scores:
            print(f"  the {len(passed)} others match {100 * (np.array(scores) >= threshold).mean():.2f} % of strangers")


def show(kind: str, templates: Iterable[FingerTemplate]) -> list[FingerTemplate]:
    """Prints how many are refused; returns the others."""
    every = list(templates)
    passed = [one for one in every if plausible(one)]
    print(f"{kind}: {len(every) - len(passed)} of {len(every)} refused", flush=True)
    return passed


def part(of: FingerTemplate, count: int, rng: np.random.Generator) -> FingerTemplate:
    """A minutia drawn at random and those nearest to it."""
    at = rng.integers(len(of.x))
    keep = np.argsort(np.hypot(of.x - of.x[at], of.y - of.y[at]), kind="stable")[:count]
    columns = {key: getattr(of, key)[keep] for key in ARRAYS}
    return dataclasses.replace(of, **columns)


def lattices(moved_px: float, rng: np.random.Generator) -> Iterator[FingerTemplate]:
    for side, pitch, flow, flip in itertools.product(SIDES, PITCHES_PX, FLOWS, FLIPS):
        yield crafted(side, pitch, flow, flip, moved_px, rng)


def crafted(
    side: int, pitch_px: float, flow: str, flip: str, moved_px: float, rng: np.random.Generator
) -> FingerTemplate:
    """side x side minutiae along a flow of ridges, some of them turned round; moved at random, then turned as a whole."""
    at = np.arange(side * side)
    row, column = at // side, at % side
    u, v = (pitch_px * (step.astype(np.float64) - (side - 1) / 2) for step in (column, row))
    angles = {
        "parallel": 0.0 * u,
        "arch": -0.6 * np.sin(u / 60.0) * np.exp(-((v / 120.0) ** 2)),
        "whorl": np.arctan2(-v, u) + math.pi / 2,
    }
    turned = {"none": 0 * at, "every second": at % 2, "every second row": row % 2, "half": column >= side / 2}
    rotation, ones = rng.uniform(0.0, math.tau), np.ones(len(at), np.float32)
    angle = np.mod(angles[flow] + math.pi * np.float64(turned[flip]) + rotation, math.tau).astype(np.float32)
    cos, sin = math.cos(rotation), math.sin(rotation)
    places = (cos * u + sin * v, cos * v - sin * u)  # y points down: the angles turn by +rotation
    x, y = (np.rint(CENTRE_PX + place + rng.normal(0.0, moved_px, len(at))).astype(np.float32) for place in places)
    return FingerTemplate(x, y, angle, ones > 0, ones, round(2 * CENTRE_PX), round(2 * CENTRE_PX))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="the corpus folder with fvc2002, fvc2004, iso_secugen")
    parser.add_argument("--models", type=Path, default=None, help="the models root (egate models install)")
    parser.add_argument("--cache", type=Path, help="folder that keeps the extracted templates")
    return parser.parse_args()


if __name__ == "__main__":
    main()
