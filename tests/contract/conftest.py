"""Contract suites run on simulators always, and on real hardware with --device=URL.

    pytest tests/contract --device='osdp+serial:///dev/serial/by-id/…?address=1&key=file:/etc/egate/lane1.scbk'

A device's protocol chooses the suites it is run through. Relative file references start at the current folder. The lock is really
released and a door really opens: nobody stands in it. What needs a fault (unplugging) is skipped on hardware.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from egate.domain.device import DeviceRole
from egate.ports import Device
from hw.registry import open_device, roles_of
from hw.url import parse

SIMULATOR = "simulator"
ROLES = {
    "test_lock": DeviceRole.LOCK,
    "test_sensors": DeviceRole.SENSORS,
    "test_document_reader": DeviceRole.DOCUMENT_READER,
    "test_signal": DeviceRole.SIGNAL,
    "test_finger_sensor": DeviceRole.FINGER_SENSOR,
    "test_camera": DeviceRole.CAMERA,
    "test_barcode_reader": DeviceRole.BARCODE_READER,
    "test_card_reader": DeviceRole.CARD_READER,
}  # suite: what a device must be for it


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", default=None, metavar="URL", help="run its contract suite on this device, too")


def hardware_urls(config: pytest.Config, role: DeviceRole) -> list[str]:
    """The --device URL if its protocol has this role."""
    url: str | None = config.getoption("--device", default=None)
    return [url] if url and role in roles_of(parse(url).protocol) else []


def open_hardware(url: str, role: DeviceRole) -> Device:
    return open_device(url, Path.cwd(), role)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`where` is "simulator", or the URL of a real device."""
    suite = metafunc.module.__name__.rpartition(".")[2]
    if "where" in metafunc.fixturenames and suite in ROLES:
        metafunc.parametrize("where", [SIMULATOR, *hardware_urls(metafunc.config, ROLES[suite])])
