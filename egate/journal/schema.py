"""The journal's tables and how its file is opened."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path

from egate.errors import ConfigurationError, JournalError

VERSION = 1
BUSY_MS = 1_000  # chosen: another process should never hold the write lock; a backup tool may for an instant

_TABLES = """
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY,
    at_ns INTEGER NOT NULL,
    kind TEXT NOT NULL,
    lane TEXT NOT NULL,
    crossing TEXT NOT NULL,
    body BLOB NOT NULL,
    prev_hash BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE INDEX entries_lane ON entries (lane);
CREATE INDEX entries_crossing ON entries (crossing) WHERE crossing <> '';
-- Invariant S5 in the file itself: a crossing starts once and ends once.
CREATE UNIQUE INDEX entries_started ON entries (crossing) WHERE kind = 'STARTED' AND crossing <> '';
CREATE UNIQUE INDEX entries_outcome ON entries (crossing) WHERE kind = 'OUTCOME' AND crossing <> '';
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER entries_remain BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TABLE responses (
    caller TEXT NOT NULL,
    request_id TEXT NOT NULL,
    payload_sha256 BLOB NOT NULL,
    response BLOB NOT NULL,
    at_ns INTEGER NOT NULL,
    PRIMARY KEY (caller, request_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE probe (id INTEGER PRIMARY KEY CHECK (id = 1), data BLOB NOT NULL) STRICT;
"""


def open_writer(path: Path) -> sqlite3.Connection:
    """The one writing connection, tables made or checked. May be handed to another thread.

    Raises ConfigurationError if the file is no journal or was written by a newer version.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives its -wal and -shm the mode of this file
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000)
    try:
        _configure(connection)
        _migrate(connection)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise ConfigurationError(f"the journal cannot be opened: {error}", code="JOURNAL_UNREADABLE") from error
    except ConfigurationError:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write and never blocks the writer. Raises JournalError if there is no journal of this version."""
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=BUSY_MS / 1000,
        )
        found = _version(connection)
    except sqlite3.DatabaseError as error:
        raise JournalError(f"the journal cannot be read: {error}", code="JOURNAL_UNREADABLE") from error
    if found != VERSION:
        connection.close()
        raise JournalError(
            f"the file has journal version {found}, this program reads {VERSION}", code="JOURNAL_VERSION"
        )
    return connection


class FileLock:
    """Keeps a second daemon off the journal. A lock file of its own: SQLite's exclusive mode would lock readers out too.

    flock is released by the kernel when the process dies, however it dies.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise ConfigurationError("another daemon has this journal open", code="JOURNAL_LOCKED") from error

    def release(self) -> None:
        os.close(self._descriptor)


def _configure(connection: sqlite3.Connection) -> None:
    mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        raise ConfigurationError(
            f"the journal's file system does not support WAL (got {mode})", code="JOURNAL_UNREADABLE"
        )
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    # We checkpoint ourselves after answering: inside a commit it would add two more fsyncs to somebody's decision.
    connection.execute("PRAGMA wal_autocheckpoint=0")


def _migrate(connection: sqlite3.Connection) -> None:
    found = _version(connection)
    if found == VERSION:
        return
    if found > VERSION:
        raise ConfigurationError(
            f"the journal has version {found}, this program knows {VERSION}", code="JOURNAL_VERSION"
        )
    connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
