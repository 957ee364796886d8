"""The pure-Python `osdp` control panel, in a process of its own because libosdp has the same name:

    PYTHONPATH=var/peers/osdp python tests/hw/osdp_peer.py PORT BAUD ADDRESS MASTER_KEY

One JSON command a line on standard input, {"do": NAME, ...}; one JSON line each for its answer, {"answer": ...}, and for what the
peripheral reports by itself, {"event": NAME, ...}. It derives the peripheral's key from MASTER_KEY and the peripheral's cUID, and gives
it to a peripheral that still has the install key.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
from typing import Any

osdp: Any = importlib.import_module("osdp")
commands: Any = importlib.import_module("osdp._command")
types: Any = importlib.import_module("osdp._types")


def say(**line: Any) -> None:
    """In one write: the polling thread speaks, too."""
    os.write(sys.stdout.fileno(), json.dumps(line).encode() + b"\n")


class Panel(osdp.ControlPanel):  # type: ignore[misc]
    def on_local_status_report_reply_received(self, address: int, status: Any) -> None:
        say(event="local", tamper=status.tamper, power=status.power_failure)

    def on_input_status_report_reply_received(self, address: int, status: Any) -> None:
        say(event="inputs", levels=list(status.statuses))

    def on_raw_card_data_reply_received(self, address: int, card: Any) -> None:
        say(
            event="card",
            bit_count=card.bit_count,
            data=card.data.hex(),
            format=card.format_code.name,
            reader=card.reader_number,
        )


def carry_out(panel: Any, bus: Any, address: int, order: dict[str, Any]) -> Any:
    match order.pop("do"):
        case "online":
            device = panel._buses[bus]._configured_devices[address]
            return {
                "online": device.is_online,
                "secure": device.is_security_established,
                "install_key": device.is_scbkd,
            }
        case "reconnect":
            panel.remove_device(bus, address)
            panel.add_device(bus, address, True, True)
            return True
        case "identity":
            report = panel.id_report(bus, address)
            return {"model": report.model_number, "serial": report.serial_number}
        case "capabilities":
            report = panel.device_capabilities(bus, address)
            return {one.function.name: [one.compliance, one.number_of] for one in report.capabilities}
        case "output":
            control = types.OutputControl(order["number"], types.OutputControlCode(order["code"]), order["timer"])
            return panel.output_control(bus, address, types.OutputControls([control]))
        case "outputs":
            return list(panel.output_status(bus, address).statuses)
        case "inputs":
            return list(panel.input_status(bus, address).statuses)
        case "local":
            status = panel.local_status(bus, address)
            return {"tamper": status.tamper, "power": status.power_failure}
        case "light":
            return panel.reader_led_control(bus, address, types.ReaderLedControls([temporary_light(**order)]))
        case "buzzer":
            control = types.ReaderBuzzerControl(0, types.ToneCode.DefaultTone, **order)
            return acknowledged(panel, bus, commands.ReaderBuzzerControlCommand(address, control))
        case "text":
            output = types.ReaderTextOutput(0, types.TextCommand.PermanentTextNoWrap, 0, 1, 1, order["text"])
            return acknowledged(panel, bus, commands.ReaderTextOutputCommand(address, output))
        case other:
            raise ValueError(other)


def temporary_light(color: str, timer: int) -> Any:
    return types.ReaderLedControl(
        0,
        0,
        types.TemporaryReaderControlCode.SetTemporaryAndStartTimer,
        5,
        5,
        types.LedColor[color],
        types.LedColor.Black,
        timer,
        types.PermanentReaderControlCode.Nop,
        0,
        0,
        types.LedColor.Black,
        types.LedColor.Black,
    )


def acknowledged(panel: Any, bus: Any, command: Any) -> bool:
    return bool(panel.send_command(bus, command).type == types.ReplyType.Ack)


def main(port: str, baud: str, address: str, master_key: str) -> None:
    logging.getLogger("osdp").setLevel(logging.CRITICAL)
    panel = Panel(bytes.fromhex(master_key))
    bus = panel.start_connection(importlib.import_module("osdp._connection").SerialPortOsdpConnection(port, int(baud)))
    panel.add_device(bus, int(address), True, True)
    for line in sys.stdin:
        try:
            say(answer=carry_out(panel, bus, int(address), json.loads(line)))
        except Exception as error:
            say(answer=f"{type(error).__name__}: {error}")
    os._exit(0)  # its polling thread never ends by itself


if __name__ == "__main__":
    main(*sys.argv[1:])
