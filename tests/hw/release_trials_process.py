"""The two processes of a trial as seen from the test: the device, and the holder of the lock."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path
from typing import Any

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
END_S = 10.0
LOOK_S = 0.005


async def _spawn(module: str, *arguments: str, environment: dict[str, str] | None = None) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdin=PIPE, stdout=PIPE, env={**os.environ, **(environment or {})}
    )


async def _end(process: Process) -> None:
    """By closing its input; if it does not mind that, by force."""
    if process.returncode is None and process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), END_S)
    except TimeoutError:
        process.kill()
        await process.wait()


class Device:
    def __init__(self, process: Process, url: str) -> None:
        self._process = process
        self._asking = asyncio.Lock()
        self.url = url

    @classmethod
    async def start(cls, family: str, folder: Path, seed: int) -> Device:
        process = await _spawn("tests.hw.release_trials_device", family, str(folder), str(seed))
        assert process.stdout is not None
        return cls(process, json.loads(await process.stdout.readline())["url"])

    async def order(self, what: str, **more: Any) -> dict[str, Any]:
        """Returns the device's log, taken after it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._asking:
            self._process.stdin.write(json.dumps({"do": what, **more}).encode() + b"\n")
            answer: dict[str, Any] = json.loads(await self._process.stdout.readline())
            return answer

    async def end(self) -> None:
        await _end(self._process)


class Holder:
    """ready_since: when its state changed last. result: of the last release, None before. called_at: when it was called, at the latest."""

    def __init__(self, process: Process, clock: Path) -> None:
        self._process = process
        self._clock = clock
        self._state: dict[str, Any] = {}
        self.ready_since = 0.0
        self.called_at: float | None = None
        self.result: str | None = None
        self._listening = asyncio.ensure_future(self._listen())

    @classmethod
    async def start(cls, url: str, folder: Path, *, clock: bool) -> Holder:
        """clock: its wall clock can be stepped; CLOCK_MONOTONIC stays what it is, as in Linux."""
        path = folder / "clock"
        path.write_text("+0\n")
        environment = {
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(path),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        module = "tests.hw.release_trials_holder"
        return cls(await _spawn(module, url, str(folder), environment=environment if clock else None), path)

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    @property
    def started(self) -> bool:
        return bool(self._state)

    @property
    def ready(self) -> bool:
        return self._state == {"state": "ONLINE", "lock": "SECURED"}

    async def wait(self, condition: Callable[[], bool], within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, f"did not happen within {within_s} s, {self._state}"
            await asyncio.sleep(LOOK_S)

    def release(self, duration_s: float, deadline_s: float, late_s: float = 0.0) -> None:
        if self.alive and self._process.stdin is not None:
            order = {"duration_s": duration_s, "deadline_s": deadline_s, "late_s": late_s}
            self._process.stdin.write(json.dumps(order).encode() + b"\n")

    async def obeys(self, deadline_s: float) -> bool:
        """Whether a short release is acknowledged now."""
        self.result = None
        self.release(0.1, deadline_s)
        await self.wait(lambda: self.result is not None, deadline_s + END_S)
        return self.result == "ACKNOWLEDGED"

    async def kill(self) -> None:
        self._process.kill()
        await self._process.wait()

    def stop(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def step_clock(self, step_s: float) -> None:
        beside = self._clock.with_name("clock.new")
        beside.write_text(f"{step_s:+.3f}\n")
        beside.replace(self._clock)

    async def end(self) -> None:
        await _end(self._process)
        await self._listening

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            if "called" in said:
                self.called_at = said["called"][1] if self.called_at is None else self.called_at
            elif "result" in said:
                self.result = said["result"]
            else:
                self._state = said
                self.ready_since = time.monotonic()
