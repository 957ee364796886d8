"""RTE native blocks: what is sent is received, however it is cut and whatever lies around it; noise never becomes a document."""

from __future__ import annotations

import random
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from hw.mrz.frame import BLOCK_SIZE_MAX, INTER_CHARACTER_S, Decoder, Frame, encode
from hw.mrz.messages import block, zone

TD3 = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
TD2 = ("I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6")
TD1 = ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")
ZONES = st.sampled_from([TD1, TD2, TD3, TD3[1:]])
LINES = st.binary(max_size=44).map(lambda line: bytes(0x20 + byte % 0x5F for byte in line))


def test_block_is_laid_out_as_in_the_manual() -> None:
    # RTE6701-OEM manual 9.1.1: the bottom line is always line 3, a missing line keeps its CR, padding is `_`.
    # Length and BCC by hand for our reading of them: 8 + 3 bytes of text behind the length word; XOR of all behind SOH.
    assert encode([b"", b"", b"AB<"], flag=0x30) == bytes.fromhex(
        "01 0c00 4f55 02 30 0d 0d 41423c0d 03 15".replace(" ", "")
    )
    assert block(TD2)[7:8] == b"\r"
    assert block(TD2).count(b"_" * 8 + b"\r") == 2
    assert len(block(TD3)) == 3 + 9 + 2 * 44 + 1 - 1


@given(ZONES)
def test_zone_comes_back(lines: tuple[str, ...]) -> None:
    assert [zone(frame) for frame in Decoder().feed(block(lines), 0.0)] == [lines]


@given(st.tuples(LINES, LINES, LINES), st.integers(0, 255))
def test_decode_inverts_encode(lines: tuple[bytes, bytes, bytes], flag: int) -> None:
    decoder = Decoder()
    assert decoder.feed(encode(lines, flag), 3.0) == [Frame(flag, lines, 3.0)]
    assert decoder.skipped_count == 0
    assert decoder.next_timer() is None


@given(st.lists(ZONES, min_size=1, max_size=4), st.lists(st.integers(1, 120), min_size=1, max_size=30))
def test_cutting_does_not_matter(zones: list[tuple[str, ...]], cuts: list[int]) -> None:
    stream = b"".join(block(lines) for lines in zones)
    decoder, found = Decoder(), list[list[Frame]]()
    while stream:
        size = cuts[len(found) % len(cuts)]
        found += [decoder.feed(stream[:size], 0.0)]
        stream = stream[size:]
    assert [zone(frame) for frames in found for frame in frames] == zones


@given(st.binary(max_size=300), ZONES)
def test_after_noise_and_silence_the_next_block_is_found(noise: bytes, lines: tuple[str, ...]) -> None:
    decoder = Decoder()
    decoder.feed(noise, 0.0)
    frames = decoder.feed(block(lines), INTER_CHARACTER_S)
    assert zone(frames[-1]) == lines


@given(st.binary(max_size=200), ZONES)
def test_block_directly_behind_noise_is_found_at_the_latest_by_the_timer(noise: bytes, lines: tuple[str, ...]) -> None:
    decoder = Decoder()
    frames = decoder.feed(noise + block(lines), 0.0)
    timer = decoder.next_timer()
    if timer is not None:
        frames += decoder.handle_timer(timer)
    assert lines in [zone(frame) for frame in frames]
    assert decoder.next_timer() is None


def test_false_start_hides_a_block_only_until_the_timer() -> None:
    false_start = bytes.fromhex("01 8d00 4f55 02".replace(" ", ""))  # announces the longest block
    decoder = Decoder()
    assert decoder.feed(false_start + block(TD1)[:40], 0.0) == []
    assert decoder.feed(block(TD1)[40:], 0.1) == []
    assert decoder.next_timer() == 0.1 + INTER_CHARACTER_S
    assert [zone(frame) for frame in decoder.handle_timer(0.1 + INTER_CHARACTER_S)] == [TD1]
    assert decoder.skipped_count == len(false_start)


def test_frame_behind_noise_is_as_old_as_the_noise() -> None:
    """So that a document that began to arrive before read was called never counts as presented after it."""
    decoder = Decoder()
    decoder.feed(block(TD3)[:10], 1.0)
    assert [frame.started_s for frame in decoder.feed(block(TD3)[10:], 1.1)] == [1.0]
    assert [frame.started_s for frame in decoder.feed(block(TD3), 2.0)] == [2.0]


@given(ZONES, st.integers(0, 200), st.integers(1, 255))
def test_one_flipped_byte_never_gives_another_document(lines: tuple[str, ...], index: int, change: int) -> None:
    content = bytearray(block(lines))
    content[index % len(content)] ^= change
    decoder = Decoder()
    frames = decoder.feed(bytes(content), 0.0) + decoder.handle_timer(10.0)
    assert frames == []


@settings(max_examples=300)
@given(st.binary(max_size=600))
def test_any_bytes_are_counted_and_bounded(data: bytes) -> None:
    decoder = Decoder()
    frames = decoder.feed(data, 0.0)
    assert decoder.skipped_count <= len(data)
    assert len(decoder._buffer) <= BLOCK_SIZE_MAX
    frames += decoder.handle_timer(10.0)
    assert frames or decoder.skipped_count == len(data)


def test_a_megabyte_of_noise_is_no_document_and_quick() -> None:
    noise = random.Random(7).randbytes(1_000_000)
    decoder, start = Decoder(), time.perf_counter()
    frames = [frame for at in range(0, len(noise), 4096) for frame in decoder.feed(noise[at : at + 4096], 0.0)]
    assert frames == []
    assert time.perf_counter() - start < 2.0
    assert [zone(frame) for frame in decoder.feed(block(TD3), 9.0)] == [TD3]


def test_repr_shows_no_zone() -> None:
    assert "ERIKSSON" not in repr(Decoder().feed(block(TD3), 0.0))
