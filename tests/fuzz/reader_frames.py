"""Bytes on a reader's line become frames or are skipped; nothing is kept beyond one frame, and a good one is found after."""

from __future__ import annotations

from collections.abc import Sequence

from hw.emrtd import frame as vpcd
from tests.fuzz.target import Target


def chip_line(data: bytes) -> None:
    decoder = vpcd.Decoder()
    half = len(data) // 2
    messages = decoder.feed(data[:half], 0.0) + decoder.feed(data[half:], 0.01)
    assert sum(map(len, messages)) <= len(data)
    decoder.reset()
    assert decoder.feed(vpcd.encode(b"\x90\x00"), 0.02) == [b"\x90\x00"]


def seeds() -> Sequence[bytes]:
    return [vpcd.encode(b"\x04"), vpcd.encode(bytes(5)) * 3, vpcd.encode(bytes(258)), b"\xff\xff"]


TARGETS = (Target("chip_line", chip_line, seeds, 20),)
