"""No commands make a closed chip hand out a data group; no change of a chip's answers makes a session hold a file it did not protect."""

from __future__ import annotations

from collections.abc import Sequence

from egate.document.lds.structure import write_dg1, write_ef_com
from egate.domain.chip import AccessProtocol
from hw.emrtd.chip.application import ChipApplication
from hw.emrtd.chip.personalisation import Personalisation
from hw.emrtd.direct import read_directly
from hw.emrtd.plan import ReadPlan
from hw.emrtd.protocol.mrz_key import mrz_key
from hw.emrtd.wire import apdu
from hw.emrtd.wire.apdu import Command
from tests.fuzz.sources import TD3, stream
from tests.fuzz.target import Target

_COMMANDS_MAX = 64
_PLAN = ReadPlan(mrz_lines=TD3, groups=("dg1",))
_CONTENT = {"com": write_ef_com((1, 2)), "dg1": write_dg1(TD3)}
_DOCUMENT = Personalisation(_CONTENT, mrz_key(TD3), access=frozenset({AccessProtocol.BAC}))


def commands(data: bytes) -> None:
    """data: commands one after the other, each behind its length in a byte. Nobody here knows the zone."""
    chip = ChipApplication(_DOCUMENT, stream(b"chip"))
    position = 0
    for _ in range(_COMMANDS_MAX):
        if position >= len(data):
            break
        size = data[position]
        answer = chip.execute(data[position + 1 : position + 1 + size])
        position += 1 + size
        assert len(answer) >= 2
        assert b"UTO" not in answer
        assert not chip.protected
    assert chip.content_read_size == 0


def tampered(data: bytes) -> None:
    """data: changes of three bytes each, which answer, where in it, what to turn over."""
    chip = ChipApplication(_DOCUMENT, stream(b"chip"))
    changes = {data[at]: (data[at + 1], data[at + 2]) for at in range(0, min(len(data), 60) - 2, 3)}
    count = -1

    def execute(message: bytes) -> bytes:
        nonlocal count
        count += 1
        answer = bytearray(chip.execute(message))
        if count in changes and answer:
            where, what = changes[count]
            answer[where % len(answer)] ^= what
        return bytes(answer)

    read = read_directly(_PLAN, execute, stream(b"terminal"), reset=chip.reset)
    for name, content in read.files.items():
        assert content == _CONTENT[name]


def _commands() -> Sequence[bytes]:
    plain = [
        apdu.select_application(),
        apdu.select_file(0x0101),
        apdu.read_binary(0, 200),
        Command(0, 0x84, 0, 0, b"", 8),
    ]
    bac = [plain[0], plain[3], Command(0x00, 0x82, 0, 0, bytes(40), 40), plain[1], plain[2]]
    manage = [Command(0x00, 0x22, 0xC1, 0xA4, bytes.fromhex("800a04007f00070202040202830101"))]
    return [
        b"".join(bytes([len(each.encode())]) + each.encode() for each in script) for script in (plain, bac, manage * 3)
    ]


def _changes() -> Sequence[bytes]:
    return [bytes([0, 0, 0]), bytes([3, 5, 1, 9, 0, 0x80]), bytes([12, 7, 0xFF]), bytes([2, 39, 1])]


TARGETS = (Target("commands", commands, _commands, 4), Target("tampered", tampered, _changes, 1))
