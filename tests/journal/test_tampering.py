"""Somebody edits the file. Found when everything is verified, in the store and on the command line; and said where."""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from egate.commands import journal as command
from egate.errors import ConfigurationError
from egate.journal import SqliteJournal
from egate.journal.anchor import anchor_path
from tests.journal.conftest import attacker, record

COUNT = 2_500  # more than two pages of the walk, more than the check at start sees


@pytest.fixture
async def written(path: Path) -> Path:
    async with await SqliteJournal.open(path) as journal:
        for start in range(0, COUNT, 500):
            await asyncio.gather(*[journal.append([record(f"c{start + i}")]) for i in range(500)])
    return path


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.register(parser.add_subparsers())
    parsed = parser.parse_args(["journal", *arguments])
    status: int = parsed.run(parsed)
    return status


def verdict(capsys: pytest.CaptureFixture[str], path: Path, *arguments: str) -> tuple[int, dict[str, object]]:
    status = run("verify", "--json", "--db", str(path), *arguments)
    return status, json.loads(capsys.readouterr().out)


def change_byte(connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE entries SET body = CAST(substr(body, 1, 3) || x'58' || substr(body, 5) AS BLOB) WHERE seq = 1200"
    )


def delete_row(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM entries WHERE seq = 1200")


def swap_rows(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE entries SET seq = -1 WHERE seq = 1200")
    connection.execute("UPDATE entries SET seq = 1200 WHERE seq = 1300")
    connection.execute("UPDATE entries SET seq = 1300 WHERE seq = -1")


def renumber_after_deleting(connection: sqlite3.Connection) -> None:
    delete_row(connection)
    connection.execute("UPDATE entries SET seq = -seq WHERE seq > 1200")
    connection.execute("UPDATE entries SET seq = -seq - 1 WHERE seq < 0")


def change_time(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE entries SET at_ns = at_ns + 1 WHERE seq = 1200")


@pytest.mark.parametrize("tamper", [change_byte, delete_row, swap_rows, renumber_after_deleting, change_time])
async def test_tampering_is_found_at_its_place(
    written: Path, tamper: Callable[[sqlite3.Connection], None], capsys: pytest.CaptureFixture[str]
) -> None:
    with attacker(written) as connection:
        tamper(connection)
    status, found = verdict(capsys, written)
    assert status == 1 and isinstance(found["fault"], dict) and found["fault"]["seq"] == 1200
    anchor_path(written).unlink()
    if tamper is renumber_after_deleting:
        return  # its end is broken as well, so the store refuses to open
    async with await SqliteJournal.open(written) as journal:
        result = await journal.verify()
        assert result.fault is not None and result.fault.seq == 1200
        assert result.checked < 1200


async def test_the_files_own_triggers_refuse_changes(written: Path) -> None:
    connection = sqlite3.connect(written)
    for statement in ("UPDATE entries SET lane = 'x' WHERE seq = 5", "DELETE FROM entries WHERE seq = 5"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    connection.close()


def test_an_intact_journal_yields_a_head_that_later_finds_a_cut_end(
    written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, whole = verdict(capsys, written)
    assert status == 0 and whole["ok"] is True and whole["checked"] == COUNT
    with attacker(written) as connection:
        connection.execute("DELETE FROM entries WHERE seq > 2000")
    status, found = verdict(capsys, written)  # the anchor beside the file
    assert status == 1 and isinstance(found["fault"], dict) and found["fault"]["seq"] == 2001
    anchor_path(written).unlink()
    assert verdict(capsys, written)[0] == 0  # nobody remembers
    status, found = verdict(capsys, written, "--head", str(whole["head"]))
    assert status == 1 and isinstance(found["fault"], dict) and found["fault"]["seq"] == 2001


@pytest.mark.parametrize("closed_before", [0, 5])
async def test_a_lost_wal_file_is_found(path: Path, closed_before: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The accident: somebody keeps journal.db and not journal.db-wal. closed_before: entries that had reached the former."""
    async with await SqliteJournal.open(path) as journal:
        for index in range(closed_before):
            await journal.append([record(f"c{index}")])
    async with await SqliteJournal.open(path) as journal:
        for index in range(20):
            await journal.append([record(f"d{index}")])
        without_wal = copy_of(path)
    restore(path, without_wal)
    status, found = verdict(capsys, path)
    assert status == 1 and found["fault"] == {
        "seq": closed_before + 1,
        "why": f"entries {closed_before + 1} to {closed_before + 20} are missing at the end",
    }
    with pytest.raises(ConfigurationError) as refused:
        await SqliteJournal.open(path)
    assert refused.value.code == "JOURNAL_TRUNCATED"


def restore(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def copy_of(path: Path) -> bytes:
    return path.read_bytes()


def test_verify_speaks_to_people_and_fails_without_a_journal(
    written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("verify", "--db", str(written)) == 0
    assert f"intact: {COUNT} entries" in capsys.readouterr().out
    with attacker(written) as connection:
        change_byte(connection)
    assert run("verify", "--db", str(written)) == 1
    assert "BROKEN at entry 1200" in capsys.readouterr().out
    assert run("verify", "--db", str(tmp_path / "absent.db")) == 2
    assert not (tmp_path / "absent.db").exists()
    assert run("verify", "--db", str(written), "--head", "nonsense") == 2


async def test_verify_and_tail_work_beside_a_running_daemon(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with await SqliteJournal.open(path) as journal:
        for index in range(30):
            await journal.append([record(f"c{index}", score=float("nan"), digest=b"\x01\x02", name="Ünal")])
        assert run("verify", "--json", "--db", str(path)) == 0
        assert json.loads(capsys.readouterr().out)["checked"] == 30
        assert run("tail", "--db", str(path), "-n", "2", "--json") == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [line["seq"] for line in lines] == [29, 30]
        assert lines[1]["body"] == {"verdict": "REFER", "score": "nan", "digest": "0102", "name": "Ünal"}
        assert run("tail", "--db", str(path)) == 0
        text = capsys.readouterr().out
        assert len(text.splitlines()) == 20 and "DECISION" in text and "c29" in text
