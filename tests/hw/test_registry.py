"""Devices are opened by URL through entry points; what is not understood is refused before anything is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from egate.domain.device import DeviceRole
from egate.errors import ConfigurationError
from hw.link.base import LinkLost
from hw.registry import installed, is_chip_reader, open_chip_reader, open_device, roles_of
from hw.url import parse


def test_unknown_protocol_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="teleport"):
        open_device("teleport+tcp://host:1", tmp_path, DeviceRole.LOCK)


def test_device_of_another_role_is_refused_with_the_roles_it_has(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no lock; it can be a document_reader"):
        open_device("mrz+pty:///run/mrz?baud=9600", tmp_path, DeviceRole.LOCK)


def test_installed_protocols_are_named_with_their_roles_and_package() -> None:
    found = {item.protocol: item for item in installed()}
    assert found["mrz"].roles == (DeviceRole.DOCUMENT_READER,) and found["mrz"].package == "egate"
    assert {DeviceRole.LOCK, DeviceRole.SENSORS} <= set(found["osdp"].roles)
    assert "pn532" not in found, "a bare reader of chips is no device of a lane"


@pytest.mark.parametrize("value", ["nowhere.at.all:open", "hw.registry:no_such_factory"])
def test_adapter_that_cannot_be_loaded_is_a_configuration_error(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A vendor's package that is half removed, or made for another release."""
    folder = tmp_path / "broken-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (folder / "entry_points.txt").write_text(f"[egate.devices]\nbroken.lock = {value}\nbroken.gadget = {value}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        open_device("broken+tcp://host:1", tmp_path, DeviceRole.LOCK)
    assert roles_of("broken") == (DeviceRole.LOCK,), "a role we do not know is none"


@pytest.mark.parametrize("url", ["pn532+pty:///run/none", "emrtd+pty:///run/none?baud=921600"])
def test_bare_chip_reader_is_opened_by_its_protocol(url: str) -> None:
    assert is_chip_reader(url)
    with pytest.raises(LinkLost):
        open_chip_reader(url)


def test_device_of_a_lane_is_no_bare_chip_reader() -> None:
    assert not is_chip_reader("mrz+pty:///run/mrz?baud=9600")
    with pytest.raises(ConfigurationError, match="not known"):
        open_chip_reader("mrz+pty:///run/mrz?baud=9600")


def test_name_of_a_pcsc_reader_is_decoded() -> None:
    assert parse("pcsc+reader://ACS%20ACR122U%2000%2000").target == "ACS ACR122U 00 00"
    assert is_chip_reader("pcsc+reader://ACS%20ACR122U%2000%2000")
