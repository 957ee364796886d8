"""Does enrolment find wrong fingers, and does it leave honest persons alone? Budget: silently wrong 1 %; honest fingers 2 %.

    python -m bench.finger.bench_enrolment --root CORPUS/fingers --models DIR [--scores FILE.npz]

Persons are the ten fingers of an FVC set, three random impressions each. Faults are planted one a person: an impression of another finger
of the same person, one of a stranger's, one finger under two positions. Last, which three of six impressions to keep.
An impression's quality is the weight of its minutiae, by which unusable ones are refused.
Estimate: an impression differs from both siblings by mistake in 3 % of persons' fingers (FNMR at FMR 1e-3 is 4 %, and depends).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.finger.scores import F8, FINGERS, FingerScores, calibrate, load, parse_arguments, shuffled
from egate.domain.biometric import FingerSample, FingerTemplate, QualityScore
from egate.domain.finger import Enrolment, FingerPosition
from egate.domain.finger import EnrolmentFindingKind as Kind
from egate.matching.finger.hand.all_pairs import compare_all
from egate.matching.finger.hand.enrolment import enrol
from egate.matching.finger.hand.scale import ComparisonScale
from egate.matching.finger.quality.usable import COMPONENT

DRAWS = 100
PRESENTED = 3  # impressions of each finger
SEED = 1
FMR = 1e-3
FIRST = FingerPosition.RIGHT_THUMB

Rows = NDArray[np.int64]


def main() -> None:
    arguments = parse_arguments(__doc__, DRAWS)
    sets = load(arguments.root, arguments.models, arguments.scores)
    scale = calibrate(sets)
    random = np.random.default_rng(SEED)
    honest = [offer(one, shuffled(random)[:, :PRESENTED], scale) for one in sets for _ in range(arguments.draws)]
    count = len(honest)
    kinds = Counter(finding.kind.value for enrolment in honest for finding in enrolment.findings)
    enrolled = np.mean([len(enrolment.fingers) for enrolment in honest])
    print(
        f"{count} honest persons: complete {sum(one.complete for one in honest)}, fingers enrolled {enrolled:.2f} of {FINGERS}"
    )
    print(f"  findings about {count * FINGERS} fingers: {dict(kinds)}")
    for fault in (exchanged, strange, doubled):
        report_fault(fault, sets, scale, arguments.draws, random)
    report_choice(sets, scale, arguments.draws, random)


def report_fault(
    fault: Callable[[Rows, Rows], Kind],
    sets: list[FingerScores],
    scale: ComparisonScale,
    draws: int,
    random: np.random.Generator,
) -> None:
    """A fault is about the first position. asked again: what was enrolled there in error is to be captured again; silent: it is not."""
    told = Counter[str]()
    for one in sets:
        for _ in range(draws):
            every = shuffled(random)[random.permutation(FINGERS)]
            rows = every[: FINGERS - 1, :PRESENTED].copy()  # the tenth is a stranger's
            kind = fault(rows, every)
            enrolment = offer(one, rows, scale)
            kept = {row_of(sample) for sample in enrolment.fingers.get(FIRST, ())}
            wrong = bool(kept - set(every[0].tolist()))
            again = any(one.position is FIRST for one in enrolment.recapture)
            told["named"] += any(finding.kind is kind and finding.position is FIRST for finding in enrolment.findings)
            told["finger not enrolled"] += not kept
            told["asked again"] += wrong and again
            told["silent"] += wrong and not again
    print(f"{fault.__name__}, {len(sets) * draws} persons: {dict(told)}", flush=True)


def exchanged(rows: Rows, every: Rows) -> Kind:
    """One of the three impressions is the second finger's."""
    rows[0, 0] = every[1, PRESENTED]
    return Kind.DIFFERS_FROM_SIBLINGS


def strange(rows: Rows, every: Rows) -> Kind:
    rows[0, 0] = every[-1, 0]
    return Kind.DIFFERS_FROM_SIBLINGS


def doubled(rows: Rows, every: Rows) -> Kind:
    """The second finger under the first position too, other impressions of it."""
    rows[0] = every[1, PRESENTED : 2 * PRESENTED]
    return Kind.SAME_FINGER_TWICE


def report_choice(sets: list[FingerScores], scale: ComparisonScale, draws: int, random: np.random.Generator) -> None:
    """FNMR of two impressions against the best of three that were chosen among six."""
    threshold, missed = scale.calibration.threshold(FMR), Counter[str]()
    for one in sets:
        for _ in range(draws):
            for rows in shuffled(random):
                offered, probes = rows[:6], rows[6:]
                index = [int(row) for row in offered]
                samples = {row: sample_of(one, row, 1) for row in index}
                pairs = compare_all(samples, len(one.quality), row_in, lookup(one), scale)
                chosen = {
                    "agreement, then quality": pairs.ranked(index),
                    "quality": sorted(index, key=lambda row: -one.quality[row]),
                    "as they came": index,
                }
                for rule, kept in chosen.items():
                    best = one.score[np.ix_(probes, list(kept)[:PRESENTED])].max(axis=1)
                    missed[rule] += int((best < threshold).sum())
    trials = len(sets) * draws * FINGERS * 2
    told = ", ".join(f"{rule} {100 * count / trials:.2f} %" for rule, count in sorted(missed.items()))
    print(f"FNMR at FMR {FMR:g} of the best of three among six, by rule: {told}")


def offer(scores: FingerScores, rows: Rows, scale: ComparisonScale) -> Enrolment:
    samples = [sample_of(scores, int(row), 1 + finger) for finger, mine in enumerate(rows) for row in mine]
    return enrol(samples, row_in, lookup(scores), scale)


def lookup(scores: FingerScores) -> Callable[[int, int], float]:
    return lambda a, b: float(scores.score[a, b])


def sample_of(scores: FingerScores, row: int, position: int) -> FingerSample:
    """Nothing but a row of the table, its quality and a position; the row stands in the template's width."""
    none: F8 = np.zeros(0)
    empty = none.astype(np.float32)
    template = FingerTemplate(empty, empty, empty, none.astype(np.bool_), empty, row, 1, position)
    quality = float(scores.quality[row])
    return FingerSample(template, QualityScore(quality, {COMPONENT: quality}), np.zeros((1, 1), np.uint8))


def row_of(sample: FingerSample) -> int:
    return row_in(sample.template)


def row_in(template: FingerTemplate) -> int:
    return template.width


if __name__ == "__main__":
    main()
