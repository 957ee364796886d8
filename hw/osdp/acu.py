"""One libosdp context that speaks to one peripheral: commands in, answers out, nothing decided.

ACU and PD are the standard's words for the controller and the peripheral device (IEC 60839-11-5, OSDP 2.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from hw.osdp.channel import Channel
from hw.osdp.library import EventReturns, native, quiet

# OSDP 2.2, 6.10 osdp_OUT: control codes
OFF_AND_STOP_TIMER = 1
ON_FOR_A_TIME = 5
TIMER_UNIT_S = 0.1

REFRESHES = 3  # one command needs a refresh to be taken, one to be sent, one to wait


class Command(Enum):
    RELEASE = "RELEASE"
    SECURE = "SECURE"
    STATUS = "STATUS"


@dataclass(frozen=True, slots=True)
class Completed:
    """A command was answered (ok) or failed; failed says nothing about whether it was executed."""

    command: Command
    ok: bool


@dataclass(frozen=True, slots=True)
class OutputReport:
    """Output status. asked: the answer to our question; otherwise sent by itself, and possibly old."""

    active: tuple[bool, ...]
    asked: bool


class Acu:
    """All calls from one thread. close ends the context, and with it whatever was queued in it."""

    def __init__(self, channel: Channel, address: int, key: bytes) -> None:
        quiet()
        self._answers: list[Completed | dict[str, Any]] = []
        self._events = EventReturns()
        self._context = native.ControlPanel([_peripheral(channel, address, key)])
        self._context.set_event_callback(self._on_event)
        self._context.set_command_completion_callback(self._on_completion)

    @property
    def online(self) -> bool:
        """True if the peripheral answers inside the secure channel."""
        return bool(self._context.status() & 1 and self._context.sc_status() & 1)

    def release(self, output: int, duration_s: float) -> bool:
        """Queues a timed release. False if it was not taken. duration_s is rounded to tenths."""
        return self._output(output, ON_FOR_A_TIME, round(duration_s / TIMER_UNIT_S))

    def secure(self, output: int) -> bool:
        return self._output(output, OFF_AND_STOP_TIMER, 0)

    def ask(self) -> bool:
        """Queues a question for the output status."""
        return bool(
            self._context.submit_command(0, {"command": native.CMD_STATUS, "type": native.STATUS_REPORT_OUTPUT})
        )

    def refresh(self) -> list[Completed | OutputReport]:
        """Lets libosdp work and returns what it learnt, in order."""
        answers: list[Completed | OutputReport] = []
        for _ in range(REFRESHES):
            self._context.refresh()
            completed, self._answers = self._answers, []
            answers += [answer for answer in completed if isinstance(answer, Completed)]
            # libosdp completes a command and then hands out the report that answered it, within one refresh
            asked = any(isinstance(answer, Completed) and answer.ok for answer in completed)
            answers += [
                OutputReport(tuple(bool(entry) for entry in event["report"]), asked)
                for event in self._events.take()
                if event["event"] == native.EVENT_STATUS and event["type"] == native.STATUS_REPORT_OUTPUT
            ]
        return answers

    def close(self) -> None:
        """The context ends with its last reference, here and now, in the caller's thread."""
        self._context = None

    def _output(self, output: int, control_code: int, timer_count: int) -> bool:
        command = {
            "command": native.CMD_OUTPUT,
            "output_no": output,
            "control_code": control_code,
            "timer_count": timer_count,
        }
        return bool(self._context.submit_command(0, command))

    def _on_event(self, _peripheral: int, event: dict[str, Any]) -> int:
        self._events.collect(event)
        return 0

    def _on_completion(self, _peripheral: int, command: dict[str, Any], status: int) -> None:
        if command["command"] == native.CMD_STATUS:
            kind = Command.STATUS
        else:
            kind = Command.RELEASE if command["control_code"] == ON_FOR_A_TIME else Command.SECURE
        self._answers.append(Completed(kind, status == native.COMPLETION_OK))


def _peripheral(channel: Channel, address: int, key: bytes) -> dict[str, Any]:
    return {
        "name": f"PD-{address}",
        "address": address,
        # Without it libosdp falls back to the install key, and to no secure channel at all.
        "flags": native.FLAG_ENFORCE_SECURE,
        "scbk": key,
        "channel": channel,
        "version": 0,
        "model": 0,
        "vendor_code": 0,
        "serial_number": 0,
        "firmware_version": 0,
    }
