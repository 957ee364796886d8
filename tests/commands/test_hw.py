"""`egate hw`: devices are looked at, never released; secrets are not told; a wrong URL is a named error."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from egate.cli import main
from egate.commands.hw import listing
from hw.link.pty import PtyMaster, open_pty_master
from hw.link.pump import Pump
from hw.osdp.keys import write_new_key
from hw.osdp.pd import LockPeripheral
from tests.hw.port_tree import BY_ID, plant

pytestmark = pytest.mark.devices


@dataclass
class Site:
    folder: Path
    peripheral: LockPeripheral
    port: PtyMaster

    @property
    def lock(self) -> str:
        return f"osdp+pty://{self.folder}/lock?address=1&baud=115200&key=file:lock.scbk"

    @property
    def reader(self) -> str:
        return f"mrz+pty://{self.folder}/mrz?baud=9600"


def _site(folder: Path, *, install: bool) -> Iterator[Site]:
    port, reader = open_pty_master(folder / "lock"), open_pty_master(folder / "mrz")
    key = None
    if not install:
        write_new_key(folder / "lock.scbk")
        key = bytes.fromhex((folder / "lock.scbk").read_text())
    peripheral = LockPeripheral(port, key, time.monotonic)
    pump = Pump("lock", peripheral.poll)
    yield Site(folder, peripheral, port)
    pump.close()
    peripheral.close()
    port.close()
    reader.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A lock and a document reader."""
    yield from _site(tmp_path, install=False)


@pytest.fixture
def new_site(tmp_path: Path) -> Iterator[Site]:
    """The lock is as delivered."""
    yield from _site(tmp_path, install=True)


def _run(*words: str | Path) -> int:
    return main(["hw", *map(str, words)])


def test_list_names_ports_protocols_and_what_is_simulated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = plant(tmp_path)
    listing.show(Console(width=200), root, as_json=False)
    table = capsys.readouterr().out
    assert BY_ID in table and "16 ms" in table and "document_reader" in table
    listing.show(Console(), root, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert [port["path"] for port in found["ports"]] == ["/dev/ttyACM0", "/dev/ttyS0", "/dev/ttyUSB0"]
    assert {"protocol": "mrz", "roles": ["document_reader"], "package": "egate"} in found["protocols"]
    simulated = {link["link"]: link["simulated"] for link in found["links"]}
    assert simulated["pty"] and not simulated["serial"] and not simulated["rfc2217"]
    assert _run("list") == 0


def test_probe_says_how_a_lock_does_and_never_releases_it(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("probe", site.lock, "--role", "lock", "--base", site.folder, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["state"], found["reading"], found["role"]) == ("ONLINE", "SECURED", "lock")
    assert found["simulated"] and found["heard_s"] < 5 and found["counters"]["opened"] == 1
    assert site.peripheral.unlocks == []
    assert _run("probe", site.lock, "--role", "lock", "--base", site.folder) == 0
    assert "SECURED" in capsys.readouterr().out
    assert site.peripheral.unlocks == []


def test_probe_takes_the_only_role_and_names_several(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("probe", site.reader) == 0
    capsys.readouterr()
    assert _run("probe", site.lock, "--base", site.folder) == 1
    assert "lock, sensors" in capsys.readouterr().err
    assert _run("probe", "teleport+tcp://host:1") == 1
    assert _run("probe", site.reader, "--role", "lock") == 1
    assert "CONFIGURATION" in capsys.readouterr().err


def test_probe_of_an_absent_device_ends_in_time_with_a_negative_answer(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.port.unplug()
    assert _run("probe", site.lock, "--role", "lock", "--base", site.folder, "--seconds", "0.3", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["state"], found["reading"], found["heard_s"]) == ("LOST", "UNKNOWN", None)


def test_watch_tells_each_device_at_each_look(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        _run(
            "watch",
            site.reader,
            site.reader.replace("/mrz?", "/none?"),
            "--seconds",
            "0.5",
            "--interval",
            "0.1",
            "--json",
        )
        == 0
    )
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {Path(line["device"]).name for line in lines} == {"mrz", "none"}
    assert {Path(line["device"]).name: line["state"] for line in lines} == {"mrz": "ONLINE", "none": "LOST"}
    assert _run("watch", site.reader, "--seconds", "0.2") == 0
    assert "ONLINE" in capsys.readouterr().out


def test_watch_takes_the_devices_of_the_settings(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    config = site.folder / "egate.toml"
    config.write_text(
        f"""
environment = "demo"
data_dir = "data"
[policy]
version = "1"
mandatory = ["MRZ"]
[[lane]]
id = "lane-1"
gate = "1"
lock = "{site.lock}"
sensors = "modbus+pty://{site.folder}/none?unit=1"
document_reader = "{site.reader}"
"""
    )
    assert _run("watch", "--config", config, "--seconds", "0.3", "--interval", "0.1", "--json") == 0
    names = {json.loads(line)["device"] for line in capsys.readouterr().out.splitlines()}
    assert names == {"lane-1 lock", "lane-1 sensors", "lane-1 document_reader"}
    assert _run("watch", "--config", config, site.reader) == 1
    assert _run("watch") == 1
    assert site.peripheral.unlocks == []


@pytest.mark.parametrize("words", [["watch", "--json", "--interval", "0.05"], ["trace"]])
def test_interruption_is_how_it_ends(words: list[str], site: Site) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "egate.cli", "hw", *words, site.lock, "--role", "lock", "--base", str(site.folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    assert process.stdout.readline()  # it has begun
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, b"")


def test_trace_names_frames_and_tells_neither_key_nor_document(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("trace", site.lock, "--role", "lock", "--base", site.folder, "--seconds", "0.4") == 0
    told = capsys.readouterr().out
    for name in (" > ", " < ", "ID, address 1", "CHLNG", "OSTAT, address 1", "secure"):
        assert name in told, name
    key = site.folder.joinpath("lock.scbk").read_text().strip()
    digits = told.replace(" ", "")
    assert not any(key[at : at + 8] in digits for at in range(0, 24, 2))
    assert site.peripheral.unlocks == []


def test_key_makes_a_delivered_device_one_of_its_own(new_site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("key", new_site.lock, "--from-install-key", "--base", new_site.folder) == 0
    file = new_site.folder / "lock.scbk"
    told = capsys.readouterr().out
    assert str(file) in told and file.read_text().strip() not in told
    assert new_site.peripheral.key == bytes.fromhex(file.read_text())
    assert _run("key", new_site.reader) == 1
    assert "no key" in capsys.readouterr().err
    assert new_site.peripheral.unlocks == []
