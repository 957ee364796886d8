"""What a simulated peripheral shows and plays: light, buzzer and display, as functions of time. Commands come as libosdp's dicts.

Chosen where the standard leaves it open: a temporary state with a timer of 0 ends at once; a text replaces the whole display.
Not modelled: more than one tone, and a light record that sets a permanent and a temporary state at once (the native module hands over
the temporary one only).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

UNIT_S = 0.1  # OSDP 2.2, 6.11 and 6.12: times in 100 ms
ROWS, COLUMNS = 2, 16  # chosen: a usual reader's display

CANCEL_TEMPORARY, SET_TEMPORARY = 1, 2  # OSDP 2.2, 6.11 osdp_LED: temporary control codes
SET_PERMANENT = 1
TONE_OFF = 1  # OSDP 2.2, 6.12 osdp_BUZ: 0 no tone, 1 off, 2 default tone
PERMANENT_CUT, PERMANENT_WRAPPED, TEMPORARY_CUT, TEMPORARY_WRAPPED = 1, 2, 3, 4  # OSDP 2.2, 6.13 osdp_TEXT


class Color(IntEnum):
    """OSDP 2.2, 6.11: colour values."""

    NONE = 0
    RED = 1
    GREEN = 2
    AMBER = 3
    BLUE = 4
    MAGENTA = 5
    CYAN = 6
    WHITE = 7


@dataclass(frozen=True, slots=True)
class Pattern:
    """A flashing or steady light. A duration of 0 leaves its colour out."""

    on_s: float = 0.0
    off_s: float = 0.0
    on_color: int = Color.NONE
    off_color: int = Color.NONE

    def color(self, elapsed_s: float) -> int:
        if not self.on_s or not self.off_s:
            return self.on_color if self.on_s else self.off_color
        return self.on_color if elapsed_s % (self.on_s + self.off_s) < self.on_s else self.off_color


class Led:
    def __init__(self) -> None:
        self._permanent = Pattern()
        self._permanent_since = 0.0
        self._temporary: Pattern | None = None
        self._temporary_since = self._temporary_until = 0.0

    def command(self, command: Mapping[str, Any], now: float) -> None:
        pattern = Pattern(
            command["on_count"] * UNIT_S, command["off_count"] * UNIT_S, command["on_color"], command["off_color"]
        )
        if not command["temporary"]:
            if command.get("cancel_temporary"):
                self._temporary = None
            if command["control_code"] == SET_PERMANENT:
                self._permanent, self._permanent_since = pattern, now
        elif command["control_code"] == CANCEL_TEMPORARY:
            self._temporary = None
        elif command["control_code"] == SET_TEMPORARY:
            self._temporary, self._temporary_since = pattern, now
            self._temporary_until = now + command["timer_count"] * UNIT_S

    @property
    def permanent(self) -> Pattern:
        """What it falls back to, for ever, if nobody speaks to it any more."""
        return self._permanent

    def color(self, now: float) -> int:
        """A Color, or a colour value this table does not know."""
        if self._temporary is not None and now < self._temporary_until:
            return self._temporary.color(now - self._temporary_since)
        return self._permanent.color(now - self._permanent_since)

    def flashing(self, now: float) -> bool:
        shown = self._permanent if self._temporary is None or now >= self._temporary_until else self._temporary
        return bool(shown.on_s and shown.off_s and shown.on_color != shown.off_color)


class Buzzer:
    """count: tones that were started."""

    def __init__(self) -> None:
        self._on_s = self._off_s = self._since = 0.0
        self._repetitions: int | None = None  # 0: for ever; None: silent
        self.count = 0

    def command(self, command: Mapping[str, Any], now: float) -> None:
        if command["control_code"] <= TONE_OFF:
            self._repetitions = None
            return
        self._on_s, self._off_s = command["on_count"] * UNIT_S, command["off_count"] * UNIT_S
        self._repetitions, self._since = command["rep_count"], now
        self.count += 1

    def sounding(self, now: float) -> bool:
        if self._repetitions is None:
            return False
        period = self._on_s + self._off_s
        done, within = divmod(now - self._since, period) if period else (0.0, 0.0)
        return (self._repetitions == 0 or done < self._repetitions) and within < self._on_s


class Display:
    def __init__(self) -> None:
        self._permanent = self._temporary = ""
        self._temporary_until = float("-inf")

    def command(self, command: Mapping[str, Any], now: float) -> bool:
        """False if there is no such control code."""
        code = command["control_code"]
        if not PERMANENT_CUT <= code <= TEMPORARY_WRAPPED:
            return False
        row, column = max(command["offset_row"], 1) - 1, max(command["offset_col"], 1) - 1
        wrapped = code in {PERMANENT_WRAPPED, TEMPORARY_WRAPPED}
        room = (ROWS * COLUMNS - row * COLUMNS if wrapped else COLUMNS) - column
        text = command["data"][: max(room, 0)]
        if code in {TEMPORARY_CUT, TEMPORARY_WRAPPED}:
            self._temporary, self._temporary_until = text, now + command["temp_time"]
        else:
            self._permanent, self._temporary_until = text, float("-inf")
        return True

    def text(self, now: float) -> str:
        """What can be read, without the blanks it begins after."""
        return self._temporary if now < self._temporary_until else self._permanent
