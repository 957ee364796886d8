"""Register maps: what is shipped, what a site may write, and every mistake named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from egate.domain.device import Alarm
from egate.errors import ConfigurationError
from hw.modbus.controller import Pulse, TimeRegister
from hw.modbus.frame import Framing
from hw.modbus.map_file import MAP_BYTES_MAX, from_file, parse, shipped
from hw.modbus.reading import Reading
from hw.modbus.request import RequestDecoder
from hw.modbus.server import Peripheral

MAPS = Path(__file__).parents[2] / "hw" / "modbus" / "maps"

LANE = """
[controller]
name = "gate controller"
outputs = 2
[lock]
state = { table = "discrete", address = 9, inverted = true }
secure = { table = "coil", address = 0, value = 0 }
release = { table = "coil", address = 0, value = 0xFF00 }
[sensors]
door = { table = "discrete", address = 0 }
present = { table = "discrete", address = 1, inverted = true }
fire = { table = "discrete", address = 100, inverted = true }
tamper = { table = "coil", address = 7 }
exits = { table = "holding", address = 30 }
[sensors.barriers]
entry = [{ table = "discrete", address = 2 }, { table = "discrete", address = 3 }]
exit = [{ table = "discrete", address = 4 }, { table = "discrete", address = 5, inverted = true }]
[sensors.layout]
door_s = 0.2
[signal]
green = { table = "coil", address = 4 }
"""


def test_every_shipped_map_is_understood() -> None:
    names = {path.stem for path in MAPS.glob("*.toml")}
    assert names == {"waveshare_relay", "lot_turnstile", "lot_turnstile_sdk", "sensor_block"}
    relay, turnstile = shipped("waveshare_relay").lock, shipped("lot_turnstile_sdk").lock
    assert relay is not None and relay.timer == Pulse(0.1, 0x7FFF)
    assert relay.at_output(3).release.address == 0x0203
    assert turnstile is not None and isinstance(turnstile.timer, TimeRegister)
    assert {shipped(name).name for name in names}


def test_map_of_a_site_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text(LANE)
    controller = from_file(tmp_path / "gate.toml")
    assert controller.sensors is not None
    layout = controller.sensors.layout
    assert (layout.entry_barriers, layout.inside_barriers, layout.exit_barriers, layout.door_s) == (2, 0, 2, 0.2)
    assert set(controller.sensors.alarms) == {Alarm.FIRE, Alarm.TAMPER}
    assert controller.signal is not None and set(controller.signal.lights) == {"green"}


def test_readings_are_what_the_controller_senses() -> None:
    controller = parse(LANE, "test")
    assert controller.sensors is not None
    reading, peripheral = Reading(controller.sensors, 1), Peripheral(controller, 1)
    assert [question.function for question in reading.questions] == [3, 1, 2, 2], "counters before contacts"

    def sense() -> object:
        answers = []
        for question in reading.questions:
            (request,) = RequestDecoder(Framing.RTU).feed(question.frame(Framing.RTU))
            frame = peripheral.answer(request, Framing.RTU, 0.0)
            assert frame is not None
            answers.append(frame[1:-2])
        inputs = reading.inputs(answers)
        return inputs.door_closed, inputs.present, inputs.persons, inputs.exits, inputs.barriers, inputs.alarms

    assert sense() == (True, False, None, 0, (False,) * 4, frozenset())
    peripheral.door_closed, peripheral.person_count, peripheral.exit_count = False, 1, 65_537
    peripheral.barriers, peripheral.alarms = [True, False, False, True], frozenset({Alarm.FIRE})
    assert sense() == (False, True, None, 1, (True, False, False, True), frozenset({Alarm.FIRE}))


BAD = [
    ("outputs = 2", "outputs = 0", "outputs"),
    ("outputs = 2", "outputs = true", "outputs"),
    ("outputs = 2", "colour = 2", "colour"),
    ('name = "gate controller"', "", "name missing"),
    ('name = "gate controller"', 'name = "a\\u0007b"', "name"),
    ("[lock]", "[lockk]", "lockk"),
    ("address = 9", "address = 65536", "address"),
    ("address = 9", "address = 65535", "last output"),
    ("address = 9", 'address = "9"', "address"),
    ('table = "discrete", address = 9', 'table = "wire", address = 9', "table"),
    ("inverted = true }\nsecure", "inverted = 1 }\nsecure", "inverted"),
    ("value = 0xFF00", "value = 0", "write the same"),
    ("value = 0xFF00", "value = 1", "0xFF00"),
    ('{ table = "coil", address = 0, value = 0 }', '{ table = "input", address = 0, value = 0 }', "cannot be written"),
    ('{ table = "coil", address = 0, value = 0 }', "7", "not a table"),
    (
        'release = { table = "coil", address = 0, value = 0xFF00 }',
        'release = { table = "holding", address = 0, value = 0xFFFF }',
        "free passage",
    ),
    ("[sensors]", 'timer = { kind = "pulse", step_s = 0.1, value_max = 20 }\n[sensors]', "below 30 s"),
    ("[sensors]", 'timer = { kind = "pulse", step_s = nan, value_max = 999 }\n[sensors]', "step_s"),
    ("[sensors]", 'timer = { kind = "sand" }\n[sensors]', "timer"),
    ("[sensors]", 'timer = { kind = "register", table = "coil", address = 1, step_s = 1 }\n[sensors]', "bit"),
    ("[sensors]", 'mode = { table = "holding", address = 1, normal = [] }\n[sensors]', "normal"),
    ("[sensors]", 'mode = { table = "holding", address = 1, normal = [0], open = [0] }\n[sensors]', "twice"),
    ("[sensors]", 'mode = { table = "holding", address = 1, normal = 0 }\n[sensors]', "list"),
    ("address = 100", "address = 0", "one address"),
    ('exits = { table = "holding"', 'exits = { table = "coil"', "cannot lie"),
    ("exits = { table = \"holding\", address = 30 }", "exits = { table = \"holding\", address = 30, inverted = true }", "bit"),
    ("present = {", "persons = {", "cannot lie"),
    ("entry = [", "entree = [", "entree"),
    ("entry = [", "inside = [", "nothing counts people"),
    ("door_s = 0.2", "door_s = -1", "door_s"),
    ("door_s = 0.2", "entry_barriers = 2", "entry_barriers"),
    ("green = {", "mauve = {", "mauve"),
    ("address = 4 }\n", "address = 1 }\n", "the lock's"),
    ("address = 4 }\n", "address = 4, inverted = true }\n", "inverted"),
    ('green = { table = "coil", address = 4 }', "", "outputs of its own"),
]  # fmt: skip


@pytest.mark.parametrize(("good", "bad", "named"), BAD)
def test_mistakes_are_named(good: str, bad: str, named: str) -> None:
    position = LANE.rfind(good) if good.startswith("address = 4") else LANE.find(good)
    assert position >= 0
    text = LANE[:position] + bad + LANE[position + len(good) :]
    with pytest.raises(ConfigurationError, match=named) as error:
        parse(text, "gate.toml")
    assert "gate.toml" in str(error.value)


COIL_STATE = 'state = { table = "coil", address = 0 }'
OFF, ON = (f'secure = {{ table = "coil", address = 0, value = {value} }}' for value in ("0", "0xFF00"))
FLASH = 'release = { table = "coil", address = 0x200 }'
PULSE = 'timer = { kind = "pulse", step_s = 0.1, value_max = 0x7FFF }'
GRANTS = 'state = { table = "holding", address = 66 }'
NONE, GRANT = (f'{key} = {{ table = "holding", address = 66, value = ' for key in ("secure", "release"))


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ((COIL_STATE, OFF, FLASH, PULSE), None),
        ((COIL_STATE, ON, FLASH, PULSE), "reads released"),
        ((COIL_STATE.replace("0 }", "0, inverted = true }"), ON, FLASH, PULSE), None),
        ((COIL_STATE.replace("0 }", "0, inverted = true }"), OFF, FLASH, PULSE), "reads released"),
        ((COIL_STATE.replace("0 }", "0x200, inverted = true }"), OFF, FLASH, PULSE), "neither"),
        (
            (COIL_STATE.replace("0 }", "0, inverted = true }"), OFF, FLASH.replace("200 }", "0, value = 0xFF00 }")),
            "reads",
        ),
        ((COIL_STATE, OFF.replace("address = 0", "address = 3"), FLASH, PULSE), "neither"),
        ((COIL_STATE, ON, FLASH.replace("0x200", "0"), PULSE), "the same"),
        ((GRANTS, NONE + "0 }", GRANT + "1 }"), None),
        ((GRANTS, NONE + "0 }", GRANT + "0xFFFE }"), "one passage"),
        ((GRANTS, NONE + "0 }", GRANT + "2 }"), "one passage"),
        ((GRANTS, NONE + "0x8000 }", GRANT + "1 }"), "grants passages"),
        ((GRANTS.replace("holding", "input"), NONE + "5 }", GRANT + "1 }"), "grants passages"),
        ((GRANTS, NONE + "0 }", GRANT.replace("66, value = ", "67 }"), PULSE), "so many grants"),
    ],
)
def test_map_whose_words_would_open_is_refused(lines: tuple[str, ...], named: str | None) -> None:
    text = "\n".join(("[controller]", 'name = "t"', "[lock]", *lines))
    if named is None:
        assert parse(text, "test").lock is not None
        return
    with pytest.raises(ConfigurationError, match=named):
        parse(text, "test")


@pytest.mark.parametrize("data", [b"[", b"\xff", b"x = " + b"[" * 5000, b"#" * (MAP_BYTES_MAX + 1), b""])
def test_file_that_is_no_map_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "map.toml").write_bytes(data)
    with pytest.raises(ConfigurationError):
        from_file(tmp_path / "map.toml")
    with pytest.raises(ConfigurationError):
        from_file(tmp_path)


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "huge"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path, named = tmp_path / "map.toml", "not a regular file"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
        named = "directory|not a regular file"
    elif kind == "device":
        path = Path("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(1 << 40)
        named = "larger than"
    with pytest.raises(ConfigurationError, match=named):
        from_file(path)
