"""Scenario files: what is not understood is named, what is understood happens in order and in time."""

from __future__ import annotations

import base64
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from egate.domain.device import DeviceRole
from egate.errors import ConfigurationError
from hw.sim.control import CommandRefused
from hw.sim.outfit import LockKind, Sensing
from hw.sim.player import Player
from hw.sim.scenario import SCENARIO_BYTES_MAX, Scenario, Step, load, parse

SHIPPED = sorted(path.name.removesuffix(".toml") for path in (files("hw.sim") / "scenarios").iterdir())


def read(text: str) -> Scenario:
    return parse(text, "test", Path("/nowhere"))


def test_empty_scenario_is_a_hall_where_nobody_comes() -> None:
    assert read("") == Scenario()


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_scenarios_are_understood(name: str) -> None:
    scenario = load(Path(name))
    assert scenario.steps
    assert [step.at_s for step in scenario.steps] == sorted(step.at_s for step in scenario.steps)


def test_hall_is_equipped_as_it_says() -> None:
    scenario = read(
        '[hall]\nlanes = 2\nseed = 9\nscale = 0.5\nlock = "modbus"\nsensing = "barriers"\nentry_door = true\nend_s = 60\n'
        'devices = ["lock", "sensors", "signal"]\n'
    )
    assert scenario.outfit.roles == {DeviceRole.LOCK, DeviceRole.SENSORS, DeviceRole.SIGNAL}
    assert (scenario.outfit.lock, scenario.outfit.sensing) == (LockKind.MODBUS, Sensing.BARRIERS)
    assert scenario.outfit.ports == ("lock", "sensors")
    assert (scenario.lanes, scenario.seed, scenario.scale, scenario.end_s) == (2, 9, 0.5, 60.0)


def test_arrival_plans_enters_and_shows_what_it_carries() -> None:
    steps = read(
        "[[arrival]]\nat_s = 10\nkind = 'CHILD'\nbehaviour = 'WAIT'\ncount = 2\ndocument = 'zone_only'\nnumber = 4\n"
        "lays_after_s = 1.5\nrepeat_s = 2\ntakes_after_s = 5\nevery_s = 100\ntimes = 2\n"
    ).steps
    assert [(step.at_s, step.command) for step in steps] == [
        (10.0, "plan"),
        (10.0, "enter"),
        (11.5, "present_document"),
        (16.5, "remove_document"),
        (110.0, "plan"),
        (110.0, "enter"),
        (111.5, "present_document"),
        (116.5, "remove_document"),
    ]
    assert steps[1].arguments == {"count": 2, "kind": "CHILD"}
    assert steps[2].arguments["chip"] is None
    assert len(steps[2].arguments["mrz_lines"]) == 2
    assert steps[2].arguments["repeat_s"] == 2.0


@pytest.mark.parametrize(("document", "lines"), [("passport", 2), ("card", 3), ("expired", 2)])
def test_documents_have_zone_and_chip(document: str, lines: int) -> None:
    (step,) = [
        step for step in read(f"[[arrival]]\nat_s=0\ndocument='{document}'").steps if step.command == "present_document"
    ]
    assert len(step.arguments["mrz_lines"]) == lines
    assert step.arguments["chip"]["files"]["sod"]
    assert step.arguments["mrz_lines"][0] not in repr(step)


