"""Goal: the realism study compares rates at the thresholds it says, and keeps templates as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.finger.synthetic import COLUMNS, NonMated, read_templates, write_templates
from egate.commands.bench.identify_synthetic import synthetic_finger


def test_ratios_are_at_the_threshold_of_all_real_pairs() -> None:
    within, across = np.arange(0.0, 100.0), np.arange(0.5, 100.0)  # 200 scores: FMR 0.01 is at the second largest
    threshold, ratio, of_within = NonMated(within, across, np.array([99.0, 98.0, 1.0, 99.5] * 25)).ratios(0.01)
    assert threshold == 99.0
    assert ratio == pytest.approx(50.0)
    assert of_within == pytest.approx(50.0)


def test_kept_templates_come_back(tmp_path: Path) -> None:
    templates = [synthetic_finger(1, number, 1)[0] for number in range(3)]
    write_templates(tmp_path / "kept.npz", templates)
    for one, back in zip(templates, read_templates(tmp_path / "kept.npz"), strict=True):
        assert all((getattr(one, key) == getattr(back, key)).all() for key in COLUMNS)
        assert (one.width, one.height) == (back.width, back.height)
