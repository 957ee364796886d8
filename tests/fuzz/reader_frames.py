"""Bytes on a reader's line become frames or are skipped; nothing is kept beyond one frame, and a good one is found after."""

from __future__ import annotations

from collections.abc import Sequence

from hw.emrtd.wire import frame as vpcd
from hw.mrz import frame as mrz
from hw.pn532 import frame as pn532
from hw.pn532.frame import Frame
from hw.pn532.host import Exchange
from hw.pn532.messages import TYPE_A, TYPE_B, TargetA, TargetB, in_data_exchange, parse_target
from tests.fuzz.sources import TD3
from tests.fuzz.target import Target

_ZONE = mrz.encode([*(line.encode("ascii") for line in TD3), b""])
_ACK = pn532.Signal.ACK.value
_RESPONSE = pn532.encode(Frame(pn532.TFI_CONTROLLER, b"\x41\x00\x90\x00"))


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


def controller_line(data: bytes) -> None:
    decoder = pn532.Decoder()
    half = len(data) // 2
    frames = decoder.feed(data[:half], 0.0) + decoder.feed(data[half:], 0.01) + decoder.handle_timer(10.0)
    assert len(frames) <= len(data)
    assert decoder.next_timer() is None
    assert decoder.feed(_RESPONSE, 20.0) == [Frame(pn532.TFI_CONTROLLER, b"\x41\x00\x90\x00")]


def exchange(data: bytes) -> None:
    """What a controller may say to a command."""
    session = Exchange(in_data_exchange(1, bytes(5)), 0.0, 1.0)
    for index in range(0, len(data), 40):
        session.receive(data[index : index + 40], 0.001)
        assert len(session.data_to_send()) < 1_000
    for now in (0.2, 0.4, 0.6, 2.0):
        session.handle_timer(now)
    assert session.over


def target(data: bytes) -> None:
    for kind in (TYPE_A, TYPE_B):
        found = parse_target(kind, data)
        if found is not None:
            assert isinstance(found[1].identity, bytes)
            assert found[1].has_apdus in (True, False)


def seeds() -> Sequence[bytes]:
    return [vpcd.encode(b"\x04"), vpcd.encode(bytes(5)) * 3, vpcd.encode(bytes(258)), b"\xff\xff"]


def _zones() -> Sequence[bytes]:
    return [_ZONE, _ZONE[1:] + _ZONE, mrz.encode([b"I<UTO", b"7408", b"ERIKSSON"]), b"\x01\x00\x98OU" + _ZONE]


def _responses() -> Sequence[bytes]:
    long = pn532.encode(Frame(pn532.TFI_CONTROLLER, b"\x41\x00" + bytes(260)))
    return [_ACK + _RESPONSE, _ACK + long, b"\x55" * 5 + _ACK + pn532.Signal.ERROR.value, pn532.Signal.NACK.value]


def _targets() -> Sequence[bytes]:
    chips: list[TargetA | TargetB] = [
        TargetA(b"\x00\x04", 0x20, b"\x08\x01\x02\x03", b"\x05\x78\x80\x90\x02"),
        TargetB(b"\x50" + bytes(11), b"\x00"),
    ]
    return [b"\x01\x01" + chip.encode() for chip in chips]


TARGETS = (
    Target("chip_line", chip_line, seeds, 20),
    Target("zone_line", zone_line, _zones, 20),
    Target("controller_line", controller_line, _responses, 20),
    Target("exchange", exchange, _responses, 20),
    Target("target", target, _targets, 20),
)
