"""Lights and sounds as outputs of a board, under a virtual clock."""

from __future__ import annotations

from dataclasses import replace

import pytest

from egate.domain.signal import DARK, Light, Sound, TravellerSignal
from hw.modbus.controller import Point, SignalMap
from hw.modbus.frame import COIL_ON, Framing, Table
from hw.modbus.lights import HOLD_S, RENEW_S, SOUND_S, Lights
from hw.modbus.map_file import shipped
from hw.modbus.request import RequestDecoder
from hw.modbus.server import Peripheral

UNIT = 3
RED, AMBER, GREEN, BUZZER = 1, 2, 3, 4
BOARD = shipped("waveshare_relay")
assert BOARD.signal is not None
NAMES = {"red": RED, "amber": AMBER, "green": GREEN}
WIRED = replace(
    BOARD.signal,
    lights={name: Point(Table.COIL, address) for name, address in NAMES.items()},
    buzzer=Point(Table.COIL, BUZZER),
)
UNTIMED = SignalMap(WIRED.lights, WIRED.buzzer)


class Stage:
    """Lights and their board; lamps and now are those of the board."""

    def __init__(self, signal: SignalMap = WIRED) -> None:
        self.lights = Lights(signal, UNIT)
        self.board = Peripheral(BOARD, UNIT)
        self.now = 50.0
        self.answering = True

    @property
    def lit(self) -> set[int]:
        self.board.tick(self.now)
        return {index for index, value in enumerate(self.board.outputs) if value}

    def show(self, light: Light, *, blinking: bool = False, sound: Sound = Sound.NONE) -> None:
        self.lights.show(TravellerSignal(light, blinking, sound=sound), self.now)

    def advance(self, duration_s: float) -> list[set[int]]:
        """What was lit, after each question."""
        end, seen = self.now + duration_s, []
        while self.now < end:
            due = self.lights.due(self.now)
            if due > self.now:
                self.now = min(end, due)
                continue
            request = RequestDecoder(Framing.RTU).feed(self.lights.next_question(self.now).frame(Framing.RTU))[0]
            self.now += 0.01
            if self.answering:
                assert self.board.answer(request, Framing.RTU, self.now)
                self.lights.answered(self.now)
            seen.append(self.lit)
        return seen


@pytest.mark.parametrize("signal", [WIRED, UNTIMED])
def test_one_aspect_at_a_time_and_the_newest_wins(signal: SignalMap) -> None:
    stage = Stage(signal)
    for light, lamp in ((Light.RED, RED), (Light.GREEN, GREEN), (Light.AMBER, AMBER)):
        stage.show(light)
        seen = stage.advance(5.0)
        assert stage.lit == {lamp}
        assert all(len(lamps) <= 1 for lamps in seen), "two aspects at once"
        assert all(lamps == {lamp} for lamps in seen[3:]), "it flickers"
    stage.lights.show(DARK, stage.now)
    stage.advance(0.5)
    assert stage.lit == set()


def test_light_outlives_us_by_its_hold_time_only() -> None:
    stage = Stage()
    stage.show(Light.GREEN)
    stage.advance(10.0)
    stage.now += HOLD_S - RENEW_S - 0.1
    assert stage.lit == {GREEN}
    stage.now += RENEW_S + 0.2
    assert stage.lit == set()


def test_blinking_light_is_dark_half_of_the_time() -> None:
    stage = Stage()
    stage.show(Light.RED, blinking=True)
    dark = 0
    for _ in range(100):
        stage.advance(0.05)
        dark += not stage.lit
    assert 40 <= dark <= 60


def test_sound_is_played_once_by_the_boards_timer() -> None:
    stage = Stage()
    stage.show(Light.RED, sound=Sound.REFUSED)
    stage.advance(0.2)
    assert BUZZER in stage.lit
    stage.advance(10.0)
    played = [write.value for write in stage.board.writes if write.address == 0x0200 + BUZZER]
    assert played == [round(SOUND_S[Sound.REFUSED] / 0.1)]
    assert BUZZER not in stage.lit


def test_sound_of_a_board_without_timer_ends_too() -> None:
    stage = Stage(UNTIMED)
    stage.show(Light.RED, sound=Sound.ATTENTION)
    stage.advance(0.2)
    assert BUZZER in stage.lit
    stage.advance(2.0)
    assert BUZZER not in stage.lit
    assert [w.value for w in stage.board.writes if w.address == BUZZER].count(COIL_ON) == 1


def test_what_came_back_shows_the_newest_without_its_sound() -> None:
    stage = Stage()
    stage.answering = False
    stage.show(Light.GREEN, sound=Sound.GO)
    stage.lights.forget()
    stage.answering = True
    stage.advance(1.0)
    assert stage.lit == {GREEN}
    assert not [write for write in stage.board.writes if write.address == 0x0200 + BUZZER]
