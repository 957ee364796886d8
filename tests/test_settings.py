"""Settings are strict: what is not understood is not guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from egate.errors import ConfigurationError
from egate.settings import read_settings

GOOD = """
environment = "demo"
data_dir = "data"

[policy]
version = "1"
mandatory = ["MRZ"]

[[lane]]
id = "lane-1"
gate = "1"
lock = "osdp+pty:///run/lock?address=1&key=file:k"
sensors = "modbus+pty:///run/sensors"
"""


def _read(path: Path, text: str) -> object:
    path.write_text(text, encoding="utf-8")
    return read_settings(path)


def test_good_settings_are_read(tmp_path: Path) -> None:
    path = tmp_path / "egate.toml"
    path.write_text(GOOD, encoding="utf-8")
    settings = read_settings(path)
    assert settings.lane[0].id == "lane-1"
    assert settings.policy.face_fmr == 5e-4


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('data_dir = "data"', 'data_dir = "data"\ndata_dri = "x"', "data_dri"),
        ('version = "1"', "version = 1", "policy.version"),
        ('version = "1"', 'version = "1"\nface_fmr = "0.001"', "policy.face_fmr"),
        ('version = "1"', 'version = "1"\nface_fmr = nan', "policy.face_fmr"),
        ('version = "1"', 'version = "1"\nface_fmr = 1.5', "policy.face_fmr"),
        ('version = "1"', 'version = "1"\nrelease_deadline_s = 3.0', "policy.release_deadline_s"),
        ('version = "1"', 'version = "1"\ndecision_age_s = 60.0', "policy.decision_age_s"),
        ('version = "1"', 'version = "1"\nrelease_s = 31.0', "policy.release_s"),
        ('environment = "demo"', 'environment = "Demo"', "environment"),
        ('id = "lane-1"', 'id = "Lane 1"', "lane.0.id"),
        ('gate = "1"', "", "lane.0.gate"),
    ],
)
def test_fault_is_refused_by_its_key(tmp_path: Path, old: str, new: str, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named.replace(".", r"\.")):
        _read(tmp_path / "egate.toml", GOOD.replace(old, new))


def test_one_lane_twice_is_refused(tmp_path: Path) -> None:
    lane = GOOD[GOOD.index("[[lane]]") :]
    with pytest.raises(ConfigurationError, match="same id"):
        _read(tmp_path / "egate.toml", GOOD + lane)


def test_one_device_on_two_lanes_is_refused(tmp_path: Path) -> None:
    lane = GOOD[GOOD.index("[[lane]]") :].replace("lane-1", "lane-2")
    with pytest.raises(ConfigurationError, match="same URL"):
        _read(tmp_path / "egate.toml", GOOD + lane)


def test_values_are_not_repeated_in_messages(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        _read(tmp_path / "egate.toml", GOOD.replace('gate = "1"', 'gate = "SECRET VALUE"'))
    assert "SECRET" not in str(refusal.value)


@pytest.mark.parametrize("text", ["", "environment =", "\x00\xff", "[[lane]]"])
def test_garbage_is_a_named_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError):
        _read(tmp_path / "egate.toml", text)


def test_missing_file_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="settings file"):
        read_settings(tmp_path / "none.toml")
