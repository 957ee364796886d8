"""Is LEADER as installed 3.3 times as fast as LEADER, does it find the same minutiae, and what does the rest of an extraction add?

    python -m bench.finger.bench_extraction --root CORPUS/fingers [--models DIR] [--rounds N] [--prints N] [--json FILE]

Bars, one thread, contestants in turns in one run, one print of each of the five FVC sets, by the process's CPU time (bench/turns.py):

    network        the unmodified one, all of onnxruntime's optimisations on   >= 3.3 x the rewritten one
    minutiae       of all prints, within 1 px and 2 degrees, both ways         >= 99.9 %
    extraction     file to template, stored at 500 dpi and at 1000 dpi         <= 1.15 x the rewritten network alone

Estimate before measuring (Zen 4, 50 billion multiply-adds a second in one core): a print of 416 x 384 px costs 2.2 billion in products of
rows and 1.6 billion in convolutions, 75 ms; GELU and normalisation of 30 million values 30 ms, changes of layout 15 ms: 120 ms. The
unmodified network does a third more multiply-adds and is said to take 394 ms. Decoding a PNG is 2 ms, from 1000 dpi 10 ms.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from bench.finger.calibrate import SETS, read
from bench.stats import commit, host
from bench.turns import Times, in_turns, ratio
from egate.domain.biometric import FingerTemplate, Image
from egate.inference.finger.image import finger_image
from egate.inference.finger.minutiae import STRIDE, extract
from egate.inference.finger.resolution import DPI, resample
from egate.inference.weights.leader.peaks import QUALITY_MIN
from egate.inference.weights.store import ModelStore

FASTER_MIN, SAME_MIN, WHOLE_MAX = 3.3, 0.999, 1.15
DISTANCE_PX, ANGLE = 1.0, np.radians(2.0)
TIMED = "101_1.png"  # of each set
HIGH_DPI = 1000.0
ROUNDS = 8  # of each of five prints

Table = NDArray[np.float32]  # (n, 3): x, y, angle


@dataclass(slots=True)
class Agreement:
    """minutiae: of the unmodified network. lost, added: those that the other does not have within DISTANCE_PX and ANGLE."""

    minutiae: int = 0
    lost: int = 0
    added: int = 0

    def add(self, old: Table, new: Table) -> None:
        near = np.hypot(old[:, None, 0] - new[:, 0], old[:, None, 1] - new[:, 1]) <= DISTANCE_PX
        alike = np.abs(np.angle(np.exp(1j * (old[:, None, 2] - new[:, 2])))) <= ANGLE
        self.minutiae += len(old)
        self.lost += int((~(near & alike).any(axis=1)).sum())
        self.added += int((~(near & alike).any(axis=0)).sum())

    @property
    def share(self) -> float:
        return 1.0 - max(self.lost, self.added) / max(self.minutiae, 1)


@dataclass(frozen=True, slots=True)
class Turns:
    """Rounds of all timed prints, one behind the other."""

    original: Times = field(default_factory=Times)
    rewritten: Times = field(default_factory=Times)
    whole: Times = field(default_factory=Times)
    whole_high: Times = field(default_factory=Times)

    def add(self, times: dict[str, Times]) -> None:
        for name, more in times.items():
            for clock in ("wall", "cpu"):
                getattr(getattr(self, name), clock).extend(getattr(more, clock))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--models")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--prints", type=int, help="of each set, for the agreement (default: all)")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    store = ModelStore(arguments.models)
    sessions = store.session("leader-original"), store.session("leader")
    report = measured(arguments.root, *sessions, arguments.rounds, arguments.prints)
    text = json.dumps(report, indent=2)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n", encoding="utf-8")


def measured(
    root: Path,
    original: onnxruntime.InferenceSession,
    rewritten: onnxruntime.InferenceSession,
    rounds: int,
    count: int | None,
) -> dict[str, Any]:
    """Both sessions on one thread, with onnxruntime's default: all optimisations."""
    turns, same = Turns(), Agreement()
    for name in SETS:
        turns.add(in_turns(contestants(root / name / TIMED, original, rewritten), rounds))
    for image in prints(root, count):
        same.add(original_table(original, image), rewritten_table(extract(rewritten, image, 0)))
    faster, whole, high = (
        ratio(turns.original, turns.rewritten),
        ratio(turns.whole, turns.rewritten),
        ratio(turns.whole_high, turns.rewritten),
    )
    return {
        "bars_met": {
            "network": faster.cpu >= FASTER_MIN,
            "minutiae": same.share >= SAME_MIN,
            "extraction": max(whole.cpu, high.cpu) <= WHOLE_MAX,
        },
        "network_faster": faster.report(),
        "extraction_to_network": {"500 dpi": whole.report(), "1000 dpi": high.report()},
        "minutiae": {"n": same.minutiae, "lost": same.lost, "added": same.added, "share": same.share},
        "times": {name: getattr(turns, name).report() for name in Turns.__slots__},
        "onnxruntime": onnxruntime.__version__,
        "host": host(),
        "commit": commit(),
    }


def contestants(
    path: Path, original: onnxruntime.InferenceSession, rewritten: onnxruntime.InferenceSession
) -> dict[str, Any]:
    stored, image = path.read_bytes(), read(path)
    tensor = tensor_of(padded(image))
    enlarged = cv2.resize(image, None, fx=HIGH_DPI / DPI, fy=HIGH_DPI / DPI, interpolation=cv2.INTER_CUBIC)
    high = cv2.imencode(".png", enlarged)[1].tobytes()

    def whole(data: bytes, dpi: float) -> FingerTemplate:
        decoded = finger_image(data, dpi)
        return extract(rewritten, resample(decoded.pixels, dpi), 0)

    return {
        "original": lambda: original.run(None, {original.get_inputs()[0].name: tensor}),
        "rewritten": lambda: rewritten.run(None, {rewritten.get_inputs()[0].name: tensor}),
        "whole": lambda: whole(stored, DPI),
        "whole_high": lambda: whole(high, HIGH_DPI),
    }


def prints(root: Path, count: int | None) -> Iterator[Image]:
    for name in SETS:
        for path in sorted((root / name).glob("*.png"))[:count]:
            yield read(path)


def padded(image: Image) -> Image:
    """As the network's authors do: in the middle of sides that are multiples of STRIDE, filled with the first pixel."""
    (top, rows), (left, columns) = ((missing // 2, missing) for missing in (-side % STRIDE for side in image.shape))
    return np.pad(image, ((top, rows - top), (left, columns - left)), constant_values=image[0, 0])


def tensor_of(image: Image) -> NDArray[np.float32]:
    return image[None, :, :, None].astype(np.float32)


def original_table(session: onnxruntime.InferenceSession, image: Image) -> Table:
    """From the four maps of the unmodified network: position, angle, type, quality."""
    maps = session.run(None, {session.get_inputs()[0].name: tensor_of(padded(image))})[0][0]
    rows, columns = np.nonzero(maps[..., 3] >= QUALITY_MIN)
    top, left = (-side % STRIDE // 2 for side in image.shape)
    return np.column_stack([columns - left, rows - top, maps[rows, columns, 1]]).astype(np.float32)


def rewritten_table(found: FingerTemplate) -> Table:
    return np.column_stack([found.x, found.y, found.angle])


if __name__ == "__main__":
    main()
