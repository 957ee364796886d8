"""Do templates of other systems and formats match ours? Bar: third-party against LEADER, three 2002 sets, mean EER <= 4 %.

    python -m bench.finger.bench_interop --root CORPUS/fingers [--cache DIR] [--json FILE]

Each set: 280 mated and 2,880 non-mated pairs, the first image's template against the second's: LEADER against itself written to each
format and read back, against the third party's (either of them first), and the third party's against each other. The third party's
extractor saw every image resized to 300 x 400; its templates are taken back to the image's own size first. Where both found a minutia
in one image, it prints how they differ: a convention of the vendor's own would show as an offset, a half turn or a swapped type.
Estimate: 400 extractions of half a second, which --cache keeps, then 5 x 3,160 comparisons a column of 0.3 ms: 5 s a column.
Measured with the matcher of November 2026: 2.27 % (2.14 % with the third party first), FMR 4.9e-4 and 4.2e-4 at the threshold of 5e-4,
9.7e-4 with the third party on both sides; record and normal card size cost no EER, compact size 0.08 points. No convention differs: 1 %
half turns, at most 1.2 px, one degree clockwise (an angle cut off to steps of 1.4 degrees would explain 0.7 of it); nothing is corrected.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.finger.calibrate import SETS, read, same
from egate.domain.biometric import FingerTemplate
from egate.inference.finger.engine import MinutiaeFingerEngine, load_finger_engine
from egate.inference.weights.store import ModelStore
from egate.matching.finger import minutiae
from egate.matching.finger.format.rescale import rescale
from egate.matching.finger.format.template_format import TemplateFormat, read_template, write_template
from egate.matching.rates.accuracy import measure_accuracy

FMR = 5e-4  # the operating point of models/finger-minutiae/CARD.md
BAR, BAR_SETS, BAR_EER = "LEADER probe, third-party reference", SETS[:3], 0.04
PAIRED_PX = 12.0  # chosen: more than a ridge apart it is another minutia
ARRAYS = ("x", "y", "angle", "ending", "quality")

Templates = Mapping[str, FingerTemplate]


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One kind of comparison in one set. eer, fmr: fractions; fmr is the realised one at the engine's threshold of FMR."""

    kind: str
    set: str
    eer: float
    fnmr: float | None
    fmr: float
    bytes_max: int


