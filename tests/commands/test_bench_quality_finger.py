"""Goal: `egate bench quality finger` compares impressions of one finger of one set, and shows both measures of quality."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from egate.cli import main
from egate.commands.bench.quality_finger import Captured, mated_trials
from egate.commands.bench.quality_trials import UNIFIED
from egate.domain.biometric import QualityScore
from egate.inference.weights.store import ModelStore
from egate.matching.finger.quality.usable import COMPONENT


def test_pairs_are_of_one_finger_of_one_set() -> None:
    """Finger 1 of one set is not finger 1 of another. What gave no template is compared all the same, and fails."""
    path, engine = Path("0"), Any
    sets = [[(1, path), (1, path), (2, path)], [(1, path), (2, path), (2, path)]]
    nothing = Captured(None, QualityScore(float("nan")), False)
    found = mated_trials(engine, sets, [nothing] * 6)  # type: ignore[arg-type]  # never asked
    assert found.pairs.tolist() == [[0, 1], [4, 5]]
    assert found.subject.tolist() == [0, 3]
    assert np.isnan(found.scores).all()
    assert np.isnan(found.qualities[UNIFIED]).all()


@pytest.mark.models
def test_command_writes_curves_and_a_plot(tmp_path: Path) -> None:
    """The third impression is blank, so that there is an error to predict."""
    store = ModelStore()
    folder = tmp_path / "prints"
    folder.mkdir()
    for name, place in (("p1_1", "1_1"), ("p1_2", "1_2")):
        shutil.copy(store.sample(f"{name}.png"), folder / f"{place}.png")
    cv2.imwrite(str(folder / "1_3.png"), np.full((100, 100), 255, np.uint8))
    out, plot = tmp_path / "quality.json", tmp_path / "quality.svg"
    words = ["bench", "quality", "finger", "--root", str(tmp_path), "--json", str(out), "--svg", str(plot)]
    assert main(words) == 0
    report = json.loads(out.read_text())
    at = report["fmr"]["0.0005"]
    assert (at["comparisons"], at["errors"], at["comparisons_unusable"]) == (3, 2, 2)
    assert (at["fnmr_usable"], at["fnmr_unusable"]) == (0.0, 1.0)
    assert {UNIFIED, COMPONENT} <= set(at["quality"])
    assert report["unusable"]["images"] == report["failures_to_enrol"] == 1
    assert "<svg" in plot.read_text()
    assert str(tmp_path) not in out.read_text()


def test_faces_still_need_their_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "quality", "--root", str(tmp_path), "--json", str(tmp_path / "out.json")]) != 0
    assert "--pairs" in capsys.readouterr().err
