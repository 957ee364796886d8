"""The SQLite store beyond the port's contract: durability settings, groups, limits, health, lock, recovery."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from egate.errors import ConfigurationError, JournalError
from egate.journal import SqliteJournal, canonical
from egate.journal.anchor import anchor_path, read_anchor
from egate.journal.writer import PROBE_S
from egate.ports import StoredResponse
from tests.journal.conftest import attacker, record


async def test_commits_are_synced_and_written_ahead(journal: SqliteJournal) -> None:
    seen: list[object] = []

    def look(connection: sqlite3.Connection) -> None:
        seen.append(connection.execute("PRAGMA synchronous").fetchone()[0])
        seen.append(connection.execute("PRAGMA journal_mode").fetchone()[0])

    await journal.append([record()], within=look)
    assert seen == [2, "wal"]  # 2 = FULL


async def test_entries_say_what_when_and_where(path: Path) -> None:
    async with await SqliteJournal.open(path, wall_ns=lambda: 1_772_352_000_123_456_789) as journal:
        await journal.append([record("c1", score=0.25)])
        (entry,) = await journal.entries()
    assert (entry.seq, entry.at_ns, entry.kind, entry.lane, entry.crossing) == (
        1,
        1_772_352_000_123_456_789,
        "DECISION",
        "lane-1",
        "c1",
    )
    assert canonical.decode(entry.body) == {"verdict": "REFER", "score": 0.25}


async def test_entries_are_found_by_lane_and_crossing_and_continue(journal: SqliteJournal) -> None:
    for index in range(10):
        await journal.append([record(f"c{index % 2}")])
    odd = await journal.entries(crossing="c1")
    assert [entry.seq for entry in odd] == [2, 4, 6, 8, 10]
    assert [entry.seq for entry in await journal.entries(after_seq=4, limit=2, lane="lane-1", crossing="c1")] == [6, 8]
    assert await journal.entries(lane="lane-2") == []
    assert len(await journal.entries(limit=0)) == 1


async def test_what_waits_for_a_commit_is_committed_together(journal: SqliteJournal) -> None:
    commits: list[None] = []
    journal.on_commit(lambda: commits.append(None))
    with held(journal) as holding:
        await holding.started()
        waiting = [asyncio.ensure_future(journal.append([record(f"c{i}")])) for i in range(100)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*waiting) == list(range(2, 102))
    await holding.appended
    assert len(commits) == 2


async def test_what_is_acknowledged_is_already_committed(journal: SqliteJournal, path: Path) -> None:
    """Another process would see it at once; an acknowledgement before the commit is found at the first slow sync."""
    with contextlib.closing(sqlite3.connect(path)) as other:
        for index in range(300):
            seq = await journal.append([record(f"c{index}")])
            assert other.execute("SELECT max(seq) FROM entries").fetchone() == (seq,)


async def test_a_full_queue_refuses_instead_of_growing(path: Path) -> None:
    async with await SqliteJournal.open(path, queue_items_max=4) as journal:
        with held(journal) as holding:
            await holding.started()
            waiting = [asyncio.ensure_future(journal.append([record(f"c{i}")])) for i in range(6)]
            await asyncio.sleep(0)
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert [getattr(outcome, "code", "written") for outcome in outcomes] == ["written"] * 4 + ["JOURNAL_FULL"] * 2
        await holding.appended
        assert journal.healthy


async def test_readers_do_not_wait_for_the_writer(journal: SqliteJournal) -> None:
    await journal.append([record("c1")])
    with held(journal) as holding:
        await holding.started()
        assert len(await asyncio.wait_for(journal.entries(), 5)) == 1
    await holding.appended


async def test_closing_writes_what_is_queued(path: Path) -> None:
    journal = await SqliteJournal.open(path)
    waiting = [asyncio.ensure_future(journal.append([record(f"c{i}")])) for i in range(50)]
    await asyncio.sleep(0)
    await journal.close()
    assert await asyncio.gather(*waiting) == list(range(1, 51))


@pytest.mark.parametrize("fault", ["full", "io"])
async def test_a_failing_disk_takes_the_store_out_of_service_until_a_probe_succeeds(
    journal: SqliteJournal, path: Path, fault: str
) -> None:
    """Nothing of the failed group may be written, and nothing is accepted before the disk has proved itself."""
    await journal.append([record("c0")])
    failing = disk_full(journal) if fault == "full" else files_cannot_grow(path)
    async with failing:
        outcomes = await asyncio.gather(
            *[journal.append([record(f"f{i}", text="x" * 60_000)]) for i in range(20)], return_exceptions=True
        )
        assert {getattr(outcome, "code", outcome) for outcome in outcomes} == {"JOURNAL_UNHEALTHY"}
        assert not journal.healthy
        assert not await journal.probe()
        with pytest.raises(JournalError):
            await journal.append([record("small")])
        recovered = asyncio.ensure_future(next_health(journal))
        await asyncio.sleep(0)
    assert await asyncio.wait_for(recovered, 10 * PROBE_S)  # by itself: nobody calls probe
    assert await journal.append([record("c1")]) == 2
    assert [entry.crossing for entry in await journal.entries()] == ["c0", "c1"]
    assert (await journal.verify()).fault is None


async def test_within_that_ends_the_transaction_is_found(journal: SqliteJournal) -> None:
    with pytest.raises(JournalError):
        await journal.append([record("c1")], within=end_transaction)
    assert await journal.probe()
    await journal.append([record("c2")])
    assert (await journal.verify()).fault is None


async def test_a_second_daemon_is_refused_and_a_dead_one_is_not_in_the_way(path: Path) -> None:
    async with await SqliteJournal.open(path):
        with pytest.raises(ConfigurationError) as refused:
            await SqliteJournal.open(path)
        assert refused.value.code == "JOURNAL_LOCKED"
    async with await SqliteJournal.open(path) as journal:
        assert journal.healthy


async def test_a_newer_journal_is_refused(path: Path) -> None:
    async with await SqliteJournal.open(path):
        pass
    with attacker(path) as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(ConfigurationError) as refused:
        await SqliteJournal.open(path)
    assert refused.value.code == "JOURNAL_VERSION"


async def test_a_file_that_is_no_journal_is_refused_and_left_alone(path: Path) -> None:
    garbage = b"not a database" * 1000
    overwrite(path, garbage)
    with pytest.raises(ConfigurationError) as refused:
        await SqliteJournal.open(path)
    assert refused.value.code == "JOURNAL_UNREADABLE" and content(path) == garbage


async def test_a_broken_end_is_refused_at_start(path: Path) -> None:
    async with await SqliteJournal.open(path) as journal:
        await asyncio.gather(*[journal.append([record(f"c{i}")]) for i in range(10)])
    with attacker(path) as connection:
        connection.execute("UPDATE entries SET lane = 'lane-2' WHERE seq = 9")
    with pytest.raises(ConfigurationError) as refused:
        await SqliteJournal.open(path)
    assert refused.value.code == "JOURNAL_BROKEN" and "entry 9" in str(refused.value)


async def test_a_journal_shorter_than_its_anchor_is_refused(path: Path) -> None:
    async with await SqliteJournal.open(path) as journal:
        await asyncio.gather(*[journal.append([record(f"c{i}")]) for i in range(10)])
        head = await journal.head()
    assert read_anchor(path) == head
    with attacker(path) as connection:
        connection.execute("DELETE FROM entries WHERE seq > 8")
    with pytest.raises(ConfigurationError) as refused:
        await SqliteJournal.open(path)
    assert refused.value.code == "JOURNAL_TRUNCATED"
    anchor_path(path).unlink()  # what the message tells the operator to do
    async with await SqliteJournal.open(path) as journal:
        assert await journal.append([record("c11")]) == 9


async def test_an_unreadable_anchor_is_no_anchor(path: Path) -> None:
    async with await SqliteJournal.open(path) as journal:
        await journal.append([record("c1")])
    for torn in (b"", bytes(86), b"\xff\xfe", b"0001:12"):
        anchor_path(path).write_bytes(torn)
        async with await SqliteJournal.open(path) as journal:
            head = await journal.head()
        assert read_anchor(path) == head


async def test_unfinished_crossings_come_with_their_last_decision_and_release(path: Path) -> None:
    async with await SqliteJournal.open(path) as journal:
        for crossing in ("done", "released", "started", "decided"):
            await journal.append([record(crossing, "STARTED")])
        for crossing in ("done", "released", "decided"):
            await journal.append([record(crossing, verdict="ADMIT")])
        for crossing in ("done", "released"):
            await journal.append([record(crossing, "RELEASE")])
        await journal.append([record("done", "OUTCOME")])
        await journal.append([record("", "DAEMON")])
    async with await SqliteJournal.open(path) as journal:
        unfinished = await journal.unfinished()
    assert [each.crossing for each in unfinished] == ["released", "started", "decided"]
    assert [each.decision is not None for each in unfinished] == [True, False, True]
    assert [each.release is not None for each in unfinished] == [True, False, False]
    assert unfinished[0].decision is not None and unfinished[0].decision.seq == 6


async def test_old_answers_are_forgotten_at_start_and_younger_ones_kept(path: Path) -> None:
    day = 86_400 * 10**9
    clock = [0]
    async with await SqliteJournal.open(path, wall_ns=lambda: clock[0]) as journal:
        await journal.append([record("c1")], response=StoredResponse("gate", "old", b"p", b"r"))
        clock[0] = 10 * day
        await journal.append([record("c2")], response=StoredResponse("gate", "young", b"p", b"r"))
    async with await SqliteJournal.open(path, wall_ns=lambda: 31 * day) as journal:
        assert await journal.response("gate", "old") is None
        assert await journal.response("gate", "young") is not None


async def test_the_write_ahead_file_stays_bounded(journal: SqliteJournal, path: Path) -> None:
    for _ in range(30):
        await asyncio.gather(*[journal.append([record(f"c{i}", text="x" * 1000)]) for i in range(100)])
        for index in range(10):
            await journal.append([record(f"s{index}")])
    assert size(path.with_name("journal.db-wal")) < 8 * 2**20
    assert size(path) > 2 * 2**20


async def test_nobody_but_the_owner_reads_the_files(journal: SqliteJournal, path: Path) -> None:
    await journal.append([record("c1")])
    assert {file.stat().st_mode & 0o077 for file in all_files(path.parent)} == {0}


def overwrite(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def content(path: Path) -> bytes:
    return path.read_bytes()


def size(path: Path) -> int:
    return path.stat().st_size


def end_transaction(connection: sqlite3.Connection) -> None:
    connection.execute("COMMIT")


async def next_health(journal: SqliteJournal) -> bool:
    """The health after its next change."""
    changed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    end = journal.on_health(changed.set_result)
    try:
        return await changed
    finally:
        end()


def all_files(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if file.is_file()]


class Holding:
    """An append whose `within` keeps the writer busy until told otherwise."""

    def __init__(self, journal: SqliteJournal) -> None:
        self._busy, self._go_on = threading.Event(), threading.Event()
        self.appended = asyncio.ensure_future(journal.append([record("holding")], within=self._within))

    def _within(self, _: sqlite3.Connection) -> None:
        self._busy.set()
        assert self._go_on.wait(30)

    async def started(self) -> None:
        assert await asyncio.to_thread(self._busy.wait, 30)

    def release(self) -> None:
        self._go_on.set()


@contextlib.contextmanager
def held(journal: SqliteJournal) -> Iterator[Holding]:
    holding = Holding(journal)
    try:
        yield holding
    finally:
        holding.release()


@contextlib.asynccontextmanager
async def disk_full(journal: SqliteJournal) -> AsyncIterator[None]:
    """SQLite refuses to grow the database: SQLITE_FULL, as on a full disk."""
    writing: list[sqlite3.Connection] = []
    await journal.append([], within=writing.append)
    writing[0].execute("PRAGMA max_page_count = 1")  # no more than there are already
    yield
    writing[0].execute("PRAGMA max_page_count = 1000000")


@contextlib.asynccontextmanager
async def files_cannot_grow(path: Path) -> AsyncIterator[None]:
    """The kernel refuses every write beyond a few pages (EFBIG, SQLITE_IOERR_WRITE)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name("journal.db-wal").stat().st_size + 8192, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
