"""Comparison scores of all pairs of impressions of the five FVC sets, for benchmarks that make persons of them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.finger.calibrate import SETS, read
from egate.inference.finger.engine import NETWORK
from egate.inference.finger.minutiae import extract
from egate.inference.weights.store import ModelStore
from egate.matching.finger import minutiae
from egate.matching.finger.hand.scale import ComparisonScale, comparison_scale
from egate.matching.finger.llr import llr
from egate.matching.rates.calibration import measure

FINGERS, IMPRESSIONS = 10, 8  # of one set
WEIGHT_ENOUGH = 40.0  # of minutiae (sum of their qualities), as the component minutiae_weight has it

F8 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FingerScores:
    """score: (80, 80), rows by finger and impression. quality: (80,) percent, by the weight of minutiae."""

    score: F8
    quality: F8


def load(root: Path, models: Path, kept: Path | None) -> list[FingerScores]:
    """One for each set. kept: where the numbers are from an earlier run, else will be."""
    if kept is not None and kept.exists():
        with np.load(kept) as file:
            return [FingerScores(file[f"{name} score"], file[f"{name} quality"]) for name in SETS]
    network = ModelStore(models).session(NETWORK)
    found = {}
    for name in SETS:
        paths = sorted((root / name).glob("*_*.png"))
        templates = [extract(network, read(path), 0) for path in paths]
        ready = [minutiae.prepare(template) for template in templates]
        found[f"{name} score"] = np.array([[minutiae.compare(a, b) for b in ready] for a in ready])
        weight = np.array([float(template.quality.sum()) for template in templates])
        found[f"{name} quality"] = 100.0 * np.minimum(weight / WEIGHT_ENOUGH, 1.0)
        print(f"{name}: {len(paths)} images", flush=True)
    if kept is not None:
        with kept.open("wb") as file:
            np.savez(file, allow_pickle=False, **found)
    return [FingerScores(found[f"{name} score"], found[f"{name} quality"]) for name in SETS]


def calibrate(sets: list[FingerScores]) -> ComparisonScale:
    """All sets pooled."""
    left, right = np.triu_indices(FINGERS * IMPRESSIONS, 1)
    same = left // IMPRESSIONS == right // IMPRESSIONS
    pooled = np.stack([one.score[left, right] for one in sets])
    return comparison_scale(llr, measure(pooled[:, same].ravel(), pooled[:, ~same].ravel(), id="fusion"))


def shuffled(random: np.random.Generator) -> NDArray[np.int64]:
    """(10, 8) rows of a set's impressions: those of each finger in a random order."""
    order = np.argsort(random.random((FINGERS, IMPRESSIONS)), axis=1)
    return order + IMPRESSIONS * np.arange(FINGERS)[:, None]


def parse_arguments(doc: str | None, draws: int) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="the corpus folder with fvc2002 and fvc2004")
    parser.add_argument("--models", type=Path, required=True, help="the models root (egate models install)")
    parser.add_argument("--scores", type=Path, help="where to keep the scores of all pairs; no templates")
    parser.add_argument("--draws", type=int, default=draws, help="persons of each set and kind")
    return parser.parse_args()
