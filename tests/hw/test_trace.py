"""A trace names frames and shows what is listed as harmless. No bytes of cards, zones, chips, prints or keys are told, whatever passes.

Secrets are put into every place a family has for them, and into places it has not; then no part of four bytes of them may be found in any
line, neither as text nor as hexadecimal digits.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.link import memory
from hw.link.base import Link
from hw.link.opener import open_link
from hw.link.pty import open_pty_master
from hw.link.trace.modbus import _crc as modbus_crc
from hw.link.trace.osdp import COMMANDS, REPLIES
from hw.link.trace.osdp import _crc as osdp_crc
from hw.link.trace.record import Direction, Record, line
from hw.link.trace.tap import TraceLink, tracing
from hw.mrz import frame as rte
from hw.pn532 import frame as pn532
from hw.url import parse

SECRETS = [
    b"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
    b"L898902C36UTO7408122F1204159ZE184226B<<<<<10",
    bytes.fromhex("8d3fa1c27be95064f71d2ab8c9e0537e"),  # a key, a print, a card
    b"M1DESMARAIS/LUC       EABC123 YULFRAAC 0834 226F001A0025 100",
]
PART_BYTES = 4


class Tap:
    """A traced link of a protocol, and what its trace says."""

    def __init__(self, protocol: str, link: str = "pty") -> None:
        near, self.far = memory.pair()
        target = "host:1" if link == "tcp" else "/run/port"
        self.records: list[Record] = []
        self.now = 10.0
        self.link: Link = TraceLink(parse(f"{protocol}+{link}://{target}"), near, self.records.append, lambda: self.now)

    def send(self, data: bytes, piece: int = 0) -> None:
        for part in _pieces(data, piece):
            self.link.write(part)
            assert self.far.read(10_000, 0) == part, "a trace changes nothing"

    def receive(self, data: bytes, piece: int = 0) -> None:
        for part in _pieces(data, piece):
            self.far.write(part)
            assert self.link.read(10_000, 0) == part, "a trace changes nothing"

    @property
    def lines(self) -> list[str]:
        return [line(record, 10.0) for record in self.records]

    @property
    def names(self) -> list[str]:
        return [record.told.name for record in self.records]


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    size = size or len(data)
    yield from (data[at : at + size] for at in range(0, len(data), size))


def osdp(
    code: int, data: bytes = b"", *, reply: bool = False, block: bytes = b"", mac: bytes = b"", crc: bool = True
) -> bytes:
    control = (4 if crc else 0) | (8 if block else 0) | 2
    body = block + bytes([code]) + data + mac
    head = (
        bytes([0x53, 1 | (0x80 if reply else 0)])
        + (len(body) + (7 if crc else 6)).to_bytes(2, "little")
        + bytes([control])
    )
    frame = head + body
    return frame + (osdp_crc(frame).to_bytes(2, "little") if crc else bytes([-sum(frame) & 0xFF]))


def rtu(body: bytes) -> bytes:
    return body + modbus_crc(body).to_bytes(2, "little")


def r30x(kind: int, content: bytes) -> bytes:
    body = bytes([kind]) + (len(content) + 2).to_bytes(2, "big") + content
    return b"\xef\x01\xff\xff\xff\xff" + body + (sum(body) & 0xFFFF).to_bytes(2, "big")


def test_osdp_frames_are_named_and_harmless_ones_shown() -> None:
    tap = Tap("osdp")
    tap.send(b"\xff" + osdp(0x60))
    tap.receive(osdp(0x40, reply=True))
    tap.send(osdp(0x68, bytes.fromhex("00053200")))
    tap.receive(osdp(0x51, b"\x00\x00\x1a\x00" + SECRETS[2], reply=True))
    assert tap.names == [
        "POLL, address 1, sequence 2, not secure",
        "ACK, address 1, sequence 2, not secure",
        "OUT, address 1, sequence 2, not secure",
        "FMT, address 1, sequence 2, not secure",
    ]
    assert [bool(record.told.shown) for record in tap.records] == [True, True, True, False]
    assert tap.records[0].direction is Direction.TO_DEVICE and tap.records[1].direction is Direction.FROM_DEVICE
    assert tap.lines[0] == f"   0.000000 >     9 POLL, address 1, sequence 2, not secure  ff {osdp(0x60).hex(' ')}"


def test_osdp_frames_inside_the_secure_channel_show_their_name_only() -> None:
    tap = Tap("osdp")
    tap.send(osdp(0x60, block=b"\x02\x15", mac=b"abcd"))
    tap.send(osdp(0x68, SECRETS[2], block=b"\x02\x17", mac=b"abcd"))
    tap.send(osdp(0x75, SECRETS[2], block=b"\x02\x17", mac=b"abcd"))
    assert tap.names == [f"{name}, address 1, sequence 2, secure" for name in ("POLL", "OUT", "KEYSET")]
    assert [bool(record.told.shown) for record in tap.records] == [True, False, False]


def test_modbus_frames_are_named_by_function_address_and_count() -> None:
    tap = Tap("modbus")
    tap.send(rtu(bytes.fromhex("010100130025")))
    tap.receive(rtu(bytes.fromhex("010105cd6bb20e1b")))
    tap.send(rtu(bytes.fromhex("01050002ff00")))
    tap.receive(rtu(bytes.fromhex("018502")))
    tap.receive(rtu(bytes.fromhex("0103040006000a")))
    assert tap.names == [
        "unit 1, read coils, address 19, count 37",
        "unit 1, read coils, 5 bytes of bits",
        "unit 1, write coil, address 2, value 65280",
        "unit 1, write coil, exception 2",
        "unit 1, read holding registers, 2 registers, values not shown",
    ]
    assert tap.lines[3].endswith(rtu(bytes.fromhex("018502")).hex(" "))
    assert not tap.records[-1].told.shown
    over_tcp = Tap("modbus", "tcp")
    over_tcp.send(bytes.fromhex("0001000000060104000000 02".replace(" ", "")))
    assert over_tcp.names == ["unit 1, read input registers, address 0, count 2"]


def test_modbus_crc_is_that_of_the_specification() -> None:
    # Modbus over Serial Line 1.02, appendix B: frame 02 07 has the CRC 41 12 on the wire.
    assert rtu(bytes.fromhex("0207")).hex() == "02074112"


def test_other_families_tell_kind_and_size() -> None:
    chip = Tap("pn532")
    chip.send(pn532.encode(pn532.Frame(0xD4, b"\x40\x01" + SECRETS[2])))
    chip.receive(pn532.Signal.ACK.value)
    chip.receive(pn532.encode(pn532.Frame(0xD5, b"\x41\x00" + SECRETS[2] * 16)))
    assert chip.names == ["InDataExchange", "ACK", "answer to InDataExchange"]
    prints = Tap("r30x")
    prints.send(r30x(1, b"\x13" + SECRETS[2][:4]))
    prints.receive(r30x(7, b"\x00"))
    prints.receive(r30x(2, SECRETS[2] * 8))
    assert prints.names == ["command 0x13", "acknowledgement 0x00", "data"]
    for protocol in ("mrz", "barcode", "apdu", "emrtd", "camera", "samplegate"):
        tap = Tap(protocol)
        tap.receive(SECRETS[0])
        assert tap.lines == [f"   0.000000 < {len(SECRETS[0]):5d} bytes"]


def test_a_false_start_is_let_go_as_noise_after_a_silence() -> None:
    tap = Tap("osdp")
    tap.receive(b"\x53\x81\x90\x05\x04")  # announces 1424 bytes
    assert tap.names == []
    tap.now += 1.0
    tap.receive(osdp(0x40, reply=True))
    assert tap.names == ["noise", "ACK, address 1, sequence 2, not secure"]


@given(st.integers(1, 40), st.integers(0, 2**32))
def test_pieces_do_not_matter(size: int, seed: int) -> None:
    noise = random.Random(seed).randbytes(30)
    stream = osdp(0x60) + noise + osdp(0x40, reply=True) + osdp(0x49, b"\0\1", reply=True)
    whole, pieces = Tap("osdp"), Tap("osdp")
    whole.receive(stream)
    pieces.receive(stream, size)
    assert [name for name in pieces.names if name != "noise"] == [name for name in whole.names if name != "noise"]
    assert sum(record.told.size for record in pieces.records) == sum(record.told.size for record in whole.records)


PROTOCOLS = [("osdp", "pty"), ("modbus", "pty"), ("modbus", "tcp"), ("pn532", "pty"), ("r30x", "pty"), ("mrz", "pty")]
PROTOCOLS += [("samplegate", "pty")]


def carriers(secret: bytes) -> list[bytes]:
    """Frames of all families with the secret where it belongs, and where it does not."""
    third = secret[: len(secret) // 3]
    frames = [secret, secret + b"\r\n", b"\x01" + secret, rte.encode([secret[:44], third, b""])]
    for crc in (True, False):
        for code in sorted({*COMMANDS, *REPLIES, 0xC0}):
            frames += [
                osdp(code, secret, reply=reply, crc=crc) for reply in (False, True) if not _holds(code, secret, reply)
            ]
        for kind in range(0x11, 0x19):
            code = 0x68 if kind >= 0x17 else 0x75
            frames += [osdp(code, secret, block=bytes([2, kind]), mac=bytes(4), crc=crc)]
    frames += [osdp(0x60, block=bytes([2 + len(third), 0x13]) + third)]
    frames += [osdp(0x51, secret, reply=True)[:-1] + b"\x00", osdp(0x75, secret)[:-3]]
    damaged = osdp(0x51, secret, reply=True)
    frames += [damaged[:5] + b"\x49" + damaged[6:]]  # two flipped bits make inputs of a card
    registers = secret[: len(secret) & ~1]
    for unit in (1, 255):
        frames += [rtu(bytes([unit, 16, 0, 0, 0, len(registers) // 2, len(registers)]) + registers)]
        frames += [rtu(bytes([unit, function, len(registers)]) + registers) for function in (3, 4)]
        frames += [rtu(bytes([unit, function]) + secret) for function in (7, 17, 20, 23, 43, 100)]
        frames += [
            b"\0\1\0\0" + (len(secret) + 2).to_bytes(2, "big") + bytes([unit, function]) + secret
            for function in (3, 16, 43, 99)
        ]
    frames += [
        pn532.encode(pn532.Frame(tfi, code + secret))
        for tfi in (0xD4, 0xD5)
        for code in (b"\x40\x01", b"\x02", b"\xee")
    ]
    frames += [r30x(kind, code + secret) for kind in (1, 2, 7, 8) for code in (b"", b"\x12", b"\x01")]
    return frames


def _holds(code: int, secret: bytes, reply: bool) -> bool:
    """Whether a frame of this code and size carries only what may be seen: lamps, inputs, what the device says of itself."""
    shown = {False: {0x68: 32, 0x69: 112}, True: {0x46: 96, 0x49: 64, 0x4A: 64}}[reply]
    return len(secret) <= shown.get(code, -1)


@pytest.mark.parametrize(("protocol", "link"), PROTOCOLS)
@pytest.mark.parametrize("secret", SECRETS, ids=["zone 1", "zone 2", "key", "boarding pass"])
def test_no_trace_tells_a_secret(protocol: str, link: str, secret: bytes) -> None:
    tap = Tap(protocol, link)
    for index, frame in enumerate(carriers(secret)):
        tap.now += 1.0
        piece = (0, 0, 0, 1 + index % 13)[index % 4]
        tap.send(frame, piece)
        tap.receive(frame, piece)
    told = "\n".join(line(record, record.at) for record in tap.records).lower()  # times would look like dates
    digits = told.replace(" ", "")
    assert tap.lines, "nothing was traced"
    for at in range(len(secret) - PART_BYTES + 1):
        part = secret[at : at + PART_BYTES]
        if len(set(part)) == 1:
            continue  # fillers
        assert part.hex() not in digits, (protocol, part)
        with contextlib.suppress(UnicodeDecodeError):
            assert part.decode("ascii").lower() not in told, (protocol, part)


@given(st.binary(min_size=1, max_size=200), st.sampled_from(PROTOCOLS), st.sampled_from(list(Direction)))
def test_any_bytes_are_counted_and_unlisted_ones_never_shown(
    data: bytes, where: tuple[str, str], direction: Direction
) -> None:
    tap = Tap(*where)
    (tap.send if direction is Direction.TO_DEVICE else tap.receive)(data)
    tap.now += 1.0
    tap.send(b"\0") if direction is Direction.TO_DEVICE else tap.receive(b"\0")
    tap.now += 1.0
    tap.send(b"\0") if direction is Direction.TO_DEVICE else tap.receive(b"\0")
    assert len(data) <= sum(record.told.size for record in tap.records) <= len(data) + 2
    if where[0] not in ("osdp", "modbus"):
        assert not any(record.told.shown for record in tap.records)


def test_links_are_traced_only_while_it_is_asked_for(tmp_path: Path) -> None:
    device = open_pty_master(tmp_path / "port")
    url = parse(f"mrz+pty://{tmp_path}/port")
    records: list[Record] = []
    untraced = open_link(url)
    assert not isinstance(untraced, TraceLink)
    untraced.close()
    with tracing(records.append):
        link = open_link(url)
    link.write(b"trigger")
    assert device.read(100, 1.0) == b"trigger"
    assert [(record.port, record.told.size, record.told.name) for record in records] == [
        (f"{tmp_path}/port", 7, "bytes")
    ]
    link.close()
    link = open_link(url)
    assert not isinstance(link, TraceLink)
    link.close()
    device.close()
