"""The journal as the rest of the daemon sees it: asyncio outside, one writing thread and one reading thread inside."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from egate.errors import ConfigurationError, JournalError
from egate.journal import canonical
from egate.journal.anchor import Anchor, read_anchor
from egate.journal.chain import GENESIS, Break, Entry, Head, Verification, complete, verify
from egate.journal.reader import JournalReader, UnfinishedCrossing
from egate.journal.schema import FileLock, open_reader, open_writer
from egate.journal.writer import QUEUE_ITEMS_MAX, Item, Line, Probe, Writer, read_head
from egate.ports import Record, StoredResponse

T = TypeVar("T")
KINDS = frozenset({"STARTED", "DECISION", "RELEASE", "OUTCOME", "OVERRIDE", "LANE", "CASE", "OFFICER", "DAEMON"})
NAME_CHARACTERS_MAX = 64
TAIL_CHECK_ENTRIES = 1_000  # chosen: checked at each start in about 10 ms; `egate journal verify` checks all
RESPONSE_KEEP_NS = 30 * 86_400 * 10**9  # chosen: no client retries a request after 30 days


class SqliteJournal:
    """Implements ports.Journal. Made by `open`; every method runs in the loop that opened it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        lock: FileLock,
        connection: sqlite3.Connection,
        reader: JournalReader,
        head: Head,
        anchor: Anchor,
        wall_ns: Callable[[], int],
        queue_items_max: int,
    ) -> None:
        self._loop = loop
        self._lock = lock
        self._reader = reader
        self._reading = ThreadPoolExecutor(1, "journal-reader")
        self._commit_listeners: list[Callable[[], None]] = []
        self._health_listeners: list[Callable[[bool], None]] = []
        self._told_healthy = True
        self._closed = False
        self._writer = Writer(connection, head, anchor, wall_ns, self._answer, queue_items_max)
        self._writer.start()

    @classmethod
    async def open(
        cls, path: Path, *, wall_ns: Callable[[], int] = time.time_ns, queue_items_max: int = QUEUE_ITEMS_MAX
    ) -> SqliteJournal:
        """Opens or makes the journal; only one process at a time.

        Raises ConfigurationError: JOURNAL_LOCKED (another daemon has it), JOURNAL_VERSION (newer than this program),
        JOURNAL_UNREADABLE, JOURNAL_BROKEN (the newest entries do not verify), JOURNAL_TRUNCATED (shorter than its anchor).
        """
        loop = asyncio.get_running_loop()
        parts = await loop.run_in_executor(None, _open_parts, path, wall_ns)
        return cls(loop, *parts, wall_ns, queue_items_max)

    async def __aenter__(self) -> SqliteJournal:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Makes durable what was appended, then lets go of the file. Idempotent."""
        if self._closed:
            return
        self._closed = True
        await self._loop.run_in_executor(None, self._reading.shutdown)
        self._reader.close()  # before the writer: the last connection to close removes the -wal file
        await self._loop.run_in_executor(None, self._writer.stop)
        self._lock.release()

    @property
    def healthy(self) -> bool:
        """False from a failed write until a probe write has succeeded; meanwhile every append raises. Probed every second."""
        return not self._closed and not self._writer.fault

    async def append(
        self,
        records: Sequence[Record],
        *,
        response: StoredResponse | None = None,
        within: Callable[[sqlite3.Connection], None] | None = None,
    ) -> int:
        """As ports.Journal. records may be empty if within does all. Cancelling does not take the entries back.

        JournalError codes: JOURNAL_BODY (not recordable), JOURNAL_FULL (queue), JOURNAL_UNHEALTHY (disk), JOURNAL_CLOSED,
        JOURNAL_DUPLICATE (second STARTED or OUTCOME of a crossing), JOURNAL_REQUEST_REUSED (other payload under this request_id),
        JOURNAL_WITHIN (within raised; what it raised is the __cause__).
        """
        self._refuse_if_closed()
        lines = [_line(record) for record in records]
        future: asyncio.Future[int] = self._loop.create_future()

        def done(result: int | JournalError) -> None:
            if future.done():
                return
            if isinstance(result, JournalError):
                future.set_exception(result)
            else:
                future.set_result(result)

        self._writer.submit(Item(lines, response, within, done))
        return await future

    async def response(self, caller: str, request_id: str) -> StoredResponse | None:
        return await self._read(lambda reader: reader.response(caller, request_id))

    async def entries(
        self, after_seq: int = 0, limit: int = 100, lane: str | None = None, crossing: str | None = None
    ) -> list[Entry]:
        """Up to limit (1 to 1,000) entries after after_seq in rising order. `canonical.decode(entry.body)` gives the body."""
        return await self._read(lambda reader: reader.entries(after_seq, limit, lane, crossing))

    async def head(self) -> Head:
        """The newest durable entry's sequence number and hash; GENESIS (0) of an empty journal."""
        return await self._read(lambda reader: reader.head())

    async def unfinished(self) -> list[UnfinishedCrossing]:
        """Crossings that started and have no outcome: what a restart must settle (invariant S5)."""
        return await self._read(lambda reader: reader.unfinished())

    async def verify(self, known: Head | None = None) -> Verification:
        """Checks every entry, page by page; appends and other reads go on meanwhile. known: a head kept elsewhere."""
        head, checked = GENESIS, 0
        while True:
            count, reached = await self._read(lambda reader, at=head: reader.verify_step(at, known))  # type: ignore[misc]
            if isinstance(reached, Break):
                return Verification(head, checked, reached)
            if count == 0:
                return Verification(head, checked, complete(head, known))
            head, checked = reached, checked + count

    async def read(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Runs a SELECT of another owner of tables in this file, in the reading thread. Sees what is committed."""
        return await self._read(lambda reader: question(reader.connection))

    async def probe(self) -> bool:
        """Tries a write now; whether the store is healthy after it."""
        self._refuse_if_closed()
        future: asyncio.Future[bool] = self._loop.create_future()
        self._writer.submit(Probe(lambda healthy: None if future.done() else future.set_result(healthy)))
        return await future

    def on_commit(self, listener: Callable[[], None]) -> Callable[[], None]:
        """listener is called in the loop after each commit (once per group, at times without one). Returns the function that ends it."""
        self._commit_listeners.append(listener)
        return lambda: self._commit_listeners.remove(listener)

    def on_health(self, listener: Callable[[bool], None]) -> Callable[[], None]:
        """listener is called in the loop at each change of `healthy`, after the appends it fails. Returns the function that ends it."""
        self._health_listeners.append(listener)
        return lambda: self._health_listeners.remove(listener)

    async def _read(self, question: Callable[[JournalReader], T]) -> T:
        self._refuse_if_closed()
        try:
            return await self._loop.run_in_executor(self._reading, question, self._reader)
        except sqlite3.Error as error:
            raise JournalError(f"the journal cannot be read: {error}", code="JOURNAL_UNREADABLE") from error

    def _tell_health(self) -> None:
        if self._closed or self.healthy == self._told_healthy:
            return
        self._told_healthy = self.healthy
        for listener in tuple(self._health_listeners):
            listener(self._told_healthy)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise JournalError("the journal is closed", code="JOURNAL_CLOSED")

    def _answer(self, settle: Callable[[], None]) -> None:
        """Called in the writer's thread."""

        def run() -> None:
            settle()
            for listener in tuple(self._commit_listeners):
                listener()
            self._tell_health()

        # The loop may be closed while the last commit syncs: then nobody waits for the answer any more.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(run)


def _line(record: Record) -> Line:
    if record.kind not in KINDS:
        raise JournalError(f"no such kind of record: {record.kind}", code="JOURNAL_BODY")
    if max(len(record.lane), len(record.crossing)) > NAME_CHARACTERS_MAX:
        raise JournalError(f"lane or crossing longer than {NAME_CHARACTERS_MAX} characters", code="JOURNAL_BODY")
    return Line(record.kind, record.lane, record.crossing, canonical.encode(record.body))


def _open_parts(
    path: Path, wall_ns: Callable[[], int]
) -> tuple[FileLock, sqlite3.Connection, JournalReader, Head, Anchor]:
    """Everything that touches the disk, undone again if any of it fails."""
    with contextlib.ExitStack() as undo:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = FileLock(path.with_name(path.name + ".lock"))
            undo.callback(lock.release)
            connection = open_writer(path)
            undo.callback(connection.close)
            connection.execute("DELETE FROM responses WHERE at_ns < ?", (wall_ns() - RESPONSE_KEEP_NS,))
            head = _checked_head(path, connection)
            reader = JournalReader(open_reader(path))
            undo.callback(reader.close)
            anchor = Anchor(path)
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(
                f"the journal cannot be opened: {error.__class__.__name__}", code="JOURNAL_UNREADABLE"
            ) from error
        undo.pop_all()
    anchor.write(head)
    return lock, connection, reader, head, anchor


def _checked_head(path: Path, connection: sqlite3.Connection) -> Head:
    """The head, once the newest entries verify and the anchored head is on the chain."""
    head, reader = read_head(connection), JournalReader(connection)
    newest = reader.newest(TAIL_CHECK_ENTRIES)
    before = Head(newest[0].seq - 1, newest[0].prev_hash) if newest else GENESIS
    fault = verify(newest, before if before.seq else GENESIS)
    if isinstance(fault, Break):
        raise ConfigurationError(f"the journal is broken at entry {fault.seq}: {fault.why}", code="JOURNAL_BROKEN")
    known = read_anchor(path)
    if known is not None and known.seq > 0:
        at = reader.entries(known.seq - 1, 1)
        if not at or at[0].head != known:
            raise ConfigurationError(
                f"the journal ends at entry {head.seq} and was seen with entry {known.seq}: it was cut off or replaced."
                " Keep the file, find out why, then remove the .head file beside it",
                code="JOURNAL_TRUNCATED",
            )
    return head
