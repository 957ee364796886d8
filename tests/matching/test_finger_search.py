"""Finger search: who is enrolled is found, who is not wanted is not compared, and the gallery keeps what it promises."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egate.domain.biometric import FingerTemplate
from egate.errors import TemplateError
from egate.matching.finger.search import false_positives, search, stored
from egate.matching.finger.search.gallery import IMPRESSIONS_MAX, FingerGallery, GalleryFull
from tests.matching.finger_samples import SIDE, empty, finger, impression

FINGERS = 12


def at(position: int, template: FingerTemplate) -> FingerTemplate:
    return dataclasses.replace(template, position=position)


def seen(number: int, time: int) -> FingerTemplate:
    return impression(
        finger(number), 100 * number + time, rotation=0.3 * time, shift=(8, 5), noise=1.0, bend=2.0, lost=4
    )


def filled(order: list[int], capacity: int = 200) -> FingerGallery:
    gallery = FingerGallery(capacity)
    for number in order:
        for time in (1, 2, 3):
            gallery.add(f"P{number}", seen(number, time))
    return gallery


@pytest.fixture(scope="module")
def gallery() -> FingerGallery:
    return filled(list(range(FINGERS)))


@pytest.mark.parametrize("number", [0, 5, 11])
def test_the_enrolled_finger_is_first_and_alone_above_its_threshold(gallery: FingerGallery, number: int) -> None:
    found = search.search(gallery.snapshot(), seen(number, 4))
    assert found[0].identity == f"P{number}"
    assert found[0].impressions == 3
    threshold = false_positives.threshold(0.01, len(gallery))
    assert [one.identity for one in found if one.score >= threshold] == [f"P{number}"]
    assert found[0].fpir < 0.01


def test_a_stranger_is_nobody(gallery: FingerGallery) -> None:
    found = search.search(gallery.snapshot(), seen(99, 4))
    assert all(one.fpir > 0.01 for one in found)
    assert len(found) <= search.CANDIDATES_MAX


def test_order_of_enrolment_is_not_seen(gallery: FingerGallery) -> None:
    other = filled(list(range(FINGERS))[::-1])
    for number in (2, 7, 99):
        probe = seen(number, 5)
        assert search.search(gallery.snapshot(), probe) == search.search(other.snapshot(), probe)


def test_threads_and_parts_are_not_seen(gallery: FingerGallery, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = search.search(gallery.snapshot(), seen(3, 4))
    monkeypatch.setattr(search, "SCAN_ROWS", 5)
    monkeypatch.setattr(search, "COMPARE_ROWS", 2)
    with ThreadPoolExecutor(2) as pool:
        assert search.search(gallery.snapshot(), seen(3, 4), spread=pool.map) == alone


def test_all_impressions_of_the_best_fingers_are_compared(
    gallery: FingerGallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SHORTLIST", 2)  # so that stage 1 cannot have put all three on it
    monkeypatch.setattr(search, "shortlist", lambda score: np.argsort(-score, kind="stable")[:2])
    assert search.search(gallery.snapshot(), seen(4, 4))[0].impressions == 3


def test_a_known_position_searches_its_finger_and_unknown_ones() -> None:
    gallery = FingerGallery(10)
    gallery.add("A", at(2, seen(1, 1)))
    gallery.add("B", at(7, seen(1, 2)))
    gallery.add("C", at(0, seen(1, 3)))
    probe = seen(1, 4)

    def found(position: int) -> set[tuple[str, int]]:
        return {(one.identity, one.position) for one in search.search(gallery.snapshot(), at(position, probe))}

    assert found(2) == {("A", 2), ("C", 0)}
    assert found(7) == {("B", 7), ("C", 0)}
    assert found(5) == {("C", 0)}
    assert found(0) == {("A", 2), ("B", 7), ("C", 0)}


def test_two_fingers_of_one_person_are_two_candidates() -> None:
    gallery = FingerGallery(10)
    for position in (1, 6):
        for time in (1, 2):
            gallery.add("A", at(position, seen(position, time)))
    best = search.search(gallery.snapshot(), seen(6, 4))[0]
    assert (best.identity, best.position, best.impressions) == ("A", 6, 2)


def test_who_is_removed_is_not_found_and_erased(gallery: FingerGallery) -> None:
    mine = filled([0, 1, 2])
    before = mine.snapshot()
    assert mine.remove("P1") == 3
    assert mine.remove("P1") == 0
    assert len(mine) == 6
    assert "P1" not in {one.identity for one in search.search(mine.snapshot(), seen(1, 4))}
    assert search.search(mine.snapshot(), seen(2, 4))[0].identity == "P2"
    assert not any(column[3:6].any() for column in before.stored.columns())
    assert all(one.identity != "P1" for one in search.search(before, seen(1, 4)))


def test_one_finger_is_removed_alone() -> None:
    gallery = FingerGallery(4)
    for position in (1, 2):
        gallery.add("A", at(position, seen(position, 1)))
    assert gallery.remove("A", 1) == 1
    assert [one.position for one in search.search(gallery.snapshot(), seen(2, 4))] == [2]


def test_a_row_never_changes_hands_under_a_snapshot() -> None:
    """Whoever is removed and replaced, an old snapshot shows no name with another's template."""
    gallery = FingerGallery(2)
    gallery.add("A", seen(0, 1))
    old = gallery.snapshot()
    for turn in range(6):
        gallery.remove("A" if turn == 0 else f"N{turn - 1}")
        gallery.add(f"N{turn}", seen(1, 1))
        assert search.search(old, seen(1, 4)) == ()
        assert [one.identity for one in search.search(gallery.snapshot(), seen(1, 4))] == [f"N{turn}"]


