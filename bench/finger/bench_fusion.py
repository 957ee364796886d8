"""Does a fused FMR hold, and what do more fingers and impressions gain? Budget: realised FMR within a factor 2 of the stated one.

    python -m bench.finger.bench_fusion --root CORPUS/fingers --models DIR [--scores FILE.npz]

Persons are chimeras: different fingers of one FVC set (10 fingers, 8 impressions each). Non-mated: k fingers against k other ones, under
the same positions or none; mated: the same fingers, other impressions. Each set is judged by the calibration of all five, as a
gate is by one that knows nothing of its sensor: fingers of one person share the sensor's shift.
Estimate: if trials are independent and fingers nearly, realised / stated is 0.9 to 1 (calibration grid and bins round up). Copies of one
finger must not exceed it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.finger.scores import F8, FINGERS, FingerScores, calibrate, load, parse_arguments, shuffled
from egate.domain.finger import FingerPosition
from egate.matching.finger.hand.comparison import compare_hands
from egate.matching.finger.hand.fingers import Finger
from egate.matching.finger.hand.scale import ComparisonScale

TARGETS = (1e-2, 1e-3)
DRAWS = 4_000
SEED = 1

Hands = tuple[list[Finger[int]], list[Finger[int]]]


@dataclass(frozen=True, slots=True)
class Kind:
    """probes fingers of one impression each against references fingers of `impressions`; known: with positions.

    repeated: all probes are one finger, which nobody knows. copied: one impression of a finger is offered as all probes, one as all
    references.
    """

    probes: int
    references: int
    impressions: int
    known: bool
    repeated: bool = False
    copied: bool = False

    def __str__(self) -> str:
        label = "known" if self.known else "one finger" if self.repeated else "unknown"
        label = f"{label}, copies" if self.copied else label
        return f"{self.probes:2d} x 1 against {self.references:2d} x {self.impressions}, {label:15s}"


KINDS = (
    *(Kind(k, k, n, known) for k, n, known in itertools.product((1, 2, 4), (1, 3), (True, False))),
    Kind(1, 5, 1, known=False),
    Kind(1, 9, 1, known=False),
    Kind(2, 2, 1, known=False, repeated=True),
    Kind(4, 4, 1, known=False, repeated=True),
    Kind(10, 10, 1, known=True),
    Kind(10, 10, 3, known=True),
    *(Kind(k, k, 1, known, copied=True) for k, known in itertools.product((2, 3, 5, 10), (True, False))),
)
SPLIT_KINDS = (
    Kind(1, 1, 1, known=True),
    Kind(1, 5, 1, known=False),
    Kind(2, 2, 1, known=True),
    Kind(4, 4, 3, known=True),
)
SPLITS = tuple(itertools.combinations(range(5), 2))  # the sets judged


def main() -> None:
    arguments = parse_arguments(__doc__, DRAWS)
    sets = load(arguments.root, arguments.models, arguments.scores)
    scale = calibrate(sets)
    print(f"at FMR {TARGETS}: realised / stated, that of the worst set, FNMR %; {arguments.draws} persons of each set")
    for kind in KINDS:
        report(kind, sets, scale, arguments.draws)
    print("calibrated on three sets, judged on the other two, all ten splits: realised / stated, smallest to largest")
    for kind in SPLIT_KINDS:
        report_splits(kind, sets, arguments.draws // len(SPLITS))


def report(kind: Kind, sets: list[FingerScores], scale: ComparisonScale, draws: int) -> None:
    random = np.random.default_rng(SEED)
    non_mated = np.stack([fmrs(kind, one, scale, draws, False, random) for one in sets])
    mated = np.stack([fmrs(kind, one, scale, draws, True, random) for one in sets])
    ratios = [(non_mated <= target).mean() / target for target in TARGETS]
    worst = [(non_mated <= target).mean(axis=1).max() / target for target in TARGETS]
    misses = [100.0 * (1.0 - (mated <= target).mean()) for target in TARGETS]
    print(f"{kind}: {told(ratios, '5.2f')} | {told(worst, '5.2f')} | {told(misses, '6.3f')}", flush=True)


def report_splits(kind: Kind, sets: list[FingerScores], draws: int) -> None:
    random, ratios = np.random.default_rng(SEED), []
    for judged in SPLITS:
        scale = calibrate([one for i, one in enumerate(sets) if i not in judged])
        stated = np.concatenate([fmrs(kind, sets[i], scale, draws, False, random) for i in judged])
        ratios.append([(stated <= target).mean() / target for target in TARGETS])
    print(f"{kind}: {told(np.min(ratios, axis=0), '5.2f')} to {told(np.max(ratios, axis=0), '5.2f')}", flush=True)


def told(numbers: Sequence[float] | F8, form: str) -> str:
    return ", ".join(format(number, form) for number in numbers)


def fmrs(
    kind: Kind, scores: FingerScores, scale: ComparisonScale, draws: int, mated: bool, random: np.random.Generator
) -> F8:
    """(draws,) FMR stated of random persons of one set."""
    table = scores.score.tolist()
    hands = itertools.islice(persons(kind, mated, random), draws)
    return np.array([compare_hands(*both, compare=lambda a, b: table[a][b], scale=scale).fmr for both in hands])


def persons(kind: Kind, mated: bool, random: np.random.Generator) -> Iterator[Hands]:
    """Hands whose impressions are rows of the table. No impression is on both sides, no finger where not mated.

    All ten fingers non-mated: each against the next one.
    """
    while True:
        fingers, chosen = random.permutation(FINGERS), shuffled(random)
        others = fingers if mated else np.roll(fingers, -1 if kind.probes == FINGERS else -kind.probes)
        if kind.copied:
            yield copies(kind, chosen[fingers[0], -1:], chosen[fingers[0] if mated else fingers[1], :1])
            continue
        shown = [(fingers[0], -1 - i) if kind.repeated else (fingers[i], -1) for i in range(kind.probes)]
        probes = [finger(i if kind.known else -1, chosen[row, at][None]) for i, (row, at) in enumerate(shown)]
        yield probes, [finger(i, chosen[others[i], : kind.impressions]) for i in range(kind.references)]


def copies(kind: Kind, probe: NDArray[np.int64], reference: NDArray[np.int64]) -> Hands:
    """What an attacker makes of one frame, and of one template under several positions."""
    count = range(kind.probes)
    return [finger(i if kind.known else -1, probe) for i in count], [finger(i, reference) for i in count]


def finger(index: int, impressions: NDArray[np.int64]) -> Finger[int]:
    return Finger(FingerPosition(index + 1), tuple(impressions.tolist()))


if __name__ == "__main__":
    main()
