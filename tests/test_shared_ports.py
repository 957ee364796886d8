"""No two devices are one port, under whatever names: refused in every environment before anything is opened."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from egate.app import check_ports, daemon, open_gate
from egate.errors import ConfigurationError
from egate.settings import parse_settings

Data = dict[str, Any]
BY_ID = "/dev/serial/by-id"
SENSORS = f"modbus+serial://{BY_ID}/sensors"
SECOND_LANE = {
    "id": "lane-2",
    "gate": "1",
    "lock": f"osdp+serial://{BY_ID}/lock-2?address=1&key=file:lock.key",
    "sensors": f"modbus+serial://{BY_ID}/sensors-2?unit=1",
}


@pytest.fixture
def site() -> Data:
    return {
        "environment": "demo",
        "data_dir": "data",
        "policy": {"version": "1", "mandatory": ["MRZ"]},
        "lane": [
            {
                "id": "lane-1",
                "gate": "1",
                "lock": f"osdp+serial://{BY_ID}/lock?address=1&key=file:lock.key",
                "sensors": f"modbus+serial://{BY_ID}/sensors?unit=1",
                "document_reader": f"mrz+serial://{BY_ID}/reader?baud=9600",
            }
        ],
    }


@pytest.fixture
def pseudo_terminal() -> Iterator[str]:
    master, slave = os.openpty()
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


def open_all(site: Data, folder: Path) -> None:
    """What the daemon does with devices before it starts any."""
    key = folder / "lock.key"
    key.touch(mode=0o600)
    key.write_text("00112233445566778899aabbccddeeff")
    settings = parse_settings(site)
    check_ports(settings)
    gates = [open_gate(lane, folder) for lane in settings.lane]
    assert len(gates) == len(settings.lane)


@pytest.mark.parametrize("environment", ["production", "demo"])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{SENSORS}?unit=1", f"{SENSORS}?unit=1&door=0"),
        (f"{SENSORS}?unit=1", f"{SENSORS.replace('by-id', 'by-id/../by-id')}?unit=1"),
        (f"{SENSORS}?unit=1", f"{SENSORS.replace('serial:', 'pty:')}?unit=1"),
        (f"{SENSORS}?unit=1", f"{SENSORS}?unit=2&baud=115200"),
        ("modbus+tcp://192.0.2.7:502?unit=1", "modbus+tcp://192.0.2.7:0502?unit=1"),
        ("modbus+tcp://localhost:502?unit=1", "modbus+tcp://127.0.0.1:502?unit=1"),
    ],
    ids=["parameters", "path", "link", "speeds", "port number", "address"],
)
def test_one_device_for_two_lanes_is_refused(
    site: Data, environment: str, one: str, other: str, tmp_path: Path
) -> None:
    lane = site["lane"][0]
    site["environment"] = environment
    site["lane"] = [lane | {"sensors": one}, SECOND_LANE | {"sensors": other}]
    with pytest.raises(ConfigurationError):
        open_all(site, tmp_path)


def test_one_lock_for_two_lanes_is_refused(site: Data) -> None:
    site["lane"].append(SECOND_LANE | {"lock": f"{site['lane'][0]['lock']}&output=0"})
    with pytest.raises(ConfigurationError, match="lane-1 lock and lane lane-2 lock"):
        check_ports(parse_settings(site))
    site["lane"][1]["lock"] = f"{site['lane'][0]['lock']}&output=1"
    check_ports(parse_settings(site))


@pytest.mark.parametrize(
    ("role", "one", "other"),
    [
        ("sensors", f"{SENSORS}?unit=1", f"{SENSORS}?unit=2"),
        (
            "lock",
            f"osdp+serial://{BY_ID}/bus?address=1&key=file:lock.key",
            f"osdp+serial://{BY_ID}/bus?address=2&key=file:lock.key",
        ),
    ],
)
def test_devices_of_one_line_share_its_port(site: Data, role: str, one: str, other: str, tmp_path: Path) -> None:
    site["lane"] = [site["lane"][0] | {role: one}, SECOND_LANE | {role: other}]
    open_all(site, tmp_path)


def test_protocols_share_no_port(site: Data) -> None:
    site["lane"][0]["sensors"] = f"modbus+serial://{BY_ID}/lock?unit=1"
    with pytest.raises(ConfigurationError, match="lane-1 lock and lane lane-1 sensors") as refusal:
        check_ports(parse_settings(site))
    assert refusal.value.code == "SHARED_PORT"


def test_chip_reader_on_another_device_s_port_is_refused(site: Data, tmp_path: Path, pseudo_terminal: str) -> None:
    (tmp_path / "chip").symlink_to(pseudo_terminal)
    lane = site["lane"][0]
    lane["lock"] = f"osdp+serial://{pseudo_terminal}?address=1&key=file:lock.key"
    lane["document_reader"] += f"&chip={tmp_path / 'chip'}"
    with pytest.raises(ConfigurationError, match="lane-1 lock and lane lane-1 document_reader"):
        check_ports(parse_settings(site))


def test_devices_on_ports_of_their_own_are_admitted(site: Data) -> None:
    site["lane"][0]["document_reader"] += "&chip=/dev/serial/by-id/chip"
    site["lane"].append(SECOND_LANE)
    check_ports(parse_settings(site))


async def test_the_daemon_itself_refuses_a_shared_port_first(site: Data, tmp_path: Path) -> None:
    site["lane"][0]["sensors"] = f"modbus+serial://{BY_ID}/lock?unit=1"
    with pytest.raises(ConfigurationError) as refusal:
        async with daemon(parse_settings(site), tmp_path):
            pass
    assert refusal.value.code == "SHARED_PORT"
    assert not (tmp_path / "data").exists()