def test_fingers_portraits_and_boarding_passes_are_brought(tmp_path: Path) -> None:
    finger = np.arange(12, dtype=np.uint8).reshape(3, 4)
    (tmp_path / "finger.png").write_bytes(cv2.imencode(".png", finger)[1].tobytes())
    (tmp_path / "face.jpg").write_bytes(cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    text = (
        "[hall]\ndevices = ['document_reader', 'finger_sensor', 'barcode_reader']\n[[arrival]]\nat_s = 0\n"
        "document = 'passport'\nportrait = 'face.jpg'\nfinger = 'finger.png'\nboarding_pass = 'M1DESMARAIS'\ntakes_after_s = 3"
    )
    steps = {step.command: step for step in parse(text, "test", tmp_path).steps}
    assert steps.keys() > {"lay_finger", "lift_finger", "show_barcode", "remove_barcode", "remove_document"}
    laid = steps["lay_finger"].arguments
    assert (base64.b64decode(laid["pixels"]), laid["height"], laid["width"]) == (finger.tobytes(), 3, 4)
    assert base64.b64decode(steps["show_barcode"].arguments["content"]) == b"M1DESMARAIS"
    (tmp_path / "face.jpg").write_bytes(b"no picture")
    (tmp_path / "finger.png").write_bytes(b"")
    with pytest.raises(ConfigurationError, match=r"face.jpg is no JPEG"):
        parse(text, "test", tmp_path)
    with pytest.raises(ConfigurationError, match=r"finger.png: empty"):
        parse(text.replace("document = 'passport'\nportrait = 'face.jpg'\n", ""), "test", tmp_path)


def test_fault_is_planted_and_taken_back() -> None:
    steps = read(
        "[[fault]]\nat_s=1\ndevice='mrz'\nkind='bytes'\nparameters={flip=0.1,echo=true}\nclear_after_s=2\n"
    ).steps
    assert [(step.at_s, step.arguments["kind"]) for step in steps] == [(1.0, "bytes"), (3.0, "clear")]
    assert steps[0].arguments["parameters"] == {"flip": 0.1, "echo": True}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("arrival", "not TOML"),
        ("surprise = 1", "surprise unknown"),
        ("hall = 1", "hall: not a table"),
        ("arrival = {}", "arrival is not a list"),
        ("[hall]\nlanes = 0", "lanes is not an integer from 1"),
        ("[hall]\nlanes = true", "lanes is not an integer"),
        ("[hall]\nscale = nan", "scale is not a number"),
        ("[hall]\ndevices = ['roof']", "roof unknown"),
        ("[hall]\nlock = 'string'", "lock is none of osdp, modbus"),
        ("[hall]\nlock = 'modbus'\ndevices = ['lock', 'card_reader']", "OSDP lock only"),
        ("[hall]\nchip_protocol = 'x'", "chip_protocol is none of"),
        ("[[arrival]]\nlane = 'lane-1'", "arrival 1: at_s missing"),
        ("[[arrival]]\nat_s = 0\n[[arrival]]\nat_s = -1", "arrival 2: at_s is not a number"),
        ("[[arrival]]\nat_s = 0\nlane = 'lane-2'", "lane is none of lane-1"),
        ("[[arrival]]\nat_s = 0\nbehaviour = 'FLY'", "behaviour is none of"),
        ("[[arrival]]\nat_s = 0\ncount = 101", "count is not an integer"),
        ("[[arrival]]\nat_s = 0\ntimes = 3", "times and every_s go together"),
        ("[[arrival]]\nat_s = 0\ntimes = 90000\nevery_s = 1", "more than 100000 steps"),
        ("[[arrival]]\nat_s = 0\nrepeat_s = 3", "brings nothing"),
        ("[[arrival]]\nat_s = 0\nboarding_pass = 'M1'", "the hall has no barcode_reader"),
        ("[[arrival]]\nat_s = 0\ndocument = 'card'\nportrait = 'none.jpg'", "none.jpg: No such file"),
        ("[hall]\ndevices=['finger_sensor']\n[[arrival]]\nat_s = 0\nfinger = 'none.png'", "none.png: No such file"),
        ("[[event]]\nat_s = 0\ndo = 'explode'", "do is none of"),
        ("[[fault]]\nat_s = 0\ndevice = 'roof'\nkind = 'unplug'", "device is none of"),
        ("[[fault]]\nat_s = 0\ndevice = 'mrz'\nkind = 'timer_fault'", "kind is none of"),
        ("[[fault]]\nat_s = 0\ndevice = 'finger'\nkind = 'unplug'", "the hall has no finger; it comes with finger_sensor"),
        ("[[fault]]\nat_s = 0\ndevice = 'mrz'\nkind = 'bytes'\nparameters = {flip = 'much'}", "not a table of numbers"),
        ("[[fault]]\nat_s = 0\ndevice = 'mrz'\nkind = 'bytes'\nparameters = {flip = inf}", "not a table of numbers"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(text: str, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        read(text)


def test_file_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "scenario.toml"
    with pytest.raises(ConfigurationError, match="No such file"):
        load(path)
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        load(path)
    path.write_bytes(b"#" * (SCENARIO_BYTES_MAX + 1))
    with pytest.raises(ConfigurationError, match="larger than"):
        load(path)


def test_player_does_what_is_due_tells_refusals_and_ends() -> None:
    done: list[dict[str, Any]] = []

    def execute(request: dict[str, Any]) -> None:
        if request["command"] == "leave":
            raise CommandRefused("nobody is there")
        done.append(request)

    steps = (
        Step(1.0, "lane-1", "enter", {"count": 1}),
        Step(2.0, "lane-1", "leave"),
        Step(3.0, "lane-1", "clear_away"),
    )
    player = Player(Scenario(steps=steps, end_s=5.0), execute, 100.0)
    assert player.step(100.5) == []
    assert player.next_due() == 101.0
    assert player.step(102.0) == ["leave of lane-1 at 2 s: CommandRefused: nobody is there"]
    assert done == [{"command": "enter", "lane": "lane-1", "count": 1}]
    over = []
    for now in (104.0, 105.0):
        assert player.step(now) == []
        over.append(player.over)
    assert over == [False, True]
    assert len(done) == 2
