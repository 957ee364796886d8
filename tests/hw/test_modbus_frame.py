"""Frames: the specification's examples, pymodbus as oracle, and what noise does not do.

Examples: MODBUS Application Protocol Specification V1.1b3, 6.1 to 6.12 and 7; MODBUS over Serial Line V1.02, appendix B (CRC); MODBUS
Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3. Waveshare: its published development protocol (V2) of "Modbus RTU Relay".
"""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.framer.base import FramerBase
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.bit_message import ReadDiscreteInputsResponse
from pymodbus.pdu.register_message import ReadInputRegistersResponse

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
from hw.modbus.request import REQUEST_BYTES_MAX, RequestDecoder

UNIT = 17
WRITE_COILS = Question(UNIT, bytes.fromhex("0f0013000a02cd01"), 5)

# question, its PDU, the answer's PDU, the values in it
EXAMPLES = [
    (
        read(Table.COIL, UNIT, 0x13, 19),
        "0100130013",
        "0103cd6b05",
        [1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1],
    ),
    (
        read(Table.DISCRETE, UNIT, 0xC4, 22),
        "0200c40016",
        "0203acdb35",
        [0, 0, 1, 1, 0, 1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 0, 1, 1],
    ),
    (read(Table.HOLDING, UNIT, 0x6B, 3), "03006b0003", "0306022b00000064", [0x22B, 0, 0x64]),
    (read(Table.INPUT, UNIT, 0x08, 1), "0400080001", "0402000a", [10]),
    (write_coil(UNIT, 0xAC, COIL_ON), "0500acff00", "0500acff00", None),
    (write_register(UNIT, 0x01, 3), "0600010003", "0600010003", None),
    (WRITE_COILS, "0f0013000a02cd01", "0f0013000a", None),
    (write_register(UNIT, 0x01, 10, multiple=True), "100001000102000a", "1000010001", None),
]
TABLES = {1: Table.COIL, 2: Table.DISCRETE, 3: Table.HOLDING, 4: Table.INPUT}


def on_wire(unit: int, pdu: bytes, framing: Framing, transaction: int = 0) -> bytes:
    return Question(unit, pdu, 0).frame(framing, transaction)


@pytest.mark.parametrize(("question", "asked", "answered", "expected"), EXAMPLES)
@pytest.mark.parametrize("framing", list(Framing))
def test_examples_of_the_specification(
    question: Question, asked: str, answered: str, expected: list[int] | None, framing: Framing
) -> None:
    assert question.pdu == bytes.fromhex(asked)
    pdu = Answer(question, framing, 5).feed(on_wire(UNIT, bytes.fromhex(answered), framing, 5))
    assert pdu == bytes.fromhex(answered)
    if expected is not None:
        assert values(TABLES[question.function], pdu, len(expected)) == expected
    (request,) = RequestDecoder(framing).feed(question.frame(framing, 5))
    assert (request.unit, request.pdu) == (UNIT, question.pdu)


def test_refusal_of_the_specification() -> None:
    """7: reading coil 1,185, which does not exist."""
    question = read(Table.COIL, 10, 0x04A1, 1)
    with pytest.raises(Refused) as refused:
        Answer(question, Framing.RTU).feed(on_wire(10, bytes.fromhex("8102"), Framing.RTU))
    assert refused.value.code == 2


def test_crc_of_the_specification() -> None:
    assert crc(bytes.fromhex("0207")) == 0x1241  # sent as 41 12


def test_tcp_header_of_the_specification() -> None:
    question = Question(0xFF, bytes.fromhex("0300040001"), 4)
    assert question.frame(Framing.TCP, 0x1501) == bytes.fromhex("1501 0000 0006 ff 03 0004 0001")


@pytest.mark.parametrize(
    ("question", "frame"),
    [
        (write_coil(1, 0, COIL_ON), "01050000ff008c3a"),
        (write_coil(1, 0, 0), "010500000000cdca"),
        (write_coil(1, 0xFF, COIL_ON), "010500ffff00bc0a"),
        (read(Table.COIL, 1, 0, 8), "0101000000083dcc"),
        (write_coil(1, 0x0200, 7), "0105020000078db0"),
        (write_coil(1, 0x0201, 8), "0105020100089c74"),
    ],
)
def test_frames_of_the_relay_board(question: Question, frame: str) -> None:
    assert question.frame(Framing.RTU) == bytes.fromhex(frame)


def theirs(framing: Framing, server: bool) -> FramerBase:
    return (FramerRTU if framing is Framing.RTU else FramerSocket)(DecodePDU(server))


@given(
    table=st.sampled_from(list(Table)),
    unit=st.integers(1, 247),
    address=st.integers(0, 0xFF00),
    count=st.integers(1, 100),
    framing=st.sampled_from(list(Framing)),
)
def test_pymodbus_reads_our_questions(table: Table, unit: int, address: int, count: int, framing: Framing) -> None:
    frame = read(table, unit, address, count).frame(framing, 7)
    used, request = theirs(framing, True).handleFrame(frame, 0, 0)
    assert isinstance(request, ModbusPDU)
    assert used == len(frame)
    assert (request.dev_id, request.address, request.count) == (unit, address, count)