def main() -> None:
    arguments = parse_arguments()
    engine = load_finger_engine(ModelStore(arguments.models))
    rows: list[Row] = []
    for name in SETS:
        leader = extracted(engine, arguments.root / name, arguments.cache)
        other = third_party(arguments.root / "iso_secugen" / name, leader)
        print(f"{name} same images: {conventions(leader, other)}", flush=True)
        for kind, (probes, references, size) in columns(leader, other).items():
            rows.append(measure(kind, name, probes, references, size, engine.threshold(FMR)))
            print(f"{name} {kind}: EER {100 * rows[-1].eer:.2f} %, FMR {rows[-1].fmr:.1e}", flush=True)
    report(rows)
    if arguments.json:
        arguments.json.write_text(
            json.dumps([dataclasses.asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8"
        )


def columns(leader: Templates, other: Templates) -> dict[str, tuple[Templates, Templates, int]]:
    """Probes, references and the largest encoded size by kind of comparison."""
    found: dict[str, tuple[Templates, Templates, int]] = {"native": (leader, leader, 0)}
    for form in TemplateFormat:
        encoded = {name: write_template([one], form) for name, one in leader.items()}
        back = {name: read_template(data, format=form)[0] for name, data in encoded.items()}
        found[f"{form.value} both"] = (back, back, max(map(len, encoded.values())))
    found[BAR] = (leader, other, 0)
    found["third-party probe, LEADER reference"] = (other, leader, 0)
    found["third party both"] = (other, other, 0)
    return found


def conventions(leader: Templates, other: Templates) -> str:
    """How minutiae that both found in the same image differ, third party less LEADER; medians over a set.

    ahead, left: pixels along and across LEADER's direction. turn: degrees, counter-clockwise, of those not turned by half.
    """
    differences = np.concatenate([_differences(leader[name], one) for name, one in other.items()])
    total = sum(len(one.x) for one in other.values())
    ahead, left, turn, types = differences.T
    turned = np.abs(turn) > 90.0
    return (
        f"{len(differences) / total:.0%} of the third party's found by both; ahead {np.median(ahead):.1f} px, "
        f"left {np.median(left):.1f} px, turn {np.median(turn[~turned]):.1f} degrees, "
        f"half turns {turned.mean():.1%}, same type {types.mean():.0%}"
    )


def _differences(leader: FingerTemplate, other: FingerTemplate) -> NDArray[np.float64]:
    """(n, 4) ahead, left, turn, same type of the minutiae that are each other's nearest, PAIRED_PX apart at most."""
    dx, dy = other.x[:, None] - leader.x, leader.y - other.y[:, None]  # y up
    distance = np.hypot(dx, dy)
    if distance.size == 0:
        return np.empty((0, 4))
    nearest = distance.argmin(axis=1)
    at = np.nonzero((distance.argmin(axis=0)[nearest] == np.arange(len(nearest))) & (distance.min(axis=1) < PAIRED_PX))[
        0
    ]
    to = nearest[at]
    cos, sin = np.cos(leader.angle[to]), np.sin(leader.angle[to])
    x, y = dx[at, to], dy[at, to]
    turn = np.degrees(np.mod(other.angle[at] - leader.angle[to] + np.pi, 2.0 * np.pi) - np.pi)
    return np.stack([cos * x + sin * y, cos * y - sin * x, turn, other.ending[at] == leader.ending[to]], axis=1)


def measure(kind: str, name: str, probes: Templates, references: Templates, size: int, threshold: float) -> Row:
    ready = prepared(probes)
    against = ready if references is probes else prepared(references)
    pairs = list(itertools.combinations(sorted(ready), 2))
    scores = np.array([minutiae.compare(ready[a], against[b]) for a, b in pairs])
    mated: NDArray[np.bool_] = np.array([same(a, b) for a, b in pairs])
    accuracy = measure_accuracy(scores[mated], scores[~mated])
    return Row(kind, name, accuracy.eer, accuracy.fnmr[1e-2], float((scores[~mated] >= threshold).mean()), size)


def prepared(templates: Templates) -> dict[str, minutiae.Minutiae]:
    return {name: minutiae.prepare(template) for name, template in templates.items()}


def report(rows: list[Row]) -> None:
    print(
        f"\n{'mean over':36} {'EER %: 5 sets':>14} {'2002 sets':>10} {'FNMR@1e-2 %':>12} {'FMR@5e-4':>9} {'bytes':>6}"
    )
    for kind in dict.fromkeys(row.kind for row in rows):
        mine = [row for row in rows if row.kind == kind]
        bar = mean(mine, lambda row: row.eer, BAR_SETS)
        figures = f"{100 * mean(mine, lambda row: row.eer):14.2f} {100 * bar:10.2f}"
        fnmr, fmr = mean(mine, lambda row: row.fnmr or 0.0), mean(mine, lambda row: row.fmr)
        print(f"{kind:36} {figures} {100 * fnmr:12.2f} {fmr:9.1e} {max(row.bytes_max for row in mine):6}")
        if kind == BAR:
            print(f"  bar: mean EER of the 2002 sets <= {100 * BAR_EER:g} %: {'holds' if bar <= BAR_EER else 'MISSED'}")


def mean(rows: list[Row], value: Callable[[Row], float], sets: tuple[str, ...] = SETS) -> float:
    return float(np.mean([value(row) for row in rows if row.set in sets]))


def extracted(engine: MinutiaeFingerEngine, folder: Path, cache: Path | None) -> dict[str, FingerTemplate]:
    """LEADER templates of a set by image, from the cache where it holds them."""
    return {path.stem: _extracted(engine, path, cache) for path in sorted(folder.glob("*_*.png"))}


def _extracted(engine: MinutiaeFingerEngine, path: Path, cache: Path | None) -> FingerTemplate:
    kept = cache / f"{path.parent.parent.name}_{path.parent.name}_{path.stem}.npz" if cache else None
    if kept is not None and kept.is_file():
        with np.load(kept) as columns:
            return FingerTemplate(*(columns[key] for key in ARRAYS), *map(int, columns["size"]))
    template = engine.capture(read(path)).template
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        arrays = {key: getattr(template, key) for key in ARRAYS}
        np.savez(kept, size=np.array([template.width, template.height]), **arrays)
    return template


def third_party(folder: Path, leader: Templates) -> dict[str, FingerTemplate]:
    """The third party's templates of the same images, taken back to the images' sizes."""
    found = {}
    for path in sorted(folder.glob("*_*.iso")):
        (template,) = read_template(path.read_bytes())
        found[path.stem] = rescale(template, leader[path.stem].width, leader[path.stem].height)
    return found


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--root", type=Path, required=True, help="the corpus folder with fvc2002, fvc2004 and iso_secugen"
    )
    parser.add_argument("--models", type=Path, default=None, help="the models root (egate models install)")
    parser.add_argument("--cache", type=Path, help="folder that keeps the extracted templates")
    parser.add_argument("--json", type=Path, help="where the figures go")
    return parser.parse_args()


if __name__ == "__main__":
    main()
