"""A serial server's bytes are data or are taken out; what a trace tells adds up to what passed, and it shows whole frames alone."""

from __future__ import annotations

from collections.abc import Sequence

from hw.link.comport import COM_PORT, IAC, SB, SE, ComPort
from hw.link.trace import modbus, osdp, sized
from hw.link.trace.record import Cutter, Direction
from hw.link.uart import resample
from tests.fuzz.target import Target

_BAUDS = (1200, 9600, 57_600, 115_200, 250_000)


def telnet(data: bytes) -> None:
    whole, halves = ComPort(), ComPort()
    half = len(data) // 2
    own = whole.receive(data)
    assert own == halves.receive(data[:half]) + halves.receive(data[half:])
    assert len(own) + whole.skipped_count <= len(data)
    assert len(whole.data_to_send()) <= 9 + 3 * 256 * 4, "an answer to each option of each kind, once"


def trace(data: bytes) -> None:
    for cutter, intact in (
        (osdp.reader(), osdp._measure),
        (modbus.reader(Direction.TO_DEVICE, tcp=False), None),
        (modbus.reader(Direction.FROM_DEVICE, tcp=True), None),
        (sized.pn532(), None),
        (sized.r30x(), None),
    ):
        _adds_up(cutter, data)
        if intact is not None:
            shown = [told.shown for told in osdp.reader().feed(data, 0.0) if told.shown]
            assert all(intact(frame) == len(frame) for frame in shown)


def _adds_up(cutter: Cutter, data: bytes) -> None:
    half = len(data) // 2
    told = cutter.feed(data[:half], 0.0) + cutter.feed(data[half:], 0.01)
    told += cutter.feed(b"", 10.0)
    assert sum(each.size for each in told) == len(data)
    assert all(each.shown == b"" or len(each.shown) == each.size for each in told)


def uart(data: bytes) -> None:
    """The first two bytes choose the speeds."""
    if len(data) < 2:
        return
    sent, heard = _BAUDS[data[0] % len(_BAUDS)], _BAUDS[data[1] % len(_BAUDS)]
    data = data[2:500]
    assert len(resample(data, sent, heard)) <= len(data) * 10 * heard / sent / 9.5 + 1


def _connections() -> Sequence[bytes]:
    answer = bytes((IAC, SB, COM_PORT, 101, 0, 0, 0x25, 0x80, IAC, SE))
    return [bytes((IAC, 0xFD, 0, IAC, 0xFD, COM_PORT)) + answer + b"data\xff\xff", answer * 3, b"220 ready\r\n"]


def _frames() -> Sequence[bytes]:
    poll = bytes.fromhex("ff5301080004600000")
    body = poll[1:-2]
    poll = poll[:1] + body + osdp._crc(body).to_bytes(2, "little")
    coils = bytes.fromhex("010100130025")
    read = coils + modbus._crc(coils).to_bytes(2, "little")
    chip = bytes.fromhex("0000ff02fed4022a00")
    print_ = bytes.fromhex("ef01ffffffff010003010005")
    return [poll, read, bytes.fromhex("000100000006010400000002"), chip, print_, poll + read + chip + print_]


def _bytes() -> Sequence[bytes]:
    return [bytes((0, 3)) + b"release", bytes((3, 0)) + bytes(range(64))]


TARGETS = (
    Target("telnet", telnet, _connections, 10),
    Target("trace", trace, _frames, 10),
    Target("uart", uart, _bytes, 5),
)
