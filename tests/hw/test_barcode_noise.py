"""Ten megabytes of random bytes at the ports of document and bar code readers: no crash, no document, no code, no memory."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path
from random import Random

import pytest

from egate.domain.device import DeviceState
from hw.link.pty import PtyMaster
from hw.mrz.adapter import open_reader
from hw.mrz.pd import READER_SETUPS
from hw.url import parse

from .barcode_bench import SETUPS, barcode_bench
from .lock_bench import until
from .test_mrz_frame import TD3

PORTION = 4096
PORTIONS = 2_560  # ten megabytes
MEMORY_KIB_MAX = 4_096


def pour(port: PtyMaster, portions: int, seed: int) -> None:
    random = Random(seed)
    for _ in range(portions):
        port.write(random.randbytes(PORTION))


def memory_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.soak
@pytest.mark.parametrize("setup", SETUPS)
async def test_noise_at_a_bar_code_reader(tmp_path: Path, setup: str) -> None:
    async with barcode_bench(tmp_path, setup) as bench:
        await bench.ready()
        waiting = asyncio.create_task(bench.reader.scan(120.0))
        await asyncio.to_thread(pour, bench.port, 100, 1)  # buffers reach their size
        before = memory_kib()
        await asyncio.to_thread(pour, bench.port, PORTIONS, 2)
        # What its driver had no room for is lost, as at a UART.
        await until(lambda: bench.reader.state is DeviceState.ONLINE, 20.0)
        assert not waiting.done()
        assert bench.counted("codes") == 0
        assert bench.counted("skipped_bytes") > PORTIONS * PORTION // 2
        assert memory_kib() - before < MEMORY_KIB_MAX
        bench.send(bench.frame(b"token-after-the-noise"))
        assert (await waiting).content == b"token-after-the-noise"
        assert bench.states == [DeviceState.ONLINE, DeviceState.DEGRADED, DeviceState.ONLINE]


@pytest.mark.soak
@pytest.mark.parametrize("name", READER_SETUPS)
async def test_noise_at_a_document_reader(tmp_path: Path, name: str) -> None:
    setup, port, states = READER_SETUPS[name], PtyMaster(tmp_path / "mrz"), list[DeviceState]()
    reader = open_reader(parse(f"mrz+pty://{tmp_path}/mrz?baud=9600{setup.parameters}"), tmp_path)
    await reader.start(states.append)
    await until(lambda: reader.state is DeviceState.ONLINE, 5.0)
    waiting = asyncio.create_task(reader.read(120.0))
    await asyncio.to_thread(pour, port, 100, 1)
    before = memory_kib()
    await asyncio.to_thread(pour, port, PORTIONS, 2)
    await until(lambda: reader.state is DeviceState.ONLINE, 20.0)
    assert not waiting.done()
    assert reader.health.counters.get("zones", 0) == 0
    assert reader.health.counters["skipped_bytes"] > PORTIONS * PORTION // 2
    assert memory_kib() - before < MEMORY_KIB_MAX
    port.write(setup.encode(TD3))
    assert (await waiting).mrz_lines == TD3
    assert states == [DeviceState.ONLINE, DeviceState.DEGRADED, DeviceState.ONLINE]
    await reader.close()
    port.close()
