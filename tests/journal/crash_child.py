"""The process that test_crash kills. Arguments: journal, first crossing number. Writes one line per acknowledged append to stdout.

Eight tasks append without pause; each append is two records, a row of another table and a stored answer, all or nothing.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from egate.journal import SqliteJournal
from egate.ports import Record, StoredResponse

TASKS = 8


def create(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS rows (crossing TEXT PRIMARY KEY)")


def inserting(crossing: str) -> Callable[[sqlite3.Connection], None]:
    def within(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO rows VALUES (?)", (crossing,))

    return within


async def append_for_ever(journal: SqliteJournal, numbers: Iterator[int]) -> None:
    while True:
        crossing = f"c{next(numbers)}"
        records = [
            Record("STARTED", "lane-1", crossing, {}),
            Record("DECISION", "lane-1", crossing, {"verdict": "ADMIT", "pad": "x" * 200}),
        ]
        answer = StoredResponse("gate", crossing, b"p", b"ADMIT")
        seq = await journal.append(records, response=answer, within=inserting(crossing))
        os.write(1, f"{seq} {crossing}\n".encode())


async def main() -> None:
    numbers = itertools.count(int(sys.argv[2]))
    async with await SqliteJournal.open(Path(sys.argv[1])) as journal:
        await journal.append([], within=create)
        await asyncio.gather(*[append_for_ever(journal, numbers) for _ in range(TASKS)])


if __name__ == "__main__":
    asyncio.run(main())
