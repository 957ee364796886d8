"""Does a print of another resolution give the template it would give at 500 dpi? Aim: mated scores as before, 95 % of minutiae within 4 px.

    python -m bench.finger.bench_resolution --json OUT [--root DIR] [--fingers N]

Prints of 500 dpi are brought to 385, 750 and 1000 dpi as a sensor of that resolution would give them (windowed sinc); at 1000 dpi also
with what such a sensor sees and 500 dpi cannot show: grain of one pixel. Then back to 500 by the engine's way, and by three others to
compare. Minutiae are compared with those of the original; scores, with another impression of the finger, with the original's score.
Estimate: 385 dpi hold 77 % of the frequencies of 500, a ridge of 9 px has 7 there: nothing of it is lost. Twelve fingers: four minutes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from bench.finger.bench_degraded import Finger, load, template
from bench.stats import commit, host
from egate.domain.biometric import FingerTemplate, Image
from egate.inference.finger.engine import load_finger_engine
from egate.inference.finger.resolution import DPI, resample
from egate.inference.weights.store import ModelStore
from egate.ports import FingerEngine

COMMAND = "python -m bench.finger.bench_resolution --fingers {}"
NEAR_PX, NEAR_RAD = 4.0, 0.2
GRAIN = 40.0  # grey levels of one standard deviation
FINGERS = 12
Way = Callable[[Image, float], Image]


def scaled(image: Image, dpi: float, how: int) -> Image:
    return np.ascontiguousarray(cv2.resize(image, None, fx=DPI / dpi, fy=DPI / dpi, interpolation=how), np.uint8)


WAYS: dict[str, Way] = {
    "engine": resample,
    "cubic alone": lambda image, dpi: scaled(image, dpi, cv2.INTER_CUBIC),
    "area": lambda image, dpi: scaled(image, dpi, cv2.INTER_AREA),
    "nearest": lambda image, dpi: scaled(image, dpi, cv2.INTER_NEAREST),
}


def sensed(image: Image, dpi: float, grain: bool) -> Image:
    """As a sensor of dpi would give it: below 500, what it cannot show is taken out first."""
    if dpi < DPI:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.4 * DPI / dpi), np.uint8)
    larger = cv2.resize(image, None, fx=dpi / DPI, fy=dpi / DPI, interpolation=cv2.INTER_LANCZOS4)
    seen = np.asarray(larger, np.float32)
    if grain:
        seen = seen + GRAIN * np.random.default_rng(1).standard_normal(seen.shape).astype(np.float32)
    return np.ascontiguousarray(np.clip(np.rint(seen), 0, 255), np.uint8)


def kept(original: FingerTemplate, other: FingerTemplate) -> float:
    """Share of the original's minutiae that the other has, too."""
    far = np.hypot(original.x[:, None] - other.x, original.y[:, None] - other.y)
    turned = np.abs(np.angle(np.exp(1j * (original.angle[:, None] - other.angle))))
    return float(np.mean(((far <= NEAR_PX) & (turned <= NEAR_RAD)).any(axis=1)))


def measure(engine: FingerEngine, fingers: list[Finger], dpi: float, grain: bool, way: Way) -> dict[str, float]:
    shares, scores, before = [], [], []
    for finger in fingers:
        original, reference = finger.references[0], finger.references[1]
        found = template(engine, way(sensed(finger.probe, dpi, grain), dpi))
        if original is None or reference is None:
            continue
        shares.append(0.0 if found is None else kept(original, found))
        scores.append(0.0 if found is None else engine.compare(found, reference).value)
        before.append(engine.compare(original, reference).value)
    return {
        "minutiae_kept": round(float(np.mean(shares)), 4),
        "score_median": round(float(np.median(scores)), 2),
        "score_median_at_500": round(float(np.median(before)), 2),
        "score_change_mean": round(float(np.mean(np.array(scores) - before)), 2),
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
    for dpi, grain in ((385.0, False), (750.0, False), (1000.0, False), (1000.0, True)):
        for name, way in WAYS.items():
            key = f"{dpi:g} dpi{' with grain' if grain else ''}, {name}"
            rows[key] = row = measure(engine, fingers, dpi, grain, way)
            print(f"{key:<32}", "  ".join(f"{what} {value}" for what, value in row.items()), flush=True)
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
