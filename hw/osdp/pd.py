"""A simulated lock: libosdp's peripheral side, one output that drives the bolt, and the timer that secures it.

    osdp_OUT ──▶ Output (permanent state, timed state) ──▶ released or secured ──▶ osdp_OSTATR

Not modelled: the bolt's mechanics, supervision resistors, more than one reader, file transfer, change of address or speed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hw.link.base import Link
from hw.osdp.frame import Assembler
from hw.osdp.library import lend, native, quiet

REFRESHES = 2
RECEIVE_BYTES = 1024

# OSDP 2.2, 6.10 osdp_OUT: control codes
NOP, OFF_STOP_TIMER, ON_STOP_TIMER, OFF_AFTER_TIMER, ON_AFTER_TIMER, ON_TIMED, OFF_TIMED = range(7)
TIMER_UNIT_S = 0.1

# (function code, compliance level, number of items), OSDP 2.2 annex B
CONTACT_STATUS = (1, 1, 1)
OUTPUT_CONTROL = (2, 2, 1)  # level 2: timed commands

ACCEPTED = (0, None)
REFUSED = (-1, None)


@dataclass(frozen=True, slots=True)
class Actuation:
    """One executed osdp_OUT. at: the peripheral's clock."""

    at: float
    control_code: int
    duration_s: float


@dataclass(slots=True)
class Unlock:
    """One interval in which the bolt was withdrawn; end None while it still is."""

    start: float
    end: float | None = None


class LockPeripheral:
    """Call poll again and again from one thread (`hw.link.pump.Pump` does). Attributes may be read from any thread.

    key None: as delivered, waiting for its first key under the install key. Faults to plant:
    timer_fault: a timed release never ends. stuck: the output is on, whatever was commanded.
    replies_lost: so many replies to osdp_OUT are executed and not sent.
    """

    def __init__(self, link: Link, key: bytes | None, clock: Callable[[], float], address: int = 1) -> None:
        quiet()
        self._link = link
        self._clock = clock
        self._key = key
        self._address = address
        self._channel = _PeripheralChannel(link, clock)
        self._context: Any = None
        self._permanent = False
        self._timed: bool | None = None
        self._timed_until = 0.0
        self._reported = False
        self.released = False
        self.contact = False  # the input of osdp_ISTATR
        self.timer_fault = False
        self.stuck = False
        self.question_count = 0  # for the output status
        self.actuations: list[Actuation] = []
        self.unlocks: list[Unlock] = []
        self.on_change: Callable[[bool, float], None] | None = None
        self._power_cycle_wanted = True
        self._come_on_wanted = False

    @property
    def released_since(self) -> float | None:
        return self.unlocks[-1].start if self.released else None

    @property
    def online(self) -> bool:
        """True while a controller speaks to it inside the secure channel."""
        context = self._context
        return bool(context is not None and context.is_sc_active())

    @property
    def replies_lost(self) -> int:
        return self._channel.replies_lost

    @replies_lost.setter
    def replies_lost(self, count: int) -> None:
        self._channel.replies_lost = count

    def power_cycle(self) -> None:
        """As if replaced by another one with the same key: secured, and it knows of no session. Any thread."""
        self._power_cycle_wanted = True

    def come_on(self) -> None:
        """The output comes on by itself and obeys the next command. Any thread."""
        self._come_on_wanted = True

    def poll(self, timeout_s: float = 0.001) -> None:
        """Waits up to timeout_s for bytes, answers them and runs the timer. Raises LinkLost."""
        if self._power_cycle_wanted:
            self._restart()
        self._channel.receive(timeout_s)
        self._run_timer()
        for _ in range(REFRESHES):
            self._context.refresh()

    def close(self) -> None:
        """From the polling thread, or after it has ended."""
        self._context = None
        self._link.close()

    def _restart(self) -> None:
        self._power_cycle_wanted = False
        self._context = None
        self._permanent, self._timed = False, None
        self._apply()
        self._channel.clear()
        self._context = native.PeripheralDevice(
            _information(self._channel, self._address, self._key),
            capabilities=[_capability(*item) for item in (CONTACT_STATUS, OUTPUT_CONTROL)],
        )
        self._context.set_command_callback(self._on_command)

    def _on_command(self, command: dict[str, Any]) -> tuple[int, object]:
        """Never raises: libosdp would crash."""
        if command["command"] == native.CMD_STATUS:
            inputs = command["type"] == native.STATUS_REPORT_INPUT
            self.question_count += not inputs
            return lend(_STATUS_ANSWERS[self.contact if inputs else self.released])
        if command["command"] == native.CMD_KEYSET and self._key is None:
            return lend(ACCEPTED)  # takes its first key from anybody who knows the install key
        if command["command"] != native.CMD_OUTPUT or not NOP <= command["control_code"] <= OFF_TIMED:
            return lend(REFUSED)
        self._actuate(command["control_code"], command["timer_count"] * TIMER_UNIT_S)
        self._channel.swallow_reply()
        return lend(ACCEPTED)

    def _actuate(self, control_code: int, duration_s: float) -> None:
        self.actuations.append(Actuation(self._clock(), control_code, duration_s))
        if control_code in {OFF_STOP_TIMER, ON_STOP_TIMER}:
            self._timed = None
        if control_code in {OFF_STOP_TIMER, ON_STOP_TIMER, OFF_AFTER_TIMER, ON_AFTER_TIMER}:
            self._permanent = control_code in {ON_STOP_TIMER, ON_AFTER_TIMER}
        if control_code in {ON_TIMED, OFF_TIMED}:
            self._timed = control_code == ON_TIMED
            self._timed_until = self._clock() + duration_s
        self._apply()

    def _run_timer(self) -> None:
        if self._timed is not None and self._clock() >= self._timed_until and not self.timer_fault:
            self._timed = None
        if self._come_on_wanted:
            self._come_on_wanted, self._permanent = False, True
        self._apply()

    def _apply(self) -> None:
        released = self.stuck or (self._permanent if self._timed is None else self._timed)
        if released == self.released:
            return
        now = self._clock()
        if released:
            self.unlocks.append(Unlock(now))
        else:
            self.unlocks[-1].end = now
        self.released = released
        if self.on_change is not None:
            self.on_change(released, now)


