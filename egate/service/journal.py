"""JournalService: reads and verifies the record."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from typing import Protocol

from egate.api.v1 import journal_service_pb2 as pb
from egate.api.v1 import journal_service_pb2_grpc as pb_grpc
from egate.journal.canonical import decode
from egate.journal.chain import HASH_BYTES, Entry, Head, Verification
from egate.service import convert, fields
from egate.service.errors import Exhausted, FieldError


class Record(Protocol):
    """What journal.store.SqliteJournal offers to readers."""

    async def entries(
        self, after_seq: int = 0, limit: int = 100, lane: str | None = None, crossing: str | None = None
    ) -> Sequence[Entry]: ...

    async def verify(self, known: Head | None = None) -> Verification: ...


class JournalServicer(pb_grpc.JournalServiceServicer):
    def __init__(self, journal: Record) -> None:
        self._journal = journal
        self._verifying = asyncio.Lock()

    async def ListEntries(self, request: pb.ListEntriesRequest, context: object) -> pb.ListEntriesResponse:
        size = fields.page_size(request.page_size)
        after = max(fields.sequence("after_sequence", request.after_sequence), _page(request.page_token))
        lane, crossing = (fields.token(name, getattr(request, name)) or None for name in ("lane", "crossing_id"))
        entries = await self._journal.entries(after, size, lane, crossing)
        following = str(entries[-1].seq) if len(entries) == size else ""
        return pb.ListEntriesResponse(entries=[_entry(entry) for entry in entries], next_page_token=following)

    async def VerifyJournal(self, request: pb.VerifyJournalRequest, context: object) -> pb.VerifyJournalResponse:
        known = _known(request)
        if self._verifying.locked():  # it reads everything: one at a time
            raise Exhausted("the journal is being verified already", code="VERIFICATION_BUSY")
        async with self._verifying:
            found = await self._journal.verify(known)
        return pb.VerifyJournalResponse(
            valid=found.fault is None,
            entry_count=found.checked,
            head_sequence=found.head.seq,
            head_hash=found.head.hash,
            first_invalid_sequence=found.fault.seq if found.fault else 0,
            problem=found.fault.why if found.fault else "",
        )


def _page(token: str) -> int:
    if not token:
        return 0
    if not (token.isascii() and token.isdigit() and len(token) <= 18):
        raise FieldError("page_token", "is not a token of this service")
    return int(token)


def _known(request: pb.VerifyJournalRequest) -> Head | None:
    if request.known_sequence == 0 and not request.known_hash:
        return None
    if request.known_sequence < 1 or len(request.known_hash) != HASH_BYTES:
        raise FieldError("known_hash", "a known head has a sequence number and a hash of 32 bytes")
    return Head(request.known_sequence, request.known_hash)


def _entry(entry: Entry) -> pb.Entry:
    return pb.Entry(
        sequence=entry.seq,
        at=convert.timestamp_ns(entry.at_ns),
        kind=entry.kind,
        lane=entry.lane,
        crossing_id=entry.crossing,
        body_json=json.dumps(_plain(decode(entry.body)), sort_keys=True, allow_nan=False),
        hash=entry.hash,
    )


def _plain(value: object) -> object:
    """JSON has no bytes and no NaN: hexadecimal digits, and the text "NaN"."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
