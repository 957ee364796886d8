"""Goal: `egate bench accuracy` compares the pairs it promises and writes the form that scripts read."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from egate.cli import main
from egate.commands.bench import face_trials
from egate.errors import ConfigurationError
from egate.inference.weights.store import ModelStore
from egate.matching.face.comparison import normalised, scores
from egate.matching.face.fusion import parse_fusion
from egate.matching.rates.calibration import parse_calibration
from tests.corpus import CORPUS

TARGETS = ["0.01", "0.001", "0.0005", "0.0001"]
KEYS = ["eer", "fnmr", "mated", "non_mated", "failures_to_enrol", "thresholds"]
ORIGIN = ["engine", "weights", "command", "date", "commit", "host", "versions"]
FIGURE = ["value", "interval", "below", "needs"]
PLOTS = ["det.png", "det.svg", "scores.png", "scores.svg"]
FUSION = parse_fusion("offset=0.5 dlib-resnet29=40.0,-35.0,0.5 sface=30.0,-9.0,1.5")


def write_pairs(path: Path, rows: list[tuple[str, str, int]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("path_a", "path_b", "same"), *rows])
    return path


def random_templates(count: int) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    rng = np.random.default_rng(1)
    return {
        model: np.stack([normalised(rng.standard_normal(8).astype(np.float32)) for _ in range(count)])
        for model in FUSION.models
    }


def test_person_is_the_folder(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "p.csv", [("x/Ann/1.jpg", "x/Ann/2.jpg", 1), ("x/Ann/1.jpg", "x/Bob_B/1.jpg", 0)])
    trials = face_trials.read_trials(pairs, None)
    assert trials.paths == ("x/Ann/1.jpg", "x/Ann/2.jpg", "x/Bob_B/1.jpg")
    assert trials.person.tolist() == [0, 0, 1]
    assert trials.mated.tolist() == [[0, 1]]


def test_person_is_the_name_up_to_the_underscore_where_all_share_a_folder(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "p.csv", [("x/ann_1.jpg", "x/ann_2.jpg", 1), ("x/ann_1.jpg", "x/bob_1.jpg", 0)])
    assert face_trials.read_trials(pairs, None).person.tolist() == [0, 0, 1]


def test_non_mated_are_all_cross_person_pairs_but_the_excluded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_trials, "BLOCK_ROWS", 2)  # blocks that split a person
    rows = [("A/1", "A/2", 1), ("A/3", "B/1", 0), ("C/1", "C/2", 1), ("D/1", "A/1", 0)]
    pairs = write_pairs(tmp_path / "p.csv", rows)
    exclude = tmp_path / "e.csv"
    exclude.write_text("name_a,name_b,reason\nC,A,two names\nB,Nobody,\n")
    trials = face_trials.read_trials(pairs, exclude)
    templates = random_templates(len(trials.paths))
    mated, non_mated = face_trials.compare(trials, templates, FUSION)
    # 7 images, 21 pairs; within a person 3 + 1; A with C 3 * 2
    assert len(non_mated) == 21 - 4 - 6
    assert len(mated) == 2
    matrix = scores(FUSION, templates, templates)
    index = {path: i for i, path in enumerate(trials.paths)}
    np.testing.assert_allclose(
        mated, [matrix[index["A/1"], index["A/2"]], matrix[index["C/1"], index["C/2"]]], atol=1e-5
    )
    expected = [
        matrix[i, j]
        for i, a in enumerate(trials.paths)
        for j, b in enumerate(trials.paths)
        if i < j and a[0] != b[0] and {a[0], b[0]} != {"A", "C"}
    ]
    np.testing.assert_allclose(np.sort(non_mated), np.sort(expected), atol=1e-5)


def test_missing_column_or_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ConfigurationError, match="path_a"):
        face_trials.read_trials(tmp_path / "p.csv", None)
    with pytest.raises(ConfigurationError, match="cannot read"):
        face_trials.read_trials(tmp_path / "absent.csv", None)


@pytest.mark.models
def test_face_report_of_the_samples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = ModelStore()
    for person, names in {
        "A": ["obama.jpg", "obama2.jpg", "obama3.jpg"],
        "B": ["biden.jpg"],
        "C": ["p1_1.png"],
    }.items():
        (tmp_path / person).mkdir()
        for name in names:
            shutil.copy(store.sample(name), tmp_path / person / name)
    rows = [("A/obama.jpg", "A/obama2.jpg", 1), ("A/obama.jpg", "A/obama3.jpg", 1), ("B/biden.jpg", "C/p1_1.png", 0)]
    pairs = write_pairs(tmp_path / "pairs.csv", rows)
    out, calibration = tmp_path / "out.json", tmp_path / "calibration.csv"
    arguments = ["bench", "accuracy", "face", "--pairs", str(pairs), "--root", str(tmp_path), "--json", str(out)]
    plots = tmp_path / "plots"
    assert main([*arguments, "--calibration", str(calibration), "--plots", str(plots)]) == 0
    report = json.loads(out.read_text())
    assert list(report) == [*KEYS, "figures", "data", "bootstrap", "splits", "fusion", *ORIGIN]
    assert report["eer"] == 0.0
    assert (report["mated"], report["non_mated"]) == (2, 3 * 1 + 3 * 1 + 1)
    assert report["failures_to_enrol"] == 1  # the print has no face
    assert report["fnmr"] == report["thresholds"] == dict.fromkeys(TARGETS)  # 0.01 * 7 < 3
    assert_figures_are_refused(report["figures"], needs=300)
    assert report["figures"]["eer"] == {"value": None, "interval": None, "below": 1.0, "needs": 3}  # no error in 2
    assert report["data"]["lists"][0]["file"] == "pairs.csv"
    assert [report["data"][key] for key in ("images", "subjects", "mated_subjects", "excluded_subject_pairs")] == [
        5,
        3,
        1,
        0,
    ]
    assert report["weights"] == dict(
        pair.split("=") for pair in store.weights(("yunet", "dlib-resnet29", "sface-int8")).split()
    )
    assert list(report["versions"]) == ["numpy", "onnxruntime", "opencv"]
    assert report["splits"] is None  # one fold
    assert str(tmp_path) not in out.read_text()
    shown = capsys.readouterr().out
    assert "FMR 0.01: no figure, it needs 300 non-mated comparisons" in shown
    assert "EER < 100 % (no error seen) (2 mated, 7 non-mated, 1 not enrolled)" in shown
    assert sorted(path.name for path in plots.iterdir()) == PLOTS
    measured = parse_calibration(calibration.read_text())
    assert measured.weights == store.weights(("yunet", "dlib-resnet29", "sface-int8"))
    assert str(tmp_path) not in calibration.read_text()


@pytest.mark.models
def test_finger_report_of_the_samples(tmp_path: Path) -> None:
    store = ModelStore()
    names = {"1_1.png": "p1_1.png", "1_2.png": "p1_2.png", "2_1.png": "p2_1.png"}
    for folder in ("one", "deep/two"):
        (tmp_path / folder).mkdir(parents=True)
        for name, sample in names.items():
            shutil.copy(store.sample(sample), tmp_path / folder / name)
    out, plots = tmp_path / "out.json", tmp_path / "plots"
    arguments = ["bench", "accuracy", "finger", "--root", str(tmp_path), "--json", str(out), "--plots", str(plots)]
    assert main(arguments) == 0
    report = json.loads(out.read_text())
    assert list(report) == ["sets", "mean", "pooled", "bootstrap", "splits", *ORIGIN]
    assert report["splits"] is None  # of two sets
    assert set(report["sets"]) == {"one", "deep/two"}
    assert list(report["mean"]) == [*KEYS, "figures"]
    assert sorted(path.name for path in plots.iterdir()) == PLOTS
    for name in ("one", "deep/two", "mean"):
        assert f">{name}<" in (plots / "det.svg").read_text()
    for part in (*report["sets"].values(), report["mean"], report["pooled"]):
        assert list(part)[: len(KEYS)] == KEYS
        assert_figures_are_refused(part["figures"], needs=300)
        assert list(part["fnmr"]) == list(part["thresholds"]) == TARGETS
        assert part["eer"] == 0.0
    assert (report["pooled"]["mated"], report["pooled"]["non_mated"]) == (2, 4)


def test_unknown_engine_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = write_pairs(tmp_path / "p.csv", [("A/1", "A/2", 1)])
    words = ["bench", "accuracy", "face", "--pairs", str(pairs), "--root", str(tmp_path)]
    assert main([*words, "--json", str(tmp_path / "out.json"), "--engine", "nobody"]) == 1
    assert "CONFIGURATION: no engine 'nobody' in the manifest, there are: face-fused" in capsys.readouterr().err


def assert_figures_are_refused(figures: dict[str, Any], needs: int) -> None:
    """At every operating point; needs: for the first."""
    points = figures["operating_points"]
    assert [point["fmr_target"] for point in points] == [float(target) for target in TARGETS]
    assert [list(point) for point in points] == [["fmr_target", "threshold", "fmr", "fnmr"]] * len(TARGETS)
    assert points[0]["fnmr"] == points[0]["threshold"] == dict.fromkeys(FIGURE) | {"needs": needs}
    assert all(point[name]["value"] is None for point in points for name in ("threshold", "fmr", "fnmr"))


@pytest.mark.parametrize("option", ["--json", "--calibration"])
def test_where_nothing_can_be_written_is_told_before_measuring(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["bench", "accuracy", "finger", "--root", str(tmp_path), "--json", str(tmp_path / "out.json")]
    assert main([*words, option, str(tmp_path / "absent" / "file")]) == 1
    assert "CONFIGURATION: cannot write file: its folder does not exist" in capsys.readouterr().err


def test_absent_matplotlib_is_told_before_measuring(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # what Python itself does where an import must fail
    words = ["bench", "accuracy", "finger", "--root", str(tmp_path), "--json", str(tmp_path / "out.json")]
    assert main([*words, "--plots", str(tmp_path / "plots")]) == 1
    assert "install egate[lab]" in capsys.readouterr().err


# A tenth of the mated pairs, so that a broken engine is seen in seconds; the bars themselves need the whole set
# (bench/face/bench_face.py).
@pytest.mark.corpus
@pytest.mark.models
def test_face_accuracy_on_part_of_the_corpus(tmp_path: Path) -> None:
    source = CORPUS / "faces" / "pairs_lfw.csv"
    if not source.is_file():
        pytest.skip("the measurement corpus is not here (EGATE_CORPUS)")
    with source.open(newline="") as file:
        mated = [row for row in csv.DictReader(file) if row["same"] == "1"][::15]
    pairs = write_pairs(tmp_path / "pairs.csv", [(row["path_a"], row["path_b"], 1) for row in mated])
    trials = face_trials.read_trials(pairs, source.parent / "label_noise.csv")
    templates, failures = face_trials.enrol(ModelStore(), source.parent, trials.paths, lambda paths: paths)
    calibration = ModelStore().calibration("face-int8")
    scores_mated, scores_non_mated = face_trials.compare(trials, templates, parse_fusion(calibration.fusion))
    threshold = calibration.threshold(1e-3)
    assert failures == 0
    assert len(scores_mated) == 120
    assert np.mean(~(scores_mated >= threshold)) <= 0.04
    assert np.mean(scores_non_mated >= threshold) <= 0.003