@given(
    registers=st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=100),
    bits=st.lists(st.booleans(), min_size=1, max_size=100),
    framing=st.sampled_from(list(Framing)),
)
def test_we_read_the_answers_of_pymodbus(registers: list[int], bits: list[bool], framing: Framing) -> None:
    for table, response, expected in (
        (Table.INPUT, ReadInputRegistersResponse(dev_id=UNIT, registers=registers), registers),
        (Table.DISCRETE, ReadDiscreteInputsResponse(dev_id=UNIT, bits=list(bits)), bits),
    ):
        response.transaction_id = 7
        frame = theirs(framing, True).buildFrame(response)
        pdu = Answer(read(table, UNIT, 0, len(expected)), framing, 7).feed(frame)
        assert pdu is not None
        assert values(table, pdu, len(expected)) == expected


def test_we_read_the_refusals_of_pymodbus() -> None:
    response = ExceptionResponse(2, 6, device_id=UNIT)
    with pytest.raises(Refused) as refused:
        Answer(read(Table.DISCRETE, UNIT, 0), Framing.RTU).feed(theirs(Framing.RTU, True).buildFrame(response))
    assert refused.value.code == 6


QUESTION = read(Table.INPUT, UNIT, 0, 2)
PDU = bytes.fromhex("0404000a0001")
FRAME = on_wire(UNIT, PDU, Framing.RTU)


@given(noise=st.binary(max_size=40), cuts=st.lists(st.integers(0, 60), max_size=6))
def test_answer_is_found_after_noise_however_it_arrives(noise: bytes, cuts: list[int]) -> None:
    data, answer, found = noise + FRAME, Answer(QUESTION, Framing.RTU), None
    edges = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    for start, end in itertools.pairwise(edges):
        try:
            found = found or answer.feed(data[start:end])
        except Refused:  # noise may be a refusal with a good CRC, once in 65,536
            return
    assert found == PDU
    assert answer.skipped == len(noise)


@given(st.integers(0, 8 * len(FRAME) - 1))
def test_flipped_bit_is_no_answer(bit: int) -> None:
    mangled = bytearray(FRAME)
    mangled[bit >> 3] ^= 1 << (bit & 7)
    assert Answer(QUESTION, Framing.RTU).feed(bytes(mangled)) is None


@pytest.mark.parametrize(
    "other",
    [
        on_wire(UNIT + 1, PDU, Framing.RTU),  # another unit
        on_wire(UNIT, bytes.fromhex("0304000a0001"), Framing.RTU),  # another function
        on_wire(UNIT, bytes.fromhex("0402000a"), Framing.RTU),  # another size
        QUESTION.frame(Framing.RTU),  # our own echo
    ],
)
def test_other_frames_are_skipped(other: bytes) -> None:
    answer = Answer(QUESTION, Framing.RTU)
    assert answer.feed(other) is None
    assert answer.feed(FRAME) == PDU


def test_write_is_answered_by_its_own_values_only() -> None:
    question = write_coil(UNIT, 3, COIL_ON)
    answer = Answer(question, Framing.RTU)
    assert answer.feed(write_coil(UNIT, 3, 0).frame(Framing.RTU)) is None
    assert answer.feed(question.frame(Framing.RTU)) == question.pdu


def test_answer_to_an_earlier_transaction_is_skipped() -> None:
    answer = Answer(QUESTION, Framing.TCP, 8)
    assert answer.feed(on_wire(UNIT, bytes.fromhex("040400000000"), Framing.TCP, 7)) is None
    assert answer.feed(on_wire(UNIT, PDU, Framing.TCP, 8)) == PDU


def test_noise_is_bounded() -> None:
    answer = Answer(QUESTION, Framing.RTU)
    with pytest.raises(Garbled):
        for _ in range(ANSWER_BYTES_MAX):
            answer.feed(b"\x00\x00")
    with pytest.raises(Garbled):
        Answer(QUESTION, Framing.TCP, 8).feed(b"\xff" * 20)


@given(noise=st.binary(max_size=600), framing=st.just(Framing.RTU))
def test_requests_are_found_after_noise_and_silence(noise: bytes, framing: Framing) -> None:
    decoder = RequestDecoder(framing)
    decoder.feed(noise)
    decoder.forget()
    assert [request.pdu for request in decoder.feed(QUESTION.frame(framing))] == [QUESTION.pdu]


def test_request_decoder_keeps_no_more_than_a_frame() -> None:
    decoder = RequestDecoder(Framing.RTU)
    for _ in range(1_000):
        decoder.feed(b"\x10" * 50)
    before = decoder.skipped
    decoder.forget()
    assert decoder.skipped - before <= REQUEST_BYTES_MAX
