"""Goal: data with folds are judged on people that nothing was fitted on, data without are not, and the command says which."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from egate.commands.bench import face_trials
from egate.commands.bench.accuracy_splits import splits_of, splits_table
from egate.commands.bench.face_trials import Trials
from egate.errors import ConfigurationError
from egate.matching.face.comparison import Embeddings

EACH = 12  # people a fold, two images each
ROWS = EACH * 2


def folds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, shared: bool = False
) -> tuple[Trials, Embeddings]:
    """People that a vector of their own tells apart well but not wholly; count folds of mated and non-mated rows."""
    monkeypatch.setattr(face_trials, "FOLD_ROWS", ROWS)
    rows = []
    for fold in range(count):
        people = [f"{fold}-{i:02d}" for i in range(EACH)]
        rows += [f"{name}/1.jpg,{name}/2.jpg,1" for name in people]
        others = [f"{name}/1.jpg" for name in (*people[1:], people[0])]
        if shared:
            others[0] = f"0-00/{9 - fold}.jpg"  # another image of the first fold's first person
        rows += [f"{name}/1.jpg,{other},0" for name, other in zip(people, others, strict=True)]
    (tmp_path / "pairs.csv").write_text("path_a,path_b,same\n" + "\n".join(rows) + "\n")
    trials = face_trials.read_trials(tmp_path / "pairs.csv", None)
    rng = np.random.default_rng(1)
    own = rng.standard_normal((len(np.unique(trials.person)), 24))
    vectors = own[trials.person] + rng.standard_normal((len(trials.paths), 24)) * 0.9
    return trials, {"one": (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)}


def test_six_folds_are_split_all_ways_without_asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = splits_of(*folds(tmp_path, monkeypatch, 6), asked=False)
    assert report is not None
    assert len(report.splits) == 20
    assert all(not set(split.fitted) & set(split.judged) for split in report.splits)
    lines = splits_table(report).splitlines()
    assert lines[0] == f"20 splits, fitted on 3 folds, judged on 3: mean EER {100 * report.eer:.3g} %"
    # 72 images of 36 people: 2,520 non-mated comparisons in a half
    fnmr, worst = report.fnmr[0.01], report.realised_worst[0.01]
    assert fnmr is not None
    assert worst is not None
    assert f"  FMR 0.01: mean FNMR {100 * fnmr:.3g} %, realised FMR " in lines[1]
    assert lines[1].endswith(f"at worst a factor {worst:.2f} away")
    assert lines[2] == "  FMR 0.001: no figure, the comparisons of a split are too few"


def test_two_folds_are_split_if_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trials, templates = folds(tmp_path, monkeypatch, 2)
    assert splits_of(trials, templates, asked=False) is None
    report = splits_of(trials, templates, asked=True)
    assert report is not None
    assert [(split.fitted, split.judged) for split in report.splits] == [((0,), (1,)), ((1,), (0,))]


@pytest.mark.parametrize(("count", "shared"), [(1, False), (3, False), (6, True)])
def test_folds_that_cannot_be_split_are_left_alone_or_a_named_error(
    count: int, shared: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials, templates = folds(tmp_path, monkeypatch, count, shared)
    assert splits_of(trials, templates, asked=False) is None
    with pytest.raises(ConfigurationError, match="fold"):
        splits_of(trials, templates, asked=True)
