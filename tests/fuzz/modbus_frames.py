"""Bytes on a Modbus line are the answer to the question, a request, or skipped; a good one is found after."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from egate.errors import ConfigurationError
from hw.modbus.frame import (
    ANSWER_BYTES_MAX,
    COIL_ON,
    Answer,
    Framing,
    Garbled,
    Question,
    Refused,
    Table,
    crc,
    read,
    values,
    write_coil,
    write_register,
)
from hw.modbus.map_file import MAP_BYTES_MAX, parse, shipped
from hw.modbus.request import Request, RequestDecoder
from hw.modbus.server import Peripheral
from tests.fuzz.target import Target

UNIT = 1
_READS = {table: read(table, UNIT, 0, count) for table, count in zip(Table, (1, 9, 3, 125), strict=True)}
_WRITES = (
    write_coil(UNIT, 0, COIL_ON),
    write_coil(UNIT, 0x0200, 7),
    write_register(UNIT, 0x41, 1),
    write_register(UNIT, 0x42, 1, multiple=True),
)
_QUESTIONS = (*_READS.values(), *_WRITES)
_MAPS = ("waveshare_relay", "lot_turnstile", "lot_turnstile_sdk", "sensor_block")
_CONTROLLERS = tuple(shipped(name) for name in _MAPS)


def sealed(data: bytes) -> bytes:
    return data + crc(data).to_bytes(2, "little")


def answer(data: bytes) -> None:
    """The first byte chooses the question."""
    if not data:
        return
    question, data = _QUESTIONS[data[0] % len(_QUESTIONS)], data[1:]
    for framing in Framing:
        for line in (data, sealed(data)):  # a mutated frame is seldom sound by itself
            whole = _told(question, framing, [line])
            half = len(line) // 2
            if len(line) <= ANSWER_BYTES_MAX:
                assert whole == _told(question, framing, [line[:half], line[half:]])


def _told(question: Question, framing: Framing, pieces: list[bytes]) -> object:
    waiting = Answer(question, framing, 7)
    try:
        for piece in pieces:
            pdu = waiting.feed(piece)
            if pdu is not None:
                assert question.answered_by(pdu)
                return _read(question, pdu)
    except Refused as refused:
        return refused.code
    except Garbled:
        return "garbled"
    assert waiting.skipped <= sum(map(len, pieces))
    return None


def _read(question: Question, pdu: bytes) -> object:
    for table, asked in _READS.items():
        if asked is question:
            found = values(table, pdu, int.from_bytes(question.pdu[3:5], "big"))
            assert all(0 <= value <= (1 if table.of_bits else 0xFFFF) for value in found)
            return found
    return pdu


def requests(data: bytes) -> None:
    """The simulated devices answer whatever is asked, and what they carry out is within their outputs."""
    peripherals = [Peripheral(controller, UNIT) for controller in _CONTROLLERS]
    for framing in Framing:
        decoder = RequestDecoder(framing)
        half = len(data) // 2
        found = decoder.feed(data[:half]) + decoder.feed(data[half:]) + decoder.feed(sealed(data))
        decoder.forget()
        assert sum(len(request.pdu) for request in found) + decoder.skipped <= 2 * len(data) + 2
        for request in found:
            for peripheral in peripherals:
                told = peripheral.answer(request, framing, 1.0)
                assert told is None or len(told) <= 260
        good = _QUESTIONS[0].frame(framing, 3)
        assert decoder.feed(good) == [Request(UNIT, _QUESTIONS[0].pdu, 3 if framing is Framing.TCP else 0)]
    for peripheral in peripherals:
        peripheral.tick(1_000_000.0)
        assert len(peripheral.outputs) == peripheral.controller.outputs


def register_map(data: bytes) -> None:
    try:
        controller = parse(data[:MAP_BYTES_MAX].decode("utf-8"), "map")
    except (ConfigurationError, UnicodeDecodeError):
        return
    assert 1 <= controller.outputs <= 64


def _answers() -> Sequence[bytes]:
    """The question's number, then an answer to it: RTU, and TCP."""
    found = []
    for number, question in enumerate(_QUESTIONS):
        pdu = question.pdu[:5]
        if question in _READS.values():
            pdu = bytes([question.function, question.answer_size - 2]) + bytes(question.answer_size - 2)
        found += [bytes([number, UNIT]) + pdu, bytes([number]) + _tcp(pdu)]
    return [*found, bytes([0, UNIT, 0x81, 2]), bytes([0]) + _tcp(b"\x81\x02")]


def _tcp(pdu: bytes) -> bytes:
    return b"\x00\x07\x00\x00" + (len(pdu) + 1).to_bytes(2, "big") + bytes([UNIT]) + pdu


def _requests() -> Sequence[bytes]:
    return [
        each for question in _QUESTIONS for each in (question.frame(Framing.RTU)[:-2], question.frame(Framing.TCP, 3))
    ]


def _maps() -> Sequence[bytes]:
    return [(files("hw.modbus") / "maps" / f"{name}.toml").read_bytes() for name in _MAPS]


TARGETS = (
    Target("answer", answer, _answers, 20),
    Target("requests", requests, _requests, 10),
    Target("register_map", register_map, _maps, 4),
)
