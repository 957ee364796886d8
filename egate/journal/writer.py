"""The one thread that writes the journal.

    queue -> [take all that waits] -> BEGIN -> each item in a savepoint -> COMMIT (fsync) -> anchor -> answer all -> checkpoint when idle

Group commit: while one commit syncs, the next items gather, so one fsync carries many. An item that fails takes only itself
back; a commit that fails takes its whole batch back. What was told to have failed may still reach the disk if the failure
was that of a sync: it then is a valid entry nobody acted on (an ADMIT without release), never the reverse.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from egate.errors import JournalError
from egate.journal.anchor import Anchor
from egate.journal.chain import Entry, Head, link
from egate.ports import StoredResponse

QUEUE_ITEMS_MAX = 1024  # chosen: seconds of work for a slow disk; beyond that waiting longer helps nobody
BATCH_ITEMS_MAX = 256  # chosen: bounds what one failed commit takes with it
PROBE_S = 1.0  # chosen: how long the store stays refused after the disk has recovered
PROBE_BYTES = 65_536  # chosen: head room a recovered disk must show, more than a batch usually needs
CHECKPOINT_IDLE_COMMITS = 64  # chosen: when nobody waits
CHECKPOINT_COMMITS_MAX = 2_000  # chosen: even if somebody waits, so that the -wal file stays bounded


@dataclass(frozen=True, slots=True)
class Line:
    """A record, encoded and ready to be chained."""

    kind: str
    lane: str
    crossing: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Item:
    """What becomes durable together. done is called in the writer's thread through `answer`."""

    lines: Sequence[Line]
    response: StoredResponse | None
    within: Callable[[sqlite3.Connection], None] | None
    done: Callable[[int | JournalError], None]


@dataclass(frozen=True, slots=True)
class Probe:
    """A request to try a write now; answered with whether the store is healthy."""

    done: Callable[[bool], None]


class Stop:
    """The last element of the queue."""


class BatchFailed(Exception):
    """The transaction is gone and all in it."""


