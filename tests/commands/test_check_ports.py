"""`egate check` says of each device's serial port what lets it down, and what an operator types to mend it."""

from __future__ import annotations

from pathlib import Path

import pytest

from egate.commands.serve import Finding, port_findings, show
from egate.settings import Settings, parse_settings
from hw.ports import UDEV_RULE
from tests.hw.port_tree import BY_ID, LATENCY, plant


def _settings(lock: str, sensors: str, **more: str) -> Settings:
    lane = {"id": "lane-1", "gate": "1", "lock": lock, "sensors": sensors, **more}
    policy = {"version": "1", "mandatory": ["MRZ"]}
    return parse_settings({"environment": "demo", "data_dir": "data", "policy": policy, "lane": [lane]})


def test_slow_and_unstable_ports_are_advice_absent_ones_are_problems(tmp_path: Path) -> None:
    root = plant(tmp_path)
    lock, sensors, reader = port_findings(
        _settings(
            f"osdp+serial://{BY_ID}?address=1&key=file:k",
            "modbus+serial:///dev/ttyACM0?unit=1",
            document_reader="mrz+serial:///dev/ttyS0?baud=9600&chip=/dev/none",
        ),
        root,
    )[:3]
    assert (lock.what, lock.problem) == ("lane-1 lock port", "")
    assert any(UDEV_RULE in advice for advice in lock.advice)
    assert sensors.problem == "" and "order of plugging" in sensors.advice[0]
    assert reader == Finding("lane-1 document_reader port")


def test_second_port_of_a_device_is_looked_at_and_one_port_once(tmp_path: Path) -> None:
    root = plant(tmp_path)
    (root / LATENCY).write_text("1\n")
    findings = port_findings(
        _settings(
            f"osdp+serial://{BY_ID}?address=1&key=file:k",
            f"osdp+serial://{BY_ID}?address=2&key=file:k",
            document_reader="mrz+serial:///dev/ttyS0?baud=9600&chip=/dev/none",
        ),
        root,
    )
    assert [finding.what for finding in findings] == ["lane-1 lock port", *["lane-1 document_reader port"] * 2]
    assert findings[0] == Finding("lane-1 lock port")
    assert "/dev/none does not exist" in findings[2].problem


def test_other_links_and_wrong_urls_have_no_serial_port(tmp_path: Path) -> None:
    settings = _settings("osdp+rfc2217://10.0.0.1:4000?address=1&key=file:k", "no URL at all")
    assert port_findings(settings, plant(tmp_path)) == []


def test_advice_is_printed_whole_and_fails_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert show([Finding("models"), Finding("lane-1 lock port", "", (f"set it by {UDEV_RULE}",))]) == 0
    told = capsys.readouterr().out
    assert f"lane-1 lock port: set it by {UDEV_RULE}\n" in told, "a rule that is broken into lines cannot be copied"
    assert show([Finding("lane-1 lock", "LOST: [Errno 2] gone")]) == 1
    failed = capsys.readouterr()
    assert "LOST: [Errno 2] gone" in failed.out and failed.err == "1 problem\n"