def test_full() -> None:
    gallery = FingerGallery(2)
    gallery.add("A", seen(0, 1))
    gallery.add("B", seen(1, 1))
    with pytest.raises(GalleryFull, match="2 impressions") as full:
        gallery.add("C", seen(2, 1))
    assert full.value.code == "FINGER_GALLERY_FULL"
    gallery.remove("A")
    gallery.add("C", seen(2, 1))
    assert search.search(gallery.snapshot(), seen(2, 4))[0].identity == "C"
    with pytest.raises(ValueError, match="at least one"):
        FingerGallery(0)


def test_one_finger_cannot_take_everybodys_place() -> None:
    gallery = FingerGallery(100)
    for _ in range(IMPRESSIONS_MAX):
        gallery.add("A", seen(0, 1))
    with pytest.raises(GalleryFull) as full:
        gallery.add("A", seen(0, 1))
    assert full.value.code == "FINGER_IMPRESSIONS_FULL"
    gallery.add("A", at(3, seen(0, 1)))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"x": np.full(40, np.nan, np.float32)}, "FINGER_TEMPLATE_VALUES"),
        ({"angle": np.full(40, np.inf, np.float32)}, "FINGER_TEMPLATE_VALUES"),
        ({"quality": np.full(40, np.nan, np.float32)}, "FINGER_TEMPLATE_VALUES"),
        ({"y": np.full(40, -30, np.float32)}, "FINGER_TEMPLATE_VALUES"),
        ({"x": np.full(40, 1e6, np.float32)}, "FINGER_TEMPLATE_VALUES"),
        ({"width": -1}, "FINGER_TEMPLATE_VALUES"),
        ({"position": 11}, "FINGER_POSITION"),
    ],
)
def test_what_cannot_be_a_template_is_refused_and_changes_nothing(change: dict[str, object], code: str) -> None:
    gallery = filled([0])
    with pytest.raises(TemplateError) as refused:
        gallery.add("bad", dataclasses.replace(finger(5), **change))  # type: ignore[arg-type]
    assert refused.value.code == code
    assert len(gallery) == 3
    assert search.search(gallery.snapshot(), seen(0, 4))[0].identity == "P0"


def test_a_minutia_in_the_margin_around_its_image_is_kept_at_the_border() -> None:
    gallery = FingerGallery(1)
    gallery.add("A", dataclasses.replace(finger(5), y=np.full(40, -3, np.float32)))
    assert len(gallery) == 1


