"""What `egate bench latency` reports of given passages: open-loop waits, and nobody who did not pass among them."""

from __future__ import annotations

import json

import pytest

from egate.commands.bench.latency import RECORDED, summarise
from egate.commands.bench.measurement import host
from egate.demo.load import Passage
from tests.bench.test_arrivals import MARKS


def passage(wait_s: float, problem: str = "") -> Passage:
    marks = {name: at + (wait_s if name != "arrival" else 0.0) for name, at in MARKS.items()}
    return Passage("lane-1", marks, "PASSED", problem)


def test_a_stall_of_ten_seconds_counts_for_everyone_who_waited() -> None:
    """Ten arrive during it; the one crossing that stalled is not the only slow one."""
    report = summarise([passage(10.0 - late) for late in range(10)] + [passage(0.0)] * 10)
    assert report["whole_ms"]["p50"] == pytest.approx(6020.0)
    assert report["whole_ms"]["p99"] == pytest.approx(16020.0)
    assert report["stages_ms"]["queue"]["max"] == pytest.approx(14000.0)
    assert report["stages_ms"]["crossing"]["max"] == pytest.approx(2020.0)


def test_who_did_not_pass_is_named_and_not_timed() -> None:
    report = summarise([passage(0.0), passage(100.0, problem="ended REFERRED: DEVICE_LOST")])
    assert report["problems"] == ["ended REFERRED: DEVICE_LOST"]
    assert report["whole_ms"]["n"] == 1
    assert report["whole_ms"]["max"] == pytest.approx(6020.0)


def test_nobody_passed_is_a_report_too() -> None:
    report = summarise([Passage("lane-1", {"arrival": 1.0, "taken": 2.0}, problem="it took too long")])
    assert report["whole_ms"] is None
    json.dumps(report)


def test_host_facts_name_no_machine() -> None:
    import platform

    assert set(host()) == {"cpu", "cores", "machine", "kernel", "python"}
    assert platform.node() not in {str(fact) for fact in host().values()}


def test_the_replaying_daemon_is_not_part_of_the_package() -> None:
    assert RECORDED.partition(".")[0] == "bench"
