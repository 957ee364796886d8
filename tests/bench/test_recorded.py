"""Recorded evidence never stands before a real gate, and a mark belongs to the crossing it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.crossing_marks import CrossingMarks
from bench.recorded_daemon import refuse_real_devices
from egate.domain.ids import LaneId
from egate.errors import ConfigurationError
from egate.lane.api import LanePhase, LaneSnapshot
from egate.settings import Settings, parse_settings

SITE = {
    "lock": "osdp+pty:///gate/lane-1.lock?address=1&key=file:lane-1.scbk",
    "sensors": "modbus+pty:///gate/lane-1.sensors?unit=1",
    "document_reader": "mrz+pty:///gate/lane-1.mrz",
}


def site(environment: str = "demo", **devices: str) -> Settings:
    lane = {"id": "lane-1", "gate": "1", **SITE, **devices}
    policy = {"version": "1", "mandatory": ["MRZ", "DOCUMENT_VALIDITY", "FACE", "ONE_PERSON", "PRESENCE"]}
    return parse_settings({"environment": environment, "data_dir": "data", "policy": policy, "lane": [lane]})


def test_simulated_site_is_accepted() -> None:
    refuse_real_devices(site())


@pytest.mark.parametrize(
    "device",
    [
        {"lock": "osdp+serial:///dev/ttyS0?address=1&key=file:lane-1.scbk"},
        {"sensors": "modbus+tcp://10.0.0.5:502?unit=1"},
        {"document_reader": "mrz+serial:///dev/ttyS1"},
    ],
)
def test_recorded_evidence_is_refused_with_any_real_device(device: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        refuse_real_devices(site(**device))


def test_recorded_evidence_is_refused_in_production() -> None:
    with pytest.raises(ConfigurationError):
        refuse_real_devices(site("production"))


def test_nothing_that_is_installed_can_replay() -> None:
    """The daemon that replays lies outside the wheel's packages."""
    import bench.recorded
    import egate

    package = Path(egate.__file__).parent
    assert package not in Path(bench.recorded.__file__).parents
    assert not [
        path for path in package.rglob("*.py") if "import bench" in path.read_text() or "from bench" in path.read_text()
    ]


PHASES = (LanePhase.READY, LanePhase.READING, LanePhase.VERIFYING, LanePhase.RECORDING)


def turn(marks: CrossingMarks, lane: str, *phases: LanePhase) -> None:
    for phase in phases:
        marks.on_change(LaneSnapshot(LaneId(lane), 1, phase))


def test_marks_of_an_admitted_crossing_are_in_order() -> None:
    marks = CrossingMarks()
    marks.on_evidence("lane-1.a", 0.5)
    turn(marks, "lane-1", *PHASES, LanePhase.RELEASING, LanePhase.RELEASED, LanePhase.RECORDING, LanePhase.READY)
    (crossing,) = marks.crossings
    times = [crossing[name] for name in ("evidence", "decision", "durable", "acknowledged")]
    assert times == sorted(times, key=float)
    assert crossing["evidence"] == 0.5


def test_referred_crossing_leaves_no_marks_to_the_next() -> None:
    marks = CrossingMarks()
    marks.on_evidence("lane-1.a", 0.5)
    turn(marks, "lane-1", *PHASES, LanePhase.REFERRED, LanePhase.READY)
    marks.on_evidence("lane-1.b", 0.75)
    turn(marks, "lane-1", *PHASES, LanePhase.RELEASING, LanePhase.RELEASED)
    assert [crossing["evidence"] for crossing in marks.crossings] == [0.75]


def test_two_lanes_keep_their_marks_apart() -> None:
    marks = CrossingMarks()
    marks.on_evidence("lane-1.a", 0.25)
    marks.on_evidence("lane-2.a", 0.5)
    turn(marks, "lane-1", *PHASES)
    turn(marks, "lane-2", *PHASES, LanePhase.RELEASING, LanePhase.RELEASED)
    turn(marks, "lane-1", LanePhase.RELEASING, LanePhase.RELEASED)
    assert [(crossing["lane"], crossing["evidence"]) for crossing in marks.crossings] == [
        ("lane-2", 0.5),
        ("lane-1", 0.25),
    ]
