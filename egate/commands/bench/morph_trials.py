"""The comparisons of `egate bench morph`: who is morphed with whom, and how the live faces compare with it.

The people of the CSV that have two images or more are drawn into two halves; constants are fitted on one and errors reported on the other.
The first image of a person is the document's photograph, the following ones are live. A morph of two people's photographs is
compared with the live images of both, as is each photograph with its own person's. Pairs: the most similar other person of the
half, as an attacker would choose, or anybody. Two people that match without being morphed are no pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from egate.commands.bench.face_morph import morph
from egate.commands.bench.face_trials import Progress, Trials
from egate.domain.biometric import ComparisonScore, FaceSample, FaceTemplate
from egate.errors import ImageError
from egate.inference.face.engine import OnnxFaceEngine
from egate.inference.image.decoder import decode
from egate.matching.face.frames import FRAMES_MAX, Frame, Frames, fused

SEED = 1
SHARES = (0.3, 0.5, 0.7)  # of the second contributor
MATCH_FMR = 1e-3  # operating threshold of the comparison
KINDS = ("alike", "random")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Subject:
    """number: of the person in the trials. path: the document's photograph. live: fused templates of 1, 2, ... live images."""

    number: int
    path: str
    reference: FaceSample
    live: tuple[FaceTemplate, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """One comparison of a reference with a live face. live: whose face. other: who else is in the reference, live in a bona fide one.

    share: of the live person in the reference, in [0, 1]. of_second: the live person is the morph's second one. frames: live images
    fused. both: the morph matches both people with one live image each. value: of the comparison. parts: its log-likelihood ratios.
    """

    live: int
    other: int
    kind: str
    share: float
    of_second: bool
    frames: int
    both: bool
    value: float
    parts: Mapping[str, float]


def halves(trials: Trials) -> tuple[list[NDArray[np.intp]], list[NDArray[np.intp]]]:
    """Image indices of each person with two images or more, people drawn into two halves by SEED."""
    people = [np.flatnonzero(trials.person == number) for number in np.unique(trials.person)]
    people = [images for images in people if len(images) >= 2]
    order = np.random.default_rng(SEED).permutation(len(people))
    middle = len(order) // 2
    return [people[i] for i in order[:middle]], [people[i] for i in order[middle:]]


def enrol(
    engine: OnnxFaceEngine, root: Path, trials: Trials, people: Sequence[NDArray[np.intp]], progress: Progress
) -> list[Subject]:
    """Those of the people whose first two images hold a face."""
    subjects = []
    for images in progress(people):
        faces = [_face(engine, root / trials.paths[index]) for index in images[: 1 + FRAMES_MAX]]
        found = [face for face in faces[1:] if face is not None]
        if faces[0] is None or not found:
            continue
        frames = [Frame(0, face.template, face.quality.unified, face.box, None) for face in found]
        live = tuple(fused(Frames(tuple(frames[:count]))) for count in range(1, len(frames) + 1))
        subjects.append(Subject(int(trials.person[images[0]]), trials.paths[images[0]], faces[0], live))
    return subjects


def choose_pairs(
    engine: OnnxFaceEngine, subjects: Sequence[Subject], excluded: frozenset[tuple[int, int]], count: int
) -> Iterable[tuple[str, Subject, Subject]]:
    """Up to count pairs of each kind. Each person is the first one at most once a kind."""
    random = np.random.default_rng(SEED)
    score = _similarity(engine, subjects, excluded)
    score[score >= engine.threshold(MATCH_FMR)] = -np.inf
    for kind in KINDS:
        for index in random.permutation(len(subjects))[:count]:
            allowed = np.flatnonzero(np.isfinite(score[index]))
            if len(allowed):
                other = allowed[np.argmax(score[index][allowed])] if kind == "alike" else random.choice(allowed)
                yield kind, subjects[index], subjects[int(other)]


def bona_fide(engine: OnnxFaceEngine, subjects: Sequence[Subject]) -> list[Compared]:
    """Each photograph with its own person, for each number of live images."""
    return [
        Compared(one.number, one.number, "bona fide", 1.0, False, frames, False, score.value, score.parts)
        for one in subjects
        for frames, score in _scores(engine, one.reference.template, one)
    ]


def attacks(
    engine: OnnxFaceEngine, root: Path, pairs: Sequence[tuple[str, Subject, Subject]], progress: Progress
) -> list[Compared]:
    """Each morph with both of its people. A morph in which no face is found is left out."""
    minimum = engine.threshold(MATCH_FMR)
    compared: list[Compared] = []
    for kind, first, second in progress(pairs):
        left, right = (decode((root / subject.path).read_bytes()) for subject in (first, second))
        for share in SHARES:
            face = engine.capture(morph(left, first.reference.points, right, second.reference.points, share)).face
            if face is None:
                continue
            both = all(engine.compare(one.live[0], face.template).value >= minimum for one in (first, second))
            for live, other, of_second in ((first, second, False), (second, first, True)):
                held = share if of_second else 1.0 - share
                compared += [
                    Compared(live.number, other.number, kind, held, of_second, frames, both, score.value, score.parts)
                    for frames, score in _scores(engine, face.template, live)
                ]
    return compared


def _scores(engine: OnnxFaceEngine, reference: FaceTemplate, subject: Subject) -> Iterable[tuple[int, ComparisonScore]]:
    """How many live images, and their score with the reference."""
    return ((count, engine.compare(live, reference)) for count, live in enumerate(subject.live, start=1))


def _similarity(
    engine: OnnxFaceEngine, subjects: Sequence[Subject], excluded: frozenset[tuple[int, int]]
) -> NDArray[np.float64]:
    """(n, n) comparison scores of the photographs; -inf with oneself and with the same person under another name."""
    n = len(subjects)
    score = np.full((n, n), -np.inf)
    for i in range(n):
        for j in range(i):
            if (subjects[i].number, subjects[j].number) not in excluded:
                left, right = subjects[i].reference.template, subjects[j].reference.template
                score[i, j] = score[j, i] = engine.compare(left, right).value
    return score


def _face(engine: OnnxFaceEngine, path: Path) -> FaceSample | None:
    try:
        return engine.capture(decode(path.read_bytes())).face
    except ImageError:
        return None
