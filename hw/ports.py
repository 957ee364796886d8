"""Serial ports of this machine: their lasting names, their drivers, and what about them lets a gate down.

    /sys/class/tty/NAME/device        the port's own device; its `driver`, its latency_timer (FTDI), the USB device above it
    /dev/serial/by-id, by-path        names that survive replugging: by serial number, by socket (udev, 60-serial.rules)

root: what the two lie under, "/" on a real machine. Nothing is opened.
"""

from __future__ import annotations

import contextlib
import grp
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Names given in the order of plugging: after a power cut another device may have them.
_UNSTABLE = re.compile(r"/dev/tty(USB|ACM)\d+")
# FTDI AN232B-04: an adapter holds bytes back until 62 have come or this time is over; its driver's default is 16 ms.
LATENCY_MS_WANTED = 1
UDEV_RULE = 'ACTION=="add", SUBSYSTEM=="usb-serial", DRIVER=="ftdi_sio", ATTR{latency_timer}="1"'
_USB_DEPTH_MAX = 4  # a port's device, its interface, its USB device; hubs lie above


@dataclass(frozen=True, slots=True)
class SerialPort:
    """path: as the kernel names it. names: lasting ones, by-id before by-path. driver, usb_id ("vendor:product"), product: "" if
    there is none. latency_ms: FTDI adapters only."""

    path: str
    names: tuple[str, ...] = ()
    driver: str = ""
    usb_id: str = ""
    product: str = ""
    latency_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """fatal: the port cannot be used like this; otherwise it works, but not as well as it could."""

    what: str
    fatal: bool = False


def serial_ports(root: Path = Path("/")) -> tuple[SerialPort, ...]:
    """Ports with a device behind them, by path. Sockets of a main board that lead nowhere are left out."""
    try:
        entries = sorted((root / "sys/class/tty").iterdir(), key=lambda entry: _natural(entry.name))
    except OSError:
        return ()
    lasting = _lasting_names(root)
    return tuple(_port(entry, lasting) for entry in entries if _is_port(entry))


def may_open(node: Path) -> bool:
    return os.access(node, os.R_OK | os.W_OK)


def examine(path: str, root: Path = Path("/"), permitted: Callable[[Path], bool] = may_open) -> tuple[Finding, ...]:
    """What is wrong with the serial port at path, as a device URL names it. permitted: whether this account may open it."""
    there = root / path.lstrip("/")
    findings = []
    node = Path(os.path.realpath(there))
    ports = {Path(port.path).name: port for port in serial_ports(root)}
    port = ports.get(node.name)
    if _UNSTABLE.fullmatch(path):
        better = f"; use {port.names[0]}" if port is not None and port.names else ""
        findings.append(Finding(f"{path} is given in the order of plugging and may be another device tomorrow{better}"))
    if not node.exists():
        return (*findings, Finding(f"{path} does not exist", fatal=True))
    if not permitted(node):
        findings.append(Finding(f"this account may not open {path}{_group(node)}", fatal=True))
    if port is not None and port.latency_ms is not None and port.latency_ms > LATENCY_MS_WANTED:
        findings.append(
            Finding(
                f"the FTDI adapter holds bytes back {port.latency_ms} ms; set it to 1 by the udev rule: {UDEV_RULE}"
            )
        )
    return tuple(findings)


def _is_port(entry: Path) -> bool:
    device = entry / "device"
    # type 0 of a serial8250 port: no UART was found there (Linux, serial_core.h PORT_UNKNOWN)
    return (device / "driver").exists() and _text(entry / "type") != "0"


def _port(entry: Path, lasting: dict[str, list[str]]) -> SerialPort:
    device = Path(os.path.realpath(entry / "device"))
    usb = next((up for up in (device, *device.parents[:_USB_DEPTH_MAX]) if (up / "idVendor").exists()), None)
    latency = _text(device / "latency_timer")
    return SerialPort(
        f"/dev/{entry.name}",
        tuple(lasting.get(entry.name, ())),
        Path(os.path.realpath(device / "driver")).name,
        f"{_text(usb / 'idVendor')}:{_text(usb / 'idProduct')}" if usb else "",
        " ".join(filter(None, (_text(usb / "manufacturer"), _text(usb / "product")))) if usb else "",
        int(latency) if latency.isascii() and latency.isdigit() else None,
    )


def _lasting_names(root: Path) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for folder in ("by-id", "by-path"):
        with contextlib.suppress(OSError):
            for link in sorted((root / "dev/serial" / folder).iterdir()):
                names.setdefault(Path(os.path.realpath(link)).name, []).append(f"/dev/serial/{folder}/{link.name}")
    return names


def _group(node: Path) -> str:
    """Whom the operator asks for."""
    try:
        name = grp.getgrgid(node.stat().st_gid).gr_name
    except (OSError, KeyError):
        return ""
    return f"; its group is {name}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _natural(name: str) -> tuple[str, int]:
    digits = re.search(r"\d*$", name)
    number = digits.group() if digits else ""
    return name.removesuffix(number), int(number or 0)
