"""Contract suites run on simulators always, and on real hardware with --device=URL.

    pytest tests/contract --device='osdp+serial:///dev/serial/by-id/…?address=1&key=file:/etc/egate/lane1.scbk'

A device's protocol chooses the suites it is run through. Relative file references start at the current folder. The lock is really
released and a door really opens: nobody stands in it. What needs a fault (unplugging) is skipped on hardware.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from egate.ports import Device
from hw.registry import open_device
from hw.url import parse

SIMULATOR = "simulator"
HARDWARE = {
    "test_lock": {"osdp"},
    "test_sensors": {"modbus"},
}  # suite: protocols; other suites ask hardware_urls themselves


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", default=None, metavar="URL", help="run its contract suite on this device, too")


def hardware_urls(config: pytest.Config, protocols: set[str]) -> list[str]:
    """The --device URL if it is of one of these protocols."""
    url: str | None = config.getoption("--device", default=None)
    return [url] if url and parse(url).protocol in protocols else []


def open_hardware(url: str) -> Device:
    return open_device(url, Path.cwd())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`where` is "simulator", or the URL of a real device."""
    suite = metafunc.module.__name__.rpartition(".")[2]
    if "where" in metafunc.fixturenames and suite in HARDWARE:
        metafunc.parametrize("where", [SIMULATOR, *hardware_urls(metafunc.config, HARDWARE[suite])])
