"""A wire trace: tells what passes a link, as far as it may be seen. Off, and nothing of it costs anything, unless a command says `tracing`.

What may be seen is listed by family and kind of frame (`osdp`, `modbus`); everything else, and every family that is not named here,
is told by its size: chips, cards, zones of documents, bar codes, images of fingers and keys pass these links.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from hw.link.base import Link
from hw.link.trace import modbus, osdp, sized
from hw.link.trace.record import Direction, Record, Sizes, Told
from hw.url import DeviceUrl

Sink = Callable[[Record], None]

_sink: Sink | None = None


class _Reader(Protocol):
    def feed(self, data: bytes, now: float) -> list[Told]: ...


_READERS: dict[str, Callable[[Direction, DeviceUrl], _Reader]] = {
    "osdp": lambda direction, url: osdp.reader(),
    "modbus": lambda direction, url: modbus.reader(direction, tcp=url.link == "tcp"),
    "pn532": lambda direction, url: sized.pn532(),
    "r30x": lambda direction, url: sized.r30x(),
}


@contextlib.contextmanager
def tracing(sink: Sink) -> Iterator[None]:
    """Every link of this process that is opened meanwhile is traced, until it is closed. sink is called in the links' own threads."""
    global _sink
    before, _sink = _sink, sink
    try:
        yield
    finally:
        _sink = before


def tapped(url: DeviceUrl, link: Link) -> Link:
    """link itself unless this process is tracing."""
    return link if _sink is None else TraceLink(url, link, _sink)


class TraceLink:
    """Wraps inner and changes nothing."""

    def __init__(self, url: DeviceUrl, inner: Link, sink: Sink, clock: Callable[[], float] = time.monotonic) -> None:
        self._inner = inner
        self._port = url.target
        self._sink = sink
        self._clock = clock
        self._readers = {direction: _reader(direction, url) for direction in Direction}

    def read(self, size_max: int, timeout_s: float) -> bytes:
        data = self._inner.read(size_max, timeout_s)
        if data:
            self._tell(Direction.FROM_DEVICE, data)
        return data

    def write(self, data: bytes) -> None:
        self._inner.write(data)
        self._tell(Direction.TO_DEVICE, data)

    def close(self) -> None:
        self._inner.close()

    def __getattr__(self, name: str) -> Any:
        if name == "fileno":  # links that tell their descriptor go on doing so
            return getattr(self._inner, name)
        raise AttributeError(name)

    def _tell(self, direction: Direction, data: bytes) -> None:
        now = self._clock()
        for told in self._readers[direction].feed(data, now):
            self._sink(Record(now, self._port, direction, told))


def _reader(direction: Direction, url: DeviceUrl) -> _Reader:
    make = _READERS.get(url.protocol)
    return Sizes() if make is None else make(direction, url)
