"""What do a small sensor's 16 grey levels and its window cost? Budget: 16 levels change no decision, and the median score by < 2 %.

    python -m bench.finger.bench_sensor --json OUT [--root DIR] [--fingers N]

A probe is seen whole, through the sensor's window with 256 levels, and through it with 16 as the sensor sends it (hw.finger.picture);
each is compared with a whole reference of the same finger, and of the next one. Estimate: 16 levels are noise of 5 grey levels, an
eighth of a ridge's contrast; an R503's window shows a third of an R307's. Twelve fingers: a minute.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.finger.bench_degraded import Finger, load, template
from bench.stats import commit, host
from egate.domain.biometric import Image
from egate.inference.finger.engine import load_finger_engine
from egate.inference.weights.store import ModelStore
from egate.ports import FingerEngine
from hw.finger.picture import R30X, R503, Model, pack, unpack

COMMAND = "python -m bench.finger.bench_sensor --fingers {}"
FINGERS = 12
FMR = 5e-4  # egate.settings: finger_fmr
View = Callable[[Image], Image]


def window(model: Model) -> View:
    """The middle that the sensor sees, as sharp as it was."""

    def see(image: Image) -> Image:
        top, left = max(0, (image.shape[0] - model.height) // 2), max(0, (image.shape[1] - model.width) // 2)
        return np.ascontiguousarray(image[top : top + model.height, left : left + model.width])

    return see


def sensor(model: Model) -> View:
    return lambda image: unpack(pack(image, model), model)


VIEWS: dict[str, View] = {
    "whole": lambda image: image,
    "r30x, 256 levels": window(R30X),
    "r30x, 16 levels": sensor(R30X),
    "r503, 256 levels": window(R503),
    "r503, 16 levels": sensor(R503),
}


def measure(engine: FingerEngine, fingers: list[Finger], view: View) -> dict[str, float]:
    threshold = engine.threshold(FMR)
    mated, others, minutiae = [], [], []
    for index, finger in enumerate(fingers):
        probe = template(engine, view(finger.probe))
        reference, other = finger.references[1], fingers[index - 1].references[0]
        if reference is None or other is None:
            continue
        minutiae.append(0 if probe is None else len(probe.x))
        mated.append(0.0 if probe is None else engine.compare(probe, reference).value)
        others.append(0.0 if probe is None else engine.compare(probe, other).value)
    return {
        "mated": len(mated),
        "matched": sum(score >= threshold for score in mated),
        "score_median": round(float(np.median(mated)), 2),
        "minutiae_median": float(np.median(minutiae)),
        "others_matched": sum(score >= threshold for score in others),
        "others_highest": round(max(others), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    parser.add_argument("--root", type=Path, default=Path("../shared/corpus/fingers"), metavar="DIR")
    parser.add_argument("--fingers", type=int, default=FINGERS, metavar="N")
    arguments = parser.parse_args()
    engine = load_finger_engine(ModelStore())
    fingers = load(engine, arguments.root, arguments.fingers, impressions=2)
    rows: dict[str, dict[str, float]] = {}
    for name, view in VIEWS.items():
        rows[name] = row = measure(engine, fingers, view)
        print(f"{name:<18}", "  ".join(f"{what} {value}" for what, value in row.items()), flush=True)
    report = {
        "command": COMMAND.format(arguments.fingers),
        "fingers": len(fingers),
        "rows": rows,
        "commit": commit(),
        "host": host(),
    }
    arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
