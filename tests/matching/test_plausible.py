"""Crafted lattices of minutiae are told from prints, however turned, flipped, moved a little or mixed with others."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from egate.domain.biometric import FingerTemplate
from egate.matching.finger.format.template_format import read_template
from egate.matching.finger.minutiae import MINUTIAE_MAX
from egate.matching.finger.plausible import plausible, repeats
from tests.corpus import CORPUS
from tests.matching.finger_samples import empty, finger, impression, template

FLIPS = ("none", "every second", "every second row", "half")


def lattice(
    side: int, pitch: float, flip: str = "none", *, rotation: float = 0.0, moved_px: float = 0.0, added: int = 0
) -> FingerTemplate:
    """side x side parallel minutiae pitch px apart, some turned round; then moved at random, 0.06 rad for each px, and others added."""
    rng = np.random.default_rng(int(side * pitch))
    at = np.arange(side * side)
    row, column = at // side, at % side
    turned = np.float64(
        {"none": 0 * at, "every second": at % 2, "every second row": row % 2, "half": column >= side / 2}[flip]
    )
    u, v = (pitch * (step - (side - 1) / 2) + rng.normal(0.0, moved_px, len(at)) for step in (column, row))
    cos, sin = math.cos(rotation), math.sin(rotation)
    x, y = 200 + cos * u + sin * v, 200 + cos * v - sin * u
    half = pitch * side / 2
    x, y = (np.append(place, rng.uniform(200 - half, 200 + half, added)) for place in (x, y))
    flow = rotation + math.pi * turned + rng.normal(0.0, 0.06 * moved_px, len(at))
    angle = np.append(flow, rng.uniform(0.0, math.tau, added))
    return template(np.rint(x), np.rint(y), angle, np.ones(len(x)) > 0, np.ones(len(x)))


@pytest.mark.parametrize("seed", range(20))
def test_prints_are_plausible(seed: int) -> None:
    whole = finger(seed)
    assert plausible(whole)
    assert plausible(finger(seed, 20))
    assert plausible(impression(whole, seed, rotation=0.3 * seed, shift=(40, -30), bend=6.0, lost=8, false=6))


@pytest.mark.parametrize("flip", FLIPS)
@pytest.mark.parametrize("side", [3, 4, 5, 8, 10])
def test_lattices_are_not(side: int, flip: str) -> None:
    for pitch in (12.0, 20.0, 26.0, 30.0, 34.0, 45.0):
        for rotation in (0.0, 0.3, math.pi / 4):
            assert not plausible(lattice(side, pitch, flip, rotation=rotation))


@pytest.mark.parametrize("flip", FLIPS)
def test_a_lattice_moved_a_little_is_not(flip: str) -> None:
    for side in (4, 5, 6):
        for pitch in (24.0, 27.0, 30.0, 33.0):
            assert not plausible(lattice(side, pitch, flip, rotation=1.0, moved_px=1.5))


@pytest.mark.parametrize("flip", FLIPS)
def test_minutiae_added_at_random_do_not_hide_a_lattice(flip: str) -> None:
    """They spread the distances to the nearest neighbours, but the lattice's steps remain."""
    for side in (5, 6, 8):
        assert not plausible(lattice(side, 30.0, flip, rotation=0.2, added=side * side // 3))


def test_ridges_that_turn_do_not_hide_a_lattice() -> None:
    """Around the core of a whorl no two steps turn alike, but the distances to the nearest neighbours do not spread."""
    for side in (3, 4, 5, 8):
        for moved_px in (0.0, 1.0):
            crafted = lattice(side, 30.0, rotation=0.4, moved_px=moved_px)
            flow = np.arctan2(200 - crafted.y, crafted.x - 200)
            assert not plausible(dataclasses.replace(crafted, angle=flow))


@pytest.mark.parametrize("column", range(3))
def test_steps_on_either_side_of_a_cells_edge_are_alike(column: int) -> None:
    """Also where a turn of half a circle becomes one of minus half."""
    steps = np.tile([[22.0], [-46.0], [0.4]], 9)
    edge, off = ((20.0, 0.1), (-48.0, 0.1), (math.pi, 0.05))[column]
    steps[column] = edge + off * np.array([-1, 1, -1, 1, 1, 1, -1, -1, -1])
    if column == 2:
        steps[2] -= math.tau * (steps[2] > math.pi)
    assert repeats(*steps) == pytest.approx(9 / math.sqrt(10))


def test_minutiae_that_are_not_compared_are_not_judged() -> None:
    print_, rest = finger(3, MINUTIAE_MAX), lattice(11, 9.0)
    assert plausible(print_)
    assert not plausible(rest)
    x, y, angle, ending, quality = (
        np.concatenate([getattr(print_, key), getattr(rest, key)]) for key in ("x", "y", "angle", "ending", "quality")
    )
    assert plausible(template(x, y, angle, ending, quality))


def test_minutiae_in_one_place_or_evenly_on_a_line_are_not() -> None:
    ones, at = np.ones(20), np.arange(20)
    for x in (100 * ones, 100.0 + 9 * at):
        assert not plausible(template(x, 100 * ones, at * 0.3, ones > 0, ones))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("column", ["x", "y", "angle"])
def test_a_number_that_is_none_is_not(bad: float, column: str) -> None:
    whole = finger(3)
    values = getattr(whole, column).copy()
    values[5] = bad
    assert not plausible(dataclasses.replace(whole, **{column: values}))


def test_far_away_minutiae_are_judged_and_not_an_error() -> None:
    whole = finger(3)
    assert plausible(dataclasses.replace(whole, x=whole.x * np.float32(1e30)))


def test_too_few_to_be_compared_are_plausible() -> None:
    assert plausible(empty())
    assert plausible(lattice(1, 30.0))


def test_no_template_of_a_third_party_is_refused() -> None:
    folder = CORPUS / "fingers" / "iso_secugen"
    if not folder.is_dir():
        pytest.skip("no corpus (EGATE_CORPUS)")
    found = [plausible(read_template(path.read_bytes())[0]) for path in folder.rglob("*.iso")]
    assert len(found) >= 400
    assert all(found)
