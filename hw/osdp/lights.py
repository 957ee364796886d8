"""A traveller's signal on a peripheral's LED, buzzer and display. Pure; `now` is an argument.

    permanent setting: dark          once per connection
    temporary setting, timed:        renewed while it is wanted

So whatever becomes of us, a light ends after LIGHT_S and a text after TEXT_S. What a peripheral does not list among its capabilities, or
refuses three times in a row, is left out; a spoilt answer looks like a refusal to libosdp, therefore three.
"""

from __future__ import annotations

from collections.abc import Callable

from egate.domain.signal import DARK, Light, Sound, TravellerSignal
from hw.osdp.duty import IN_TURN, SOON, Wish
from hw.osdp.orders import (
    TEXT_CHARACTERS_MAX,
    TIMER_UNIT_S,
    Answer,
    Buzzer,
    Capability,
    Colour,
    Completed,
    Led,
    Order,
    Text,
)
from hw.osdp.peripheral import FAILURES_MAX, Peripheral

LIGHT_S, LIGHT_AGAIN_S = (
    2.0,
    0.7,
)  # chosen: GREEN outlives us by less than a person's way to the door; two renewals may fail
TEXT_S, TEXT_AGAIN_S = 10, 4.0  # chosen: whole seconds; display lines are long on slow buses
BLINK_TENTHS = 5  # chosen
COLOURS = {Light.RED: Colour.RED, Light.AMBER: Colour.AMBER, Light.GREEN: Colour.GREEN}
# Chosen: on, off in tenths of a second, how often.
SOUNDS = {Sound.ATTENTION: Buzzer(2, 1, 1), Sound.GO: Buzzer(1, 1, 2), Sound.REFUSED: Buzzer(5, 2, 2)}
NEEDS: dict[type, Capability] = {Led: Capability.LED, Buzzer: Capability.BUZZER, Text: Capability.TEXT}
NEVER = float("inf")


class LightsDuty:
    """All calls from one thread."""

    def __init__(self, peripheral: Peripheral, reader: int, led: int) -> None:
        self._peripheral = peripheral
        self._reader, self._led = reader, led
        self._signal = DARK
        self._sound = Sound.NONE
        self._light_at = self._text_at = NEVER
        self._light_new = self._text_new = False
        self._text_characters = 0  # of the text that may still stand in the display
        self._blank: list[Order] = []
        self._failures: dict[type, int] = dict.fromkeys(NEEDS, 0)
        self._able: frozenset[type] = frozenset()
        self._settled: Callable[[], None] | None = None
        self.connected_now = False
        self.heard_at = float("-inf")

    def show(self, signal: TravellerSignal, now: float) -> None:
        """The newest wins. Its sound is played only if the peripheral is there."""
        before, self._signal = self._signal, signal
        if (signal.light, signal.blinking) != (before.light, before.blinking):
            self._light_new, self._light_at = True, now
        if signal.text != before.text:
            self._text_new, self._text_at = True, now
        self._sound = signal.sound if self.connected_now else Sound.NONE

    def when_settled(self, done: Callable[[], None]) -> None:
        """done is called once: when the newest signal was told and answered, or there is nobody to tell."""
        self._settled = done
        self._settle()

    @property
    def unable(self) -> tuple[str, ...]:
        """Which of LED, BUZZER, TEXT the peripheral does not do."""
        return tuple(need.name for kind, need in NEEDS.items() if not self._can(kind))

    def connected(self, now: float) -> None:
        self.connected_now = True
        self.heard_at = now
        self._able = frozenset(kind for kind, need in NEEDS.items() if self._peripheral.capability(need)[0] > 0)
        dark = Led(Colour.BLACK, reader=self._reader, led=self._led)
        self._blank = [dark, Text(" " * TEXT_CHARACTERS_MAX, reader=self._reader)]
        self._sound = Sound.NONE
        self._light_new, self._light_at = True, now
        self._text_new, self._text_at = True, now

    def lost(self, diagnosis: str) -> None:
        self.connected_now = False
        self._settle()

    def heard(self, now: float) -> None:
        self.heard_at = now

    def handle_timer(self, now: float) -> None:
        pass

    def next_timer(self) -> float | None:
        return None

    def wish(self, now: float) -> Wish | None:
        wishes = [Wish(SOON, 0.0, order) for order in self._blank if self._can(type(order))][:1]
        if self._light_at < NEVER and self._can(Led):
            wishes.append(Wish(SOON if self._light_new else IN_TURN, self._light_at, self._light()))
        if (tone := SOUNDS.get(self._sound)) is not None and self._can(Buzzer):
            wishes.append(Wish(SOON, now, Buzzer(tone.on_tenths, tone.off_tenths, tone.count, self._reader)))
        if self._text_at < NEVER and self._can(Text):
            wishes.append(Wish(SOON if self._text_new else IN_TURN, self._text_at, self._text()))
        return min(wishes, key=lambda wish: (wish.at > now, wish.urgency, wish.at), default=None)

    def told(self, order: Order, now: float) -> None:
        if order in self._blank:
            self._blank.remove(order)
        elif isinstance(order, Buzzer):
            self._sound = Sound.NONE  # once, whatever becomes of it
        elif isinstance(order, Led):
            self._light_new = False
            self._light_at = NEVER if self._signal.light is Light.OFF else now + LIGHT_AGAIN_S
        elif isinstance(order, Text):
            self._text_new = False
            self._text_characters = len(self._signal.text)
            self._text_at = now + TEXT_AGAIN_S if self._signal.text else NEVER

    def answered(self, answer: Answer, now: float) -> None:
        if isinstance(answer, Completed) and (kind := type(answer.order)) in self._failures:
            self._failures[kind] = 0 if answer.ok else self._failures[kind] + 1
            self._settle()

    def _settle(self) -> None:
        waiting = (self._light_new and self._can(Led)) or (self._text_new and self._can(Text))
        if self._settled is not None and not (self.connected_now and waiting):
            done, self._settled = self._settled, None
            done()

    def _can(self, kind: type) -> bool:
        return kind in self._able and self._failures[kind] < FAILURES_MAX

    def _light(self) -> Led:
        if (colour := COLOURS.get(self._signal.light)) is None:
            return Led(Colour.BLACK, for_tenths=1, reader=self._reader, led=self._led)
        dark_tenths = BLINK_TENTHS if self._signal.blinking else 0
        tenths = round(LIGHT_S / TIMER_UNIT_S)
        return Led(colour, BLINK_TENTHS, dark_tenths, tenths, self._reader, self._led)

    def _text(self) -> Text:
        """As long as what it overwrites: a display need not clear the rest of its line."""
        shown = "".join(one if " " <= one <= "~" else "?" for one in self._signal.text)[:TEXT_CHARACTERS_MAX]
        return Text(shown.ljust(max(1, self._text_characters)), TEXT_S if shown else 1, self._reader)
