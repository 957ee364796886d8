"""The process that holds a lock, and may be killed, stopped or have its clock stepped: `python -m tests.hw.release_trials_holder URL BASE`.

Opens the real adapter by its URL. Says each change of its state, {"state": …, "lock": …}. A line for a release:
{"duration_s": …, "deadline_s": …, "late_s": …}. It says {"called": [before, after]} when the release has been called, between the two,
and {"result": …} when it is answered.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import sys
import time
from pathlib import Path
from typing import Any, cast

if "FAKETIME_TIMESTAMP_FILE" in os.environ:
    # libfaketime 0.9.10 makes clock_nanosleep fail when it leaves CLOCK_MONOTONIC alone; who sleeps shall sleep all the same.
    def _sleep(duration_s: Any, /) -> None:
        select.select([], [], [], duration_s)

    time.sleep = _sleep

from egate.domain.device import DeviceRole
from egate.ports import Lock
from hw.registry import open_device


async def main(url: str, base: str) -> None:
    lock = cast(Lock, open_device(url, Path(base), DeviceRole.LOCK))

    def tell(_: object) -> None:
        say(state=lock.state, lock=lock.lock_state)

    lock.on_lock(tell)
    await lock.start(tell)
    tell(None)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        await release(lock, json.loads(line))
    await lock.close()


async def release(lock: Lock, order: dict[str, float]) -> None:
    before = time.monotonic()
    if order["late_s"]:  # the plant
        say(called=[before, before])
        await asyncio.sleep(order["late_s"])
    releasing = asyncio.ensure_future(lock.release(order["duration_s"], order["deadline_s"]))
    await asyncio.sleep(0)  # its first step has set the deadline
    say(called=[before, time.monotonic()])
    say(result=await releasing)


def say(**line: Any) -> None:
    os.write(sys.stdout.fileno(), json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
