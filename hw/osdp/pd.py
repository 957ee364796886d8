"""A simulated peripheral: libosdp's peripheral side with outputs, inputs, lights, a buzzer, a display and a card reader.

    osdp_OUT ──▶ Output (permanent state, timed state) ──▶ released or secured ──▶ osdp_OSTATR
    osdp_LED, _BUZ, _TEXT ──▶ Led, Buzzer, Display ──▶ on_light, on_buzzer, on_text
    contacts, tamper, power ──▶ osdp_ISTATR, osdp_LSTATR, asked and at each change;  cards ──▶ osdp_RAW

Output 0 drives the bolt. Not modelled: the bolt's mechanics, supervision resistors, keypads, file transfer, change of address or speed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from hw.link.base import Link
from hw.osdp.library import lend, native, quiet
from hw.osdp.pd_answer import (
    ACCEPTED,
    REFUSED,
    Equipment,
    Identity,
    capabilities,
    card_event,
    status_answer,
    status_event,
)
from hw.osdp.pd_channel import PeripheralChannel
from hw.osdp.pd_output import (
    NOP,
    OFF_STOP_TIMER,
    OFF_TIMED,
    ON_TIMED,
    TIMER_UNIT_S,
    Actuation,
    Output,
    Unlock,
)
from hw.osdp.pd_reader import Buzzer, Display, Led

__all__ = [
    "NOP",
    "OFF_STOP_TIMER",
    "OFF_TIMED",
    "ON_TIMED",
    "Actuation",
    "Equipment",
    "Identity",
    "LockPeripheral",
    "Unlock",
]

REFRESHES = 2
FULLY_EQUIPPED, ANONYMOUS = Equipment(), Identity()
EVENTS_MAX = 16  # chosen: a reader's memory; what comes on top is lost


class LockPeripheral:
    """Call poll again and again from one thread (`hw.link.pump.Pump` does). Attributes may be read from any thread.

    key None: as delivered, waiting for its first key under the install key; once it has one it wants the secure channel from its next
    power cycle on. Callbacks run in the polling thread. Faults to plant:
    timer_fault: a timed release never ends. stuck: the output is on, whatever was commanded.
    replies_lost: so many replies to osdp_OUT and osdp_KEYSET are executed and not sent. keys_refused: keeps the key it has.
    conforming: see PeripheralChannel.
    """

    def __init__(
        self,
        link: Link,
        key: bytes | None,
        clock: Callable[[], float],
        address: int = 1,
        equipment: Equipment = FULLY_EQUIPPED,
        identity: Identity = ANONYMOUS,
    ) -> None:
        self._link = link
        self._clock = clock
        self._address = address
        self._equipment, self._identity = equipment, identity
        self._channel = PeripheralChannel(link, clock)
        self._context: Any = None
        self._events: deque[dict[str, Any]] = deque(maxlen=EVENTS_MAX)
        self._power_cycle_wanted = True
        self._come_on_wanted = False
        self.key = key
        self.keys_refused = False
        self.online = False  # a controller speaks to it inside the secure channel
        self.outputs = tuple(Output() for _ in range(equipment.outputs))
        self._contacts = [False] * equipment.inputs
        self._tampered = self._power_failed = False
        self.question_count = 0  # for the output status
        self.actuations: list[Actuation] = []
        self.on_change: Callable[[bool, float], None] | None = None
        self.on_light: Callable[[int, int, float], None] | None = None  # LED, its Color, when
        self.on_text: Callable[[str, float], None] | None = None
        self.on_buzzer: Callable[[bool, float], None] | None = None
        self._shown = ([0] * equipment.leds, "", False)
        self._dark()

    @property
    def released(self) -> bool:
        return self.outputs[0].active

    @property
    def unlocks(self) -> list[Unlock]:
        return self.outputs[0].unlocks

    @property
    def released_since(self) -> float | None:
        return self.unlocks[-1].start if self.released else None

    @property
    def timer_fault(self) -> bool:
        return self.outputs[0].timer_fault

    @timer_fault.setter
    def timer_fault(self, active: bool) -> None:
        self.outputs[0].timer_fault = active

    @property
    def stuck(self) -> bool:
        return self.outputs[0].stuck

    @stuck.setter
    def stuck(self, active: bool) -> None:
        self.outputs[0].stuck = active

    @property
    def conforming(self) -> bool:
        return self._channel.conforming

    @conforming.setter
    def conforming(self, conforming: bool) -> None:
        self._channel.conforming = conforming

    @property
    def replies_lost(self) -> int:
        return self._channel.replies_lost

    @replies_lost.setter
    def replies_lost(self, count: int) -> None:
        self._channel.replies_lost = count

    @property
    def contact(self) -> bool:
        """Input 0 of osdp_ISTATR."""
        return self._contacts[0]

    @contact.setter
    def contact(self, active: bool) -> None:
        self.set_input(0, active)

    @property
    def tampered(self) -> bool:
        return self._tampered

    def set_input(self, number: int, active: bool) -> None:
        """Told at once, with the answer to the next poll. Any thread."""
        if self._contacts[number] != active:
            self._contacts[number] = active
            self._events.append(status_event(native.STATUS_REPORT_INPUT, bytes(self._contacts)))

    def set_local(self, *, tampered: bool, power_failed: bool) -> None:
        """osdp_LSTATR: its case was opened; its supply fails. Any thread."""
        if (tampered, power_failed) != (self._tampered, self._power_failed):
            self._tampered, self._power_failed = tampered, power_failed
            self._events.append(status_event(native.STATUS_REPORT_LOCAL, bytes([tampered, power_failed])))

    def present_card(self, bits: bytes, bit_count: int, *, wiegand: bool = True, reader: int = 0) -> bool:
        """A card at the reader. False if nobody is listening: it is not kept for later. Any thread."""
        if not 0 < bit_count <= 8 * len(bits):
            raise ValueError("a card has at least one bit, and all of them")
        if self.online:
            self._events.append(card_event(bits, bit_count, wiegand=wiegand, reader=reader))
        return self.online

    def power_cycle(self) -> None:
        """As if replaced by another one with the same key: secured, dark, and it knows of no session. Any thread."""
        self._power_cycle_wanted = True

    def come_on(self) -> None:
        """The output comes on by itself and obeys the next command. Any thread."""
        self._come_on_wanted = True

    def poll(self, timeout_s: float = 0.001) -> None:
        """Waits up to timeout_s for bytes, answers them and runs the timers. Raises LinkLost."""
        if self._power_cycle_wanted:
            self._restart()
        self._channel.receive(timeout_s)
        self._run_timers()
        while self._events and self._context.submit_event(self._events[0]):
            self._events.popleft()
        for _ in range(REFRESHES):
            self._context.refresh()
        online = bool(self._context.is_sc_active())
        if self.online and not online:
            self._context.flush_events()  # a card nobody asked for in time must not be reported to the next controller
        self.online = online
        self._show()

    def close(self) -> None:
        """From the polling thread, or after it has ended."""
        self._context = None
        self._link.close()

    def _restart(self) -> None:
        self._power_cycle_wanted = False
        self._context = None
        self.online = False
        self._events.clear()
        self._dark()
        for output in self.outputs:
            self._move(output, lambda one: one.reset(self._clock()))
        self._channel.clear()
        quiet()
        self._context = native.PeripheralDevice(
            _information(self._channel, self._address, self.key, self._identity),
            capabilities=capabilities(self._equipment),
        )
        self._context.set_command_callback(self._on_command)

    def _dark(self) -> None:
        self.leds = tuple(Led() for _ in range(self._equipment.leds))
        self.buzzer, self.display = Buzzer(), Display()

    def _on_command(self, command: dict[str, Any]) -> tuple[int, object]:
        """Never raises: libosdp would crash."""
        kind, now = command["command"], self._clock()
        if kind == native.CMD_STATUS:
            return lend(self._status(command["type"]))
        if kind == native.CMD_OUTPUT and NOP <= command["control_code"] <= OFF_TIMED:
            self._actuate(command, now)
        elif kind == native.CMD_KEYSET and not self.keys_refused:
            self.key = bytes(command["data"])
            self._channel.swallow_reply()
        elif kind == native.CMD_LED:
            self.leds[command["led_number"]].command(command, now)
        elif kind == native.CMD_BUZZER:
            self.buzzer.command(command, now)
        elif kind != native.CMD_TEXT or not self.display.command(command, now):
            return lend(REFUSED)
        return lend(ACCEPTED)

    def _status(self, kind: int) -> tuple[int, object]:
        if kind == native.STATUS_REPORT_OUTPUT:
            self.question_count += 1
            return status_answer(bytes(output.active for output in self.outputs))
        if kind == native.STATUS_REPORT_INPUT:
            return status_answer(bytes(self._contacts))
        if kind == native.STATUS_REPORT_LOCAL:
            return status_answer(bytes([self._tampered, self._power_failed]))
        return status_answer(bytes(1))  # osdp_RSTATR: the reader is connected and whole

    def _actuate(self, command: dict[str, Any], now: float) -> None:
        number, control_code = command["output_no"], command["control_code"]
        duration_s = command["timer_count"] * TIMER_UNIT_S
        self.actuations.append(Actuation(now, control_code, duration_s, number))
        self._move(self.outputs[number], lambda output: output.command(control_code, duration_s, now))
        self._channel.swallow_reply()

    def _run_timers(self) -> None:
        now = self._clock()
        if self._come_on_wanted:
            self._come_on_wanted = False
            self._move(self.outputs[0], lambda output: output.come_on(now))
        for output in self.outputs:
            self._move(output, lambda one: one.run(now))

    def _move(self, output: Output, change: Callable[[Output], object]) -> None:
        """Carries out change and tells of the bolt if it moved."""
        before = output.active
        change(output)
        if output.active != before and output is self.outputs[0] and self.on_change is not None:
            unlock = output.unlocks[-1]
            self.on_change(output.active, unlock.start if unlock.end is None else unlock.end)

    def _show(self) -> None:
        now = self._clock()
        colors, text, sounding = self._shown
        for number, led in enumerate(self.leds):
            if (color := led.color(now)) != colors[number]:
                colors[number] = color
                if self.on_light is not None:
                    self.on_light(number, color, now)
        shown = (colors, self.display.text(now), self.buzzer.sounding(now))
        self._shown = shown
        if shown[1] != text and self.on_text is not None:
            self.on_text(shown[1], now)
        if shown[2] != sounding and self.on_buzzer is not None:
            self.on_buzzer(shown[2], now)


def _information(channel: PeripheralChannel, address: int, key: bytes | None, identity: Identity) -> dict[str, Any]:
    return {
        "name": f"PD-{address}",
        "address": address,
        "flags": native.FLAG_INSTALL_MODE if key is None else native.FLAG_ENFORCE_SECURE,
        "scbk": key,
        "channel": channel,
        "version": identity.version,
        "model": identity.model,
        "vendor_code": identity.vendor_code,
        "serial_number": identity.serial_number,
        "firmware_version": identity.firmware_version,
    }
