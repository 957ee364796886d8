"""Goal: APCER and BPCER are what a reviewer counts by hand, the worst species is named, and no figure claims more than was seen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from egate.matching.pad.rates import BONA_FIDE, PadRates, pad_rates


def rates(*rows: tuple[str, str, float], threshold: float = 0.0) -> PadRates:
    """rows: species, subject, score."""
    species, subject, scores = zip(*rows, strict=True)
    return pad_rates(np.array(scores), species, subject, threshold, np.random.default_rng(1))


def test_errors_are_counted_by_species() -> None:
    found = rates(
        ("print", "a", -1.0),
        ("print", "a", 0.0),  # at the threshold: accepted
        ("print", "b", -2.0),
        ("print", "b", -3.0),
        ("mask", "a", 1.0),
        ("mask", "b", -1.0),
        (BONA_FIDE, "a", 2.0),
        (BONA_FIDE, "b", -0.1),
        (BONA_FIDE, "c", 0.0),
    )
    assert {kind: (rate.counted.errors, rate.counted.trials) for kind, rate in found.apcer.items()} == {
        "print": (1, 4),
        "mask": (1, 2),
    }
    assert (found.bpcer.counted.errors, found.bpcer.counted.trials) == (1, 3)
    assert found.worst == "mask"
    report = found.to_json()
    assert report["worst_species"] == "mask"
    assert report["apcer"] == found.apcer["mask"].to_json()
    assert found.apcer["print"].subjects.errors == 1
    assert found.apcer["print"].subjects.trials == 2


def test_average_over_species_would_hide_the_worst() -> None:
    """ISO/IEC 30107-3: APCER by species, the highest reported. 99 prints rejected and a mask accepted is an APCER of 1."""
    found = rates(*[("print", "a", -1.0)] * 99, ("mask", "a", 1.0), (BONA_FIDE, "a", 1.0))
    assert found.worst == "mask"
    assert found.apcer["mask"].value == 1.0


def test_of_equal_species_the_less_known_is_the_worst() -> None:
    found = rates(*[("print", "a", -1.0)] * 9, *[("mask", "a", -1.0)] * 3, (BONA_FIDE, "a", 1.0))
    assert found.worst == "mask"


def test_no_response_rejects_a_bona_fide_and_does_not_dilute_attacks() -> None:
    found = rates(
        ("print", "a", 1.0),
        ("print", "a", math.nan),
        ("print", "a", math.nan),
        (BONA_FIDE, "a", 1.0),
        (BONA_FIDE, "a", math.nan),
    )
    assert (found.apcer["print"].counted.errors, found.apcer["print"].counted.trials) == (1, 1)
    assert (found.apcer["print"].silent.errors, found.apcer["print"].silent.trials) == (2, 3)
    assert (found.bpcer.counted.errors, found.bpcer.counted.trials) == (1, 2)
    assert (found.bpcer.silent.errors, found.bpcer.silent.trials) == (1, 2)


def test_no_error_seen_is_a_bound_and_no_rate() -> None:
    found = rates(*[("print", "a", -1.0)] * 100, *[(BONA_FIDE, "a", 1.0)] * 100)
    report = found.apcer["print"].to_json()
    assert report["rate"] is None
    assert report["below"] == 0.03
    # Clopper-Pearson of 0 in 100: 1 - 0.025 ** (1 / 100)
    assert report["interval_95"] == [0.0, pytest.approx(1 - 0.025**0.01, abs=1e-9)]


def test_interval_over_people_is_wider_than_over_their_frames() -> None:
    """One person of 20 of whose 30 frames all are rejected: 30 of 600 over frames, 1 of 20 over people."""
    rows = [(BONA_FIDE, f"p{index // 30}", 1.0 if index >= 30 else -1.0) for index in range(600)]
    found = rates(*rows, ("print", "a", -1.0)).bpcer
    low, high = found.counted.interval
    assert found.by_subject is not None
    assert found.by_subject[0] < low
    assert found.by_subject[1] > high
    assert (found.subjects.errors, found.subjects.trials) == (1, 20)


def test_too_few_people_have_no_interval_by_drawing_them() -> None:
    rows = [(BONA_FIDE, f"p{index % 5}", -1.0 if index < 3 else 1.0) for index in range(100)]
    assert rates(*rows, ("print", "a", -1.0)).bpcer.by_subject is None


def test_attacks_may_be_absent_bona_fide_may_not() -> None:
    found = rates((BONA_FIDE, "a", 1.0))
    assert found.worst is None
    assert found.to_json()["apcer"] is None
    with pytest.raises(ValueError, match="trials"):
        rates(("print", "a", -1.0))
