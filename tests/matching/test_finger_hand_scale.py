"""Goal: the FMR stated for several fingers and trials is the one that non-mates have.

Non-mated scores are drawn from a population whose distribution is known; each stated FMR must be realised within what so many draws can
tell. Without the trials in the FMR (or log n in the value) the rates below are 3 to 20 times too high.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from egate.errors import ModelError
from egate.matching.finger.hand import non_mated_sum
from egate.matching.finger.hand.non_mated_sum import tail_of_sum
from egate.matching.finger.hand.scale import best_of, comparison_scale
from egate.matching.rates.calibration import measure
from tests.matching.hands import SPREAD, compared, hand, known_scale

DRAWS = 2_000
TARGET = 0.05  # 100 false matches expected: a factor of two shows


@pytest.mark.parametrize(
    ("probes", "references"),
    [
        ([(2, 1)], [(2, 3)]),
        ([(0, 1)], [(position, 1) for position in range(1, 11)]),
        ([(0, 1)], [(position, 3) for position in range(1, 11)]),
        ([(2, 1), (7, 1)], [(2, 3), (7, 3)]),
        ([(0, 1), (0, 1)], [(2, 1), (7, 1), (4, 1)]),
        ([(0, 1)] * 3, [(0, 1)] * 3),
        ([(p, 1) for p in range(1, 5)], [(p, 1) for p in range(1, 5)]),
    ],
    ids=["3 impressions", "10 tried", "30 tried", "2 x 3", "2 of 3", "unknown both", "4 fingers"],
)
def test_non_mates_reach_the_stated_fmr_no_more_often(
    probes: list[tuple[int, int]], references: list[tuple[int, int]]
) -> None:
    random = np.random.default_rng(5)
    left, right = hand(*probes), hand(*references)
    size = (sum(n for _, n in probes), sum(n for _, n in references))
    found = [compared(left, right, random.normal(-2.0, SPREAD, size)) for _ in range(DRAWS)]
    share = sum(one.fmr <= TARGET for one in found) / DRAWS
    noise = 3.0 * math.sqrt(TARGET / DRAWS)
    assert 0.5 * TARGET - noise <= share <= TARGET + noise
    # Of a likelihood ratio at least e^t times as likely under mates: Markov's bound, which trials not taken off would break.
    for bound in (1.0, 2.0):
        assert sum(one.value >= bound for one in found) / DRAWS <= math.exp(-bound)


def test_more_trials_than_the_calibration_supports_are_no_free_lunch() -> None:
    """Beyond the data S falls as e^-llr and is never 0; what is stated is never below what the trials support."""
    scale = known_scale()
    last = float(scale.llr_at[-1])
    assert scale.survival(np.array([last + 3.0]))[0] == pytest.approx(scale.fmr_at[-1] * math.exp(-3.0))
    assert scale.supported(0.0) == scale.calibration.fmr_min
    assert scale.rate(last, (10,)) == pytest.approx(10 * scale.fmr_at[-1], rel=1e-3)


def test_fingers_of_one_person_have_something_in_common() -> None:
    """Twin: non-mated scores with a common part, drawn; the sum's tail must be theirs and not that of independent fingers."""
    random, correlation = np.random.default_rng(6), 0.3
    fingers, bins = 4, np.linspace(-6.0, 6.0, 1201)
    common = math.sqrt(correlation) * random.normal(size=(200_000, 1))
    drawn = (common + math.sqrt(1.0 - correlation) * random.normal(size=(200_000, fingers))).sum(axis=1)
    reached = np.array([0.5 * math.erfc(value / math.sqrt(2.0)) for value in bins])
    reached[0] = 1.0
    tail = tail_of_sum([reached] * fingers, correlation)
    alone = tail_of_sum([reached] * fingers, 0.0)
    sums = fingers * bins[0] + np.arange(len(tail)) * (bins[1] - bins[0])
    for threshold in np.quantile(drawn, (0.9, 0.99, 0.999)):
        index = int(np.searchsorted(sums, threshold))
        assert tail[index] == pytest.approx((drawn >= threshold).mean(), rel=0.1)
        assert alone[index] < 0.75 * tail[index]


def test_without_anything_in_common_the_sum_is_a_convolution() -> None:
    random = np.random.default_rng(7)
    masses = [random.dirichlet(np.ones(9)) for _ in range(3)]
    reached = [np.append(np.cumsum(mass[::-1])[::-1], 0.0) for mass in masses]
    expected = np.convolve(np.convolve(masses[0], masses[1]), masses[2])
    tail = tail_of_sum(reached, 0.0)
    assert tail[3:] == pytest.approx(np.cumsum(expected[::-1])[::-1], abs=1e-9)  # each mass was moved up by a bin


def test_nodes_suffice(monkeypatch: pytest.MonkeyPatch) -> None:
    scale = known_scale(0.05)
    at = np.arange(scale.llr_at[0], 25.0, 1 / 32)
    reached = scale.survival(at)
    few = tail_of_sum([reached] * 4, 0.05)
    monkeypatch.setattr(non_mated_sum, "NODES", 64)
    many = tail_of_sum([reached] * 4, 0.05)
    index = int(np.searchsorted(-many, -1e-4))
    assert few[index] == pytest.approx(many[index], rel=0.01)


def test_best_of_n_keeps_what_is_tiny() -> None:
    assert best_of(np.array([1e-18, 0.5, 1.0]), 3) == pytest.approx([3e-18, 0.875, 1.0], rel=1e-12)


def test_a_ratio_that_falls_or_is_no_number_is_refused() -> None:
    calibration = measure(np.arange(10.0), np.arange(10.0), id="any")
    for llr in (lambda score: -score, lambda score: math.nan):
        with pytest.raises(ModelError):
            comparison_scale(llr, calibration)
