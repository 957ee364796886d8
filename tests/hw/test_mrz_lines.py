"""Zones as lines of text: what is sent is received, however it is cut and whatever lies around it; only what is a zone by form counts."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egate.errors import ConfigurationError
from hw.barcode.trigger import TriggerCommands
from hw.mrz.adapter import open_reader
from hw.mrz.frame import encode as encode_native
from hw.mrz.lines import INTER_CHARACTER_S, SHAPES, LineDecoder, LineFraming, encode, zone_order
from hw.mrz.messages import NativeDecoder, block
from hw.mrz.pd import HONEYWELL, READER_SETUPS
from hw.mrz.setup import zone_source
from hw.mrz.zone import Zone
from hw.url import parse

from .test_mrz_frame import TD1, TD2, TD3

MRV_A = ("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C<3UTO6908061F9406236ZE184226B<<<<<<<")
MRV_B = ("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "L898902C<3UTO6908061F9406236ZE184226")
ALL = (TD1, TD2, TD3, MRV_A, MRV_B)  # Doc 9303-4 to -7: the specimens of Utopia
ZONES = st.sampled_from(ALL)
EACH_CR = LineFraming()
FRAMINGS = [
    EACH_CR,
    LineFraming(b"\x02", b"\r", b"\x03"),
    LineFraming(b"", b"\r\n", b"\r\n"),
    LineFraming(b"MRZ:", b"\n", b"\r\n"),
    LineFraming(b"\x01P", b"\r", b"\r\r"),
]
FRAMES = st.sampled_from(FRAMINGS)
MARKED = [framing for framing in FRAMINGS if framing.prefix or framing.terminator != framing.separator]
PORTIONS = 2_560  # of 4096 bytes: ten megabytes
BASE = "mrz+pty:///run/mrz?baud=9600"


def lines_of(zones: list[Zone]) -> list[tuple[str, ...]]:
    return [zone.lines for zone in zones]


def test_shapes_are_those_of_the_standard() -> None:
    assert SHAPES == ((2, 36), (2, 44), (3, 30))


@given(FRAMES, st.lists(ZONES, min_size=1, max_size=4), st.lists(st.integers(1, 120), min_size=1, max_size=30))
def test_what_is_sent_is_received_however_it_is_cut(
    framing: LineFraming, sent: list[tuple[str, ...]], cuts: list[int]
) -> None:
    stream = b"".join(encode(lines, framing) for lines in sent)
    decoder, found, index = LineDecoder(framing), list[Zone](), 0
    while stream:
        size = cuts[index % len(cuts)]
        found += decoder.feed(stream[:size], 0.0)
        stream, index = stream[size:], index + 1
    assert lines_of(found) == sent
    assert decoder.skipped_count == 0
    assert decoder.next_timer() is None


@pytest.mark.parametrize("zone", ALL)
def test_last_line_may_have_its_separator_too(zone: tuple[str, ...]) -> None:
    decoder = LineDecoder(LineFraming(b"\x02", b"\r", b"\x03"))
    assert lines_of(decoder.feed(b"\x02" + "".join(f"{line}\r" for line in zone).encode() + b"\x03", 0.0)) == [zone]
    assert decoder.skipped_count == 0


@given(FRAMES, st.binary(max_size=300), ZONES)
def test_after_noise_and_silence_the_next_zone_is_found(
    framing: LineFraming, noise: bytes, zone: tuple[str, ...]
) -> None:
    decoder = LineDecoder(framing)
    decoder.feed(noise, 0.0)
    assert lines_of(decoder.feed(encode(zone, framing), INTER_CHARACTER_S))[-1] == zone


@given(FRAMES, st.binary(max_size=200), ZONES)
def test_zone_directly_behind_noise_is_found_at_the_latest_by_the_timer(
    framing: LineFraming, noise: bytes, zone: tuple[str, ...]
) -> None:
    noise += b"\xff"  # a zone character would be taken for the line's own
    decoder = LineDecoder(framing)
    zones = decoder.feed(noise + encode(zone, framing), 0.0) + decoder.handle_timer(10.0)
    assert zone in lines_of(zones)
    assert decoder.next_timer() is None


@settings(max_examples=150)
@given(FRAMES, st.binary(max_size=400) | st.text("PA0<\r\n\x02\x03", max_size=400).map(str.encode))
def test_any_bytes_are_counted_and_bounded(framing: LineFraming, data: bytes) -> None:
    decoder = LineDecoder(framing)
    assert decoder.feed(data, 0.0) == []
    assert len(decoder._arrivals.data) < 200
    assert decoder.handle_timer(10.0) == []
    assert decoder.skipped_count == len(data)


@given(FRAMES, ZONES, st.integers(0, 200), st.integers(0, 255))
def test_one_wrong_byte_gives_no_zone_of_another_form(
    framing: LineFraming, zone: tuple[str, ...], index: int, byte: int
) -> None:
    """There is no check in the framing: a wrong character of the alphabet is left to the check digits, all else is no zone."""
    content = bytearray(encode(zone, framing))
    index %= len(content)
    before, content[index] = content[index], byte
    decoder = LineDecoder(framing)
    found = lines_of(decoder.feed(bytes(content), 0.0) + decoder.handle_timer(10.0))
    if byte == before:
        assert found == [zone]
    elif found:
        assert chr(byte) in string.ascii_uppercase + string.digits + "<"
        changed = [(one, other) for one, other in zip("".join(found[0]), "".join(zone), strict=True) if one != other]
        assert changed == [(chr(byte), chr(before))]


@given(FRAMES, ZONES, st.data())
def test_zone_cut_short_never_counts(framing: LineFraming, zone: tuple[str, ...], data: st.DataObject) -> None:
    content = encode(zone, framing)
    start = data.draw(st.integers(0, len(content) - 1))
    end = data.draw(st.integers(start, len(content)).filter(lambda end: end - start < len(content)))
    decoder = LineDecoder(framing)
    assert decoder.feed(content[start:end], 0.0) + decoder.handle_timer(10.0) == []


@given(st.sampled_from(MARKED), ZONES, st.data())
def test_lost_bytes_never_give_another_zone(framing: LineFraming, zone: tuple[str, ...], data: st.DataObject) -> None:
    """The reader sends its zone three times; a run of bytes is lost on the way."""
    content = encode(zone, framing) * 3
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, len(content)))
    decoder = LineDecoder(framing)
    zones = decoder.feed(content[:start] + content[end:], 0.0) + decoder.handle_timer(10.0)
    assert set(lines_of(zones)) <= {zone}


@given(ZONES, st.data())
def test_without_marks_lost_bytes_give_another_zone_only_if_they_were_a_lines_length(
    zone: tuple[str, ...], data: st.DataObject
) -> None:
    content = encode(zone, EACH_CR) * 3
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, len(content)).filter(lambda end: (end - start) % (len(zone[0]) + 1)))
    decoder = LineDecoder(EACH_CR)
    zones = decoder.feed(content[:start] + content[end:], 0.0) + decoder.handle_timer(10.0)
    assert set(lines_of(zones)) <= {zone}


@pytest.mark.parametrize("before", "A0<")
def test_zone_character_before_a_line_belongs_to_it_unless_there_was_silence(before: str) -> None:
    frame = encode(TD3, EACH_CR)
    assert LineDecoder(EACH_CR).feed(before.encode() + frame, 0.0) == []
    decoder = LineDecoder(EACH_CR)
    decoder.feed(before.encode(), 0.0)
    assert lines_of(decoder.feed(frame, INTER_CHARACTER_S)) == [TD3]


@pytest.mark.parametrize("zone", ALL)
def test_lines_of_two_readings_are_no_zone(zone: tuple[str, ...]) -> None:
    """A lost first line: what follows has the shape, and another order."""
    assert zone_order(zone)
    repeated = zone * 2
    for start in range(1, len(zone)):
        assert not zone_order(repeated[start : start + len(zone)])
    assert not zone_order((zone[0],) * len(zone))
    assert not zone_order(tuple(reversed(zone)))


def test_national_layouts_pass() -> None:
    # The specimen of the French identity card of 1995, two lines of 36 of its own layout.
    assert zone_order(("IDFRABERTHIER<<<<<<<<<<<<<<<<<<<<<<<", "8806923102858CORINNE<<<<<<<6512068F6"))


def test_line_of_another_length_is_no_zone() -> None:
    for zone in (
        [TD3[0]],
        [TD3[0], TD3[1] + "0"],
        [TD3[0], TD3[1][:-1]],
        [TD3[0], TD2[1]],
        [*TD1[:2]],
        [TD3[0].lower(), TD3[1]],
    ):
        decoder = LineDecoder(FRAMINGS[1])
        assert decoder.feed(encode(zone, FRAMINGS[1]), 0.0) + decoder.handle_timer(10.0) == []


def test_false_start_hides_no_zone() -> None:
    decoder, framing = LineDecoder(FRAMINGS[1]), FRAMINGS[1]
    assert decoder.feed(b"\x02" + TD3[0].encode()[:20], 0.0) == []
    assert decoder.next_timer() == INTER_CHARACTER_S
    assert lines_of(decoder.feed(encode(TD3, framing), 0.1)) == [
        TD3
    ]  # the prefix inside a line ends the first start at once
    assert decoder.skipped_count == 21


def test_zone_is_as_old_as_its_first_byte() -> None:
    """So that a document that began to arrive before read was called never counts as presented after it."""
    decoder, frame = LineDecoder(EACH_CR), encode(TD3, EACH_CR)
    decoder.feed(b"\xff" + frame[:10], 1.0)
    assert [zone.started_s for zone in decoder.feed(frame[10:] + frame, 1.1)] == [1.0, 1.1]
    assert [zone.started_s for zone in decoder.feed(frame, 2.0)] == [2.0]


@pytest.mark.parametrize("decoder", [LineDecoder(EACH_CR), LineDecoder(FRAMINGS[1]), NativeDecoder()])
def test_ten_megabytes_of_noise_are_no_zone(decoder: LineDecoder | NativeDecoder) -> None:
    noise = random.Random(13)
    for portion in range(PORTIONS):
        assert decoder.feed(noise.randbytes(4096), portion * 4096 / 11_520) == []
    assert decoder.handle_timer(1e6) == []
    assert decoder.skipped_count == PORTIONS * 4096


def test_noise_of_the_zones_own_characters_is_no_zone() -> None:
    noise, decoder = random.Random(14), LineDecoder(EACH_CR)
    alphabet = string.ascii_uppercase + string.digits + "<"
    for portion in range(50):
        lines = ["".join(noise.choices(alphabet, k=noise.choice((29, 31, 35, 37, 43, 45)))) for _ in range(40)]
        assert decoder.feed("\r".join(lines).encode(), float(portion)) == []


def test_native_blocks_and_lines_give_the_same_zone() -> None:
    assert lines_of(NativeDecoder().feed(block(TD2), 1.0)) == lines_of(
        LineDecoder(EACH_CR).feed(encode(TD2, EACH_CR), 1.0)
    )
    assert lines_of(NativeDecoder().feed(encode_native([b"", b"", b""]), 0.0)) == [()]


def test_repr_shows_no_zone() -> None:
    shown = repr(LineDecoder(EACH_CR).feed(encode(TD3, EACH_CR), 0.0))
    assert "ERIKSSON" not in shown and "L898902C3" not in shown


@pytest.mark.parametrize(
    "query",
    [
        "&format=xml",
        "&prefix=STX",
        "&terminator=CR",
        "&trigger=hex:16540d",
        "&format=native&line_terminator=LF",
        "&format=lines&terminator=E",
        "&format=lines&terminator=hex:",
        "&format=lines&line_terminator=%3C",
        "&format=lines&trigger_off=hex:16550d",
        "&format=lines&trigger=hex:16540d&trigger_every_s=0.5",
        "&format=lines&chip=chip",
        "&format=lines&aim=1",
    ],
)
def test_url_that_is_not_understood_is_refused(query: str) -> None:
    with pytest.raises(ConfigurationError):
        open_reader(parse(BASE + query), Path("/"))


def test_speed_is_asked_for_where_the_link_has_one() -> None:
    open_reader(parse("mrz+tcp://10.0.0.7:4001?format=lines"), Path("/"))
    with pytest.raises(ConfigurationError, match="baud"):
        open_reader(parse("mrz+pty:///run/mrz?format=lines"), Path("/"))


def test_set_ups_of_simulated_readers_are_what_their_urls_say() -> None:
    for name, setup in READER_SETUPS.items():
        source = zone_source(parse(BASE + setup.parameters))
        assert source.commands.on == setup.commands.on
        assert lines_of(source.decoder().feed(setup.encode(TD1), 0.0)) == [TD1], name
    assert zone_source(parse(BASE + READER_SETUPS["imager"].parameters)).commands == HONEYWELL
    assert TriggerCommands(b"\x16T\r", b"\x16U\r") == HONEYWELL
