"""Bytes on a reader's line become frames or are skipped; nothing is kept beyond one frame, and a good one is found after."""

from __future__ import annotations

from collections.abc import Sequence

from hw.emrtd import frame as vpcd
from hw.mrz import frame as mrz
from tests.fuzz.sources import TD3
from tests.fuzz.target import Target

_ZONE = mrz.encode([*(line.encode("ascii") for line in TD3), b""])


def chip_line(data: bytes) -> None:
    decoder = vpcd.Decoder()
    half = len(data) // 2
    messages = decoder.feed(data[:half], 0.0) + decoder.feed(data[half:], 0.01)
    assert sum(map(len, messages)) <= len(data)
    decoder.reset()
    assert decoder.feed(vpcd.encode(b"\x90\x00"), 0.02) == [b"\x90\x00"]


def zone_line(data: bytes) -> None:
    decoder = mrz.Decoder()
    half = len(data) // 2
    frames = decoder.feed(data[:half], 0.0) + decoder.feed(data[half:], 0.01)
    assert len(frames) * mrz.LINE_COUNT <= len(data)
    decoder.handle_timer(10.0)
    assert (
        [frame.lines for frame in decoder.feed(_ZONE, 20.0)]
        == [frame.lines for frame in mrz.Decoder().feed(_ZONE, 0.0)]
        != []
    )


def seeds() -> Sequence[bytes]:
    return [vpcd.encode(b"\x04"), vpcd.encode(bytes(5)) * 3, vpcd.encode(bytes(258)), b"\xff\xff"]


def _zones() -> Sequence[bytes]:
    return [_ZONE, _ZONE[1:] + _ZONE, mrz.encode([b"I<UTO", b"7408", b"ERIKSSON"]), b"\x01\x00\x98OU" + _ZONE]


TARGETS = (Target("chip_line", chip_line, seeds, 20), Target("zone_line", zone_line, _zones, 20))
