"""The minutiae matcher: what must hold for any two impressions. Thresholds are those of the committed calibration."""

from __future__ import annotations

import dataclasses
import math
import time
from pathlib import Path

import numpy as np
import pytest

from egate.domain.biometric import FingerTemplate
from egate.matching.finger.minutiae import MINUTIAE_MAX, Minutiae, compare, prepare
from egate.matching.finger.minutiae_alignment import align
from egate.matching.finger.minutiae_codes import ready
from egate.matching.finger.minutiae_evidence import weigh
from egate.matching.finger.minutiae_votes import propose
from egate.matching.rates.calibration import parse_calibration
from tests.matching.finger_samples import empty, finger, impression, template

CALIBRATION = Path(__file__).parents[2] / "models" / "finger-minutiae" / "calibration.csv"
CALIBRATED = parse_calibration(CALIBRATION.read_text(encoding="utf-8"))
THRESHOLD = CALIBRATED.threshold(5e-4)


def score(a: FingerTemplate, b: FingerTemplate) -> float:
    return compare(prepare(a), prepare(b))


def first(of: FingerTemplate, count: int) -> FingerTemplate:
    columns = {key: getattr(of, key)[:count] for key in ("x", "y", "angle", "ending", "quality")}
    return dataclasses.replace(of, **columns)


@pytest.mark.parametrize("seed", range(8))
def test_mated_impressions_match_in_any_rotation_and_place(seed: int) -> None:
    whole = finger(seed)
    for step in range(6):
        turned = impression(whole, seed + step, rotation=step * math.tau / 6, shift=(25, -18), lost=8, false=6)
        assert score(whole, turned) > THRESHOLD


@pytest.mark.parametrize("bend", [4.0, 8.0])
def test_distorted_skin_still_matches(bend: float) -> None:
    scores = [score(finger(seed), impression(finger(seed), seed, bend=bend, lost=6, false=4)) for seed in range(12)]
    assert sum(value > THRESHOLD for value in scores) >= 11


def test_non_mated_impressions_do_not_match() -> None:
    ready = [prepare(finger(seed, 20 + seed)) for seed in range(40)]
    scores = [compare(a, b) for i, a in enumerate(ready) for b in ready[:i]]
    assert len(scores) == 780
    assert sum(value >= THRESHOLD for value in scores) <= 2  # 780 * 5e-4 = 0.4 expected


def test_small_parts_of_a_print_do_not_match_other_fingers() -> None:
    """At the threshold of FMR 1e-2, where there is something to count: 1 % would be 48; it is 18, without the handicap 46."""
    whole = [prepare(finger(seed)) for seed in range(30)]
    parts = [prepare(nearest(other, count)) for other in map(finger, range(30, 70)) for count in (4, 5, 6, 8)]
    scores = np.array([compare(part, other) for part in parts for other in whole])
    assert len(scores) == 4800
    assert (scores >= CALIBRATED.threshold(1e-2)).sum() <= 24
    assert (scores >= THRESHOLD).sum() <= 3


def nearest(of: FingerTemplate, count: int) -> FingerTemplate:
    keep = np.argsort(np.hypot(of.x - of.x[0], of.y - of.y[0]), kind="stable")[:count]
    columns = {key: getattr(of, key)[keep] for key in ("x", "y", "angle", "ending", "quality")}
    return dataclasses.replace(of, **columns)


@pytest.mark.parametrize("seed", range(6))
def test_scores_are_exactly_symmetric(seed: int) -> None:
    one, other = finger(seed), impression(finger(seed // 2), seed, rotation=0.3)
    assert score(one, other) == score(other, one)


@pytest.mark.parametrize("degrees", [15, 45, 90, 180])
def test_a_turned_or_shifted_impression_costs_nothing(degrees: int) -> None:
    """Bits of the cylinder codes flip near their level, so not exactly invariant."""
    for seed in range(4):
        whole = finger(seed)
        upright = score(whole, impression(whole, seed, noise=0.5, bend=3.0))
        moved = turned(impression(whole, seed, noise=0.5, bend=3.0), math.radians(degrees), (150.0, -90.0))
        assert score(whole, moved) == pytest.approx(upright, rel=0.02)


def turned(of: FingerTemplate, rotation: float, shift: tuple[float, float]) -> FingerTemplate:
    """y points down in templates, so a counter-clockwise turn has the sine's sign changed."""
    cos, sin = math.cos(rotation), math.sin(rotation)
    x, y = cos * of.x + sin * of.y + shift[0], cos * of.y - sin * of.x + shift[1]
    return template(x, y, of.angle + rotation, of.ending, of.quality)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_too_few_minutiae_score_zero(count: int) -> None:
    few = first(finger(1), count) if count else empty()
    assert score(few, few) == 0.0
    assert score(few, finger(1)) == 0.0


def test_minutiae_in_one_place_or_line_score_zero() -> None:
    same = np.full(10, 100.0)
    ones = np.ones(10)
    stack = template(same, same, 0 * same, ones > 0, ones)
    line = template(np.arange(10) * 15.0 + 100, same, 0 * same, ones > 0, ones)
    for odd in (stack, line):
        assert score(odd, odd) == 0.0
        assert score(odd, finger(2)) == 0.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e30])
