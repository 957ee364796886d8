"""What do 32 lanes with five devices each cost the daemon's process while nothing happens?

Budget: <= 60 % of one core. Estimate before measuring, a lane: a lock refreshed every millisecond 1,000 x 5 us = 0.5 %; sensors
polled 40 times a second with two questions 80 x 100 us = 0.8 %; a zone's port and a chip's looked at 20 and 50 times a second
70 x 15 us = 0.1 %; a finger sensor asked once a second and a signal's heartbeat less than 0.1 % together. 1.5 % a lane, 48 % in all.

The devices are opened as the daemon opens them, on uvloop; their simulated peers run in processes of their own, with bytes paced to
115,200 baud. The cost is read from the kernel's account of each thread (/proc/self/task/*/schedstat), so that it can be told by family;
the event loop's is what the main thread took. A host that is busy makes polls late and so fewer: look at `online` and `idle_of_host`.
Run: `python -m bench.bench_idle [--lanes N] [--seconds S] [--devices NAME,…] [--json FILE]`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from bench.stats import commit, host
from egate.domain.device import DeviceRole, DeviceState
from egate.ports import Device
from hw.registry import open_device
from tests.hw import device_campaign_peers as peers
from tests.hw.device_campaign_peers import BAUD, Peer
from tests.hw.lock_bench import until

LANES, SECONDS, PEER_PROCESSES = 32, 20.0, 4
READY_S_MAX = 120.0
SETTLE_S = 3.0  # after the last device was ready: hand shakes are over
BAR = 0.60
DEFAULT = ("osdp.lock", "modbus.sensors", "mrz+pn532", "r30x", "modbus.signal")
PEERS: dict[str, Callable[..., Peer[Any]]] = {
    "osdp.lock": peers.osdp_lock,
    "osdp.sensors": peers.osdp_sensors,
    "osdp.signal": peers.osdp_signal,
    "osdp.card_reader": peers.osdp_card_reader,
    "modbus.lock": peers.modbus_lock,
    "modbus.sensors": peers.modbus_sensors,
    "modbus.signal": peers.modbus_signal,
    "mrz": peers.mrz,
    "mrz+pn532": partial(peers.mrz, with_chip=True),
    "barcode": peers.barcode,
    "r30x": peers.r30x,
}
CAMERA = "camera", DeviceRole.CAMERA, "camera+synthetic://moving?width=640&height=480&fps=15"  # needs no peer
MAIN = "event loop"


def simulate(folder: Path, lanes: list[int], names: list[str]) -> None:
    """The peers of these lanes, until standard input ends. Prints [name, role, url] of each, then an empty line."""
    with ExitStack() as stack:
        for lane in lanes:
            place = folder / f"lane-{lane}"
            place.mkdir()
            for name in names:
                peer = PEERS[name](place, BAUD)
                peer.start()
                stack.callback(peer.close)
                print(json.dumps([name, peer.role, peer.url]))
        print(flush=True)
        sys.stdin.read()


@contextmanager
def simulated(folder: Path, lanes: int, names: list[str]) -> Iterator[list[tuple[str, DeviceRole, str]]]:
    """The peers of all lanes in processes of their own: what is to be opened."""
    found: list[tuple[str, DeviceRole, str]] = [CAMERA] * (lanes if CAMERA[0] in names else 0)
    simulators = [name for name in names if name != CAMERA[0]]
    processes = []
    for number in range(PEER_PROCESSES):
        those = [str(lane) for lane in range(number, lanes, PEER_PROCESSES)]
        command = [sys.executable, "-m", "bench.bench_idle", "--simulate", str(folder), *those]
        environment = {**os.environ, "BENCH_IDLE_DEVICES": " ".join(simulators)}
        processes.append(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        )
    try:
        for process in processes:
            assert process.stdout is not None
            while (line := process.stdout.readline()).strip():
                name, role, url = json.loads(line)
                found.append((name, DeviceRole(role), url))
        yield found
    finally:
        for process in processes:
            process.communicate(timeout=30)


def cpu_of_threads() -> dict[int, float]:
    """Seconds of processor time by native thread id. Documentation/scheduler/sched-stats.rst: nanoseconds on the processor first."""
    return {
        int(task.name): int((task / "schedstat").read_text(encoding="ascii").split()[0]) / 1e9
        for task in Path("/proc/self/task").iterdir()
    }


async def measure(devices: list[tuple[str, DeviceRole, str]], seconds: float) -> dict[str, Any]:
    """Opens all, waits until they are ready, and reads the account of `seconds`."""
    opened: list[tuple[str, Device]] = []
    threads: dict[int, str] = {threading.get_native_id(): MAIN}
    changes: Counter[str] = Counter()
    for name, role, url in devices:
        known = {thread.native_id for thread in threading.enumerate()}
        device = open_device(url, Path("/"), role)
        await device.start(lambda state, name=name: changes.update([f"{name} {state}"]))  # type: ignore[misc]
        threads |= {
            thread.native_id: name
            for thread in threading.enumerate()
            if thread.native_id is not None and thread.native_id not in known
        }
        opened.append((name, device))
    try:
        await until(lambda: all(device.state is DeviceState.ONLINE for _, device in opened), READY_S_MAX)
        await asyncio.sleep(SETTLE_S)
        changes.clear()
        idle, before, cpu, started = host_idle_s(), cpu_of_threads(), time.process_time(), time.monotonic()
        await asyncio.sleep(seconds)
        took = time.monotonic() - started
        cpu, after = time.process_time() - cpu, cpu_of_threads()
        idle = (host_idle_s() - idle) / took / (os.cpu_count() or 1)
        online, told = sum(device.state is DeviceState.ONLINE for _, device in opened), dict(changes)
    finally:
        await asyncio.gather(*(device.close() for _, device in opened))
    shares: Counter[str] = Counter()
    for thread, spent in after.items():
        shares[threads.get(thread, "other threads")] += (spent - before.get(thread, 0.0)) / took  # type: ignore[assignment]
    return {
        "share_of_core": round(cpu / took, 4),
        "by_family": {name: round(share, 4) for name, share in shares.most_common()},
        "devices": len(opened),
        "online": online,
        "state_changes": told,
        "threads": len(after),
        "seconds": round(took, 1),
        "idle_of_host": round(idle, 2),
    }


def host_idle_s() -> float:
    """proc(5): the idle column of all processors together."""
    return int(Path("/proc/stat").read_text(encoding="ascii").split()[4]) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lanes", type=int, default=LANES)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--devices", default=",".join(DEFAULT), help=f"of {', '.join([*PEERS, CAMERA[0]])}")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--simulate", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.simulate:
        folder, *lanes = options.simulate
        simulate(Path(folder), [int(lane) for lane in lanes], os.environ["BENCH_IDLE_DEVICES"].split())
        return
    with (
        tempfile.TemporaryDirectory() as directory,
        simulated(Path(directory), options.lanes, options.devices.split(",")) as devices,
    ):
        found = uvloop.run(measure(devices, options.seconds))
    report = {"lanes": options.lanes, "bar": BAR, **found, "commit": commit(), "host": host()}
    print(json.dumps(report, indent=2))
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
