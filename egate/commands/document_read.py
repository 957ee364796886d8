"""`egate document read`: one document on a reader, its chip, and what the inspection says of both."""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from rich.console import Console
from rich.table import Table

from egate.commands.document_verify import trust_store
from egate.document.chip_checks import NO_TRUST, Trust
from egate.document.presentation import present
from egate.document.verify import verify_document
from egate.domain.chip import CARD_ACCESS, CARD_SECURITY
from egate.domain.document import DocumentRead
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.ids import DocumentSessionId
from egate.errors import ConfigurationError, DeviceError, DeviceLost, EgateError
from egate.ports import DocumentReader
from hw.emrtd.drive import drive
from hw.emrtd.plan import Progress, ReadPlan
from hw.link.base import LinkLost
from hw.registry import is_chip_reader, open_chip_reader, open_device

EXIT_PASS, EXIT_OTHER, EXIT_ERROR = 0, 1, 2
DOCUMENT_S_MAX = 60.0
ZONE_SIZE_MAX = 1024
START_S_MAX, START_STEP_S = 5.0, 0.05
_FILES = {CARD_ACCESS: "EF_CardAccess", CARD_SECURITY: "EF_CardSecurity"}
# What the chip's own checks must say for PASS: without a trust store they can't.
_NEEDED = (Check.CHIP_ACCESS, Check.PASSIVE_AUTHENTICATION)
_CHIP_CHECKS = (*_NEEDED, Check.CHIP_AUTHENTICATION)
_PRIVATE = 0o600

Tell = Callable[[Progress], None]


