"""What a traveller's signal is in outputs of a relay board, and which output to write next. Pure; `now` is an argument.

Where the board can time an output, a light is switched on for HOLD_S and renewed, so it goes dark when we die. Where it cannot, it is
switched on and off. Lights are written again until they were answered; a sound is never repeated: a prompt that comes late misleads.
What is off is written first: two aspects never shine together.
"""

from __future__ import annotations

from dataclasses import dataclass

from egate.domain.signal import DARK, Light, Sound, TravellerSignal
from hw.modbus.controller import SignalMap
from hw.modbus.frame import COIL_ON, Question, Table, read, write_coil

HOLD_S = 1.5  # chosen: how long a light outlives us
RENEW_S = 0.5  # chosen: two answers may be lost before a light goes dark
HEARTBEAT_S = 1.0  # chosen: how often an output that nobody writes is read, so that loss is noticed
BLINK_S = 0.5  # chosen: half a period
SOUND_S = {Sound.GO: 0.2, Sound.ATTENTION: 0.5, Sound.REFUSED: 1.0}  # chosen: told apart by their length
SOUND_LATE_S = 1.0  # chosen: a prompt later than this is not played


@dataclass(slots=True)
class _Output:
    """lit: as it was last written and answered, None if not known; at: when."""

    lit: bool | None = None
    at: float = 0.0


class Lights:
    """show: what is wanted, the newest wins. next_question and due: what to write, or read, and when."""

    def __init__(self, signal: SignalMap, unit: int) -> None:
        self._map, self._unit = signal, unit
        addresses = {light: point.address for light, point in signal.lights.items()}
        self._lights = addresses
        self._buzzer = None if signal.buzzer is None else signal.buzzer.address
        self._outputs = {address: _Output() for address in addresses.values()}
        self._wanted = DARK
        self._shown_at = self._asked_at = float("-inf")
        self._sound_until = float("-inf")
        self._sound_due = False
        if self._buzzer is not None:
            self._outputs[self._buzzer] = _Output()
        self._asked: tuple[int, bool] | None = None

    def show(self, signal: TravellerSignal, now: float) -> None:
        self._wanted, self._shown_at = signal, now
        self._sound_due = self._buzzer is not None and signal.sound in SOUND_S

    def forget(self) -> None:
        """The unit was away: nothing is known of its outputs, and a sound is over."""
        for output in self._outputs.values():
            output.lit = None
        self._sound_due = False
        self._asked_at = float("-inf")

    def due(self, now: float) -> float:
        """When next_question has something to ask."""
        if self._change(now) is not None:
            return now
        times = [self._asked_at + HEARTBEAT_S]
        times += [
            output.at + RENEW_S for output in self._outputs.values() if output.lit and self._map.pulse is not None
        ]
        if self._wanted.blinking:
            times.append(self._shown_at + BLINK_S * (int((now - self._shown_at) / BLINK_S) + 1))
        if now < self._sound_until:
            times.append(self._sound_until)
        return min(times)

    def next_question(self, now: float) -> Question:
        self._asked_at = now
        change = self._change(now)
        self._asked = change
        if change is None:
            return read(Table.COIL, self._unit, min(self._outputs))
        address, lit = change
        if address == self._buzzer and lit:
            self._sound_due = False
            self._sound_until = now + SOUND_S[self._wanted.sound]
            return self._on(address, SOUND_S[self._wanted.sound])
        return self._on(address, HOLD_S) if lit else write_coil(self._unit, address, 0)

    def answered(self, now: float) -> None:
        """The question at hand was answered."""
        if self._asked is not None:
            output = self._outputs[self._asked[0]]
            output.lit, output.at = self._asked[1], now
        self._asked = None

    def _change(self, now: float) -> tuple[int, bool] | None:
        """The output to write now, and how."""
        wanted = self._lit(now)
        for address, output in self._outputs.items():
            if (
                address not in wanted
                and output.lit is not False
                and not (address == self._buzzer and self._sounding(now))
            ):
                return address, False
        for address in wanted:
            output = self._outputs[address]
            renew = self._map.pulse is not None and now - output.at >= RENEW_S
            if output.lit is not True or renew:
                return address, True
        if self._sound_due and self._buzzer is not None:
            if now - self._shown_at <= SOUND_LATE_S:
                return self._buzzer, True
            self._sound_due = False
        return None

    def _sounding(self, now: float) -> bool:
        return (
            self._outputs[self._buzzer].lit is not None and now < self._sound_until
            if self._buzzer is not None
            else False
        )

    def _lit(self, now: float) -> set[int]:
        dark = self._wanted.blinking and int((now - self._shown_at) / BLINK_S) % 2 == 1
        address = self._lights.get(self._wanted.light.lower())
        return set() if address is None or dark or self._wanted.light is Light.OFF else {address}

    def _on(self, address: int, duration_s: float) -> Question:
        pulse = self._map.pulse
        if pulse is None:
            return write_coil(self._unit, address, COIL_ON)
        return write_coil(self._unit, address + self._map.pulse_offset, pulse.value(duration_s))
