from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from egate.journal import SqliteJournal
from egate.ports import Record


def record(crossing: str = "c1", kind: str = "DECISION", **body: object) -> Record:
    return Record(kind, "lane-1", crossing, {"verdict": "REFER", **body})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[SqliteJournal]:
    async with await SqliteJournal.open(path) as opened:
        yield opened


@contextmanager
def attacker(path: Path) -> Iterator[sqlite3.Connection]:
    """Somebody with the file and no respect for triggers."""
    connection = sqlite3.connect(path, isolation_level=None)
    for trigger in ("entries_stay", "entries_remain"):
        connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
    yield connection
    connection.close()
