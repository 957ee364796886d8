"""The whole gate loses its power (its process is killed) and comes back: the lane is out of service, then serves again by itself."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from pathlib import Path

from egate.api.v1 import lane_service_pb2 as pb
from egate.demo.client import Stubs, channel
from egate.demo.journey import wait_lane, wait_ready
from egate.demo.site import device_urls, make_site, running
from hw.sim.client import POLL_S, START_S_MAX, Simulator, SimulatorError

LANE = "lane-1"


def _start(directory: Path) -> tuple[subprocess.Popen[bytes], Simulator]:
    process = subprocess.Popen([sys.executable, "-m", "hw.sim", "--dir", str(directory), "--lanes", "1"])
    deadline = time.monotonic() + START_S_MAX
    while time.monotonic() < deadline:
        with contextlib.suppress(SimulatorError):
            return process, Simulator(directory)
        time.sleep(POLL_S)  # until it listens
    process.kill()
    raise AssertionError("the simulator did not start")


async def _lose_and_regain(address: str, pki: Path, gate: Path, process: subprocess.Popen[bytes]) -> None:
    async with channel(address, pki, "engineer-1") as connection:
        engineer = Stubs(connection)
        await wait_ready(engineer, LANE)
        process.kill()
        await asyncio.to_thread(process.wait)
        killed = time.monotonic()
        state = await wait_lane(engineer, LANE, lambda lane: lane.phase == pb.LANE_PHASE_OUT_OF_SERVICE)
        assert time.monotonic() - killed < 5.0
        assert "LOST" in state.devices.values()
        again, simulator = _start(gate)
        try:
            await wait_ready(engineer, LANE)
        finally:
            simulator.quit()
            await asyncio.to_thread(again.wait)


def test_gate_that_loses_its_power_serves_again(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.mkdir()
    process, simulator = _start(gate)
    try:
        site = make_site(tmp_path / "site", device_urls(simulator))
        simulator.close()
        with running(site) as daemon:
            asyncio.run(_lose_and_regain(daemon.address, site.pki, gate, process))
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
