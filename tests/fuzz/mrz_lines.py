"""Bytes on a line reader's line become zones by form or are skipped; nothing is kept beyond one frame, and a good one is found after."""

from __future__ import annotations

from collections.abc import Sequence

from hw.mrz.lines import SHAPES, LineDecoder, LineFraming, encode, zone_order
from tests.fuzz.sources import TD3
from tests.fuzz.target import Target

_TD1 = ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")
_EACH_CR, _MARKED = LineFraming(), LineFraming(b"\x02", b"\r\n", b"\x03")


def plain(data: bytes) -> None:
    _line(data, _EACH_CR)


def marked(data: bytes) -> None:
    _line(data, _MARKED)


def _line(data: bytes, framing: LineFraming) -> None:
    decoder = LineDecoder(framing)
    half = len(data) // 2
    zones = decoder.feed(data[:half], 0.0) + decoder.feed(data[half:], 0.01) + decoder.handle_timer(10.0)
    for zone in zones:
        assert {(len(zone.lines), len(line)) for line in zone.lines} <= set(SHAPES)
        assert zone_order(zone.lines)
        assert zone.started_s in (0.0, 0.01)
    assert decoder.skipped_count + sum(sum(map(len, zone.lines)) for zone in zones) <= len(data)
    assert decoder.next_timer() is None
    assert [zone.lines for zone in decoder.feed(encode(TD3, framing), 20.0)] == [tuple(TD3)]


def seeds() -> Sequence[bytes]:
    found = [encode(zone, framing) for zone in (TD3, _TD1) for framing in (_EACH_CR, _MARKED)]
    return [*found, found[0][:50] + found[0], found[3][1:] + found[3], b"P" * 60 + found[2]]


TARGETS = (Target("plain", plain, seeds, 20), Target("marked", marked, seeds, 20))