class Writer:
    """Owns the connection from `start` on. `answer` receives one closure per batch and must run it in the callers' loop.

    wall_ns: nanoseconds since 1970 UTC.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        head: Head,
        anchor: Anchor,
        wall_ns: Callable[[], int],
        answer: Callable[[Callable[[], None]], None],
        queue_items_max: int = QUEUE_ITEMS_MAX,
    ) -> None:
        self._connection = connection
        self._head = head
        self._anchor = anchor
        self._wall_ns = wall_ns
        self._answer = answer
        self._queue: queue.Queue[Item | Probe | Stop] = queue.Queue(queue_items_max)
        self._commits = 0  # since the last checkpoint
        self.fault = ""  # why no write is accepted; "" while healthy. Written by the thread, read by all.
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, element: Item | Probe) -> None:
        """Raises JournalError if the element was not queued."""
        if self.fault and isinstance(element, Item):
            raise self._unhealthy()
        try:
            self._queue.put_nowait(element)
        except queue.Full as error:
            raise JournalError("too many entries are waiting for the disk", code="JOURNAL_FULL") from error

    def stop(self) -> None:
        """Writes what is queued, then ends the thread and closes the connection. Blocks; once, and nothing is submitted afterwards."""
        self._queue.put(Stop())
        self._thread.join()

    def _run(self) -> None:
        stopped = False
        while not stopped:
            items, probes, stopped = self._take()
            if items:
                self._write(items)
            if probes or (self.fault and not items):
                self._probe(probes)
            self._checkpoint_if_due()
        self._close()

    def _take(self) -> tuple[list[Item], list[Probe], bool]:
        """Waits for the first element, then takes all that gathered meanwhile. Nothing: the time for a probe has come."""
        items: list[Item] = []
        probes: list[Probe] = []
        try:
            element = self._queue.get(timeout=PROBE_S if self.fault else None)
            while True:
                match element:
                    case Item():
                        items.append(element)
                    case Probe():
                        probes.append(element)
                    case Stop():
                        return items, probes, True
                if len(items) >= BATCH_ITEMS_MAX:
                    break
                element = self._queue.get_nowait()
        except queue.Empty:
            pass
        return items, probes, False

    def _write(self, items: list[Item]) -> None:
        results: list[int | JournalError]
        if self.fault:  # queued before the fault was known
            results = [self._unhealthy() for _ in items]
        else:
            try:
                results = self._transact(items)
            except Exception as error:  # a bug too: nobody may wait for ever on a writer that is gone
                self._fail(error)
                results = [self._unhealthy() for _ in items]

        def settle() -> None:
            for item, result in zip(items, results, strict=True):
                item.done(result)

        self._answer(settle)

    def _transact(self, items: list[Item]) -> list[int | JournalError]:
        connection, head = self._connection, self._head
        results: list[int | JournalError] = []
        connection.execute("BEGIN IMMEDIATE")
        for item in items:
            connection.execute("SAVEPOINT item")
            try:
                head = self._insert(item, head)
            except Exception as error:
                if _is_fatal(error) or not connection.in_transaction:
                    raise BatchFailed from error
                connection.execute("ROLLBACK TO item")
                results.append(_refusal(error))
            else:
                results.append(head.seq)
            connection.execute("RELEASE item")
        connection.execute("COMMIT")
        self._commits += 1
        self._head = head
        self._anchor.write(head)
        return results

    def _insert(self, item: Item, head: Head) -> Head:
        at_ns = self._wall_ns()
        for line in item.lines:
            entry = link(head, at_ns, line.kind, line.lane, line.crossing, line.body)
            self._connection.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _row(entry))
            head = entry.head
        if item.response is not None:
            _store_response(self._connection, item.response, at_ns)
        if item.within is not None:
            item.within(self._connection)
            if not self._connection.in_transaction:
                raise BatchFailed("within ended the transaction")
        return head

    def _fail(self, error: Exception) -> None:
        cause = error.__cause__ or error
        self.fault = f"{getattr(cause, 'sqlite_errorname', type(cause).__name__)}: {cause}"
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            pass  # the probe will show

    def _probe(self, probes: list[Probe]) -> None:
        """A real write with a real sync; the store is healthy again only if it succeeds.

        It also overwrites, in the -wal file, whatever a failed commit may have left there.
        """
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("INSERT OR REPLACE INTO probe VALUES (1, randomblob(?))", (PROBE_BYTES,))
            self._connection.execute("COMMIT")
            self._head = read_head(self._connection)
            self._checkpoint()
            self.fault = ""
        except sqlite3.Error as error:
            self._fail(error)
        healthy = not self.fault
        self._answer(lambda: _tell(probes, healthy))

    def _checkpoint_if_due(self) -> None:
        idle = self._queue.empty()
        if self.fault or self._commits < (CHECKPOINT_IDLE_COMMITS if idle else CHECKPOINT_COMMITS_MAX):
            return
        try:
            self._checkpoint()
        except sqlite3.Error as error:  # what was committed stays in the -wal file
            self._fail(error)

    def _checkpoint(self) -> None:
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        self._commits = 0

    def _close(self) -> None:
        """All is durable already; this only tidies up."""
        try:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error:
            pass
        self._connection.close()
        self._anchor.close()

    def _unhealthy(self) -> JournalError:
        return JournalError(f"the journal cannot be written: {self.fault}", code="JOURNAL_UNHEALTHY")


def _tell(probes: list[Probe], healthy: bool) -> None:
    for probe in probes:
        probe.done(healthy)


def read_head(connection: sqlite3.Connection) -> Head:
    row = connection.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
    return Head(0, bytes(32)) if row is None else Head(row[0], row[1])


def _store_response(connection: sqlite3.Connection, response: StoredResponse, at_ns: int) -> None:
    key = (response.caller, response.request_id)
    earlier = connection.execute(
        "SELECT payload_sha256 FROM responses WHERE caller = ? AND request_id = ?", key
    ).fetchone()
    if earlier is not None and earlier[0] != response.payload_sha256:
        raise JournalError("the request id was used for another request", code="JOURNAL_REQUEST_REUSED")
    connection.execute(
        "INSERT OR REPLACE INTO responses VALUES (?, ?, ?, ?, ?)",
        (*key, response.payload_sha256, response.response, at_ns),
    )


def _row(entry: Entry) -> tuple[int, int, str, str, str, bytes, bytes, bytes]:
    return entry.seq, entry.at_ns, entry.kind, entry.lane, entry.crossing, entry.body, entry.prev_hash, entry.hash


_ITEM_ERRORS = frozenset(
    {
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_TOOBIG,
        sqlite3.SQLITE_RANGE,
    }
)


def _is_fatal(error: Exception) -> bool:
    """Whether the database, not the item, is at fault. Unknown errors of SQLite are: better out of service than half written."""
    if isinstance(error, BatchFailed):
        return True
    code = getattr(error, "sqlite_errorcode", None)  # absent on errors of the Python layer, e.g. a wrong parameter type
    return code is not None and (code & 0xFF) not in _ITEM_ERRORS


def _refusal(error: Exception) -> JournalError:
    if isinstance(error, JournalError):
        return error
    if isinstance(error, sqlite3.IntegrityError) and "entries.crossing" in str(error):
        refusal = JournalError("the crossing already has such an entry", code="JOURNAL_DUPLICATE")
    else:
        refusal = JournalError(f"the transaction was refused: {type(error).__name__}", code="JOURNAL_WITHIN")
    refusal.__cause__ = error
    return refusal
