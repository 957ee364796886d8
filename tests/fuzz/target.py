"""What a fuzz target is, and the three things none of them may do: raise what is not foreseen, hang, grow."""

from __future__ import annotations

import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

INPUT_SIZE_MAX = 65_536
HANG_S = 1.0  # of CPU time: other work on the machine is not the decoder's fault
MEMORY_MAX = 200 * 1024 * 1024  # growth of the process over what it had after its seeds were made
_MEMORY_EVERY = 64  # inputs between two looks at the process; a look costs as much as a parse


@dataclass(frozen=True)
class Target:
    """name: unique in its module. run: one input; returns for any bytes, what is foreseen is caught inside.

    seeds: valid samples, made by our own writers. weight: share of a campaign's inputs; 1 is the least.
    """

    name: str
    run: Callable[[bytes], object]
    seeds: Callable[[], Sequence[bytes]]
    weight: int = 10


@dataclass
class Failure:
    """One defect. kind: "raised", "hung" or "grew". place: exception and line, by which equal ones are told."""

    kind: str
    place: str
    data: bytes


@dataclass
class Watch:
    """Runs inputs and keeps what went wrong, each place once."""

    run: Callable[[bytes], object]
    count: int = 0
    slowest_s: float = 0.0
    slowest_size: int = 0
    memory_start: int = field(default_factory=lambda: memory_peak())
    failures: dict[str, Failure] = field(default_factory=dict)
    _recent: deque[bytes] = field(default_factory=lambda: deque(maxlen=_MEMORY_EVERY))

    def feed(self, data: bytes) -> None:
        data = data[:INPUT_SIZE_MAX]
        self.count += 1
        self._recent.append(data)
        started = time.process_time()
        try:
            self.run(data)
        except Exception as error:  # the very thing that is looked for
            self._fail("raised", place_of(error), data)
        took = time.process_time() - started
        if took > self.slowest_s:
            self.slowest_s, self.slowest_size = took, len(data)
        if took > HANG_S:
            self._fail("hung", f"{took:.1f} s", data)
        if self.count % _MEMORY_EVERY == 0 and self.grown > MEMORY_MAX:
            self._fail("grew", f"{self.grown >> 20} MB", max(self._recent, key=len))
            self.memory_start = memory_peak()

    @property
    def grown(self) -> int:
        return memory_peak() - self.memory_start

    def _fail(self, kind: str, place: str, data: bytes) -> None:
        self.failures.setdefault(place, Failure(kind, place, data))


def place_of(error: BaseException) -> str:
    """The exception's type and the line that raised it, without its words: they may quote the input."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    return f"{type(error).__name__} at {where}"


def memory_peak() -> int:
    """Bytes this program has held at most; getrusage's would be that of the process it was forked from."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
