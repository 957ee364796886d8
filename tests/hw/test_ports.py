"""What is told of serial ports, on a made-up tree of /sys and /dev."""

from __future__ import annotations

import grp
from pathlib import Path

import pytest

from hw.ports import UDEV_RULE, SerialPort, examine, serial_ports

BY_ID = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0"
BY_PATH = "/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An FTDI adapter, a CDC modem, a port of the main board, one that leads nowhere, and a console."""
    usb = tmp_path / "sys/devices/pci0000:00/usb1/1-2"
    _write(usb, idVendor="0403", idProduct="6001", manufacturer="FTDI", product="FT232R USB UART")
    _tty(tmp_path, "ttyUSB0", usb / "1-2:1.0/ttyUSB0", "ftdi_sio")
    _write(usb / "1-2:1.0/ttyUSB0", latency_timer="16")
    modem = tmp_path / "sys/devices/pci0000:00/usb1/1-10"
    _write(modem, idVendor="2341", idProduct="0043")
    _tty(tmp_path, "ttyACM0", modem / "1-10:1.0", "cdc_acm")
    for name, kind in (("ttyS0", "4"), ("ttyS1", "0")):
        _tty(tmp_path, name, tmp_path / "sys/devices/platform/serial8250" / name, "serial8250")
        _write(tmp_path / "sys/class/tty" / name, type=kind)
    (tmp_path / "sys/class/tty/console").mkdir()
    _write(tmp_path / "dev", ttyUSB0="", ttyACM0="", ttyS0="")
    for link in (BY_ID, BY_PATH):
        at = tmp_path / link.lstrip("/")
        at.parent.mkdir(parents=True)
        at.symlink_to("../../ttyUSB0")
    return tmp_path


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


def test_ports_are_listed_with_lasting_names_driver_and_latency(root: Path) -> None:
    assert serial_ports(root) == (
        SerialPort("/dev/ttyACM0", (), "cdc_acm", "2341:0043", "", None),
        SerialPort("/dev/ttyS0", (), "serial8250", "", "", None),
        SerialPort("/dev/ttyUSB0", (BY_ID, BY_PATH), "ftdi_sio", "0403:6001", "FTDI FT232R USB UART", 16),
    )


def test_machine_without_serial_ports_has_none(tmp_path: Path) -> None:
    assert serial_ports(tmp_path) == ()


def test_slow_adapter_is_told_with_the_rule_that_mends_it(root: Path) -> None:
    (slow,) = examine(BY_ID, root)
    assert "16 ms" in slow.what and UDEV_RULE in slow.what and not slow.fatal
    (root / "sys/devices/pci0000:00/usb1/1-2/1-2:1.0/ttyUSB0/latency_timer").write_text("1\n")
    assert examine(BY_ID, root) == ()
    assert examine("/dev/ttyS0", root) == ()


def test_name_by_order_of_plugging_is_told_with_a_lasting_one(root: Path) -> None:
    unstable, _ = examine("/dev/ttyUSB0", root)
    assert "order of plugging" in unstable.what and BY_ID in unstable.what and not unstable.fatal
    (unstable,) = examine("/dev/ttyACM0", root)
    assert "order of plugging" in unstable.what
    (root / "dev/gate-lock").symlink_to("ttyACM0")  # a rule of the site's own
    assert examine("/dev/gate-lock", root) == ()


def test_absent_port_is_fatal(root: Path) -> None:
    assert [finding.fatal for finding in examine("/dev/serial/by-id/none", root)] == [True]
    assert [finding.fatal for finding in examine("/dev/ttyUSB7", root)] == [False, True]


def test_port_of_another_account_is_fatal_and_its_group_told(root: Path) -> None:
    (finding,) = examine("/dev/ttyS0", root, lambda node: node.name != "ttyS0")
    assert finding.fatal and "may not open" in finding.what
    assert grp.getgrgid((root / "dev/ttyS0").stat().st_gid).gr_name in finding.what


def test_nonsense_in_the_tree_does_no_harm(root: Path) -> None:
    (root / "sys/devices/pci0000:00/usb1/1-2/1-2:1.0/ttyUSB0/latency_timer").write_bytes(b"\xff\xfe soon")
    (root / "sys/devices/pci0000:00/usb1/1-2/product").write_bytes(b"\xff")
    port = serial_ports(root)[-1]
    assert port.latency_ms is None and "�" in port.product
