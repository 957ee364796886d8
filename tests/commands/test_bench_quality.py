"""Goal: `egate bench quality` compares all pairs of one person, judges the people its weights did not see, and tells noise from quality."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from egate.cli import main
from egate.commands.bench import face_trials
from egate.commands.bench.quality import curves
from egate.commands.bench.quality_trials import UNIFIED, MatedTrials, mated_pairs
from egate.inference.weights.store import ModelStore

PEOPLE, IMAGES = 400, 4


@pytest.fixture
def mated() -> MatedTrials:
    """People with four images each: the score of a comparison falls with the worse of the two qualities."""
    random = np.random.default_rng(3)
    quality = random.uniform(0, 100, PEOPLE * IMAGES)
    person = np.repeat(np.arange(PEOPLE), IMAGES)
    trials = face_trials.Trials((), person, np.zeros((0, 2), np.int64), frozenset())
    pairs = mated_pairs(trials)
    scores = np.sqrt(quality[pairs].min(axis=1)) + random.normal(0, 1, len(pairs))
    return MatedTrials(pairs, scores, person[pairs[:, 0]], {UNIFIED: quality})


def test_quality_that_predicts_errors_is_seen_with_its_interval(mated: MatedTrials) -> None:
    found = curves(mated, 1.5)
    low, high = found["quality"][UNIFIED]["area_interval"]
    assert low <= found["quality"][UNIFIED]["area"] <= high < 0.8
    assert found["people"] == PEOPLE // 2
    assert found["comparisons"] == PEOPLE // 2 * 6


def test_noise_in_place_of_quality_is_chance(mated: MatedTrials) -> None:
    noise = np.random.default_rng(4).permutation(mated.qualities[UNIFIED])
    found = curves(replace(mated, qualities={UNIFIED: noise}), 1.5)["quality"][UNIFIED]
    assert found["area"] == pytest.approx(1.0, abs=0.1)
    assert not found["area_interval"][1] < 0.8


def test_comparison_without_a_template_is_an_error_of_worst_quality(mated: MatedTrials) -> None:
    good = np.full(len(mated.scores), 9.0)
    good[mated.pairs[:, 0] == IMAGES] = np.nan
    quality = np.where(np.arange(PEOPLE * IMAGES) == IMAGES, np.nan, mated.qualities[UNIFIED])
    found = curves(replace(mated, scores=good, qualities={UNIFIED: quality}), 1.5)
    assert found["errors"] == IMAGES - 1
    assert found["quality"][UNIFIED]["area"] == pytest.approx(found["ideal_area"], abs=0.02)


def test_pairs_are_all_of_one_person_once() -> None:
    trials = face_trials.Trials((), np.array([1, 0, 1, 2, 1]), np.zeros((0, 2), np.int64), frozenset())
    assert sorted(map(tuple, mated_pairs(trials).tolist())) == [(0, 2), (0, 4), (2, 4)]


@pytest.mark.models
def test_command_writes_curves_and_a_plot(tmp_path: Path) -> None:
    store = ModelStore()
    for name in ("obama", "obama2", "obama3"):
        (tmp_path / "b").mkdir(exist_ok=True)
        shutil.copy(store.sample(f"{name}.jpg"), tmp_path / "b" / f"{name}.jpg")
    image = cv2.imread(str(tmp_path / "b/obama.jpg"))
    assert image is not None
    cv2.imwrite(str(tmp_path / "b/blurred.jpg"), cv2.GaussianBlur(image, (0, 0), 40))
    (tmp_path / "a").mkdir()
    shutil.copy(store.sample("biden.jpg"), tmp_path / "a/biden.jpg")
    pairs = [("b/obama.jpg", f"b/{name}.jpg", 1) for name in ("obama2", "obama3", "blurred")]
    with (tmp_path / "pairs.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path_a", "path_b", "same"), *pairs, ("a/biden.jpg", "b/obama.jpg", 0)])
    out, plot = tmp_path / "quality.json", tmp_path / "quality.svg"
    words = ["bench", "quality", "--pairs", str(tmp_path / "pairs.csv"), "--root", str(tmp_path)]
    assert main([*words, "--json", str(out), "--svg", str(plot)]) == 0
    report = json.loads(out.read_text())
    at = report["fmr"]["0.0001"]
    assert (at["comparisons"], at["errors"], at["people"]) == (6, 3, 1)
    assert at["quality"][UNIFIED]["fnmr"][-1] < at["quality"][UNIFIED]["fnmr"][0] == 0.5
    assert report["images"] == 5
    assert "<svg" in plot.read_text()
    assert str(tmp_path) not in out.read_text()
