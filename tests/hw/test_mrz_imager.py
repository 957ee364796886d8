"""The document reader on an imager that looks only when told: triggered while a read waits, and no longer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from egate.domain.device import DeviceState
from egate.errors import DeviceLost, DeviceTimeout
from hw.barcode.pd import SimulatedImager
from hw.link.pty import PtyMaster, open_pty_master
from hw.link.pump import Pump
from hw.mrz.adapter import MrzReader, open_reader
from hw.mrz.pd import READER_SETUPS
from hw.url import parse

from .lock_bench import until
from .test_mrz_frame import TD1, TD3

SETUP = READER_SETUPS["imager"]


@pytest.fixture
def port(tmp_path: Path) -> Iterator[PtyMaster]:
    port = open_pty_master(tmp_path / "mrz")
    yield port
    port.close()


async def test_imager_is_triggered_while_a_read_waits_and_no_longer(port: PtyMaster, tmp_path: Path) -> None:
    imager = SimulatedImager(port, time.monotonic, SETUP.commands)
    pump, session = Pump("imager", imager.poll), imager.session
    reader: MrzReader = open_reader(parse(f"mrz+pty://{tmp_path}/mrz?baud=9600{SETUP.parameters}"), tmp_path)
    await reader.start(lambda _: None)
    await until(lambda: reader.state is DeviceState.ONLINE, 5.0)
    await until(lambda: session.withdrawn_count == 1, 5.0)  # whatever it did before
    imager.present(SETUP.encode(TD3))  # a document lies there before anybody asks
    with pytest.raises(DeviceTimeout):
        await reader.read(0.001)
    imager.remove()
    await until(lambda: not session.looking(0.0), 5.0)

    waiting = asyncio.create_task(reader.read(5.0))
    await until(lambda: session.looking(0.0), 5.0)
    imager.present(SETUP.encode(TD1))
    assert (await waiting).mrz_lines == TD1
    imager.remove()
    withdrawn = session.withdrawn_count
    await until(lambda: session.withdrawn_count > withdrawn or not session.looking(0.0), 5.0)

    waiting = asyncio.create_task(reader.read(5.0))
    await until(lambda: session.looking(0.0), 5.0)
    await reader.close()
    await until(lambda: not session.looking(0.0), 5.0)
    with pytest.raises(DeviceLost):
        await waiting
    pump.close()


async def test_bytes_that_are_no_zone_are_counted(port: PtyMaster, tmp_path: Path) -> None:
    reader = open_reader(parse(f"mrz+pty://{tmp_path}/mrz?baud=9600{SETUP.parameters}"), tmp_path)
    await reader.start(lambda _: None)
    await until(lambda: reader.state is DeviceState.ONLINE, 5.0)
    port.write(b"\xff" * 100 + SETUP.encode(TD3)[:40])
    await until(lambda: reader.health.counters.get("skipped_bytes", 0) == 140, 5.0)
    assert reader.state is DeviceState.DEGRADED
    port.write(SETUP.encode(TD3))
    await until(lambda: reader.state is DeviceState.ONLINE, 5.0)
    assert reader.health.counters["zones"] == 1
    assert reader.discarded_count == 1
    await reader.close()