@pytest.mark.parametrize("column", ["x", "y", "angle"])
def test_a_number_that_is_none_makes_the_score_nan(bad: float, column: str) -> None:
    whole = finger(3)
    values = getattr(whole, column).copy()
    values[5] = bad
    broken = dataclasses.replace(whole, **{column: values})
    assert math.isnan(score(broken, whole))
    assert math.isnan(score(whole, broken))
    assert not score(broken, whole) >= THRESHOLD


def test_surplus_minutiae_are_left_out_by_quality() -> None:
    rng = np.random.default_rng(5)
    many = 255
    noise = template(
        rng.uniform(0, 400, many), rng.uniform(0, 400, many), rng.uniform(0, 6, many), rng.random(many) < 0.5,
        np.linspace(1.0, 0.6, many),
    )  # fmt: skip
    ready = prepare(noise)
    assert ready.count == MINUTIAE_MAX
    assert sorted(ready.points[0].tolist()) == sorted(noise.x[:MINUTIAE_MAX].tolist())
    assert compare(ready, prepare(first(noise, MINUTIAE_MAX))) > THRESHOLD


def test_no_crowd_of_minutiae_takes_long_to_compare() -> None:
    """At most 40 times as long as two prints: it is 2 to 20, without REACHED_MAX 500 and more."""
    whole = prepare(finger(1))
    usual = cpu_s(whole, prepare(impression(finger(1), 1, lost=5)))
    crowds = [prepare(crowd(pitch, fan)) for pitch, fan in ((1.0, 0.4), (2.0, 0.0), (5.0, 0.4), (8.0, 6.0))]
    for one, other in [(a, b) for a in (whole, *crowds) for b in crowds]:
        assert cpu_s(one, other) < 40.0 * usual


def crowd(pitch: float, fan: float) -> FingerTemplate:
    """MINUTIAE_MAX minutiae pitch px apart, their angles scattered over fan rad."""
    at = np.arange(MINUTIAE_MAX)
    angle, ones = np.random.default_rng(1).uniform(0.0, fan, MINUTIAE_MAX), np.ones(MINUTIAE_MAX)
    return template(100 + at % 11 * pitch, 100 + at // 11 * pitch, angle, ones > 0, ones)


def cpu_s(a: Minutiae, b: Minutiae) -> float:
    """The shortest of five comparisons, on this thread."""
    took = []
    for _ in range(5):
        begun = time.thread_time()
        compare(a, b)
        took.append(time.thread_time() - begun)
    return min(took)


def test_no_template_makes_numba_compile_anew() -> None:
    """Read-only and strided arrays are other types to numba: compiling for them would hold up a traveller for seconds."""
    whole = finger(1)
    score(whole, whole)
    kernels = (ready, propose, align, weigh)
    before = [len(kernel.signatures) for kernel in kernels]
    wide = np.repeat(np.stack([whole.x, whole.y, whole.angle]), 2, axis=1)
    wide.flags.writeable = False
    x, y, angle = wide[:, ::2]
    odd = dataclasses.replace(whole, x=x, y=y, angle=angle, ending=np.repeat(whole.ending, 2)[::2])
    assert score(odd, whole) == score(whole, whole)
    assert [len(kernel.signatures) for kernel in kernels] == before


def test_scores_are_those_that_were_calibrated() -> None:
    """A change of the matcher moves these numbers: then measure models/finger-minutiae/calibration.csv anew."""
    pairs = [
        (finger(s), impression(finger(s), s, rotation=0.2, noise=3.0, bend=9.0, lost=9, false=9)) for s in range(3)
    ]
    scores = [score(*pair) for pair in pairs] + [score(finger(10), finger(11))]
    assert scores == pytest.approx(CALIBRATED_SCORES, abs=1e-6)


CALIBRATED_SCORES = [22.747058924, 26.070955287, 22.406217122, 0.054948298]


def test_repr_shows_no_minutiae() -> None:
    assert repr(prepare(finger(1))) == "Minutiae(count=40, redacted)"
