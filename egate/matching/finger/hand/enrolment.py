"""What to enrol of up to ten fingers: impressions that agree with their siblings, under a position that is theirs.

A wrong finger under a position would lock its owner out, or let another one in under his name: it is found by comparing all impressions
with each other and named, never enrolled silently. Both hands exchanged cannot be seen from the prints. One image offered twice would
confirm itself: it counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from egate.domain.biometric import FingerSample, FingerTemplate
from egate.domain.finger import AbsenceReason, Enrolment, EnrolmentFinding, EnrolmentFindingKind, FingerPosition
from egate.matching.finger.hand.all_pairs import compare_all
from egate.matching.finger.hand.consistency import core
from egate.matching.finger.hand.fingers import T, by_position
from egate.matching.finger.hand.recapture import to_recapture
from egate.matching.finger.hand.scale import ComparisonScale
from egate.matching.finger.hand.wrong_fingers import outliers, same_finger_twice
from egate.matching.finger.quality.usable import usable

Kind = EnrolmentFindingKind
UNKNOWN = FingerPosition.UNKNOWN


@dataclass(frozen=True, slots=True)
class EnrolmentRules:
    """quality_min: unified quality below which a usable impression is not enrolled. keep: impressions of a finger at most.
    impressions_min: a finger with fewer that agree is enrolled, and is to be captured again.

    sibling_fmr, alike_fmr: FMR at which impressions under one position, and under two, count as one finger. Fingers are alike if a third
    of their pairs are: with one impression each, 2 % of honest persons of ten fingers are asked again (45 pairs), with three nobody.
    """

    quality_min: float = (
        0.0  # none: egate/matching/finger/quality/usable.py, a floor on top refuses only prints that match
    )
    keep: int = 3  # bench/finger/bench_fusion.py: FNMR at FMR 1e-3 falls from 2.7 to 0.3 %
    impressions_min: int = 2  # the fewest that can contradict each other
    sibling_fmr: float = 1e-3
    alike_fmr: float = 5e-4


DEFAULT_RULES = EnrolmentRules()


def enrol(
    samples: Sequence[FingerSample],
    prepare: Callable[[FingerTemplate], T],
    compare: Callable[[T, T], float],
    scale: ComparisonScale,
    *,
    expected: Collection[FingerPosition] = (),
    absent: Mapping[FingerPosition, AbsenceReason] | None = None,
    rules: EnrolmentRules = DEFAULT_RULES,
) -> Enrolment:
    """Samples say their position in their template. expected: positions that should be captured or be absent.

    Time: one comparison for each pair of usable samples: 435 for ten fingers of three, 4,950 at most. Raises TemplateError with
    code FINGER_COUNT, FINGER_IMPRESSIONS, FINGER_POSITION or FINGER_POSITION_SLAP, ConfigurationError if the calibration does
    not support the rules' FMR.
    """
    absent = dict(absent or {})
    by_position([one.template for one in samples if one.template.position != UNKNOWN])  # raises
    offered, findings = _sort_out(samples, absent, rules)
    used = {i: samples[i] for members in offered.values() for i in members}
    pairs = compare_all(used, len(samples), prepare, compare, scale)
    siblings, alike = pairs.matches(rules.sibling_fmr), pairs.matches(rules.alike_fmr)
    fingers = {position: core(siblings, members) for position, members in offered.items()}
    twice = same_finger_twice(fingers, alike)
    findings += [*outliers(offered, fingers, alike), *twice]
    doubtful = {finding.position for finding in twice}
    kept = {
        position: pairs.ranked(members)[: rules.keep]
        for position, members in sorted(fingers.items())
        if members and position not in doubtful
    }
    findings += [EnrolmentFinding(Kind.UNCONFIRMED, at, chosen[0]) for at, chosen in kept.items() if len(chosen) == 1]
    presented = {one.template.position for one in samples}
    findings += [EnrolmentFinding(Kind.NOT_PRESENTED, at) for at in sorted(set(expected) - set(absent) - presented)]
    enough = {position for position in kept if len(fingers[position]) >= rules.impressions_min}
    return Enrolment(
        {position: tuple(samples[i] for i in chosen) for position, chosen in kept.items()},
        absent,
        tuple(findings),
        to_recapture(findings, samples, but=enough | set(absent)),
        pairs.comparisons,
    )


def _sort_out(
    samples: Sequence[FingerSample], absent: Mapping[FingerPosition, AbsenceReason], rules: EnrolmentRules
) -> tuple[dict[FingerPosition, list[int]], list[EnrolmentFinding]]:
    """Indices of the usable samples by position, and what was refused."""
    offered: dict[FingerPosition, list[int]] = {}
    findings = []
    seen = set()
    for index, sample in enumerate(samples):
        position = FingerPosition(sample.template.position)
        if position is UNKNOWN:
            findings.append(EnrolmentFinding(Kind.POSITION_UNKNOWN, position, index))
        elif position in absent:
            findings.append(EnrolmentFinding(Kind.ABSENT_BUT_PRESENTED, position, index))
        elif not (usable(sample.quality) and sample.quality.unified >= rules.quality_min):
            findings.append(EnrolmentFinding(Kind.LOW_QUALITY, position, index))
        elif (content := _content(sample.template)) in seen:
            findings.append(EnrolmentFinding(Kind.REPEATED, position, index))
        else:
            seen.add(content)
            offered.setdefault(position, []).append(index)
    return offered, findings


def _content(template: FingerTemplate) -> tuple[int, int, int, bytes]:
    """Equal only for one and the same impression under one position: no two captures of a finger agree in every minutia."""
    columns = (template.x, template.y, template.angle, template.ending)
    return template.position, template.width, template.height, b"".join(column.tobytes() for column in columns)