def register(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser("read", help="read a document's chip; exit 0 PASS, 1 otherwise, 2 error")
    parser.add_argument(
        "--device",
        required=True,
        metavar="URL",
        help="a document reader's, or pn532+serial://, pcsc+reader://, emrtd+…",
    )
    secret = parser.add_mutually_exclusive_group()
    secret.add_argument(
        "--mrz",
        metavar="LINES",
        help="the zone, lines separated by spaces or commas: opens the chip; - for standard input",
    )
    secret.add_argument("--can", metavar="N", help="the card access number: opens the chip")
    parser.add_argument("--trust", type=Path, metavar="STORE", help="see egate document trust")
    parser.add_argument("--save", type=Path, metavar="DIR", help="write the chip's files, readable for you alone")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    progress = _progress(Console(stderr=True))
    try:
        trust = NO_TRUST if arguments.trust is None else Trust(trust_store(arguments.trust))
        read = _read(arguments, progress)
        if arguments.save is not None:
            _save(read, arguments.save)
    except EgateError as error:
        if arguments.json:
            print(json.dumps({"error": error.code, "message": str(error)}))
        else:
            Console(stderr=True).print(f"{error.code}: {error}", style="red", markup=False)
        return EXIT_ERROR
    evidence = verify_document(read, datetime.now(UTC), trust)
    report = to_json(read, evidence)
    if arguments.json:
        print(json.dumps(report))
    else:
        _show(report)
    return EXIT_PASS if report["verdict"] == CheckResult.PASS else EXIT_OTHER


def to_json(read: DocumentRead, evidence: tuple[CheckEvidence, ...]) -> dict[str, Any]:
    """Nothing in it but names, sizes and codes."""
    chip = read.chip
    return {
        "verdict": verdict(read, evidence).value,
        "access": chip.access.value if chip is not None and chip.present else None,
        "files": {} if chip is None else {name: len(content) for name, content in chip.files.items()},
        "failures": {} if chip is None else dict(chip.failures),
        "failure": read.failure,
        "checks": {
            finding.check.value: {
                "verdict": finding.result.value,
                "reasons": [reason.value for reason in finding.reasons],
                "detail": finding.detail,
            }
            for item in evidence
            for finding in item.findings
        },
    }


def verdict(read: DocumentRead, evidence: tuple[CheckEvidence, ...]) -> CheckResult:
    """FAIL if any check fails; PASS if access and the signatures pass and nothing that was tried is open or broke off.

    Without a printed zone only the chip's own checks are judged.
    """
    judged = [item for item in evidence if read.mrz_lines or item.check in _CHIP_CHECKS]
    results = {item.check: item.result for item in judged}
    if CheckResult.FAIL in results.values():
        return CheckResult.FAIL
    settled = {CheckResult.PASS, CheckResult.NOT_PERFORMED} >= set(results.values())
    sound = settled and not read.failure and all(results.get(check) is CheckResult.PASS for check in _NEEDED)
    return CheckResult.PASS if sound else CheckResult.UNDETERMINED


def _read(arguments: argparse.Namespace, progress: Tell) -> DocumentRead:
    lines = _lines(arguments.mrz or "")
    if is_chip_reader(arguments.device):
        if not lines and not arguments.can:
            raise ConfigurationError("a reader that sees no zone needs --mrz or --can")
        return _read_chip(arguments.device, ReadPlan(lines, arguments.can or ""), progress)
    if lines or arguments.can:
        raise ConfigurationError("a document reader reads the zone itself: no --mrz, no --can")
    return asyncio.run(_read_document(arguments.device, progress))


def _lines(text: str) -> tuple[str, ...]:
    """An argument shows in the list of processes: "-" keeps the zone out of it."""
    zone = sys.stdin.read(ZONE_SIZE_MAX) if text == "-" else text
    return tuple(zone.replace(",", " ").split())


def _read_chip(url: str, plan: ReadPlan, progress: Tell) -> DocumentRead:
    try:
        transport = open_chip_reader(url)
    except LinkLost as lost:
        raise DeviceLost(f"chip reader: {lost}") from None
    try:
        chip = drive(plan, transport, secrets.token_bytes, time.monotonic, progress)
    finally:
        transport.close()
    return present(DocumentSessionId(uuid.uuid4().hex), plan.mrz_lines, chip)


async def _read_document(url: str, progress: Tell) -> DocumentRead:
    reader = cast(DocumentReader, open_device(url, Path.cwd()))
    if not hasattr(reader, "read"):
        raise ConfigurationError("--device is no reader of documents")
    if hasattr(reader, "on_progress"):  # readers of ours tell it; the port does not ask for it
        reader.on_progress = progress
    await reader.start(lambda _: None)
    try:
        print("lay a document on the reader", file=sys.stderr)
        return await _first_read(reader)
    finally:
        await reader.close()


async def _first_read(reader: DocumentReader) -> DocumentRead:
    deadline = time.monotonic() + START_S_MAX
    while True:
        try:
            return await reader.read(DOCUMENT_S_MAX)
        except DeviceLost as error:  # it opens its ports when it can
            if time.monotonic() > deadline:
                raise DeviceError(str(error), code=error.code) from None
            await asyncio.sleep(START_STEP_S)


def _progress(console: Console) -> Tell:
    def tell(progress: Progress) -> None:
        if console.is_terminal or progress.size == progress.size_total:
            console.print(
                f"{progress.name:<14}{progress.size:>8} of {progress.size_total} bytes",
                end="\n" if progress.size == progress.size_total else "\r",
                highlight=False,
            )

    return tell


def _save(read: DocumentRead, directory: Path) -> None:
    """Raises ConfigurationError."""
    files: Mapping[str, bytes] = {} if read.chip is None else read.chip.files
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in files.items():
            path = directory / f"{_FILES.get(name, f'EF_{name.upper()}')}.bin"
            path.touch(mode=_PRIVATE)
            path.chmod(_PRIVATE)
            path.write_bytes(content)
    except OSError as error:
        raise ConfigurationError(f"cannot write to {directory}: {error.strerror}") from None


def _show(report: Mapping[str, Any]) -> None:
    console = Console()
    table = Table("check", "verdict", "reasons", "detail")
    for name, check in report["checks"].items():
        table.add_row(name, check["verdict"], " ".join(check["reasons"]), check["detail"])
    console.print(table)
    for place, cause in report["failures"].items():
        console.print(f"{place}: {cause}", markup=False)
    console.print(f"opened by {report['access'] or '-'}; verdict {report['verdict']}")
