"""Goal: `egate bench identify finger` searches as it promises, and its synthetic fingers are repeatable and like fingers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from egate.cli import main
from egate.commands.bench.identify_figures import figures, table, threshold_at
from egate.commands.bench.identify_flow import Flow, Waves, draw_flow
from egate.commands.bench.identify_scatter import scatter
from egate.commands.bench.identify_synthetic import synthetic_finger
from egate.commands.bench.identify_trials import ENROLLED, Fingers, Found, Searched, identify
from egate.errors import ConfigurationError
from egate.inference.weights.store import ModelStore
from egate.matching.finger import minutiae

SEED = 3
C16 = np.ndarray[Any, np.dtype[np.complex128]]


def quiet(_: str) -> Any:
    def shown(items: Sequence[Any]) -> Iterable[Any]:
        return items

    return shown


def four_fingers() -> Fingers:
    return {name: synthetic_finger(99, number, 5) for number, name in enumerate("ABCD")}


def test_an_impression_is_repeatable_and_another_one_differs() -> None:
    one, again, other = synthetic_finger(SEED, 1, 2), synthetic_finger(SEED, 1, 2), synthetic_finger(SEED, 2, 1)
    assert (one[0].x == again[0].x).all()
    assert (one[1].angle == again[1].angle).all()
    assert len(one[0].x) != len(other[0].x) or not (one[0].x == other[0].x).all()


def test_impressions_are_templates() -> None:
    for number in range(30):
        for one in synthetic_finger(SEED, number, 2, position=3):
            assert one.position == 3
            assert len(one.x) > 3
            assert (np.diff(one.quality) <= 0).all()
            assert ((one.quality >= 0.6) & (one.quality <= 1.0)).all()
            assert ((one.x >= 0) & (one.x < one.width) & (one.y >= 0) & (one.y < one.height)).all()
            assert ((one.angle >= 0) & (one.angle < 2 * np.pi)).all()
            assert {column.dtype.name for column in (one.x, one.y, one.angle, one.quality)} == {"float32"}
            assert one.ending.dtype == np.bool_


def test_impressions_of_a_finger_match_and_those_of_two_do_not() -> None:
    fingers = [[minutiae.prepare(one) for one in synthetic_finger(SEED, number, 2)] for number in range(12)]
    mated = [minutiae.compare(*finger) for finger in fingers]
    non_mated = [minutiae.compare(a[0], b[1]) for k, a in enumerate(fingers) for b in fingers[k + 1 :]]
    assert np.median(mated) > 10.0
    assert np.quantile(non_mated, 0.95) < 2.0


def test_a_core_turns_the_flow_by_half_a_turn() -> None:
    flat = Waves(np.zeros((6, 2)), np.full(6, np.pi / 2), 0.0)
    around = 20.0 * np.exp(1j * np.linspace(0.0, 2 * np.pi, 200))
    for cores, deltas, turns in (([0j], [], 1), ([], [0j], -1), ([], [], 0)):
        flow = Flow(np.array(cores, np.complex128), np.array(deltas, np.complex128), flat)
        steps = np.diff(flow.at(around.real, around.imag))
        total = (steps - np.pi * np.rint(steps / np.pi)).sum()
        assert total == pytest.approx(turns * np.pi, abs=1e-6)


def test_where_ridges_move_apart() -> None:
    """Twin of the derivative: the divergence of the unit field by its own components, where the flow has no jump."""
    flow = draw_flow(np.random.default_rng(5))
    x, y = np.array([150.0, 140.0, -150.0]), np.array([120.0, 90.0, 100.0])

    def unit(x: Any, y: Any) -> Any:
        return np.exp(1j * flow.at(x, y))

    h = 4.0
    expected = (unit(x + h, y) - unit(x - h, y)).real / (2 * h) + (unit(x, y + h) - unit(x, y - h)).imag / (2 * h)
    np.testing.assert_allclose(flow.spread(x, y), expected, atol=2e-4)


def test_scatter_is_its_twin() -> None:
    def twin(tried: C16, across: C16, luck: Any, wanted: int) -> list[complex]:
        taken: list[complex] = []
        for place, normal, chance in zip(tried.tolist(), across.tolist(), luck.tolist(), strict=True):
            if taken:
                nearest = min(taken, key=lambda other: abs(other - place))
                offset = ((place - nearest) * normal.conjugate()).real
                place += (9.0 * round(offset / 9.0) - offset) * normal
            apart = min((abs(other - place) for other in taken), default=np.inf)
            if len(taken) < wanted and apart >= 8.0 and chance < 1 - np.exp(-(((apart - 8.0) / 6.0) ** 2)):
                taken.append(place)
        return taken

    rng = np.random.default_rng(1)
    tried = rng.uniform(-100, 100, 300) + 1j * rng.uniform(-100, 100, 300)
    across, luck = np.exp(1j * rng.uniform(0, 7, 300)), rng.random(300)
    for wanted in (0, 5, 300):
        found = scatter(tried, across, luck, 9.0, 8.0, 6.0, wanted)
        np.testing.assert_allclose(found, twin(tried, across, luck, wanted), atol=1e-9)


def test_halves_are_enrolled_in_turn() -> None:
    found = identify(four_fingers(), 6, SEED, map, quiet)
    assert found.impressions == 6 * ENROLLED
    assert len(found.mated) == 4 * 2  # two probes of each finger, once
    assert [one.rank for one in found.mated] == [1] * 8
    assert len(found.best_non_mated) == 4 * 5  # all impressions of the half that is not enrolled
    assert max(found.best_non_mated) < min(one.score for one in found.mated)
    assert len(found.search_s) == 8 + 20
    assert found.failures == 0


def test_an_image_without_a_print_is_missed_and_not_enrolled() -> None:
    fingers = dict(four_fingers())
    fingers["A"] = [None, *fingers["A"][1:4], None]
    found = identify(fingers, 2, SEED, map, quiet)
    assert found.failures == 1
    assert (found.mated[1].finger, found.mated[1].rank, found.mated[1].score) == ("A", 0, 0.0)
    assert found.best_non_mated.count(0.0) >= 2


def test_a_gallery_that_is_too_small_is_named() -> None:
    with pytest.raises(ConfigurationError, match="no place for 2 fingers"):
        identify(four_fingers(), 1, SEED, map, quiet)


def test_figures_and_what_the_searches_cannot_support() -> None:
    mated = [Searched("A", 1, 9.0), Searched("A", 1, 2.0), Searched("B", 2, 1.0), Searched("B", 0, 0.0)]
    scores = [0.01 * k for k in range(300)]
    found = Found(2, impressions=30, mated=mated, best_non_mated=scores, search_s=[0.01], scan_s=[0.001])
    report = figures(found, 10, SEED, 2)
    assert report["rank_1"]["value"] == 0.5
    assert report["threshold"] == pytest.approx(2.96)  # three of 300 are above
    assert sum(score >= report["threshold"] for score in scores) == 3
    assert report["fnir"]["value"] == 0.75
    assert report["scan_rate_per_s"] == 30_000
    assert threshold_at(scores[:299]) is None
    few = figures(Found(2, 30, mated=mated, best_non_mated=[1.0], search_s=[0.01], scan_s=[0.001]), 10, SEED, 2)
    assert few["fnir"] is few["threshold"] is few["false_positives"] is None
    assert "no figure, it needs 300 non-mated searches" in table(few)


@pytest.mark.models
def test_report_of_the_samples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = ModelStore()
    for impression in range(1, 5):
        for finger, sample in ((1, f"p1_{1 + impression % 2}.png"), (2, "p2_1.png")):
            pixels = cv2.imread(str(store.sample(sample)), cv2.IMREAD_GRAYSCALE)
            assert pixels is not None
            middle = pixels[pixels.shape[0] // 4 :, pixels.shape[1] // 4 :][
                :224, :192
            ]  # small, so that the network is fast
            assert cv2.imwrite(str(tmp_path / f"{finger}_{impression}.png"), middle)
    out = tmp_path / "out.json"
    words = ["bench", "identify", "finger", "--root", str(tmp_path), "--gallery", "3", "--json", str(out)]
    assert main(words) == 0
    report = json.loads(out.read_text())
    assert report["gallery"]["impressions"] == 3 * ENROLLED
    assert report["rank_1"]["value"] == 1.0
    assert report["fnir"] is None
    assert report["command"] == "egate bench identify finger"
    assert str(tmp_path) not in out.read_text()
    assert "rank 1: 100 %" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--gallery", "3", "--json", "absent/out.json"], "its folder does not exist"),
        (["--gallery", "3", "--json", "out.json"], "holds F_I.png"),
        (["--gallery", "3", "--json", "out.json", "--seed", "-1"], "a seed is not negative"),
    ],
)
def test_what_cannot_be_done_is_told(
    words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["bench", "identify", "finger", "--root", str(tmp_path), *words]) == 1
    assert told in capsys.readouterr().err
