"""Keys of devices are given, replaced, and survive a power cut at every step: one of the two files always opens the device."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from egate.domain.device import DeviceState
from egate.errors import ConfigurationError, DeviceLost, DeviceTimeout, EgateError
from hw.link import memory
from hw.link.base import Link, LinkLost
from hw.link.fault import FaultLink
from hw.link.pty import PtyMaster
from hw.link.pump import Pump
from hw.osdp import rotate_panel
from hw.osdp.adapter import open_lock
from hw.osdp.keys import INSTALL_KEY, write_new_key
from hw.osdp.pd import LockPeripheral
from hw.osdp.rotate import KeyNotAccepted, Step, rotate, rotate_key
from hw.osdp.rotate_files import KeyFiles
from hw.osdp.rotate_panel import KeyPanel
from hw.url import parse
from tests.hw.lock_bench import until

OLD = bytes(range(16))


class PowerCut(BaseException):
    """Nothing after it is carried out; what is on disk stays."""


class Site:
    """A device on a memory link and the folder of its key."""

    def __init__(self, folder: Path, key: bytes | None) -> None:
        self.near, far = memory.pair()
        self.fault = FaultLink(far, 1)
        self.peripheral = LockPeripheral(self.fault, key, time.monotonic)
        self.pump = self._pump()
        self.files = KeyFiles(folder / "lane.scbk")
        self.from_install_key = key is None
        if key is not None:
            self.files.path.write_text(key.hex())
        self.steps: list[Step] = []

    def rotate(self, cut_at: Step | None = None, link: Link | None = None) -> bool:
        def on_step(step: Step) -> None:
            self.steps.append(step)
            if step is cut_at:
                raise PowerCut

        return rotate(KeyPanel(link or self.near, 1), self.files, self.from_install_key, on_step)

    def _pump(self) -> Pump:
        return Pump("peripheral", self.peripheral.poll)

    def power_cycle(self) -> None:
        """Over when it returns: a device that restarts in the midst of a handshake is asked again after a second only."""
        self.pump.close()
        self.peripheral.power_cycle()
        self.peripheral.poll()
        self.pump = self._pump()

    def assert_rotated(self, before: bytes | None) -> None:
        assert self.peripheral.key is not None
        assert self.peripheral.key not in {before, INSTALL_KEY}
        assert self.files.path.read_text() == self.peripheral.key.hex() + "\n"
        assert self.files.path.stat().st_mode & 0o777 == 0o600
        assert [path.name for path in self.files.path.parent.iterdir()] == ["lane.scbk"]

    def close(self) -> None:
        self.pump.close()
        self.peripheral.close()


@pytest.fixture(params=[None, OLD], ids=["first key", "next key"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path, request.param)
    yield site
    site.close()


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Site]:
    """A device that has a key of its own."""
    site = Site(tmp_path, OLD)
    yield site
    site.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory a handshake takes a dozen turns."""
    monkeypatch.setattr(rotate_panel, "CONNECT_TURNS", 200)
    monkeypatch.setattr(rotate_panel, "KEYSET_TURNS", 200)


def test_device_gets_another_key(site: Site) -> None:
    before = site.peripheral.key
    assert site.rotate() is False
    site.assert_rotated(before)
    expected = [Step.WRITTEN, Step.SENT, Step.VERIFIED, Step.PROMOTED]
    assert site.steps == (expected if before is None else [Step.OPENED, *expected])


# From the install key nothing is opened before: trying it sends the new one.
CUTS = [
    (key, step)
    for key in (None, OLD)
    for step in Step
    if step is not Step.RESUMED and (key, step) != (None, Step.OPENED)
]


