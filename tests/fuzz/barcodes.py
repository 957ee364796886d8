"""Bytes on a bar code reader's line become codes or are skipped; any content is a pass that writes back to itself, or a named error."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import date

from egate.document.boarding_pass.dates import dates_of_flight
from egate.document.boarding_pass.items import BoardingPass, BoardingPassError, Issue, Leg, Security, Ticket
from egate.document.boarding_pass.parser import parse_boarding_pass
from egate.document.boarding_pass.writer import write_boarding_pass
from egate.document.code_content import ContentKind, code_content
from egate.domain.captured import Symbology
from hw.barcode.frame import CONTENT_SIZE_MAX, Decoder, Framing, encode
from tests.fuzz.target import Target

_AIM, _COUNTED = Framing(aim=True), Framing(b"\x02", b"\x03", aim=True, length_digits=4)
_CONTENT = b"M1DESMARAIS/LUC       EABC123 YULFRAAC 0834 326J001A0025 100"
_REFERENCE = date(2026, 6, 1)


def text_line(data: bytes) -> None:
    _line(data, _AIM)


def counted_line(data: bytes) -> None:
    _line(data, _COUNTED)


def _line(data: bytes, framing: Framing) -> None:
    decoder = Decoder(framing)
    half = len(data) // 2
    codes = decoder.feed(data[:half], 0.0) + decoder.feed(data[half:], 0.01) + decoder.handle_timer(10.0)
    for code in codes:
        assert framing.size_min <= len(code.content) <= CONTENT_SIZE_MAX
        assert framing.length_digits or framing.terminator not in code.content
        assert code.scanned_s in (0.0, 0.01)
    taken = sum(framing.start_size + len(code.content) + len(framing.terminator) for code in codes)
    assert decoder.skipped_count + taken == len(data)
    assert decoder.next_timer() is None
    assert [code.content for code in decoder.feed(encode(_CONTENT, framing), 20.0)] == [_CONTENT]


def boarding_pass(data: bytes) -> None:
    try:
        found = parse_boarding_pass(data)
    except BoardingPassError as error:
        assert error.code.startswith("BOARDING_PASS_")
        return
    assert write_boarding_pass(found) == data
    assert len(repr(found)) < 60
    with contextlib.suppress(BoardingPassError):
        assert len(dates_of_flight(found, _REFERENCE)) == len(found.legs)


def content(data: bytes) -> None:
    found = code_content(data)
    given = [found.boarding_pass, found.seal, found.token]
    assert sum(value is not None for value in given) == (found.kind is not ContentKind.UNKNOWN)
    assert found.token is None or found.token.encode("ascii") == data
    assert len(repr(found)) < 60


def _lines() -> Sequence[bytes]:
    text = encode(_CONTENT, _AIM, Symbology.PDF417)
    counted = encode(_CONTENT, _COUNTED, Symbology.AZTEC)
    binary = encode(bytes(range(256)), _COUNTED, Symbology.DATA_MATRIX)
    return [
        text,
        counted,
        binary,
        text[:20] + text,
        counted[:20] + counted,
        b"]Q1" * 30 + text,
        b"\x02]z09000" + counted,
    ]


def passes() -> Sequence[bytes]:
    ticket = Ticket("014", "1234567890", "0", "1", "AC", "AC", "1234567890123", "", "20K", "Y")
    issue = Issue("1", "W", "W", "6225", "B", "AC", "0014123456003", "0014123467001", "0014123478901")
    one = Leg("YUL", "FRA", "AC", "0834", "226", "ABC123", "F", "001A", "0025", "1", ticket, "LX58Z")
    two = Leg("FRA", "GVA", "LH", "3664", "227", "DEF456", "C", "012C", "0002", "1", Ticket("220"), "WQ")
    whole = BoardingPass("DESMARAIS/LUC", (one, two), "E", "6", issue, Security("1", "GIWVC5EH7JNT684F"))
    four = BoardingPass("DESMARAIS/LUC", (Leg("YUL", "FRA", "AC"), two, two, two), version=None)
    return [_CONTENT, write_boarding_pass(whole), write_boarding_pass(four), b"S" + _CONTENT[1:]]


def _contents() -> Sequence[bytes]:
    # The seals have targets of their own with signed seeds; here what leads to them.
    return [
        *passes(),
        b"\xdc\x03D\x9aUTO",
        b'{"data":{"hdr":{}},"sig":{}}',
        b"token-of-a-site",
        b"urn:uuid:f81d4fae-7dec",
    ]


TARGETS = (
    Target("text_line", text_line, _lines, 20),
    Target("counted_line", counted_line, _lines, 20),
    Target("boarding_pass", boarding_pass, passes, 20),
    Target("content", content, _contents, 20),
)
