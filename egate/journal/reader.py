"""Questions to the journal, over a connection that cannot write. Synchronous; each question is one short read transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from egate.journal.chain import GENESIS, Break, Entry, Head, Verification, complete, verify
from egate.journal.writer import read_head
from egate.ports import StoredResponse

PAGE_ENTRIES_MAX = 1_000  # chosen: keeps a read transaction short, so that checkpoints are never held up
_COLUMNS = "seq, at_ns, kind, lane, crossing, body, prev_hash, hash"


@dataclass(frozen=True, slots=True)
class UnfinishedCrossing:
    """A crossing with STARTED and without OUTCOME: the daemon ended meanwhile.

    decision, release: the last entry of that kind, None if there is none.
    """

    crossing: str
    lane: str
    started: Entry
    decision: Entry | None
    release: Entry | None


class JournalReader:
    """Wraps a connection of `schema.open_reader`. One thread at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def close(self) -> None:
        self.connection.close()

    def head(self) -> Head:
        return read_head(self.connection)

    def entries(
        self, after_seq: int = 0, limit: int = 100, lane: str | None = None, crossing: str | None = None
    ) -> list[Entry]:
        """Up to limit (1 to 1,000) entries after after_seq in rising order; the last one's seq continues."""
        where, values = ["seq > ?"], [after_seq]
        parameters: list[int | str] = [*values]
        for column, value in (("lane", lane), ("crossing", crossing)):
            if value is not None:
                where.append(f"{column} = ?")
                parameters.append(value)
        if crossing is not None:
            where.append("crossing <> ''")  # names the partial index
        parameters.append(max(1, min(limit, PAGE_ENTRIES_MAX)))
        return self._select(f"WHERE {' AND '.join(where)} ORDER BY seq LIMIT ?", parameters)

    def newest(self, limit: int = 20) -> list[Entry]:
        """The last entries, in rising order."""
        return self._select("ORDER BY seq DESC LIMIT ?", [max(1, min(limit, PAGE_ENTRIES_MAX))])[::-1]

    def response(self, caller: str, request_id: str) -> StoredResponse | None:
        row = self.connection.execute(
            "SELECT caller, request_id, payload_sha256, response FROM responses WHERE caller = ? AND request_id = ?",
            (caller, request_id),
        ).fetchone()
        return None if row is None else StoredResponse(*row)

    def unfinished(self) -> list[UnfinishedCrossing]:
        """In the order in which they started. Reads two partial indexes, not the entries."""
        started = self._select(
            "WHERE kind = 'STARTED' AND crossing <> '' AND NOT EXISTS (SELECT 1 FROM entries AS o"
            " WHERE o.crossing = entries.crossing AND o.kind = 'OUTCOME' AND o.crossing <> '') ORDER BY seq",
            [],
        )
        return [
            UnfinishedCrossing(
                entry.crossing, entry.lane, entry, self._last(entry, "DECISION"), self._last(entry, "RELEASE")
            )
            for entry in started
        ]

    def verify_step(self, after: Head, known: Head | None) -> tuple[int, Head | Break]:
        """One page of the walk: entries checked and the head reached; the walk is over when none were checked."""
        page = self.entries(after.seq, PAGE_ENTRIES_MAX)
        return len(page), verify(page, after, known)

    def verify_pages(self, known: Head | None = None) -> Iterator[Verification]:
        """Walks the whole chain in bounded memory; yields after each page, the last one is the result."""
        head, checked = GENESIS, 0
        while True:
            count, reached = self.verify_step(head, known)
            if isinstance(reached, Break):
                yield Verification(head, checked, reached)
                return
            if count == 0:
                yield Verification(head, checked, complete(head, known))
                return
            head, checked = reached, checked + count
            yield Verification(head, checked, None)

    def _last(self, started: Entry, kind: str) -> Entry | None:
        found = self._select(
            "WHERE crossing = ? AND crossing <> '' AND kind = ? ORDER BY seq DESC LIMIT 1", [started.crossing, kind]
        )
        return found[0] if found else None

    def _select(self, clause: str, parameters: list[int | str]) -> list[Entry]:
        rows = self.connection.execute(f"SELECT {_COLUMNS} FROM entries {clause}", parameters)
        return [Entry(*row) for row in rows]
