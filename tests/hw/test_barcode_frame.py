"""Codes on a reader's line: what is sent is received, however it is cut and whatever lies around it; noise never becomes one."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egate.document.code_content import ContentKind, code_content
from egate.domain.captured import Symbology
from hw.barcode.frame import CONTENT_SIZE_MAX, INTER_CHARACTER_S, Decoder, Framing, encode
from hw.barcode.presentation import REPEAT_S, Presentation

PASS = b"M1DESMARAIS/LUC       EABC123 YULFRAAC 0834 326J001A0025 100"
AIM, PREFIXED = Framing(aim=True), Framing(prefix=b"BC:", terminator=b"\r\n")
COUNTED = Framing(prefix=b"\x02", aim=True, length_digits=4, terminator=b"\x03")
FRAMINGS = [AIM, PREFIXED, Framing(b"\x02", b"\x03", aim=True), COUNTED]
TEXTS = (
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=8, max_size=80)
    .map(lambda text: text.encode("utf-8"))
    .filter(lambda content: b"]" not in content and b"BC:" not in content)
)


def contents(decoder: Decoder, data: bytes, now: float) -> list[bytes]:
    return [code.content for code in decoder.feed(data, now)]


def test_frames_are_laid_out_as_the_reader_is_set_up() -> None:
    assert encode(b"12345678", AIM, Symbology.PDF417) == b"]L012345678\r"
    assert encode(b"12345678", PREFIXED) == b"BC:12345678\r\n"
    assert encode(b"12345678", COUNTED, Symbology.AZTEC) == b"\x02]z0000812345678\x03"


@pytest.mark.parametrize(
    ("identifier", "symbology"),
    [
        ("]L0", Symbology.PDF417),  # ISO/IEC 15424
        ("]L2", Symbology.PDF417),
        ("]z0", Symbology.AZTEC),
        ("]zC", Symbology.AZTEC),
        ("]d1", Symbology.DATA_MATRIX),
        ("]Q1", Symbology.QR),
        ("]C0", Symbology.OTHER),
        ("]X0", Symbology.OTHER),
    ],
)
def test_identifier_tells_the_symbology(identifier: str, symbology: Symbology) -> None:
    assert [code.symbology for code in Decoder(AIM).feed(identifier.encode() + PASS + b"\r", 0.0)] == [symbology]


@given(st.sampled_from(FRAMINGS), st.lists(TEXTS, min_size=1, max_size=4), st.lists(st.integers(1, 50), min_size=1))
def test_what_is_sent_is_received_however_it_is_cut(framing: Framing, sent: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(encode(content, framing, Symbology.QR) for content in sent)
    decoder, found, index = Decoder(framing), list[bytes](), 0
    while stream:
        size = cuts[index % len(cuts)]
        found += contents(decoder, stream[:size], 0.0)
        stream, index = stream[size:], index + 1
    assert found == sent
    assert decoder.skipped_count == 0
    assert decoder.next_timer() is None


@given(st.binary(min_size=8, max_size=300))
def test_declared_length_carries_any_bytes(content: bytes) -> None:
    decoder = Decoder(COUNTED)
    assert contents(decoder, encode(content, COUNTED), 0.0) == [content]
    assert decoder.skipped_count == 0


@given(st.sampled_from(FRAMINGS), st.binary(max_size=300))
def test_after_noise_and_silence_the_next_code_is_found(framing: Framing, noise: bytes) -> None:
    decoder = Decoder(framing)
    decoder.feed(noise, 0.0)
    assert contents(decoder, encode(PASS, framing), INTER_CHARACTER_S)[-1] == PASS


@settings(max_examples=150)
@given(st.sampled_from(FRAMINGS), st.binary(max_size=600))
def test_any_bytes_are_codes_or_counted(framing: Framing, data: bytes) -> None:
    decoder = Decoder(framing)
    codes = decoder.feed(data, 0.0) + decoder.handle_timer(10.0)
    taken = sum(framing.start_size + len(code.content) + len(framing.terminator) for code in codes)
    assert taken + decoder.skipped_count == len(data)
    assert decoder.next_timer() is None


@pytest.mark.parametrize(
    "line",
    [
        b"]L0" + PASS + b"\n",  # no terminator
        b"]L0" + PASS[:30] + b"\x00" + PASS[30:] + b"\r",
        b"]L0" + PASS[:30] + b"\x80" + PASS[30:] + b"\r",  # no UTF-8
        b"]L0" + PASS[:30] + b"\xc2\x85" + PASS[30:] + b"\r",  # a control character in it
        b"]L01234567\r",  # too short
        b"]L" + PASS + b"\r",
        b"L0" + PASS + b"\r",
        PASS + b"\r",
        b"]L0\r",
        b"]L0" + b"x" * (CONTENT_SIZE_MAX + 1) + b"\r",
    ],
)
def test_what_is_not_a_code_is_skipped(line: bytes) -> None:
    decoder = Decoder(AIM)
    assert decoder.feed(line, 0.0) + decoder.handle_timer(1.0) == []
    assert decoder.skipped_count == len(line)


@pytest.mark.parametrize(
    "line",
    [
        b"\x02]z00060" + PASS + b"\x04",  # no terminator where it must be
        b"\x02]z00061" + PASS + b"\x03",
        b"\x02]z00007" + b"1234567" + b"\x03",
        b"\x02]z09999" + b"x" * 9999 + b"\x03",
        b"\x02]z0 060" + PASS + b"\x03",
    ],
)
def test_wrong_length_is_no_code_and_the_next_is_found(line: bytes) -> None:
    decoder = Decoder(COUNTED)
    assert decoder.feed(line, 0.0) + decoder.handle_timer(1.0) == []
    assert contents(decoder, encode(PASS, COUNTED), 2.0) == [PASS]


def test_code_cut_short_does_not_swallow_the_next() -> None:
    decoder = Decoder(AIM)
    assert contents(decoder, b"]L0" + PASS[:30] + b"]z0" + PASS + b"\r", 0.0) == [PASS]
    assert decoder.skipped_count == 33


def test_false_start_hides_a_counted_code_only_until_the_timer() -> None:
    decoder = Decoder(COUNTED)
    assert decoder.feed(b"\x02]z05000" + encode(PASS, COUNTED), 0.0) == []
    assert decoder.next_timer() == INTER_CHARACTER_S
    assert [code.content for code in decoder.handle_timer(INTER_CHARACTER_S)] == [PASS]


def test_code_is_as_old_as_its_first_byte() -> None:
    for framing in FRAMINGS:
        decoder, frame = Decoder(framing), encode(PASS, framing)
        decoder.feed(b"\xff" + frame[:1], 1.0)
        decoder.feed(frame[1:30], 1.1)
        codes = decoder.feed(frame[30:] + frame, 1.2) + decoder.feed(frame, 5.0)
        assert [code.scanned_s for code in codes] == [1.0, 1.2, 5.0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"prefix": b"", "aim": False},
        {"terminator": b""},
        {"terminator": b"END"},
    ],
)
def test_framing_that_noise_or_content_would_meet_is_refused(wrong: dict[str, bytes]) -> None:
    with pytest.raises(ValueError):
        replace(PREFIXED, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("framing", FRAMINGS)
def test_ten_megabytes_of_noise_are_no_code_and_leave_no_memory(framing: Framing) -> None:
    """At 115,200 baud, so the timer has no say. With these set-ups not even an opaque code comes of it."""
    noise, decoder = random.Random(11), Decoder(framing)
    for portion in range(2_560):
        assert decoder.feed(noise.randbytes(4096), portion * 4096 / 11_520) == []
        assert len(decoder._arrivals.data) <= framing.frame_size_max
        assert len(decoder._arrivals._chunks) <= 2
    assert contents(decoder, encode(PASS, framing), 1e6) == [PASS]


def test_codes_that_weak_settings_let_through_are_no_boarding_passes() -> None:
    """One character of prefix, content from one character on: here noise does become codes, and the parsers are what is left."""
    weak, noise = Framing(prefix=b"\x02", size_min=1), random.Random(12)
    decoder = Decoder(weak)
    codes = [code for portion in range(2_560) for code in decoder.feed(noise.randbytes(4096), portion * 4096 / 11_520)]
    assert codes
    assert {code_content(code.content).kind for code in codes} == {ContentKind.UNKNOWN}


def test_presentation_goes_on_while_it_is_seen() -> None:
    presentation = Presentation()
    assert not presentation.goes_on(b"one", 0.0)
    presentation.reported(b"one", 0.0)
    assert [presentation.goes_on(b"one", at) for at in (1.0, 2.0, 3.0)] == [True, True, True]
    assert not presentation.goes_on(b"two", 3.1)
    assert presentation.goes_on(b"one", 3.2)
    assert not presentation.goes_on(b"one", 3.2 + REPEAT_S)


def test_presentation_keeps_nothing_longer_than_it_must() -> None:
    presentation = Presentation()
    presentation.reported(b"one", 0.0)
    presentation.handle_timer(REPEAT_S)
    assert presentation._content is None
