"""What is told of serial ports, on a made-up tree of /sys and /dev."""

from __future__ import annotations

import grp
from pathlib import Path

import pytest

from hw.ports import UDEV_RULE, SerialPort, examine, serial_ports
from tests.hw.port_tree import BY_ID, BY_PATH, LATENCY, plant


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return plant(tmp_path)


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
    (root / LATENCY).write_text("1\n")
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
    (root / LATENCY).write_bytes(b"\xff\xfe soon")
    (root / "sys/devices/pci0000:00/usb1/1-2/product").write_bytes(b"\xff")
    port = serial_ports(root)[-1]
    assert port.latency_ms is None and "�" in port.product
