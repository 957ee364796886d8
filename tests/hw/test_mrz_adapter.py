"""The reader's own corners, below the contract: URLs, a block that straddles the call of read, a port that comes back, noise."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from egate.domain.chip import ChipRead
from egate.domain.device import DeviceState
from egate.errors import ConfigurationError, DeviceTimeout
from hw.emrtd.adapter import NOISE_SIZE_MIN
from hw.emrtd.wire.frame import LENGTH_SIZE, SHORT_MESSAGE_SIZE_MAX
from hw.link.noise import SIZE_MIN
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


async def listening(url: str) -> tuple[MrzReader, list[DeviceState]]:
    """An online reader and all states it told."""
    states: list[DeviceState] = []
    reader = open_reader(parse(url), Path("/"))
    await reader.start(states.append)
    await eventually(lambda: reader.state is DeviceState.ONLINE)
    return reader, states


async def test_noise_degrades_a_document_is_still_read_and_ends_it(port: PtyMaster, tmp_path: Path) -> None:
    reader, states = await listening(f"mrz+pty://{tmp_path}/mrz?baud=9600")
    waiting = asyncio.create_task(reader.read(5.0))
    await asyncio.sleep(0)
    port.write(b"\xff" * SIZE_MIN)
    await eventually(lambda: reader.state is DeviceState.DEGRADED)
    assert not waiting.done()
    waiting.cancel()
    waiting = asyncio.create_task(reader.read(5.0))  # a degraded reader is not refused
    await asyncio.sleep(0)
    port.write(block(TD3))
    assert (await waiting).mrz_lines == TD3
    assert states == [DeviceState.ONLINE, DeviceState.DEGRADED, DeviceState.ONLINE]
    await reader.close()
    port.close()


async def test_one_spoilt_block_degrades_and_silence_ends_it(port: PtyMaster, tmp_path: Path) -> None:
    reader, states = await listening(f"mrz+pty://{tmp_path}/mrz?baud=9600")
    spoilt = bytearray(block(TD3))
    spoilt[20] ^= 1
    port.write(bytes(spoilt))
    await eventually(lambda: reader.state is DeviceState.DEGRADED)
    await eventually(lambda: reader.state is DeviceState.ONLINE)
    assert states == [DeviceState.ONLINE, DeviceState.DEGRADED, DeviceState.ONLINE]
    assert reader.discarded_count == 0
    await reader.close()
    port.close()


async def test_noise_at_either_port_counts_and_lost_wins(port: PtyMaster, tmp_path: Path) -> None:
    chip = open_pty_master(tmp_path / "chip")
    reader, states = await listening(f"mrz+pty://{tmp_path}/mrz?baud=9600&chip={tmp_path}/chip")
    chip.write(bytes(LENGTH_SIZE + SHORT_MESSAGE_SIZE_MAX))  # as long as a late answer
    port.write(b"\xff" * SIZE_MIN)
    await eventually(lambda: reader.state is DeviceState.DEGRADED)
    port.write(block(TD3))
    await eventually(lambda: reader.state is DeviceState.ONLINE)  # so the chip's port was not noisy
    chip.write(bytes(NOISE_SIZE_MIN))
    await eventually(lambda: reader.state is DeviceState.DEGRADED)
    port.write(block(TD3))
    await eventually(lambda: reader.discarded_count == 2)
    assert reader.state is DeviceState.DEGRADED  # a zone says nothing of the chip's port

    def lost_in_lasting_noise() -> bool:
        chip.write(bytes(NOISE_SIZE_MIN))
        return reader.state is DeviceState.LOST

    port.unplug()
    await eventually(lost_in_lasting_noise)
    port.replug()
    await eventually(lambda: reader.state is DeviceState.DEGRADED)
    await eventually(lambda: reader.state is DeviceState.ONLINE)
    shown = [DeviceState.ONLINE, DeviceState.DEGRADED, DeviceState.ONLINE, DeviceState.DEGRADED]
    assert states == [*shown, DeviceState.LOST, DeviceState.DEGRADED, DeviceState.ONLINE]
    await reader.close()
    port.close()
    chip.close()


async def test_port_that_was_noisy_when_it_went_comes_back_sound(port: PtyMaster, tmp_path: Path) -> None:
    reader, states = await listening(f"mrz+pty://{tmp_path}/mrz?baud=9600")
    port.write(b"\xff" * SIZE_MIN)
    await eventually(lambda: reader.state is DeviceState.DEGRADED)
    port.unplug()
    await eventually(lambda: reader.state is DeviceState.LOST)
    port.replug()
    await eventually(lambda: reader.state is not DeviceState.LOST)
    assert states == [DeviceState.ONLINE, DeviceState.DEGRADED, DeviceState.LOST, DeviceState.ONLINE]
    await reader.close()
    port.close()


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


def chip_read(files: Mapping[str, bytes], **failures: str) -> ChipRead:
    return ChipRead(present=True, files=dict(files), failures=failures)


def test_portrait_is_dropped_without_the_zone_that_ties_it_to_the_document() -> None:
    whole = document_read(TD3, chip_read(ISSUED.files))
    assert (whole.failure, whole.portrait, [each.image for each in whole.fingers]) == ("", PORTRAIT, [FINGER])
    files = {name: content for name, content in ISSUED.files.items() if name != "dg1"}
    read = document_read(TD3, chip_read(files, dg1="status_6f00"))
    assert (read.chip_mrz, read.portrait, read.fingers) == (None, None, ())
    assert read.failure == "dg1_status_6f00"


def test_session_with_the_chip_comes_along_and_none_where_no_chip_was_asked() -> None:
    chip = chip_read(ISSUED.files)
    assert document_read(TD3, chip).chip is chip
    assert document_read(TD3, None).chip is None
    assert document_read((), None).failure == "mrz_empty"


def test_first_failure_is_told() -> None:
    files = {**ISSUED.files, "dg1": b"\x61\x00", "dg2": b"\x75\x00"}
    assert document_read(TD3, chip_read(files)).failure == "dg1_malformed"
    assert document_read(TD3, chip_read(files, dg3="timeout")).failure == "dg3_timeout"
