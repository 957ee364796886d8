"""No release starts after its deadline where the link itself waits, or where its lock was closed meanwhile."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from egate.domain.device import ReleaseResult
from hw.osdp.adapter import open_lock
from hw.osdp.adapter.lock import DELAY_S_MAX, PROCESSING_S, transit_s
from hw.osdp.adapter.place import place
from hw.osdp.frame import COMMAND_OUT
from hw.osdp.release import Fate
from hw.url import parse
from tests.hw.line_bench import Workbench, two_online
from tests.hw.lock_bench import lock_bench, until, write_key


@pytest.fixture
def bench() -> Iterator[Workbench]:
    with two_online() as one:
        yield one


@pytest.mark.parametrize(
    ("link", "target", "parameters", "least_s"),
    [
        ("serial", "/dev/ttyUSB0", "&baud=115200&turnaround_ms=100", 0.1),
        ("tcp", "192.0.2.1:4001", "", DELAY_S_MAX["tcp"]),
        ("rfc2217", "192.0.2.1:4001", "&baud=115200&turnaround_ms=40", 0.04 + DELAY_S_MAX["rfc2217"]),
    ],
)
def test_release_allows_for_what_its_link_may_wait(
    tmp_path: Path, link: str, target: str, parameters: str, least_s: float
) -> None:
    write_key(tmp_path / "key", secrets.token_bytes(16))
    url = parse(f"osdp+{link}://{target}?address=1&key=file:key{parameters}")
    assert transit_s(place(url, tmp_path, "lock", "output 0", ())) >= PROCESSING_S + least_s


async def test_release_that_the_turnaround_would_make_late_is_not_sent(tmp_path: Path) -> None:
    async with lock_bench(tmp_path, start=False) as bench:
        lock = open_lock(parse(f"{bench_url(tmp_path)}&turnaround_ms=100"), tmp_path)
        bench.lock = lock
        await lock.start(bench.states.append)
        await bench.ready()
        assert await lock.release(0.1, 0.08) is ReleaseResult.NOT_SENT
        assert bench.released_at == []


def bench_url(folder: Path) -> str:
    return f"osdp+pty://{folder}/lock-1?address=1&baud=115200&key=file:lock-1.scbk"


@pytest.mark.parametrize("cancelled", [False, True])
def test_port_is_renewed_though_the_peripheral_of_the_release_left(bench: Workbench, cancelled: bool) -> None:
    """Its frame may still lie in the port that a neighbour goes on using."""
    bench.deaf = {1}
    bench.release(1, 3.0, 1.0)
    bench.run_until(lambda: bench.wire.sent[-1][1:] == (1, COMMAND_OUT))
    peripheral = bench.line.peripherals[0]
    if cancelled:
        bench.locks[1].cancel_release(bench.time)
    peripheral.remove(bench.locks[1])
    peripheral.unplug("closed")
    bench.line.remove(peripheral)
    assert bench.fates[0][1] is Fate.UNKNOWN
    assert bench.line.must_renew
    bench.line.clear(bench.time)
    assert not bench.line.must_renew


async def test_closed_lock_whose_release_is_under_way_is_left_secured(tmp_path: Path) -> None:
    async with lock_bench(tmp_path) as bench:
        await bench.ready()
        bench.peripheral.replies_lost = 1
        release = asyncio.ensure_future(bench.lock.release(20.0, 1.5))
        await until(lambda: bool(bench.released_at), 1.0)
        called = time.monotonic()
        await bench.lock.close()
        assert time.monotonic() - called < 2.0
        assert await release is not ReleaseResult.ACKNOWLEDGED
        assert not bench.peripheral.released
