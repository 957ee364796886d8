"""The simulated peripheral against libosdp's control panel, in memory, under a clock the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hw.link import memory
from hw.osdp.library import native
from hw.osdp.pd import Equipment, LockPeripheral
from hw.osdp.pd_answer import REPORT_BYTES_MAX, status_answer
from hw.osdp.pd_output import (
    NOP,
    OFF_AFTER_TIMER,
    OFF_STOP_TIMER,
    OFF_TIMED,
    ON_AFTER_TIMER,
    ON_STOP_TIMER,
    ON_TIMED,
    Output,
)
from hw.osdp.pd_reader import Color
from tests.hw.osdp_peer_panel import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench(equipment=Equipment(outputs=3, inputs=4, leds=2)).ready()
    yield bench
    bench.panel.close()
    bench.peripheral.close()


def output(number: int, control_code: int, timer_count: int = 0) -> dict[str, Any]:
    return {
        "command": native.CMD_OUTPUT,
        "output_no": number,
        "control_code": control_code,
        "timer_count": timer_count,
    }


def test_every_control_code_and_its_timer() -> None:
    """OSDP 2.2, 6.10: what is on after the command, and after its timer."""
    expected = {
        (False, NOP): (False, False),
        (False, OFF_STOP_TIMER): (False, False),
        (False, ON_STOP_TIMER): (True, True),
        (False, OFF_AFTER_TIMER): (False, False),
        (False, ON_AFTER_TIMER): (True, True),
        (False, ON_TIMED): (True, False),
        (False, OFF_TIMED): (False, False),
        (True, NOP): (True, True),
        (True, OFF_STOP_TIMER): (False, False),
        (True, ON_STOP_TIMER): (True, True),
        (True, OFF_AFTER_TIMER): (False, False),
        (True, ON_AFTER_TIMER): (True, True),
        (True, ON_TIMED): (True, True),
        (True, OFF_TIMED): (False, True),
    }
    for (permanent, code), (now, later) in expected.items():
        one = Output()
        one.command(ON_STOP_TIMER if permanent else OFF_STOP_TIMER, 0.0, 0.0)
        one.command(code, 2.0, 1.0)
        assert one.active is now, (permanent, code)
        one.run(2.9)
        assert one.active is now, (permanent, code)
        one.run(3.0)
        assert one.active is later, (permanent, code)


@pytest.mark.parametrize(("code", "during"), [(OFF_AFTER_TIMER, True), (OFF_STOP_TIMER, False)])
def test_securing_lets_a_timer_run_or_stops_it(code: int, during: bool) -> None:
    one = Output()
    one.command(ON_TIMED, 2.0, 0.0)
    one.command(code, 0.0, 1.0)
    assert one.active is during
    one.run(2.0)
    assert not one.active


def test_a_longer_release_replaces_the_running_one() -> None:
    one = Output()
    one.command(ON_TIMED, 1.0, 0.0)
    one.command(ON_TIMED, 3.0, 0.5)
    one.run(3.4)
    assert one.active
    one.run(3.5)
    assert [(unlock.start, unlock.end) for unlock in one.unlocks] == [(0.0, 3.5)]


def test_outputs_are_independent_and_reported_in_order(bench: Bench) -> None:
    assert bench.panel.command(output(1, ON_STOP_TIMER))
    assert bench.panel.command(output(2, ON_TIMED, 30))
    assert bench.panel.ask(native.STATUS_REPORT_OUTPUT) == b"\0\1\1"
    bench.later(3.0)
    assert bench.panel.ask(native.STATUS_REPORT_OUTPUT) == b"\0\1\0"
    assert not bench.peripheral.released
    assert [one.output for one in bench.peripheral.actuations] == [1, 2]


@pytest.mark.parametrize("command", [output(3, ON_STOP_TIMER), output(0, 7)], ids=["no such output", "no such code"])
def test_what_does_not_exist_is_refused(bench: Bench, command: dict[str, Any]) -> None:
    assert not bench.panel.command(command)
    assert not any(one.active for one in bench.peripheral.outputs)


def test_bolt_is_told_when_it_moves(bench: Bench) -> None:
    told: list[tuple[bool, float]] = []
    bench.peripheral.on_change = lambda released, at: told.append((released, at))
    assert bench.panel.command(output(0, ON_TIMED, 20))
    assert bench.panel.command(output(1, ON_TIMED, 20))
    bench.later(2.5)
    assert told == [(True, 1000.0), (False, 1002.5)]


def test_inputs_are_reported_when_asked_and_when_they_change(bench: Bench) -> None:
    bench.peripheral.set_input(2, True)
    bench.panel.step_until(lambda: bool(bench.panel.events))
    event = bench.panel.events[-1]
    assert (event["type"], bytes(event["report"])) == (native.STATUS_REPORT_INPUT, b"\0\0\1\0")
    assert bench.panel.ask(native.STATUS_REPORT_INPUT) == b"\0\0\1\0"
    count = len(bench.panel.events)
    bench.peripheral.set_input(2, True)  # no change
    assert bench.panel.ask(native.STATUS_REPORT_OUTPUT) == bytes(3)
    assert len(bench.panel.events) == count + 1


def test_tamper_and_power_are_reported(bench: Bench) -> None:
    bench.peripheral.set_local(tampered=True, power_failed=False)
    bench.panel.step_until(lambda: bool(bench.panel.events))
    event = bench.panel.events[-1]
    assert event["type"] == native.STATUS_REPORT_LOCAL
    assert bench.panel.ask(native.STATUS_REPORT_LOCAL) == b"\1\0"
    bench.peripheral.set_local(tampered=False, power_failed=True)
    assert bench.panel.ask(native.STATUS_REPORT_LOCAL) == b"\0\1"


@pytest.mark.parametrize("wiegand", [True, False])
def test_card_is_read_bit_for_bit(bench: Bench, wiegand: bool) -> None:
    assert bench.peripheral.present_card(b"\xa5\x5a\xff\x40", 26, wiegand=wiegand)
    bench.panel.step_until(lambda: bool(bench.panel.events))
    event = bench.panel.events[-1]
    assert event["event"] == native.EVENT_CARDREAD
    assert (event["length"], bytes(event["data"]), event["reader_no"]) == (26, b"\xa5\x5a\xff\x40", 0)
    assert event["format"] == (native.CARD_FMT_RAW_WIEGAND if wiegand else native.CARD_FMT_RAW_UNSPECIFIED)


def test_card_is_not_kept_for_a_controller_that_comes_later(bench: Bench) -> None:
    bench.peripheral.present_card(b"\xff\xff", 16)
    bench.peripheral.power_cycle()
    bench.peripheral.poll(0.0)
    assert not bench.peripheral.present_card(b"\xff\xff", 16), "nobody listens"
    panel = bench.panel
    bench.panel = type(panel)(panel.channel._link, [1], [bytes(range(16))])
    bench.panel.polled = panel.polled
    bench.ready()
    assert bench.panel.ask(native.STATUS_REPORT_OUTPUT) == bytes(3)
    assert [event["event"] for event in bench.panel.events] == [native.EVENT_STATUS]


@pytest.mark.parametrize(("bits", "count"), [(b"", 0), (b"\xff", 9), (b"\xff", -1)])
def test_no_card_without_bits(bench: Bench, bits: bytes, count: int) -> None:
    with pytest.raises(ValueError, match="bit"):
        bench.peripheral.present_card(bits, count)


def led(
    *, temporary: bool, control_code: int, on: int, off: int, colors: tuple[int, int], **more: Any
) -> dict[str, Any]:
    return {
        "command": native.CMD_LED,
        "reader": 0,
        "led_number": 0,
        "temporary": temporary,
        "control_code": control_code,
        "on_count": on,
        "off_count": off,
        "on_color": colors[0],
        "off_color": colors[1],
        **more,
    }


def test_light_flashes_falls_back_and_is_told(bench: Bench) -> None:
    told: list[tuple[int, int, float]] = []
    bench.peripheral.on_light = lambda number, color, at: told.append((number, color, at))
    assert bench.panel.command(
        led(temporary=False, control_code=1, on=1, off=0, colors=(Color.RED, Color.NONE), timer_count=0)
    )
    assert bench.panel.command(
        led(temporary=True, control_code=2, on=5, off=5, colors=(Color.GREEN, Color.NONE), timer_count=20)
    )
    light = bench.peripheral.leds[0]
    assert light.flashing(bench.now)
    for _ in range(4):
        bench.later(0.5)
    assert told == [
        (0, Color.RED, 1000.0),
        (0, Color.GREEN, 1000.0),
        (0, Color.NONE, 1000.5),
        (0, Color.GREEN, 1001.0),
        (0, Color.NONE, 1001.5),
        (0, Color.RED, 1002.0),
    ]
    assert not light.flashing(bench.now)
    assert light.permanent.color(0.0) == Color.RED


def test_temporary_light_is_cancelled(bench: Bench) -> None:
    assert bench.panel.command(
        led(temporary=True, control_code=2, on=1, off=0, colors=(Color.GREEN, Color.NONE), timer_count=1000)
    )
    assert bench.peripheral.leds[0].color(bench.now) == Color.GREEN
    assert bench.panel.command(
        led(temporary=True, control_code=1, on=0, off=0, colors=(Color.NONE, Color.NONE), timer_count=0)
    )
    assert bench.peripheral.leds[0].color(bench.now) == Color.NONE


def test_buzzer_sounds_as_often_as_told_and_is_switched_off(bench: Bench) -> None:
    told: list[tuple[bool, float]] = []
    bench.peripheral.on_buzzer = lambda sounding, at: told.append((sounding, at))
    tone = {"command": native.CMD_BUZZER, "reader": 0, "control_code": 2, "on_count": 2, "off_count": 3, "rep_count": 2}
    assert bench.panel.command(tone)
    bench.panel.step()
    for _ in range(12):
        bench.later(0.1)
    assert [sounding for sounding, _ in told] == [True, False, True, False]
    assert [round(at - 1000.0, 3) for _, at in told] == [0.0, 0.2, 0.5, 0.7]
    assert bench.panel.command({**tone, "rep_count": 0})
    bench.later(500.0)
    assert bench.peripheral.buzzer.sounding(bench.now), "0 repeats for ever"
    assert bench.panel.command({**tone, "control_code": 1})
    assert not bench.peripheral.buzzer.sounding(bench.now)
    assert bench.peripheral.buzzer.count == 2


def text(data: str, control_code: int = 1, seconds: int = 0, row: int = 1, column: int = 1) -> dict[str, Any]:
    return {
        "command": native.CMD_TEXT,
        "reader": 0,
        "control_code": control_code,
        "temp_time": seconds,
        "offset_row": row,
        "offset_col": column,
        "data": data,
    }


def test_display_shows_a_temporary_text_for_its_time(bench: Bench) -> None:
    told: list[str] = []
    bench.peripheral.on_text = lambda shown, at: told.append(shown)
    assert bench.panel.command(text("Please wait"))
    assert bench.panel.command(text("Go", control_code=3, seconds=2))
    bench.panel.step()
    bench.later(1.9)
    assert bench.peripheral.display.text(bench.now) == "Go"
    bench.later(0.1)
    assert told == ["Please wait", "Go", "Please wait"]
    bench.peripheral.power_cycle()
    bench.later(0.0)
    assert told[-1] == ""


def test_display_cuts_or_wraps(bench: Bench) -> None:
    for code, row, column, count in ((1, 1, 1, 16), (2, 1, 1, 32), (2, 2, 9, 8), (1, 2, 17, 0)):
        assert bench.panel.command(text("x" * 32, code, row=row, column=column))
        assert bench.peripheral.display.text(bench.now) == "x" * count
    assert not bench.panel.command(text("x", control_code=5))


def test_first_key_is_taken_under_the_install_key_and_kept() -> None:
    bench = Bench(None).ready()
    assert bench.peripheral.key == bytes(range(1, 17))
    bench.peripheral.power_cycle()
    panel = type(bench.panel)(bench.panel.channel._link, [1], [bytes(range(1, 17))])
    panel.polled, bench.panel = bench.panel.polled, panel
    bench.ready()


def test_key_is_replaced_inside_the_secure_channel(bench: Bench) -> None:
    keyset = {"command": native.CMD_KEYSET, "type": 1, "data": bytes(range(50, 66))}
    assert bench.panel.command(keyset)
    bench.panel.step_until(lambda: not bench.panel.online() or not bench.peripheral.online)
    bench.ready()
    assert bench.peripheral.key == bytes(range(50, 66))


def test_refused_key_leaves_the_old_one(bench: Bench) -> None:
    bench.peripheral.keys_refused = True
    assert not bench.panel.command({"command": native.CMD_KEYSET, "type": 1, "data": bytes(range(50, 66))})
    assert bench.peripheral.key == bytes(range(16))


def test_text_that_is_none_is_refused_and_survived() -> None:
    """The native module cannot make a string of it; a peripheral that fell over it would be a silent one."""
    near, far = memory.pair()
    peripheral = LockPeripheral(far, None, lambda: 0.0)
    peripheral.poll(0.0)
    #                     address  length       sequence 0, CRC; osdp_TEXT: reader, code, time, row, column, length, data
    body = bytes.fromhex("53 01 0f00 04 6b 00 01 00 01 01 01 ff")
    near.write(b"\xff" + body + crc16(body).to_bytes(2, "little"))
    for _ in range(5):
        peripheral.poll(0.0)
    reply = near.read(64, 0.0)
    assert b"\x41\x09" in reply, "osdp_NAK, the data cannot be processed"


def crc16(data: bytes) -> int:
    """CRC-16 AUG-CCITT, OSDP 2.2 annex C."""
    crc = 0x1D0F
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def test_report_has_a_limit() -> None:
    assert status_answer(bytes(REPORT_BYTES_MAX))[0] == 0
    with pytest.raises(ValueError, match="entries"):
        status_answer(bytes(REPORT_BYTES_MAX + 1))
