"""A made-up /sys and /dev: an FTDI adapter, a CDC modem, a port of the main board, one that leads nowhere, and a console."""

from __future__ import annotations

from pathlib import Path

BY_ID = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0"
BY_PATH = "/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0"
LATENCY = "sys/devices/pci0000:00/usb1/1-2/1-2:1.0/ttyUSB0/latency_timer"


def plant(root: Path) -> Path:
    """root itself, with the tree in it."""
    usb = root / "sys/devices/pci0000:00/usb1/1-2"
    _write(usb, idVendor="0403", idProduct="6001", manufacturer="FTDI", product="FT232R USB UART")
    _tty(root, "ttyUSB0", usb / "1-2:1.0/ttyUSB0", "ftdi_sio")
    (root / LATENCY).write_text("16\n")
    modem = root / "sys/devices/pci0000:00/usb1/1-10"
    _write(modem, idVendor="2341", idProduct="0043")
    _tty(root, "ttyACM0", modem / "1-10:1.0", "cdc_acm")
    for name, kind in (("ttyS0", "4"), ("ttyS1", "0")):
        _tty(root, name, root / "sys/devices/platform/serial8250" / name, "serial8250")
        _write(root / "sys/class/tty" / name, type=kind)
    (root / "sys/class/tty/console").mkdir()
    _write(root / "dev", ttyUSB0="", ttyACM0="", ttyS0="")
    for link in (BY_ID, BY_PATH):
        at = root / link.lstrip("/")
        at.parent.mkdir(parents=True)
        at.symlink_to("../../ttyUSB0")
    return root


def _write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(f"{text}\n")


def _tty(root: Path, name: str, device: Path, driver: str) -> None:
    device.mkdir(parents=True, exist_ok=True)
    drivers = root / "sys/bus/drivers" / driver
    drivers.mkdir(parents=True, exist_ok=True)
    (device / "driver").symlink_to(drivers)
    entry = root / "sys/class/tty" / name
    entry.mkdir(parents=True)
    (entry / "device").symlink_to(device)
