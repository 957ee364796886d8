"""What do the morphs look like that `egate bench morph` measures with?

    python -m bench.face.morphs --pairs CSV --root DIR [--exclude CSV] [--count N] --out DIR

Writes strips of five pictures: the first person, morphs with 0.3, 0.5 and 0.7 of the second, the second person. Look-alikes first, then
random pairs. The pictures are of real people: look, then delete them. Without --out nothing is written.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from egate.commands.bench import morph_trials
from egate.commands.bench.face_morph import morph
from egate.commands.bench.face_trials import read_trials
from egate.commands.bench.morph_trials import SHARES, Subject
from egate.domain.biometric import Image
from egate.inference.face.engine import load_face_engine
from egate.inference.image.decoder import decode
from egate.inference.weights.store import ModelStore


def strip(root: Path, first: Subject, second: Subject) -> Image:
    """The first person, the morphs, the second person, side by side at the height of the first photograph."""
    left, right = (decode((root / subject.path).read_bytes()) for subject in (first, second))
    mixed = [morph(left, first.reference.points, right, second.reference.points, share) for share in SHARES]
    width = right.shape[1] * left.shape[0] // right.shape[0]
    return np.hstack([left, *mixed, np.asarray(cv2.resize(right, (width, left.shape[0])), np.uint8)])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--exclude", type=Path)
    parser.add_argument("--count", type=int, default=10, help="pairs of each kind")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    engine = load_face_engine(ModelStore())
    trials = read_trials(arguments.pairs, arguments.exclude)
    people = morph_trials.halves(trials)[1]
    subjects = morph_trials.enrol(engine, arguments.root, trials, people, track)
    pairs = morph_trials.choose_pairs(engine, subjects, trials.excluded, arguments.count)
    for number, (kind, first, second) in enumerate(pairs):
        picture = strip(arguments.root, first, second)
        if arguments.out:
            cv2.imwrite(str(arguments.out / f"{number:03d}-{kind}.png"), picture[:, :, ::-1])


if __name__ == "__main__":
    main()
