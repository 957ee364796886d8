"""The chain as pure function: every kind of tampering is found, and at its place."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.errors import ConfigurationError
from egate.journal.chain import GENESIS, Break, Entry, Head, complete, link, verify


def chain(count: int) -> list[Entry]:
    entries, head = [], GENESIS
    for index in range(count):
        entries.append(link(head, 1_700_000_000_000_000_000 + index, "DECISION", "lane-1", f"c{index}", bytes([index])))
        head = entries[-1].head
    return entries


def broken_at(entries: list[Entry], known: Head | None = None) -> int | None:
    reached = verify(entries, known=known)
    if isinstance(reached, Head):
        fault = complete(reached, known)
        return None if fault is None else fault.seq
    return reached.seq


def test_the_hash_is_what_the_module_says() -> None:
    entry = link(GENESIS, 7, "STARTED", "lane-1", "c1", b"\xa0")
    content = bytes.fromhex("86 01 07") + b"\x67STARTED" + b"\x66lane-1" + b"\x62c1" + b"\x41\xa0"
    assert content == cbor2.dumps([1, 7, "STARTED", "lane-1", "c1", b"\xa0"])
    assert entry.hash == hashlib.sha256(b"egate journal entry v1\0" + bytes(32) + content).digest()


def test_an_untouched_chain_verifies_whole_and_in_pages() -> None:
    entries = chain(10)
    assert verify(entries) == entries[-1].head
    middle = verify(entries[:4])
    assert isinstance(middle, Head) and verify(entries[4:], middle) == entries[-1].head
    assert verify([]) == GENESIS


FIELDS = st.sampled_from(["seq", "at_ns", "kind", "lane", "crossing", "body", "prev_hash", "hash"])


@given(FIELDS, st.integers(0, 9))
def test_a_change_of_any_field_is_found_at_its_entry(name: str, index: int) -> None:
    entries = chain(10)
    value = getattr(entries[index], name)
    changed: object = (
        value + 1
        if isinstance(value, int)
        else value + "x"
        if isinstance(value, str)
        else bytes([value[0] ^ 1]) + value[1:]
    )
    entries[index] = replace(entries[index], **{name: changed})  # type: ignore[arg-type]
    assert broken_at(entries) == index + 1


@given(st.integers(0, 8))
def test_a_missing_entry_is_found(index: int) -> None:
    entries = chain(10)
    del entries[index]
    assert broken_at(entries) == index + 1


@given(st.integers(0, 9), st.integers(0, 9), st.booleans())
def test_exchanged_entries_are_found_even_if_renumbered(first: int, second: int, renumbered: bool) -> None:
    entries = chain(10)
    entries[first], entries[second] = entries[second], entries[first]
    if renumbered:
        entries = [replace(entry, seq=index + 1) for index, entry in enumerate(entries)]
    assert broken_at(entries) == (None if first == second else min(first, second) + 1)


def test_a_changed_entry_with_its_own_hash_recomputed_is_found_at_the_next_one() -> None:
    entries = chain(10)
    entries[4] = link(entries[3].head, entries[4].at_ns, "DECISION", "lane-1", "c4", b"forged")
    assert broken_at(entries) == 6


def test_a_cut_end_is_found_by_whoever_kept_a_head() -> None:
    entries = chain(10)
    assert broken_at(entries[:7]) is None
    assert broken_at(entries[:7], known=entries[9].head) == 8
    assert broken_at(entries[:7], known=entries[6].head) is None


def test_a_wholly_recomputed_chain_is_found_by_whoever_kept_a_head() -> None:
    kept = chain(10)[5].head
    forged, head = [], GENESIS
    for index in range(10):
        forged.append(link(head, index, "DECISION", "lane-1", "c", b"forged"))
        head = forged[-1].head
    assert broken_at(forged) is None
    assert broken_at(forged, known=kept) == 6


def test_a_head_is_written_and_read() -> None:
    head = chain(3)[-1].head
    assert Head.parse(str(head)) == head
    for text in ("", "3", "3:00", "x:" + "0" * 64, "-1:" + "0" * 64, "3:" + "0" * 63 + "g"):
        with pytest.raises(ConfigurationError):
            Head.parse(text)


def test_a_break_says_why() -> None:
    entries = chain(3)
    assert verify([entries[0], replace(entries[1], body=b"other")]) == Break(
        2, "the entry's content is not what was hashed"
    )
