"""The schedule is fixed beforehand, and what a traveller waited for adds up to his whole wait."""

from __future__ import annotations

import math

import pytest

from egate.demo.arrivals import CHAIN, poisson_arrivals, stage_durations

MARKS = {
    "arrival": 10.0,
    "taken": 14.0,
    "seen": 14.05,
    "document": 15.0,
    "document_checks": 15.1,
    "face": 15.8,
    "finger": 16.0,
    "record": 16.004,
    "release": 16.014,
    "decision": 16.02,
    "outcome": 17.02,
}


def test_same_seed_same_schedule_other_seed_another_one() -> None:
    assert poisson_arrivals(50, 0.5, 1) == poisson_arrivals(50, 0.5, 1)
    assert poisson_arrivals(50, 0.5, 1) != poisson_arrivals(50, 0.5, 2)


def test_arrivals_ascend_at_the_mean_rate_with_exponential_gaps() -> None:
    arrivals = poisson_arrivals(20_000, 4.0, 3)
    gaps = [later - earlier for earlier, later in zip([0.0, *arrivals], arrivals, strict=False)]
    assert min(gaps) > 0
    assert sum(gaps) / len(gaps) == pytest.approx(0.25, rel=0.03)
    assert sum(gap > 0.25 for gap in gaps) / len(gaps) == pytest.approx(math.exp(-1), abs=0.01)


@pytest.mark.parametrize(("count", "rate"), [(-1, 1.0), (1, 0.0), (1, -1.0), (1, math.inf), (1, math.nan)])
def test_impossible_schedules_are_refused(count: int, rate: float) -> None:
    with pytest.raises(ValueError, match="count"):
        poisson_arrivals(count, rate, 1)


def test_stages_add_up_to_the_whole() -> None:
    durations = stage_durations(MARKS)
    assert sum(durations[name] for name in CHAIN) == pytest.approx(durations["whole"])
    assert durations["whole"] == pytest.approx(6.02)


def test_the_wait_before_a_lane_was_free_counts() -> None:
    later = {name: at + (30.0 if name != "arrival" else 0.0) for name, at in MARKS.items()}
    assert stage_durations(later)["whole"] == pytest.approx(stage_durations(MARKS)["whole"] + 30.0)
    assert stage_durations(later)["crossing"] == pytest.approx(stage_durations(MARKS)["crossing"])


def test_verification_ends_with_the_last_evidence() -> None:
    assert stage_durations(MARKS)["verification"] == pytest.approx(1.0)
    assert stage_durations({**MARKS, "face": 16.003})["verification"] == pytest.approx(1.003)


def test_a_stage_that_never_came_is_left_out() -> None:
    durations = stage_durations({name: MARKS[name] for name in ("arrival", "taken", "seen", "decision")})
    assert set(durations) == {"queue", "approach", "whole", "crossing"}
