"""Error rates of morphing attack detection: by hand, by counting, and with people drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.commands.bench.morph_rates import Scored, curve, report

scores = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=30)


def alone(values: list[float], first: int = 0) -> Scored:
    people = np.arange(first, first + len(values))
    return Scored(np.array(values), np.column_stack([people, people]))


@given(scores, scores)
def test_rates_are_counts(bona_fide: list[float], morphs: list[float]) -> None:
    measured = curve(np.array(bona_fide), np.array(morphs))
    for threshold, bscer, macer in zip(measured.threshold, measured.bscer, measured.macer, strict=True):
        assert bscer == pytest.approx(np.mean(np.array(bona_fide) >= threshold))
        assert macer == pytest.approx(np.mean(np.array(morphs) < threshold))


@given(scores, scores)
def test_whole_weights_are_repetitions(bona_fide: list[float], morphs: list[float]) -> None:
    times = np.arange(len(bona_fide)) % 3 + 1
    weighted = curve(np.array(bona_fide), np.array(morphs), (times.astype(float), np.ones(len(morphs))))
    repeated = curve(np.repeat(bona_fide, times), np.array(morphs))
    np.testing.assert_allclose(weighted.bscer, repeated.bscer, atol=1e-12)
    np.testing.assert_allclose(weighted.macer, repeated.macer, atol=1e-12)


def test_by_hand() -> None:
    measured = curve(np.arange(10.0), np.arange(5.0, 15.0))
    assert measured.at(0.1) == (9.0, 0.4)
    assert measured.at(0.5) == (5.0, 0.0)
    assert measured.equal == pytest.approx(0.25)


def test_what_is_not_a_number_is_an_error_on_either_side() -> None:
    measured = curve(np.array([0.0, np.nan]), np.array([1.0, np.nan]))
    assert (measured.bscer >= 0.5).all()
    assert (measured.macer >= 0.5).all()
    assert measured.at(0.1) == (np.inf, 1.0)


def test_target_that_the_trials_cannot_support_is_not_reported() -> None:
    random = np.random.default_rng(3)
    table = report(alone(list(random.normal(0, 1, 40))), alone(list(random.normal(2, 1, 40)), 40))
    assert sorted(table["macer_at_bscer"]) == ["0.1", "0.2"]  # type: ignore[call-overload]


def test_interval_holds_the_estimate_and_is_wider_for_fewer_people() -> None:
    random = np.random.default_rng(4)
    bona_fide, morphs = random.normal(0, 1, 300), random.normal(2, 1, 300)
    widths = []
    for people in (300, 20):
        number = np.arange(300) % people
        table = report(
            Scored(bona_fide, np.column_stack([number, number])),
            Scored(morphs + number % 2, np.column_stack([number, (number + 1) % people])),
        )
        found = table["d_eer"]
        assert isinstance(found, dict)
        low, high = found["interval"]
        assert low <= found["value"] <= high
        widths.append(high - low)
    assert widths[1] > widths[0]


def test_nothing_compared_has_no_rates() -> None:
    assert report(alone([]), alone([1.0])) == {"bona_fide": 0, "morphs": 1}
    with pytest.raises(ValueError, match="need"):
        curve(np.array([]), np.array([1.0]))
