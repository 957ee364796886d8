"""The reader's own corners, below the contract: URLs, a block that straddles the call of read, a port that returns under its path."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from egate.domain.device import DeviceState
from egate.errors import ConfigurationError, DeviceTimeout
from hw.emrtd.session import ChipRead
from hw.link.pty import PtyMaster, open_pty_master
from hw.mrz.adapter import MrzReader, document_read, open_reader
from hw.mrz.messages import block
from hw.sim.issuer import invent_holder, issue
from hw.url import parse

from ..document.test_mrz import TD3, TODAY

# A baseline JPEG frame header of 1 x 1 and a PNG header: all that the issuer looks at.
PORTRAIT = bytes.fromhex("ffd8ffc0000b080001000101011100ffd9")
FINGER = b"\x89PNG\r\n\x1a\n" + bytes.fromhex("0000000d4948445200000001000000010800000000")
ISSUED = issue(invent_holder(0, TODAY), PORTRAIT, FINGER)


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5.0):
        while True:
            if holds():
                return
            await asyncio.sleep(0.002)


async def started(path: Path) -> MrzReader:
    reader = open_reader(parse(f"mrz+pty://{path}?baud=9600"), path.parent)
    await reader.start(lambda _: None)
    await eventually(lambda: reader.state is DeviceState.ONLINE)
    return reader


@pytest.fixture
def port(tmp_path: Path) -> PtyMaster:
    return open_pty_master(tmp_path / "mrz")


async def test_block_that_began_before_the_read_does_not_count(port: PtyMaster, tmp_path: Path) -> None:
    """Else the document of the traveller before, still arriving, would open a session for this one."""
    reader = await started(tmp_path / "mrz")
    content = block(TD3)
    port.write(content + content[:60])  # one write: once the first block is counted, the half behind it has arrived
    await eventually(lambda: reader.discarded_count == 1)
    waiting = asyncio.create_task(reader.read(0.3))
    await asyncio.sleep(0)
    port.write(content[60:])
    with pytest.raises(DeviceTimeout):
        await waiting
    assert reader.discarded_count == 2
    waiting = asyncio.create_task(reader.read(5.0))
    await asyncio.sleep(0)
    port.write(content)
    assert (await waiting).mrz_lines == TD3
    await reader.close()
    port.close()


async def test_reader_without_chip_reads_zones(port: PtyMaster, tmp_path: Path) -> None:
    reader = await started(tmp_path / "mrz")
    waiting = asyncio.create_task(reader.read(5.0))
    await asyncio.sleep(0)
    port.write(block(TD3))
    read = await waiting
    assert (read.mrz_lines, read.chip_mrz, read.portrait, read.failure) == (TD3, None, None, "")
    await reader.close()
    port.close()


async def test_block_without_any_line_is_a_failure(port: PtyMaster, tmp_path: Path) -> None:
    reader = await started(tmp_path / "mrz")
    waiting = asyncio.create_task(reader.read(5.0))
    await asyncio.sleep(0)
    port.write(block(()))
    read = await waiting
    assert (read.mrz_lines, read.failure) == ((), "mrz_empty")
    await reader.close()
    port.close()


async def test_port_that_appears_later_and_again_is_opened(tmp_path: Path) -> None:
    states: list[DeviceState] = []
    reader = open_reader(parse(f"mrz+pty://{tmp_path}/mrz?baud=9600"), tmp_path)
    await reader.start(states.append)
    for round_count in (1, 2):
        port = open_pty_master(tmp_path / "mrz")
        await eventually(lambda: reader.state is DeviceState.ONLINE)
        port.close()
        await eventually(lambda: reader.state is DeviceState.LOST)
        assert len(states) == 2 * round_count
    await reader.close()


@pytest.mark.parametrize(
    "url",
    [
        "mrz+pty:///run/mrz",
        "mrz+pty:///run/mrz?baud=0",
        "mrz+pty:///run/mrz?baud=9600&colour=red",
        "mrz+pty:///run/mrz?baud=9600&chip=chip",
        "mrz+pty:///run/mrz?baud=9600&chip=/run/mrz",
        "mrz+pty:///run/mrz?baud=9600&chip_baud=9600",
        "mrz+pty:///run/mrz?baud=9600&chip=/run/chip&chip_baud=fast",
    ],
)
def test_url_that_is_not_understood_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_reader(parse(url), Path("/"))


def test_portrait_is_dropped_without_the_zone_that_ties_it_to_the_document() -> None:
    whole = document_read(TD3, ChipRead(dict(ISSUED.files)))
    assert (whole.failure, whole.portrait, whole.finger) == ("", PORTRAIT, FINGER)
    files = {name: content for name, content in ISSUED.files.items() if name != "dg1"}
    read = document_read(TD3, ChipRead(files, "dg1_status_6f00"))
    assert (read.chip_mrz, read.portrait, read.finger, read.finger_position) == (None, None, None, 0)
    assert read.failure == "dg1_status_6f00"


def test_missing_finger_group_is_no_failure_but_a_denied_one_is() -> None:
    files = {name: content for name, content in ISSUED.files.items() if name != "dg3"}
    assert document_read(TD3, ChipRead(files, "dg3_not_found")).failure == ""
    denied = document_read(TD3, ChipRead(files, "dg3_access_denied"))
    assert (denied.failure, denied.portrait) == ("dg3_access_denied", PORTRAIT)


def test_first_failure_is_told() -> None:
    files = {**ISSUED.files, "dg1": b"\x61\x00", "dg2": b"\x75\x00"}
    assert document_read(TD3, ChipRead(files)).failure == "dg1_malformed"
    assert document_read(TD3, ChipRead(files, "dg3_timeout")).failure == "dg3_timeout"