@pytest.mark.parametrize(("site", "cut_at"), CUTS, indirect=["site"], ids=lambda value: getattr(value, "name", "key"))
@pytest.mark.parametrize("device_too", [False, True], ids=["host alone", "device too"])
def test_after_a_power_cut_one_file_opens_the_device_and_the_next_run_finishes(
    site: Site, cut_at: Step, device_too: bool
) -> None:
    before = site.peripheral.key
    with pytest.raises(PowerCut):
        site.rotate(cut_at)
    if device_too:
        site.power_cycle()
    keys = {bytes.fromhex(path.read_text()) for path in (site.files.path, site.files.next_path) if path.exists()}
    assert site.peripheral.key is None or site.peripheral.key in keys, "no file opens the device"
    written = site.files.successor()
    if cut_at is Step.PROMOTED:
        assert site.peripheral.key == site.files.current()
        return
    taken = written is not None and site.peripheral.key == written
    del site.steps[:]
    resumed = site.rotate()
    assert resumed is (written is not None)
    assert (Step.SENT in site.steps) is not taken, "sent again what the device has, or not sent at all"
    site.assert_rotated(before)
    assert written in {None, site.peripheral.key}, "a second successor was made"


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_power_cut_while_writing_leaves_no_half_key(known: Site, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The successor's file is cut before its bytes are durable, or before it has its name."""

    def cut(*_: object) -> None:
        raise PowerCut

    owner: object = os if call == "fsync" else Path
    with monkeypatch.context() as patch:
        patch.setattr(owner, call, cut)
        with pytest.raises(PowerCut):
            known.rotate()
    assert known.files.successor() is None
    assert known.peripheral.key == OLD
    part = known.files.path.with_name("lane.scbk.part")
    part.write_text("00")
    assert known.rotate() is False
    known.assert_rotated(OLD)


def test_key_is_durable_before_it_is_sent(known: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    fsync, replace = os.fsync, KeyPanel.replace

    def sync(descriptor: int) -> None:
        order.append("fsync")
        fsync(descriptor)

    def send(panel: KeyPanel, old: bytes, new: bytes) -> bool:
        order.append("send")
        return replace(panel, old, new)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(KeyPanel, "replace", send)
    known.rotate()
    assert order == ["fsync", "fsync", "send", "fsync"], "file, folder; sent; folder"


def test_lost_confirmation_is_found_out(site: Site) -> None:
    """The device took the key and its answer was lost: it opens with the new one alone."""
    before = site.peripheral.key
    site.peripheral.replies_lost = 1
    site.rotate()
    site.assert_rotated(before)


def test_device_that_refuses_keeps_its_key_and_both_files(known: Site) -> None:
    known.peripheral.keys_refused = True
    with pytest.raises(KeyNotAccepted, match=r"lane\.scbk\.next"):
        known.rotate()
    assert known.files.current() == OLD == known.peripheral.key
    assert known.files.successor() is not None
    known.peripheral.keys_refused = False
    assert known.rotate() is True
    known.assert_rotated(OLD)


def test_wrong_key_changes_nothing(known: Site) -> None:
    known.files.path.write_text(bytes(range(100, 116)).hex())
    with pytest.raises(KeyNotAccepted, match="nothing was changed"):
        known.rotate()
    assert known.files.successor() is None
    assert known.peripheral.key == OLD


def test_device_with_a_key_of_its_own_is_given_none_under_the_install_key(known: Site) -> None:
    known.from_install_key = True
    with pytest.raises(KeyNotAccepted):
        known.rotate()
    assert known.peripheral.key == OLD
    assert known.files.current() == OLD


def test_silent_device_is_told_from_one_that_refuses(known: Site) -> None:
    known.fault.silence(0.0, 60.0)
    with pytest.raises(DeviceTimeout):
        known.rotate()
    assert known.files.successor() is None


def test_link_that_is_lost_is_an_error_of_the_link(known: Site) -> None:
    near, far = memory.pair()
    far.close()
    with pytest.raises(LinkLost):
        known.rotate(link=near)


@pytest.mark.parametrize(
    ("mode", "kept"), [(0o640, 0o640), (0o440, 0o440), (0o600, 0o600), (0o644, 0o600), (0o750, 0o640)]
)
def test_key_keeps_its_owner_and_rights(known: Site, mode: int, kept: int) -> None:
    """The service reads by the group what root has written; a key is never opened wider than it was."""
    known.files.path.chmod(mode)
    if os.geteuid() == 0:
        os.chown(known.files.path, 12345, 12346)
    before = known.files.path.stat()
    known.rotate()
    after = known.files.path.stat()
    assert (after.st_uid, after.st_gid, after.st_mode & 0o777) == (before.st_uid, before.st_gid, kept)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a key that belongs to somebody else")
def test_key_that_cannot_be_given_to_its_owner_is_not_sent(known: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)
    os.chown(known.files.path, 12345, 12346)
    with pytest.raises(ConfigurationError, match="not permitted"):
        known.rotate()
    assert known.peripheral.key == OLD == bytes.fromhex(known.files.path.read_text())


def test_second_rotation_at_once_is_refused(known: Site) -> None:
    """In the same folder, by another process: each would overwrite the other's successor."""
    with KeyFiles(known.files.path).held(), pytest.raises(ConfigurationError, match="another rotation"):
        known.rotate()
    assert known.files.successor() is None
    known.rotate()
    known.assert_rotated(OLD)


def test_successor_that_somebody_changed_is_not_promoted(known: Site) -> None:
    foreign = bytes(range(100, 116))

    def meddle(step: Step) -> None:
        if step is Step.VERIFIED:
            known.files.next_path.write_text(foreign.hex())

    with pytest.raises(ConfigurationError, match="somebody else"):
        rotate(KeyPanel(known.near, 1), known.files, False, meddle)
    assert known.peripheral.key == known.files.current() not in {OLD, foreign}
    assert known.files.successor() == foreign


def test_symlink_to_a_key_stays_and_no_old_key_behind_it(known: Site, tmp_path: Path) -> None:
    (tmp_path / "vault").mkdir()
    real = known.files.path.rename(tmp_path / "vault" / "lane")
    known.files.path.symlink_to(real)
    link = known.files.path
    known.files = KeyFiles(link)
    known.rotate()
    assert link.is_symlink()
    assert bytes.fromhex(real.read_text()) == known.peripheral.key != OLD
    assert list(real.parent.iterdir()) == [real]


@pytest.mark.parametrize("content", ["", "zz", "00" * 15, INSTALL_KEY.hex()])
def test_file_that_holds_no_key_is_refused(known: Site, content: str) -> None:
    known.files.path.write_text(content)
    with pytest.raises(ConfigurationError, match=r"lane\.scbk"):
        known.rotate()
    assert known.peripheral.key == OLD


def test_missing_file_is_refused_unless_the_device_is_new(known: Site) -> None:
    known.files.path.unlink()
    with pytest.raises(ConfigurationError, match="install key"):
        known.rotate()


def test_by_url_and_nothing_of_a_key_is_shown(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    port = PtyMaster(tmp_path / "lock")
    peripheral = LockPeripheral(port, None, time.monotonic, 7)
    pump = Pump("peripheral", peripheral.poll)
    url = parse(f"osdp+pty://{tmp_path}/lock?address=7&key=file:lane.scbk&baud=115200")
    try:
        report = rotate_key(url, tmp_path, from_install_key=True)
        assert report.path == tmp_path / "lane.scbk"
        assert (report.address, report.resumed) == (7, False)
        first = peripheral.key
        assert first is not None
        peripheral.power_cycle()
        deadline = time.monotonic() + 5.0
        while peripheral.online:  # its own thread lets it lose its power
            assert time.monotonic() < deadline
        report = rotate_key(url, tmp_path, from_install_key=False)
        second = peripheral.key
        assert second is not None
        assert bytes.fromhex(report.path.read_text()) == second != first
        shown = repr(report) + repr(KeyFiles(report.path)) + "".join(capfd.readouterr())
        assert not [key for key in (first, second) if key.hex() in shown.lower() or repr(key) in shown]
        port.unplug()
        with pytest.raises(DeviceLost):
            rotate_key(url, tmp_path, from_install_key=False)
    finally:
        pump.close()
        peripheral.close()


async def test_delivered_device_becomes_a_lock_of_a_lane(tmp_path: Path) -> None:
    port = PtyMaster(tmp_path / "lock")
    peripheral = LockPeripheral(port, None, time.monotonic)
    pump = Pump("peripheral", peripheral.poll)
    url = parse(f"osdp+pty://{tmp_path}/lock?address=1&key=file:lane.scbk&baud=115200")
    await asyncio.to_thread(rotate_key, url, tmp_path, from_install_key=True)
    lock = open_lock(url, tmp_path)
    await lock.start(lambda state: None)
    try:
        await until(lambda: lock.state is DeviceState.ONLINE, 10.0)
        with pytest.raises(DeviceLost, match="gate running"):
            await asyncio.to_thread(rotate_key, url, tmp_path, from_install_key=False)
        assert lock.state is DeviceState.ONLINE
    finally:
        await lock.close()
        pump.close()
        peripheral.close()


@pytest.mark.parametrize("change", [("osdp+", "modbus+"), ("address=1", "address=127"), ("key=file:", "other=")])
def test_url_is_checked(tmp_path: Path, change: tuple[str, str]) -> None:
    write_new_key(tmp_path / "lane.scbk")
    url = parse("osdp+pty:///tmp/lock?address=1&key=file:lane.scbk".replace(*change))
    with pytest.raises(EgateError):
        rotate_key(url, tmp_path, from_install_key=False)
