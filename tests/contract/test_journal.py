"""What every Journal must do. An adapter joins by adding how it is opened to OPENERS."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from egate.errors import JournalError
from egate.journal import SqliteJournal
from egate.ports import Journal, Record, StoredResponse

Opener = Callable[[Path], Awaitable[AbstractAsyncContextManager[Journal]]]
OPENERS: dict[str, Opener] = {"sqlite": lambda folder: SqliteJournal.open(folder / "journal.db")}


@pytest.fixture(params=sorted(OPENERS))
def opened(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[], Awaitable[AbstractAsyncContextManager[Journal]]]:
    opener = OPENERS[request.param]
    return lambda: opener(tmp_path)


Open = Callable[[], Awaitable[AbstractAsyncContextManager[Journal]]]


def record(crossing: str, kind: str = "DECISION") -> Record:
    return Record(kind, "lane-1", crossing, {"verdict": "ADMIT", "score": 0.5})


def answer(request_id: str = "r1", payload: bytes = b"p" * 32, response: bytes = b"first") -> StoredResponse:
    return StoredResponse("gate-1", request_id, payload, response)


async def test_append_returns_the_last_sequence_number(opened: Open) -> None:
    async with await opened() as journal:
        assert await journal.append([record("a")]) == 1
        assert await journal.append([record("b"), record("b", "RELEASE")]) == 3


async def test_sequence_continues_after_reopening(opened: Open) -> None:
    async with await opened() as journal:
        await journal.append([record("a")])
    async with await opened() as journal:
        assert await journal.append([record("b")]) == 2


async def test_entries_become_durable_in_the_order_of_the_calls(opened: Open) -> None:
    async with await opened() as journal:
        numbers = await asyncio.gather(*[journal.append([record(f"c{i}")]) for i in range(200)])
        assert numbers == list(range(1, 201))


async def test_response_of_a_new_request_is_none(opened: Open) -> None:
    async with await opened() as journal:
        assert await journal.response("gate-1", "r1") is None


async def test_response_survives_reopening_and_belongs_to_its_caller(opened: Open) -> None:
    async with await opened() as journal:
        await journal.append([record("a")], response=answer())
    async with await opened() as journal:
        assert await journal.response("gate-1", "r1") == answer()
        assert await journal.response("gate-2", "r1") is None


async def test_response_replaces_the_earlier_one_of_the_same_request(opened: Open) -> None:
    async with await opened() as journal:
        await journal.append([record("a")], response=answer(response=b"first"))
        await journal.append([record("a", "RELEASE")], response=answer(response=b"second"))
        stored = await journal.response("gate-1", "r1")
        assert stored is not None and stored.response == b"second"


async def test_another_payload_under_a_used_request_id_writes_nothing(opened: Open) -> None:
    async with await opened() as journal:
        await journal.append([record("a")], response=answer())
        with pytest.raises(JournalError) as refused:
            await journal.append([record("b")], response=answer(payload=b"q" * 32, response=b"other"))
        assert refused.value.code == "JOURNAL_REQUEST_REUSED"
        assert await journal.response("gate-1", "r1") == answer()
        assert await journal.append([record("c")]) == 2


async def test_within_that_raises_writes_nothing_and_hurts_nobody_else(opened: Open) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE half_done (x)")
        raise KeyError("bug")

    async with await opened() as journal:
        before, refused, after = await asyncio.gather(
            journal.append([record("a")]),
            journal.append([record("b"), record("b", "RELEASE")], response=answer(), within=broken),
            journal.append([record("c")]),
            return_exceptions=True,
        )
        assert (before, after) == (1, 2)
        assert isinstance(refused, JournalError) and refused.code == "JOURNAL_WITHIN"
        assert isinstance(refused.__cause__, KeyError)
        assert await journal.response("gate-1", "r1") is None
        half_done: list[object] = []
        await journal.append(
            [], within=lambda c: half_done.extend(c.execute("SELECT name FROM sqlite_master WHERE name = 'half_done'"))
        )
        assert half_done == []


async def test_what_cannot_be_recorded_is_refused_before_it_is_queued(opened: Open) -> None:
    image = bytes(100)
    async with await opened() as journal:
        for body in ({"portrait": image}, {"object": object()}, {"n": 2**70}, {"text": "\ud800"}):
            with pytest.raises(JournalError) as refused:
                await journal.append([Record("DECISION", "lane-1", "a", body)])
            assert refused.value.code == "JOURNAL_BODY"
        with pytest.raises(JournalError):
            await journal.append([Record("DECISSION", "lane-1", "a", {})])
        assert await journal.append([record("b")]) == 1


async def test_a_crossing_starts_once_and_ends_once(opened: Open) -> None:
    async with await opened() as journal:
        for kind in ("STARTED", "OUTCOME"):
            await journal.append([record("a", kind)])
            with pytest.raises(JournalError) as refused:
                await journal.append([record("a", kind)])
            assert refused.value.code == "JOURNAL_DUPLICATE"
        assert await journal.append([record("b", "STARTED")]) == 3


async def test_closed_journal_refuses(opened: Open) -> None:
    async with await opened() as journal:
        pass
    with pytest.raises(JournalError):
        await journal.append([record("a")])
    with pytest.raises(JournalError):
        await journal.response("gate-1", "r1")


async def test_a_cancelled_caller_leaves_the_journal_usable(opened: Open) -> None:
    async with await opened() as journal:
        pending = asyncio.ensure_future(journal.append([record("a")]))
        await asyncio.sleep(0)
        pending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pending
        assert await journal.append([record("b")]) == 2
