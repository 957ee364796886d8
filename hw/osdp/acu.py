"""One libosdp context that speaks to one peripheral: orders in, answers out, nothing decided.

ACU and PD are the standard's words for the controller and the peripheral device (IEC 60839-11-5, OSDP 2.2).
One order at a time is handed to libosdp: what waits in its own queue could be neither overtaken nor taken back.
"""

from __future__ import annotations

from typing import Any

from hw.osdp.channel import Channel
from hw.osdp.library import EventReturns, native, quiet
from hw.osdp.orders import (
    TIMER_TENTHS_MAX,
    Answer,
    Ask,
    Buzzer,
    Capability,
    Card,
    Completed,
    Led,
    Order,
    Output,
    Report,
    Status,
    Text,
)

REFRESHES_TO_SEND = 3  # libosdp takes a command, builds it, sends it: a refresh each
REFRESHES_TO_HEAR = 2  # the answer is read in the first; the second never sends

_STATUS_TYPES = {
    Status.OUTPUT: native.STATUS_REPORT_OUTPUT,
    Status.INPUT: native.STATUS_REPORT_INPUT,
    Status.LOCAL: native.STATUS_REPORT_LOCAL,
}
_STATUSES = {number: status for status, number in _STATUS_TYPES.items()}
# osdp_TEXT control codes, OSDP 2.2, 6.13: with line wrap
_TEXT_PERMANENT, _TEXT_TEMPORARY = 2, 4
_TONE_DEFAULT = 2  # osdp_BUZ, 6.12
_LED_SET_PERMANENT, _LED_SET_TEMPORARY = 1, 2  # osdp_LED, 6.11


class Acu:
    """All calls from one thread. close ends the context, and with it whatever was queued in it."""

    def __init__(self, channel: Channel, address: int, key: bytes) -> None:
        quiet()
        self._channel = channel
        self._answers: list[Completed] = []
        self._events = EventReturns()
        self.in_flight: Order | None = None
        self._context = native.ControlPanel([_peripheral(channel, address, key)])
        self._context.set_event_callback(self._on_event)
        self._context.set_command_completion_callback(self._on_completion)

    @property
    def online(self) -> bool:
        """True if the peripheral answers inside the secure channel."""
        return bool(self._context.status() & 1 and self._context.sc_status() & 1)

    def submit(self, order: Order) -> bool:
        """Hands order to libosdp, which sends it at the next refreshes. False if it was not taken. None may be in flight."""
        if self.in_flight is not None:
            raise RuntimeError("an order is in flight")
        self.in_flight = order
        if not self._context.submit_command(0, _command(order)):
            self.in_flight = None
        return self.in_flight is not None

    def refresh_to_send(self) -> list[Answer]:
        """Lets libosdp send at most one frame; answers as for refresh_to_hear."""
        sent_count = self._channel.sent_count
        answers: list[Answer] = []
        for _ in range(REFRESHES_TO_SEND):
            answers += self._refresh()
            if self._channel.sent_count > sent_count:
                break
        return answers

    def refresh_to_hear(self) -> list[Answer]:
        """What libosdp learnt from the frame that was delivered, in order."""
        return [answer for _ in range(REFRESHES_TO_HEAR) for answer in self._refresh()]

    @property
    def identity(self) -> str:
        """What osdp_PDID said: vendor, model, version, serial number, firmware."""
        said = self._context.get_pd_id(0)
        firmware = said["firmware_version"]
        return (
            f"vendor {said['vendor_code'] & 0xFFFFFF:06X} model {said['model']} version {said['version']} "
            f"serial {said['serial_number'] & 0xFFFFFFFF:08X} "
            f"firmware {firmware >> 16 & 0xFF}.{firmware >> 8 & 0xFF}.{firmware & 0xFF}"
        )

    def capability(self, function: Capability) -> tuple[int, int]:
        """(compliance level, number of items) by osdp_PDCAP; (0, 0) if it was not named."""
        level, items = self._context.check_capability(0, int(function))
        return int(level), int(items)

    def close(self) -> None:
        """The context ends with its last reference, here and now, in the caller's thread."""
        self._context = None

    def _refresh(self) -> list[Answer]:
        self._context.refresh()
        completed, self._answers = self._answers, []
        answers: list[Answer] = [*completed]
        # libosdp completes a command and then hands out the report that answered it, within one refresh
        questions = {_answered(one.order) for one in completed if one.ok}
        for event in self._events.take():
            if event["event"] == native.EVENT_STATUS and event["type"] in _STATUSES:
                status = _STATUSES[event["type"]]
                answers.append(Report(status, tuple(event["report"]), status in questions))
            elif event["event"] == native.EVENT_CARDREAD:
                bits = event.get("length", 8 * len(event["data"]))
                answers.append(Card(bytes(event["data"]), bits, event["reader_no"]))
        return answers

    def _on_event(self, _peripheral: int, event: dict[str, Any]) -> int:
        self._events.collect(event)
        return 0

    def _on_completion(self, _peripheral: int, _command: dict[str, Any], status: int) -> None:
        order, self.in_flight = self.in_flight, None
        if order is not None:
            self._answers.append(Completed(order, status == native.COMPLETION_OK))


def _answered(order: Order) -> Status | None:
    """Which report an answer to order is; osdp_OUT may be answered by the outputs' status."""
    if isinstance(order, Ask):
        return order.status
    return Status.OUTPUT if isinstance(order, Output) else None


def _command(order: Order) -> dict[str, Any]:
    match order:
        case Output(output, control_code, tenths):
            return {
                "command": native.CMD_OUTPUT,
                "output_no": output,
                "control_code": control_code,
                "timer_count": min(tenths, TIMER_TENTHS_MAX),
            }
        case Ask(status):
            return {"command": native.CMD_STATUS, "type": _STATUS_TYPES[status]}
        case Led():
            temporary = order.for_tenths is not None
            return {
                "command": native.CMD_LED,
                "reader": order.reader,
                "led_number": order.led,
                "temporary": temporary,
                "control_code": _LED_SET_TEMPORARY if temporary else _LED_SET_PERMANENT,
                "on_color": int(order.colour),
                "off_color": 0,
                "on_count": order.on_tenths,
                "off_count": order.off_tenths,
                "timer_count": min(order.for_tenths or 0, TIMER_TENTHS_MAX),
            }
        case Buzzer():
            return {
                "command": native.CMD_BUZZER,
                "reader": order.reader,
                "control_code": _TONE_DEFAULT,
                "on_count": order.on_tenths,
                "off_count": order.off_tenths,
                "rep_count": order.count,
            }
        case Text():
            return {
                "command": native.CMD_TEXT,
                "reader": order.reader,
                "control_code": _TEXT_PERMANENT if order.for_s is None else _TEXT_TEMPORARY,
                "temp_time": order.for_s or 0,
                "offset_row": 1,
                "offset_col": 1,
                "data": order.text,
            }


def _peripheral(channel: Channel, address: int, key: bytes) -> dict[str, Any]:
    return {
        "name": f"PD-{address}",
        "address": address,
        # Without the first libosdp falls back to the install key, and to no secure channel at all; without the second it goes
        # offline for 300 s at an answer to a poll that it does not know, as osdp_FMT of a card reader.
        "flags": native.FLAG_ENFORCE_SECURE | native.FLAG_IGN_UNSOLICITED,
        "scbk": key,
        "channel": channel,
        "version": 0,
        "model": 0,
        "vendor_code": 0,
        "serial_number": 0,
        "firmware_version": 0,
    }
