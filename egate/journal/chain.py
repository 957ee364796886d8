"""The hash chain over the entries: pure, so that anybody with the rows can check them.

    hash(n) = SHA-256( "egate journal entry v1\\0" || hash(n-1) || canonical CBOR [seq, at_ns, kind, lane, crossing, body] )

hash(0) is 32 zero bytes and the first entry has seq 1. A changed, missing, inserted or exchanged entry breaks the chain at
a sequence number that `verify` names. Entries cut off at the end leave a valid shorter chain: only somebody who
kept a later head can tell, which is why heads are handed out (`egate journal verify`, VerifyJournal) and anchored beside the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import cbor2

from egate.errors import ConfigurationError

_DOMAIN = b"egate journal entry v1\0"
HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class Head:
    """The state of the chain after entry seq. Written SEQ:HASH, hash in lower-case hex."""

    seq: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"

    @staticmethod
    def parse(text: str) -> Head:
        """Raises ConfigurationError if text is not SEQ:HASH."""
        seq, _, digest = text.strip().partition(":")
        try:
            head = Head(int(seq), bytes.fromhex(digest))
        except ValueError as error:
            raise ConfigurationError("a journal head is written SEQ:HASH") from error
        if head.seq < 0 or len(head.hash) != HASH_BYTES:
            raise ConfigurationError("a journal head is written SEQ:HASH with 64 hexadecimal digits")
        return head


GENESIS = Head(0, bytes(HASH_BYTES))


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the journal. at_ns: wall clock, nanoseconds since 1970 UTC; the order is seq, never at_ns. body: canonical CBOR."""

    seq: int
    at_ns: int
    kind: str
    lane: str
    crossing: str
    body: bytes = field(repr=False)
    prev_hash: bytes = field(repr=False)
    hash: bytes = field(repr=False)

    @property
    def head(self) -> Head:
        return Head(self.seq, self.hash)


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where the journal is not what was written."""

    seq: int
    why: str


@dataclass(frozen=True, slots=True)
class Verification:
    """head: the last good entry, for somebody else to keep. checked: entries read. fault: None if all is well."""

    head: Head
    checked: int
    fault: Break | None


def link(after: Head, at_ns: int, kind: str, lane: str, crossing: str, body: bytes) -> Entry:
    """The entry that follows `after`."""
    seq = after.seq + 1
    return Entry(
        seq, at_ns, kind, lane, crossing, body, after.hash, _digest(seq, at_ns, kind, lane, crossing, body, after.hash)
    )


def verify(entries: Iterable[Entry], after: Head = GENESIS, known: Head | None = None) -> Head | Break:
    """Walks entries that should follow `after`; the head reached, or the first break.

    known: a head kept from earlier; where the walk passes its seq, the hashes must agree. A walk in pages passes the head it got back in
    as `after`; `complete` then tells whether the walk ended before known.
    """
    for entry in entries:
        fault = _fault(entry, after)
        if fault is None and known is not None and entry.seq == known.seq and entry.hash != known.hash:
            fault = "the entry is not the one whose hash was kept"
        if fault is not None:
            return Break(after.seq + 1, fault)
        after = entry.head
    return after


def complete(head: Head, known: Head | None) -> Break | None:
    """The break if the chain ends before the known head: entries were cut off."""
    if known is None or head.seq >= known.seq:
        return None
    return Break(head.seq + 1, f"entries {head.seq + 1} to {known.seq} are missing at the end")


def _fault(entry: Entry, after: Head) -> str | None:
    if entry.seq != after.seq + 1:
        return f"expected entry {after.seq + 1}, found {entry.seq}"
    if entry.prev_hash != after.hash:
        return "the entry does not follow the one before it"
    if entry.hash != _digest(entry.seq, entry.at_ns, entry.kind, entry.lane, entry.crossing, entry.body, after.hash):
        return "the entry's content is not what was hashed"
    return None


def _digest(seq: int, at_ns: int, kind: str, lane: str, crossing: str, body: bytes, prev_hash: bytes) -> bytes:
    content = cbor2.dumps([seq, at_ns, kind, lane, crossing, body], canonical=True)
    return hashlib.sha256(_DOMAIN + prev_hash + content).digest()