class _PeripheralChannel:
    """libosdp's channel; read, write, flush never raise."""

    id = 1

    def __init__(self, link: Link, clock: Callable[[], float]) -> None:
        self._link = link
        self._clock = clock
        self._failure: Exception | None = None
        self._swallow = False
        self._assembler = Assembler()
        self.received = bytearray()
        self.replies_lost = 0

    def receive(self, timeout_s: float) -> None:
        if self._failure is not None:
            raise self._failure
        self.received += self._assembler.feed(self._link.read(RECEIVE_BYTES, timeout_s), self._clock())

    def clear(self) -> None:
        self._assembler.clear()
        self.received.clear()

    def swallow_reply(self) -> None:
        if self.replies_lost > 0:
            self.replies_lost -= 1
            self._swallow = True

    def read(self, size_max: int) -> bytes:
        data = bytes(self.received[:size_max])
        del self.received[:size_max]
        return data

    def write(self, data: bytes) -> int:
        swallow, self._swallow = self._swallow, False
        if not swallow and self._failure is None:
            try:
                self._link.write(data)
            except Exception as failure:
                self._failure = failure
        return len(data)

    def flush(self) -> None:
        self.received.clear()


def _status_answer(active: bool) -> tuple[int, object]:
    """The native module drops the report of a status answer (3.2.9: only its type is converted) and then copies the command's
    memory as a status report, whichever command came back. A key set command lies over it: its data begins at offset 2, the
    report's entry count at 4, the entries at 8.
    """
    count = (1).to_bytes(4, "little")
    return (0, {"command": native.CMD_KEYSET, "type": 1, "data": bytes(2) + count + bytes([active]) + bytes(9)})


_STATUS_ANSWERS = {active: _status_answer(active) for active in (False, True)}


def _capability(function_code: int, compliance_level: int, num_items: int) -> dict[str, int]:
    return {"function_code": function_code, "compliance_level": compliance_level, "num_items": num_items}


def _information(channel: _PeripheralChannel, address: int, key: bytes | None) -> dict[str, Any]:
    return {
        "name": f"PD-{address}",
        "address": address,
        "flags": native.FLAG_INSTALL_MODE if key is None else native.FLAG_ENFORCE_SECURE,
        "scbk": key,
        "channel": channel,
        "version": 1,
        "model": 1,
        "vendor_code": 0x000000,
        "serial_number": 1,
        "firmware_version": 1,
    }
