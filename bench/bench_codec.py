"""How much of a crossing goes into reading and writing bytes?

Budget: all codecs of one crossing together <= 5 ms of one core, and none holds the GIL for more than 1 ms at a time (the lock's
loop ticks once a millisecond).
Estimate before measuring, one thread, bytes per crossing:
    MRZ block 102 bytes, byte by byte       0.3 us a byte to append and scan: 0.1 ms when fed whole, 1 ms in single bytes
    chip files 150 kB in 255-byte APDUs     590 responses at 3 us = 2 ms, spread over the second or more that they take on the wire
    OSDP and Modbus frames, 8 to 40 bytes   5 to 30 us each
    MRZ fields, data groups                 20 to 100 us
    decision: CBOR, hash, answer            60 + 5 + 60 us
    1 MB request: hash over its bytes       0.7 ms (SHA-256 with processor support, 1.5 GB/s), serialised again 0.1 ms

    pytest bench/bench_codec.py --benchmark-only
"""

from __future__ import annotations

from datetime import date

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.bench_journal import BODY
from egate.api.v1 import crossing_service_pb2 as pb
from egate.crossing.policy import ALWAYS_MANDATORY, Policy, decide
from egate.document.data import DocumentData
from egate.document.lds.face_record import FaceEncoding, FaceImage, parse_dg2, write_dg2
from egate.document.zone.mrz import parse_mrz
from egate.document.zone.mrz_writer import write_td3
from egate.domain.decision import Decision
from egate.domain.device import ReleaseResult
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.ids import CrossingId
from egate.journal import canonical
from egate.journal.chain import Head, link
from egate.lane.answer import decode, encode
from egate.lane.api import Decided
from egate.service import convert
from egate.service.fields import payload_sha256
from hw.emrtd.wire import apdu
from hw.emrtd.wire import frame as chip_frame
from hw.modbus.frame import Answer, Framing, Table, read
from hw.mrz import frame as mrz_frame
from hw.mrz import messages
from hw.osdp.frame import Assembler, command_of
from hw.sim.issuer import invent_holder

TODAY = date(2026, 7, 1)
PORTRAIT_SIZE, CHUNK_SIZE = 40_000, 255
OSDP_OUT = bytes.fromhex("ff5301200000021568") + bytes(22)  # as long as a timed release in the secure channel
REQUEST_IMAGE_SIZE = 500_000


@pytest.fixture(scope="module")
def holder() -> DocumentData:
    return invent_holder(0, TODAY)


@pytest.fixture(scope="module")
def lines(holder: DocumentData) -> tuple[str, str]:
    return write_td3(holder)


@pytest.fixture(scope="module")
def decision() -> Decision:
    evidence = {check: CheckEvidence(check, CheckResult.PASS, (), 0.61, 0.42, 1e-6) for check in Check}
    return decide(evidence, Policy("1", ALWAYS_MANDATORY, 0.4, 10.0, 5e-4))


@pytest.fixture(scope="module")
def decided(decision: Decision) -> Decided:
    return Decided(CrossingId("c" * 32), decision, ReleaseResult.ACKNOWLEDGED, None, 1_782_864_000_000_000_000)


@pytest.mark.parametrize("piece_size", [1, 1024])
def test_mrz_block(benchmark: BenchmarkFixture, lines: tuple[str, str], piece_size: int) -> None:
    block = messages.block(lines)
    pieces = [block[start : start + piece_size] for start in range(0, len(block), piece_size)]

    def read() -> tuple[str, ...]:
        decoder = mrz_frame.Decoder()
        frames = [frame for number, piece in enumerate(pieces) for frame in decoder.feed(piece, number * 0.001)]
        return messages.zone(frames[0])

    assert benchmark(read) == lines


def test_chip_file(benchmark: BenchmarkFixture) -> None:
    """The framing of a portrait of 40 kB as the chip sends it: 157 responses."""
    portrait = bytes(PORTRAIT_SIZE)
    chunks = [portrait[start : start + CHUNK_SIZE] for start in range(0, PORTRAIT_SIZE, CHUNK_SIZE)]
    wire = [chip_frame.encode(chunk + b"\x90\x00") for chunk in chunks]

    def read() -> bytes:
        decoder, content = chip_frame.Decoder(), b""
        for number, piece in enumerate(wire):
            for message in decoder.feed(piece, number * 0.003):
                response = apdu.parse_response(message)
                assert response is not None
                content += response.data
        return content

    assert benchmark(read) == portrait


def test_osdp_assembly(benchmark: BenchmarkFixture) -> None:
    """A frame in three pieces, as a serial driver hands it over, and what kind of command it is."""
    frame = OSDP_OUT[:3] + len(OSDP_OUT[1:]).to_bytes(2, "little") + OSDP_OUT[5:]

    def read() -> bytes:
        assembler = Assembler()
        whole = b"".join(assembler.feed(piece, 0.0) for piece in (frame[:4], frame[4:9], frame[9:]))
        command_of(whole)
        return whole

    assert benchmark(read) == frame


def test_modbus_exchange(benchmark: BenchmarkFixture) -> None:
    """A question's frame, and its answer found and checked: what a poll of a sensor block computes twice."""
    request = bytes.fromhex("010200000002f9cb")  # unit 1, function 2, two inputs from 0, CRC
    answer = bytes.fromhex("010201016048")  # unit 1, function 2, one byte of inputs, CRC

    def ask() -> bytes:
        question = read(Table.DISCRETE, 1, 0, 2)
        assert Answer(question, Framing.RTU).feed(answer) is not None
        return question.frame(Framing.RTU)

    assert benchmark(ask) == request


def test_mrz_fields(benchmark: BenchmarkFixture, lines: tuple[str, str]) -> None:
    benchmark(parse_mrz, lines, TODAY)


def test_portrait_group(benchmark: BenchmarkFixture) -> None:
    group = write_dg2(FaceImage(FaceEncoding.JPEG, 360, 480, b"\xff\xd8" + bytes(PORTRAIT_SIZE) + b"\xff\xd9"))
    benchmark(parse_dg2, group)


def test_decision_record(benchmark: BenchmarkFixture) -> None:
    """Canonical CBOR of a decision, and its place in the chain."""
    benchmark(lambda: link(Head(1, bytes(32)), 1, "DECISION", "lane-1", "c" * 32, canonical.encode(BODY)))


def test_stored_answer(benchmark: BenchmarkFixture, decided: Decided) -> None:
    assert benchmark(lambda: decode(encode(decided))).decision == decided.decision


def test_answer_message(benchmark: BenchmarkFixture, decided: Decided) -> None:
    benchmark(lambda: convert.authorised(decided).SerializeToString())


def test_request_hash(benchmark: BenchmarkFixture) -> None:
    """What a retry must repeat: method and whole request, here two images of half a megabyte."""
    image = bytes(REQUEST_IMAGE_SIZE)
    request = pb.AuthoriseCrossingRequest(request_id="r", lane="lane-1", faces=[pb.Capture(image=image)] * 2)
    benchmark(payload_sha256, "AuthoriseCrossing", request)
