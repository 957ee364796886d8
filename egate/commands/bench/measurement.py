"""What a measurement says of itself: percentiles, host, commit. No host name, no path."""

from __future__ import annotations

import math
import os
import platform
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

NAP_S = 0.005
PROJECT = Path(__file__).resolve().parents[3]
GIT_S_MAX = 5.0


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: a value that occurred, never one between two. share: (0, 1]. Raises ValueError if empty."""
    if not values or not 0 < share <= 1:
        raise ValueError("no values, or share is not in (0, 1]")
    return sorted(values)[math.ceil(share * len(values)) - 1]


def summary_ms(seconds: Sequence[float]) -> dict[str, float | int]:
    """p50, p99, p99.9, max in milliseconds and n; below 1/(1-share) values a percentile is the maximum. Raises ValueError if empty."""
    shares = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
    return {name: round(percentile(seconds, share) * 1000, 2) for name, share in shares.items()} | {"n": len(seconds)}


def host() -> dict[str, str | int]:
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count() or 0,
        "machine": platform.machine(),
        "kernel": platform.release().split("-")[0],
        "python": platform.python_version(),
    }


def commit() -> str:
    """The checkout's commit, with "+" if it holds changes; "" outside a checkout."""
    head = _git("rev-parse", "--short=12", "HEAD")
    return head + ("+" if head and _git("status", "--porcelain", "--untracked-files=no") else "")


def _git(*words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(PROJECT), *words], capture_output=True, text=True, timeout=GIT_S_MAX, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


class StallWatch:
    """How late an idle thread of ours woke up: what the host did to everybody, so that its stalls are not taken for the daemon's."""

    def __init__(self) -> None:
        self._late_s: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stall-watch", daemon=True)

    def __enter__(self) -> StallWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def report(self) -> dict[str, float | int]:
        """summary_ms of the lateness."""
        return summary_ms(self._late_s)

    def _run(self) -> None:
        while not self._stop.is_set():
            due = time.monotonic() + NAP_S
            time.sleep(NAP_S)
            self._late_s.append(max(0.0, time.monotonic() - due))
