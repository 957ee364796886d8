"""`egate hw trace`: what passes between this machine and one device, redacted (hw/link/trace)."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import queue
import time

from egate.commands.hw.opened import Opened, open_by_url, running, until
from hw.link.trace.record import Record, line
from hw.link.trace.tap import tracing

LOOK_S = 0.02
# Chosen: some seconds of the fastest line. A terminal that cannot follow loses lines; the device's thread never waits for it.
WAITING_MAX = 10_000


def register(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    parser = actions.add_parser(
        "trace",
        help="print what passes a device's link until interrupted; of cards, documents, prints and keys sizes only",
    )
    parser.add_argument("url", metavar="URL")
    parser.add_argument("--seconds", type=float, help="end after so long")
    parser.set_defaults(run=run)
    return parser


def run(arguments: argparse.Namespace) -> int:
    opened = open_by_url(arguments.url, arguments)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_trace(opened, arguments.seconds))
    return 0


async def _trace(opened: Opened, seconds: float | None) -> None:
    started = time.monotonic()
    waiting: queue.Queue[Record] = queue.Queue(WAITING_MAX)
    lost = 0

    def keep(record: Record) -> None:
        nonlocal lost
        try:
            waiting.put_nowait(record)
        except queue.Full:
            lost += 1

    with tracing(keep):
        async with running([opened]):
            end = until(seconds)
            while time.monotonic() < end:
                await asyncio.sleep(LOOK_S)
                _print(waiting, started)
    _print(waiting, started)
    if lost:
        print(f"{lost} lines were not shown: the output was too slow")


def _print(waiting: queue.Queue[Record], started: float) -> None:
    with contextlib.suppress(queue.Empty):
        while True:
            print(line(waiting.get_nowait(), started), flush=True)
