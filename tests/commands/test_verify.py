from __future__ import annotations

import json
from pathlib import Path

import pytest

from egate.cli import main
from egate.inference.weights.store import ModelStore

pytestmark = pytest.mark.models
KEYS = ["score", "fmr", "decision", "fmr_target", "threshold", "calibration", "quality", "ms"]


@pytest.fixture(scope="module")
def store() -> ModelStore:
    return ModelStore()


@pytest.mark.parametrize(
    ("kind", "a", "b", "decision"),
    [
        ("face", "obama.jpg", "obama2.jpg", "MATCH"),
        ("face", "obama.jpg", "biden.jpg", "NON_MATCH"),
        ("finger", "p1_1.png", "p1_2.png", "MATCH"),
        ("finger", "p1_1.png", "p2_1.png", "NON_MATCH"),
    ],
)
def test_decision_exit_status_and_json(
    store: ModelStore, capsys: pytest.CaptureFixture[str], kind: str, a: str, b: str, decision: str
) -> None:
    resolution = ["--dpi", "500"] if kind == "finger" else []  # the samples state none
    status = main(["verify", kind, str(store.sample(a)), str(store.sample(b)), "--json", *resolution])
    report = json.loads(capsys.readouterr().out)
    assert list(report) == KEYS
    assert report["decision"] == decision
    assert status == (0 if decision == "MATCH" else 1)
    assert (report["fmr"] <= 5e-4) == (decision == "MATCH")
    assert report["fmr"] > 0
    assert set(report["quality"]) == {"a", "b"}


def test_table_for_people_names_the_decision(store: ModelStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "face", str(store.sample("obama.jpg")), str(store.sample("obama3.jpg"))]) == 0
    out = capsys.readouterr().out
    assert "MATCH at FMR 0.0005" in out
    assert "array" not in out


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "IMAGE_EMPTY"), (b"garbage", "IMAGE_FORMAT"), (b"\xff\xd8\xff\xe0\x00\x10JFIF", "IMAGE_TRUNCATED")],
)
def test_what_is_no_image_is_an_error_and_never_a_verdict(
    store: ModelStore, capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes, code: str
) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(content)
    assert main(["verify", "face", str(store.sample("obama.jpg")), str(bad), "--json"]) == 2
    report = json.loads(capsys.readouterr().out)
    assert report["error"] == code
    assert "decision" not in report


def test_photograph_without_a_face_is_an_error(store: ModelStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "face", str(store.sample("obama.jpg")), str(store.sample("p1_1.png"))]) == 2
    assert "FACE_NOT_FOUND" in capsys.readouterr().err


@pytest.mark.parametrize("option", [[], ["--dpi", "nan"], ["--dpi", "72"]])
def test_prints_of_unknown_resolution_are_an_error(
    store: ModelStore, capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    sample = str(store.sample("p1_1.png"))
    assert main(["verify", "finger", sample, sample, "--json", *option]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == "FINGER_RESOLUTION"


def test_operating_point_the_calibration_cannot_support_is_an_error(
    store: ModelStore, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = str(store.sample("obama.jpg"))
    assert main(["verify", "face", sample, sample, "--fmr", "1e-9", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == "CONFIGURATION"
