"""Goal: a calibration says of a threshold what was counted, never less than its trials can support, and refuses what they cannot."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.errors import ConfigurationError, ModelError
from egate.matching.pad.calibration import PadCalibration, measure_pad
from egate.matching.pad.calibration_file import format_pad_calibration, parse_pad_calibration
from egate.matching.pad.combination import Floats, PadFusion
from egate.matching.rates.rates import CountedRate


def calibration(
    attacks: dict[str, list[float]], bona_fide: list[float], *, people: int = 4, models: tuple[str, ...] = ("m",)
) -> PadCalibration:
    """measure_pad of these log odds, frames dealt to the people in turn."""
    odds, species, subject = [], [], []
    for kind, scores in [("", bona_fide), *attacks.items()]:
        for index, score in enumerate(scores):
            odds.append([score] * len(models))
            species.append(kind)
            subject.append(f"p{index % people}")
    return measure_pad(
        np.array(odds), species, subject, models, id="e", weights="x=00", dataset="d", date="2026-01-01", command="c"
    )


def by_hand(apcer: list[float], bpcer: list[float], attacks: dict[str, int]) -> PadCalibration:
    """A calibration with a point at each of 0, 1, 2, …"""
    score = np.arange(len(apcer), dtype=np.float64)
    fusion = PadFusion(("m",), (1.0,), 0.0)
    return PadCalibration("e", fusion, score, np.array(apcer), np.array(bpcer), attacks, 100, 9)


HAND = by_hand([1.0, 0.04, 0.01, 0.0, 0.0], [0.0, 0.0, 0.02, 0.02, 1.0], {"print": 200})


def test_rates_between_points_are_those_of_the_worse_neighbour() -> None:
    assert HAND.apcer(1.5) == 0.04
    assert HAND.bpcer(1.5) == 0.02
    assert HAND.apcer(1.0) == 0.04
    assert HAND.bpcer(1.0) == 0.0


def test_rates_beyond_the_data_are_bounds() -> None:
    assert HAND.apcer(-9.0) == 1.0
    assert HAND.bpcer(99.0) == 1.0
    assert HAND.apcer(99.0) == 3 / 200
    assert math.isnan(HAND.apcer(math.nan))
    assert math.isnan(HAND.bpcer(math.nan))


def test_rate_below_what_the_trials_support_is_their_bound() -> None:
    assert HAND.apcer(2.0) == 3 / 200  # 2 of 200 were seen


@pytest.mark.parametrize("apcer", [0.0, 1.0, -0.1, math.nan])
def test_target_that_is_no_rate_is_refused(apcer: float) -> None:
    with pytest.raises(ConfigurationError, match="between 0 and 1"):
        HAND.threshold(apcer)


def test_target_below_three_in_the_trials_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="200 attacks of a species"):
        HAND.threshold(0.0149)
    assert HAND.threshold(0.015) == 3.0


def test_trials_are_those_of_the_species_with_fewest() -> None:
    mixed = dataclasses.replace(HAND, attacks={"print": 200, "mask": 20})
    assert mixed.apcer_min == 0.15
    with pytest.raises(ConfigurationError, match="20 attacks"):
        mixed.threshold(0.1)


def test_threshold_is_chosen_by_the_upper_bound_not_by_the_rate_seen() -> None:
    bound = CountedRate(8, 200).interval[1]  # of the 4 % seen at 1.0, where no bona fide is rejected
    assert 0.06 < bound < 0.08
    assert HAND.threshold(0.06) == 3.0
    assert HAND.threshold(bound + 1e-6) == 1.0


def test_of_equal_bpcer_the_lowest_apcer_is_taken() -> None:
    assert (
        HAND.threshold(CountedRate(2, 200).interval[1] + 1e-6) == 3.0
    )  # 2 of 200 would be allowed, and save no bona fide


def test_separated_classes_are_parted_in_the_middle() -> None:
    found = calibration({"print": [-4.0, -3.0, -4.0, -3.0] * 20}, [3.0, 4.0, 3.0, 4.0] * 20)
    threshold = found.threshold(0.05)
    assert threshold == pytest.approx(0.0, abs=0.05)
    assert found.apcer(threshold) == 3 / 80
    assert found.bpcer(threshold) == 0.0


def test_worst_species_decides() -> None:
    """At 0: no print accepted, half of the masks. A quarter of all attacks is nobody's APCER."""
    prints, masks = [-4.0, -4.5] * 40, [-4.0, 4.0] * 40
    found = calibration({"print": prints, "mask": masks}, [3.0, 3.5] * 40)
    assert found.apcer(0.0) == 0.5
    assert calibration({"print": prints}, [3.0, 3.5] * 40).apcer(0.0) == 3 / 80


