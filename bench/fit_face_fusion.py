"""Which scale has each face model? Prints the constants of egate/matching/face.py.

    python -m bench.fit_face_fusion --pairs CSV --root DIR [--exclude CSV]

Mean and standard deviation of the cosine over every pair of images of two different people. Two numbers a model, from ten
million comparisons: nothing to over-fit.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from rich.progress import track

from egate.commands import face_trials
from egate.inference.weights.store import ModelStore
from egate.matching.face import SCALES


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--exclude", type=Path)
    arguments = parser.parse_args()
    trials = face_trials.read_trials(arguments.pairs, arguments.exclude)
    templates, failures = face_trials.enrol(ModelStore(), arguments.root, trials.paths, track)
    rows = slice(0, len(trials.paths))
    non_mated = face_trials.non_mated_pairs(trials, rows)
    print(f"{len(trials.paths)} images, {failures} not enrolled, {np.count_nonzero(non_mated)} non-mated pairs")
    for model in SCALES:
        cosine = (templates[model] @ templates[model].T)[non_mated].astype(np.float64)
        print(f'    "{model}": Scale(mean={np.nanmean(cosine):.4f}, deviation={np.nanstd(cosine):.4f}),')


if __name__ == "__main__":
    main()
