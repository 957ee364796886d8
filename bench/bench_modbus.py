"""How much of a core do idle Modbus devices cost? Budget: 32 lanes with five devices each within 60 % of one core, so at most 0.5 % for
a lane's sensor block and lock together.

    python -m bench.bench_modbus [--lanes 32] [--seconds 20] [--link pty|tcp] [--busy]

Each lane has two lines of its own: a relay board (lock) and a sensor block, simulated in another process. CPU time is this process's,
user and system, all threads. Age: how old readings are when somebody looks at them, at random times. --busy: somebody stands in every
zone, so all are polled at the fast rate.

Estimate: an idle block is read 10 times a second by 2 questions, a lock asked twice; a question costs a write, a wait, a read and some
150 us of Python: 22 x 150 us = 0.33 % of a core.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import random
import resource
import socket
import statistics
import sys
import tempfile
import threading
import time
from multiprocessing.synchronize import Event
from pathlib import Path

from egate.domain.device import DeviceRole, DeviceState
from egate.ports import Device, Sensors
from hw.link.base import Link, LinkLost
from hw.link.pty import PtyMaster
from hw.link.tcp import TcpLink
from hw.modbus.map_file import shipped
from hw.modbus.server import Line, Peripheral
from hw.registry import open_device

LOOK_S = 0.02  # mean time between two looks at a reading's age
READY_S_MAX = 30.0
PORT_FIRST = 45_020


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lanes", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--link", choices=("pty", "tcp"), default="pty")
    parser.add_argument("--busy", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        context = multiprocessing.get_context("spawn")
        ready, stop = context.Event(), context.Event()
        serving = context.Process(
            target=serve, args=(folder, options.lanes, options.link, options.busy, ready, stop), daemon=True
        )
        serving.start()
        if not ready.wait(READY_S_MAX):
            sys.exit("the simulated devices did not start")
        try:
            asyncio.run(measure(Path(folder), options.lanes, options.seconds, options.link))
        finally:
            stop.set()
            serving.join()


def urls(folder: Path, lane: int, link: str) -> tuple[str, str]:
    """Of the lock and of the sensors."""
    ends = [
        f"modbus+pty://{folder}/{name}-{lane}?baud=115200&unit=1"
        if link == "pty"
        else f"modbus+tcp://127.0.0.1:{PORT_FIRST + 2 * lane + index}?unit=1"
        for index, name in enumerate(("relay", "block"))
    ]
    return f"{ends[0]}&map=waveshare_relay", ends[1]


async def measure(folder: Path, lanes: int, seconds: float, link: str) -> None:
    devices: list[Device] = []
    for lane in range(lanes):
        lock, sensors = urls(folder, lane, link)
        devices.append(open_device(lock, folder, DeviceRole.LOCK))
        devices.append(open_device(sensors, folder, DeviceRole.SENSORS))
    for device in devices:
        await device.start(lambda state: None)
    deadline = time.monotonic() + READY_S_MAX
    while any(device.state is not DeviceState.ONLINE for device in devices):
        if time.monotonic() > deadline:
            sys.exit("not all devices came online")
        await asyncio.sleep(0.05)
    await asyncio.sleep(3.0)  # until they are idle
    ages: list[float] = []
    blocks: list[Sensors] = devices[1::2]  # type: ignore[assignment]
    draw = random.Random(1)
    used, started = cpu_s(), time.monotonic()
    while time.monotonic() - started < seconds:
        read_at = draw.choice(blocks).read_at
        ages.append(time.monotonic() - read_at if read_at is not None else float("inf"))
        await asyncio.sleep(draw.uniform(0.0, 2 * LOOK_S))
    elapsed, used = time.monotonic() - started, cpu_s() - used
    share = 100 * used / elapsed
    ages.sort()
    print(f"{lanes} lanes, {link}, {elapsed:.0f} s, host {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"  processor {share:.1f} % of a core, {share / lanes:.2f} % for a lane's lock and sensors")
    print(
        f"  age of a reading: p50 {1000 * statistics.median(ages):.0f} ms, p99 {1000 * ages[int(0.99 * len(ages))]:.0f} ms, "
        f"max {1000 * ages[-1]:.0f} ms, n = {len(ages)}"
    )
    for device in devices:
        await device.close()


def cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def serve(folder: str, lanes: int, link: str, busy: bool, ready: Event, stop: Event) -> None:
    """The other process: all controllers, a thread each."""
    for lane in range(lanes):
        for index, name in enumerate(("relay", "block")):
            peripheral = Peripheral(shipped("waveshare_relay" if name == "relay" else "sensor_block"), 1)
            peripheral.person_count = int(busy)
            if link == "pty":
                port: Link = PtyMaster(Path(folder) / f"{name}-{lane}")
                run(Line(port, time.monotonic, [peripheral]))
            else:
                server = socket.create_server(("127.0.0.1", PORT_FIRST + 2 * lane + index))
                threading.Thread(target=accept, args=(server, peripheral), daemon=True).start()
    ready.set()
    stop.wait()


def accept(server: socket.socket, peripheral: Peripheral) -> None:
    connection, _ = server.accept()
    run(Line(TcpLink(connection), time.monotonic, [peripheral], "tcp"))


def run(line: Line) -> None:
    def poll() -> None:
        with contextlib.suppress(LinkLost):
            while True:
                line.poll(0.05)

    threading.Thread(target=poll, daemon=True).start()


if __name__ == "__main__":
    main()