def test_bona_fide_without_a_response_is_rejected_at_every_threshold_and_such_an_attack_is_not_counted() -> None:
    found = calibration({"print": [-4.0] * 39 + [math.nan]}, [4.0] * 30 + [math.nan] * 10)
    assert found.attacks == {"print": 39}
    assert found.bona_fide == 40
    assert found.bpcer(-100.0) == 0.25


def test_species_that_never_got_a_response_is_refused() -> None:
    with pytest.raises(ValueError, match="response"):
        calibration({"print": [-4.0] * 40, "mask": [math.nan] * 4}, [4.0] * 40)


SCORES = st.lists(st.floats(-14.0, 14.0, width=32), min_size=8, max_size=16)


@given(SCORES, SCORES)
def test_points_count_what_was_measured(attacks: list[float], bona_fide: list[float]) -> None:
    lower, upper = [value - 3.0 for value in attacks], [value + 3.0 for value in bona_fide]
    try:
        found = calibration({"print": lower}, upper)
    except ValueError:  # the networks told the classes apart the wrong way round
        return
    assert (np.diff(found.apcer_at) <= 0).all()
    assert (np.diff(found.bpcer_at) >= 0).all()
    assert found.apcer_at[0] == 1.0
    assert found.bpcer_at[0] == 0.0
    assert found.apcer_at[-1] == 0.0
    assert found.bpcer_at[-1] == 1.0
    counts: Floats = found.apcer_at * len(attacks)
    np.testing.assert_allclose(counts, np.round(counts), atol=1e-9)


def test_file_gives_the_same_values_back() -> None:
    found = calibration({"mask": [-4.0, -1.0] * 10, "print": [-3.0, 0.5] * 10}, [3.0, 0.25] * 20, models=("a", "b.c-1"))
    text = format_pad_calibration(found)
    again = parse_pad_calibration(text)
    for field in dataclasses.fields(PadCalibration):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(found, field.name))
    assert format_pad_calibration(again) == text


TEXT = format_pad_calibration(calibration({"print": [-4.0, -3.0] * 4}, [3.0, 4.0] * 4))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# egate pad calibration 1", "# egate calibration 1"),
        ("score,apcer,bpcer", "score,fmr,fnmr"),
        ("# attacks: print=8", "# attacks: print=0"),
        ("# attacks: print=8", "# attacks: "),
        ("# attacks: print=8", "# attacks: print"),
        ("# attacks: print=8", "# attacks: print=8 print=9"),
        ("# bona_fide: 8", "# bona_fide: many"),
        ("# subjects: 4\n", ""),
        ("# id: e\n", ""),
        ("fusion: bias=", "fusion: offset="),
        (" m=", " m=-"),
        (" m=", " m=nan"),
        (" m=", " n="),
        (",0.0,1.0\n", ",0.5,1.0\n"),
        (",1.0,0.0\n", ",nan,0.0\n"),
        (",1.0,0.0\n", ",1.5,0.0\n"),
        (",1.0,0.0\n", ",1.0,0.5\n"),
        (",1.0,0.0\n", ",1.0\n"),
    ],
)
def test_file_that_cannot_be_a_calibration_is_refused(old: str, new: str) -> None:
    assert old in TEXT
    damaged = TEXT.replace(old, new, 1)
    if new == " n=":
        assert parse_pad_calibration(damaged).fusion.models == ("n",)  # whose models they are is the store's to check
        return
    with pytest.raises(ModelError):
        parse_pad_calibration(damaged)


@given(st.integers(0, len(TEXT) - 1), st.text(max_size=6))
def test_damaged_file_is_a_model_error_or_a_calibration(position: int, noise: str) -> None:
    try:
        parse_pad_calibration(TEXT[:position] + noise + TEXT[position + len(noise) :])
    except ModelError:
        pass


def test_species_is_a_plain_name() -> None:
    with pytest.raises(ValueError, match="species"):
        format_pad_calibration(dataclasses.replace(HAND, attacks={"Print out": 3}))
