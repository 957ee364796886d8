"""How does the finger engine fare on prints that are turned, cut, dry, wet, faint, latent? Aim: turned prints as clean ones.

    python -m bench.finger.bench_degraded --json OUT [--root DIR] [--fingers N] [--only NAME]…

The first impression of each finger is spoiled (degraded_prints.py, seeded) and compared with the clean other ones of the finger, and
with the first ones of the other fingers of its set. FNMR and FMR are at the threshold that the engine's calibration gives for FMR 1e-3; a
print without a template never matches. Estimate: three rotations of a flat plane cost nothing but interpolation, so FNMR as clean; of
40 % of the skin remain 40 % of the minutiae, 10 to 15, near the number that tells fingers apart.
Nothing is done to a print before the network: smoothing (1.2 px) and levelling the contrast (12 px) were tried on `latent`, 20 fingers with
seven references each: FNMR 6.4 % as it is, 15.7 % smoothed, 17.9 % smoothed and levelled. A tenth of the contrast costs nothing as it is.
Cost: an extraction for each clean reference and each degradation: 50 fingers take 850, five to ten minutes of one core.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.finger.degraded_prints import DEGRADATIONS, Degradation
from bench.stats import commit, host
from egate.commands.bench.finger_trials import Set, find_sets
from egate.domain.biometric import FingerTemplate, Image
from egate.errors import ImageError
from egate.inference.finger.engine import load_finger_engine
from egate.inference.image.decoder import decode_grey
from egate.inference.weights.store import ModelStore
from egate.ports import FingerEngine

COMMAND = "python -m bench.finger.bench_degraded --fingers {}"
FMR = 1e-3
SEED = 20_260
IMPRESSIONS = 5  # of each finger: the first is the probe
FINGERS_MAX = 50

Template = FingerTemplate | None


@dataclass(frozen=True, slots=True)
class Finger:
    """probe: the clean image to be spoiled. references: clean templates, the probe's own first."""

    set: str
    number: int
    probe: Image
    references: list[Template]


@dataclass(slots=True)
class Row:
    """Of one degradation. failures: probes without a template. minutiae: of each probe."""

    mated: list[float] = field(default_factory=list)
    non_mated: list[float] = field(default_factory=list)
    minutiae: list[int] = field(default_factory=list)
    failures: int = 0

    def to_json(self, threshold: float) -> dict[str, float]:
        mated, non_mated = np.array(self.mated), np.array(self.non_mated)
        return {
            "mated": mated.size,
            "fnmr": round(1.0 - float(np.mean(mated >= threshold)), 4),
            "median_mated": round(float(np.nanmedian(mated)), 2),
            "non_mated": non_mated.size,
            "fmr": round(float(np.mean(non_mated >= threshold)), 5),
            "failures_to_extract": self.failures,
            "minutiae_median": float(np.median(self.minutiae)),
        }


def load(engine: FingerEngine, root: Path, count: int, impressions: int = IMPRESSIONS) -> list[Finger]:
    """The first fingers of each set, as many from one as from another, count at most in all."""
    sets = find_sets(root)
    each = max(1, count // len(sets))
    found = (finger for name, members in sets.items() for finger in _fingers(engine, name, members, each, impressions))
    return list(itertools.islice(found, count))


def _fingers(engine: FingerEngine, name: str, members: Set, each: int, impressions: int) -> Iterator[Finger]:
    paths: dict[int, list[Path]] = {}
    for number, path in members:
        paths.setdefault(number, []).append(path)
    for number, found in list(paths.items())[:each]:
        images = [decode_grey(path.read_bytes()).pixels for path in found[:impressions]]
        yield Finger(name, number, images[0], [template(engine, image) for image in images])


def template(engine: FingerEngine, image: Image) -> Template:
    try:
        return engine.capture(image).template
    except ImageError:
        return None


def measure(engine: FingerEngine, fingers: list[Finger], spoil: Degradation) -> Row:
    row = Row()
    for index, finger in enumerate(fingers):
        probe = template(engine, spoil(finger.probe, np.random.default_rng([SEED, index])))
        row.failures += probe is None
        row.minutiae.append(0 if probe is None else len(probe.x))
        row.mated += [score(engine, probe, reference) for reference in finger.references[1:]]
        others = [other for other in fingers if other.set == finger.set and other.number != finger.number]
        row.non_mated += [score(engine, probe, other.references[0]) for other in others]
    return row


def score(engine: FingerEngine, probe: Template, reference: Template) -> float:
    return float("nan") if probe is None or reference is None else engine.compare(probe, reference).value


def show(rows: Mapping[str, Mapping[str, float]]) -> None:
    print(f"{'':<14}{'FNMR':>8}{'FMR':>9}{'no template':>13}{'minutiae':>10}{'median score':>14}")
    for name, row in rows.items():
        print(
            f"{name:<14}{row['fnmr']:>8.2%}{row['fmr']:>9.3%}{row['failures_to_extract']:>13.0f}"
            f"{row['minutiae_median']:>10.0f}{row['median_mated']:>14.1f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    parser.add_argument("--root", type=Path, default=Path("../shared/corpus/fingers"), metavar="DIR")
    parser.add_argument("--fingers", type=int, default=FINGERS_MAX, metavar="N")
    parser.add_argument("--only", action="append", choices=list(DEGRADATIONS), metavar="NAME")
    arguments = parser.parse_args()
    engine = load_finger_engine(ModelStore())
    threshold = engine.threshold(FMR)
    fingers = load(engine, arguments.root, arguments.fingers)
    rows: dict[str, dict[str, float]] = {}
    for name in arguments.only or DEGRADATIONS:
        rows[name] = measure(engine, fingers, DEGRADATIONS[name]).to_json(threshold)
        report = {
            "command": COMMAND.format(arguments.fingers),
            "fingers": len(fingers),
            "fmr_target": FMR,
            "threshold": threshold,
            "rows": rows,
        }
        arguments.json.write_text(json.dumps({**report, "commit": commit(), "host": host()}, indent=2) + "\n")
        show({name: rows[name]})
    show(rows)


if __name__ == "__main__":
    main()