def test_an_empty_template_is_refused_and_an_empty_probe_finds_nobody(gallery: FingerGallery) -> None:
    with pytest.raises(TemplateError) as refused:
        FingerGallery(1).add("A", empty())
    assert refused.value.code == "FINGER_TEMPLATE_SMALL"
    assert search.search(gallery.snapshot(), empty()) == ()
    assert search.search(FingerGallery(1).snapshot(), finger(1)) == ()
    bad = dataclasses.replace(finger(1), y=np.full(40, np.nan, np.float32))
    assert search.search(gallery.snapshot(), bad) == ()


def test_torn_reads_of_an_erased_row_do_no_harm() -> None:
    """A reader may meet a row while it is erased: counted minutiae, all of them at one place."""
    gallery = filled([0])
    shown = gallery.snapshot()
    for column in shown.stored.columns()[:4]:
        column[:] = 0
    assert search.search(shown, seen(0, 4)) == ()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(stored.MINUTIAE_MIN, 130))
def test_what_is_stored_comes_back(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    quality = np.sort(rng.random(count))[::-1].astype(np.float32)
    x, y = (rng.uniform(0, SIDE, count).astype(np.float32) for _ in range(2))
    angle = rng.uniform(0, 2 * np.pi, count).astype(np.float32)
    one = FingerTemplate(x, y, angle, rng.random(count) < 0.5, quality, SIDE, SIDE + 1)
    rows = stored.allocate(2)
    stored.write(rows, 1, one)
    back = stored.read(rows, 1, 4)
    kept = min(count, stored.KEPT_MAX)
    assert (len(back.x), back.width, back.height, back.position) == (kept, SIDE, SIDE + 1, 4)
    assert np.abs(back.x - one.x[:kept]).max() <= 0.126
    assert np.abs(back.y - one.y[:kept]).max() <= 0.126
    assert np.cos(back.angle - one.angle[:kept]).min() >= np.cos(0.0124)
    assert (back.angle < 2 * np.pi).all()
    assert (back.ending == one.ending[:kept]).all()
    assert np.abs(back.quality - one.quality[:kept]).max() <= 0.004
    assert not rows.count[0]


def test_an_impression_takes_less_than_2_kb(gallery: FingerGallery) -> None:
    assert gallery.snapshot().stored.impression_bytes <= 2000 - 5  # owner and position stand beside it


def test_nothing_of_anybody_is_shown(gallery: FingerGallery) -> None:
    found = search.search(gallery.snapshot(), seen(0, 4))[0]
    for thing in (gallery, gallery.snapshot(), gallery.snapshot().stored, found):
        assert "redacted" in repr(thing)
        assert "P0" not in repr(thing)


def test_rate_of_false_positives() -> None:
    for comparisons in (1, 100, 30_000):
        for fpir in (0.001, 0.01, 0.3):
            score = false_positives.threshold(fpir, comparisons)
            assert false_positives.false_positive_rate(score, comparisons) == pytest.approx(fpir)
    sizes = [1, 149, 150, 151, 1000, 3000, 29_999, 30_000, 30_001, 1_000_000]
    rising = [false_positives.false_positive_rate(4.0, size) for size in sizes]
    assert rising == sorted(rising)
    assert rising[2] == pytest.approx(rising[3], rel=0.02)  # no jump where the rule changes
    assert rising[-2] == pytest.approx(rising[-3], rel=0.01)
    rates = [false_positives.false_positive_rate(score, 1000) for score in (-1e9, 0.0, 1.0, 5.0, 1e9)]
    assert rates == sorted(rates, reverse=True)
    assert (rates[0], rates[-1]) == (1.0, 0.0)
    assert np.isnan(false_positives.false_positive_rate(np.nan, 10))
    assert false_positives.false_positive_rate(0.0, 0) == 0.0
    for wrong in (0.0, 1.0, np.nan):
        with pytest.raises(ValueError, match="FPIR"):
            false_positives.threshold(wrong, 10)


def test_gumbel_fit_recovers_what_was_drawn() -> None:
    drawn = np.random.default_rng(4).gumbel(2.0, 0.5, 4000).tolist()
    location, scale = false_positives.fit_gumbel(drawn)
    assert location == pytest.approx(2.0, abs=0.03)
    assert scale == pytest.approx(0.5, abs=0.03)
    with pytest.raises(ValueError, match="differ"):
        false_positives.fit_gumbel([1.0, 1.0])
