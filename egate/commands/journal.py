"""`egate journal verify|tail`: reads the journal's file, with the daemon running or not. Never writes to it."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from egate.errors import EgateError
from egate.journal import canonical
from egate.journal.anchor import read_anchor
from egate.journal.chain import Break, Entry, Head, Verification, complete
from egate.journal.reader import JournalReader
from egate.journal.schema import open_reader

DEFAULT_DB = "var/journal.db"
FOLLOW_S = 0.2
INTACT, BROKEN, UNREADABLE = 0, 1, 2


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    journal = subparsers.add_parser("journal", help="read and verify the record")
    actions = journal.add_subparsers(dest="action", required=True)
    verify = actions.add_parser("verify", help="check every entry; exit status 0 intact, 1 broken, 2 unreadable")
    verify.add_argument("--head", metavar="SEQ:HASH", help="a head kept elsewhere; finds entries cut off at the end")
    verify.set_defaults(run=lambda arguments: _guarded(run_verify, arguments))
    tail = actions.add_parser("tail", help="show the newest entries")
    tail.add_argument("-n", "--count", type=int, default=20, help="how many entries (1 to 1000)")
    tail.add_argument("-f", "--follow", action="store_true", help="go on with new entries until interrupted")
    tail.set_defaults(run=lambda arguments: _guarded(run_tail, arguments))
    for parser in (verify, tail):
        parser.add_argument(
            "--db", type=Path, default=Path(os.environ.get("EGATE_JOURNAL", DEFAULT_DB)), help="the journal's file"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object (verify) or one a line (tail)")


def run_verify(arguments: argparse.Namespace) -> int:
    """Checks the chain against itself, the anchor beside the file, and --head."""
    anchor = read_anchor(arguments.db)
    given = Head.parse(arguments.head) if arguments.head else None
    reader = JournalReader(open_reader(arguments.db))
    try:
        result = _verify(reader, given, quiet=arguments.json)
        if result.fault is None and anchor is not None:
            result = Verification(result.head, result.checked, _against_anchor(reader, result.head, anchor))
    finally:
        reader.close()
    _print_verdict(result, arguments.json)
    return INTACT if result.fault is None else BROKEN


def run_tail(arguments: argparse.Namespace) -> int:
    reader = JournalReader(open_reader(arguments.db))
    show = _print_json if arguments.json else _print_line
    try:
        for entry in _tail(reader, arguments.count, arguments.follow):
            show(entry)
    except (KeyboardInterrupt, BrokenPipeError):
        pass
    finally:
        reader.close()
    return INTACT


def _guarded(run: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    try:
        return run(arguments)
    except EgateError as error:
        print(f"egate journal: {error} [{error.code}]", file=sys.stderr)
        return UNREADABLE


def _verify(reader: JournalReader, known: Head | None, *, quiet: bool) -> Verification:
    columns = (
        SpinnerColumn(),
        TextColumn("verifying"),
        TextColumn("{task.completed} of {task.total} entries"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=quiet, transient=True) as progress:
        task = progress.add_task("verify", total=reader.head().seq)
        result = None
        for result in reader.verify_pages(known):
            progress.update(task, completed=result.checked)
    assert result is not None  # verify_pages always yields
    return result


def _against_anchor(reader: JournalReader, head: Head, anchor: Head) -> Break | None:
    """anchor was read before the walk, so a running daemon cannot have moved past the head meanwhile."""
    if (short := complete(head, anchor)) is not None:
        return short
    at = reader.entries(anchor.seq - 1, 1)
    if anchor.seq > 0 and (not at or at[0].head != anchor):
        return Break(anchor.seq, "the entry is not the one in the anchor file beside the journal")
    return None


def _tail(reader: JournalReader, count: int, follow: bool) -> Iterator[Entry]:
    last = 0
    for entry in reader.newest(count):
        last = entry.seq
        yield entry
    while follow:
        for entry in (fresh := reader.entries(last)):
            last = entry.seq
            yield entry
        if not fresh:
            time.sleep(FOLLOW_S)


def _print_verdict(result: Verification, as_json: bool) -> None:
    fault = result.fault
    if as_json:
        broken_at = None if fault is None else {"seq": fault.seq, "why": fault.why}
        print(
            json.dumps({"ok": fault is None, "checked": result.checked, "head": str(result.head), "fault": broken_at})
        )
        return
    console = Console(highlight=False, soft_wrap=True)
    if fault is None:
        console.print(Text(f"intact: {result.checked} entries", style="green"))
    else:
        console.print(Text(f"BROKEN at entry {fault.seq}: {fault.why}", style="bold red"))
    console.print(Text(f"head {result.head}"))


def _print_line(entry: Entry) -> None:
    at = datetime.fromtimestamp(entry.at_ns / 1e9, UTC)
    line = Text.assemble(
        (f"{entry.seq:>8} ", "dim"),
        (f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}Z ", "dim"),
        (f"{entry.kind:<9}", "bold"),
        f"{entry.lane:<10} ",
        (f"{entry.crossing[:8]:<9}", "cyan"),
        json.dumps(_readable(canonical.decode(entry.body)), ensure_ascii=False),
    )
    Console(highlight=False, soft_wrap=True).print(line)


def _print_json(entry: Entry) -> None:
    row = {
        "seq": entry.seq,
        "at": datetime.fromtimestamp(entry.at_ns / 1e9, UTC).isoformat(),
        "kind": entry.kind,
        "lane": entry.lane,
        "crossing": entry.crossing,
        "body": _readable(canonical.decode(entry.body)),
        "hash": entry.hash.hex(),
    }
    print(json.dumps(row, ensure_ascii=False, allow_nan=False), flush=True)


def _readable(value: object) -> object:
    """What JSON can hold: bytes as hexadecimal digits, NaN and infinities as text. Control characters are escaped by json."""
    if isinstance(value, dict):
        return {key: _readable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_readable(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float) and not abs(value) < float("inf"):
        return str(value)
    return value
