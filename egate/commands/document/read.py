"""`egate document read`: one document on a reader, its chip, and what the inspection says of both."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import secrets
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

from rich.console import Console

from egate.commands.answer import check_json, checks_table, findings_json, status_of, with_named_errors
from egate.commands.document.verify import file_name, trust_store
from egate.document.chip_checks import NO_TRUST, Trust
from egate.document.presentation import present
from egate.document.verify import verify_document
from egate.document.zone.mrz import parse_mrz, split_mrz
from egate.domain.device import DeviceRole
from egate.domain.document import DocumentRead
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.ids import DocumentSessionId
from egate.domain.reason import Reason
from egate.errors import ConfigurationError, DeviceError, DeviceLost, DocumentError
from egate.ports import DocumentReader
from hw.emrtd.drive import drive
from hw.emrtd.plan import Progress, ReadPlan
from hw.emrtd.terminal_files import read_terminal_chain
from hw.link.base import LinkLost
from hw.registry import is_chip_reader, open_chip_reader, open_device

DOCUMENT_S_MAX = 60.0
ZONE_SIZE_MAX = 1024
START_S_MAX, START_STEP_S = 5.0, 0.05
_WITHOUT_FINDINGS = (Check.MRZ, Check.DOCUMENT_VALIDITY, Check.DOCUMENT_SESSION)
# What must say PASS for PASS: without a trust store the signatures can't, without a zone the first can't.
_NEEDED = (*_WITHOUT_FINDINGS, Check.CHIP_ACCESS, Check.PASSIVE_AUTHENTICATION)
_CAN = re.compile(r"[0-9]{6}", re.ASCII)
_PRIVATE = 0o600

Tell = Callable[[Progress], None]
Zone = Literal["printed", "chip"]


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
    secret.add_argument("--can", metavar="N", help="the card access number, six digits: opens the chip")
    parser.add_argument("--trust", type=Path, metavar="STORE", help="see egate document trust")
    parser.add_argument(
        "--terminal",
        type=Path,
        metavar="DIR",
        help="CV certificates (*.cvcert) and terminal.key that open fingerprints; a document reader's URL names them itself",
    )
    parser.add_argument(
        "--save",
        type=Path,
        metavar="DIR",
        help="write the chip's files, readable for you alone; DIR must hold none yet",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.set_defaults(run=run)


@with_named_errors
def run(arguments: argparse.Namespace) -> int:
    progress = _progress(Console(stderr=True))
    reading = _reading_of(arguments)
    trust = NO_TRUST if arguments.trust is None else Trust(trust_store(arguments.trust))
    if arguments.save is not None:
        _require_unused(arguments.save)
    read = reading(progress)
    if arguments.save is not None:
        _save(read, arguments.save)
    at = datetime.now(UTC).astimezone()  # its date decides about expiry, as in a lane: that of this place
    zone, evidence = inspect(read, at, trust, by_can=arguments.can is not None)
    report = to_json(read, zone, evidence)
    if arguments.json:
        print(json.dumps(report))
    else:
        _show(report)
    return status_of(CheckResult(report["verdict"]))


def inspect(
    read: DocumentRead, at: datetime, trust: Trust, *, by_can: bool
) -> tuple[Zone | None, tuple[CheckEvidence, ...]]:
    """Whose zone was judged, None if there was none, and the evidence.

    A chip opened by its CAN comes without a printed zone: its own is then the document's, compared with nothing (MRZ_DG1
    NOT_PERFORMED). Without one the document's zone and validity are open.
    """
    if not by_can:
        return ("printed" if read.mrz_lines else None), verify_document(read, at, trust)
    if read.chip_mrz is not None:
        own = replace(read, mrz_lines=split_mrz(read.chip_mrz), chip_mrz=None)
        return "chip", verify_document(own, at, trust)
    open_ = CheckEvidence(Check.MRZ, CheckResult.UNDETERMINED, (Reason.MRZ_UNREADABLE,), detail="dg1")
    evidence = verify_document(read, at, trust)
    return None, tuple(open_ if item.check is Check.MRZ else item for item in evidence)


def to_json(read: DocumentRead, zone: Zone | None, evidence: tuple[CheckEvidence, ...]) -> dict[str, Any]:
    """Nothing in it but names, sizes and codes."""
    chip = read.chip
    own = {item.check.value.lower(): check_json(item) for item in evidence if item.check in _WITHOUT_FINDINGS}
    return {
        "verdict": verdict(read, evidence).value,
        "access": chip.access.value if chip is not None and chip.present else None,
        "files": {} if chip is None else {name: len(content) for name, content in chip.files.items()},
        "failures": {} if chip is None else dict(chip.failures),
        "failure": read.failure,
        "zone": zone,
        "checks": {**own, **findings_json(finding for item in evidence for finding in item.findings)},
    }


def verdict(read: DocumentRead, evidence: tuple[CheckEvidence, ...]) -> CheckResult:
    """FAIL if any check fails; PASS if zone, validity, session, access and signatures pass and nothing is open or broke off.

    Open is each single finding, also one that its check's summary does without: fingers that stay closed, a revocation list that is
    missing.
    """
    results = {item.check: item.result for item in evidence}
    found = {*results.values(), *(finding.result for item in evidence for finding in item.findings)}
    if CheckResult.FAIL in found:
        return CheckResult.FAIL
    settled = {CheckResult.PASS, CheckResult.NOT_PERFORMED} >= found
    sound = settled and not read.failure and all(results.get(check) is CheckResult.PASS for check in _NEEDED)
    return CheckResult.PASS if sound else CheckResult.UNDETERMINED


def _reading_of(arguments: argparse.Namespace) -> Callable[[Tell], DocumentRead]:
    """How to read, once everything that is asked for is understood. Raises ConfigurationError, DocumentError."""
    if is_chip_reader(arguments.device):
        plan = _plan(arguments)
        return lambda progress: _read_chip(arguments.device, plan, progress)
    reader = open_device(arguments.device, Path.cwd(), DeviceRole.DOCUMENT_READER)  # opens nothing yet
    if arguments.mrz is not None or arguments.can is not None:
        raise ConfigurationError("a document reader reads the zone itself: no --mrz, no --can")
    if arguments.terminal is not None:
        raise ConfigurationError("a document reader's URL names its terminal=file:DIR: no --terminal")
    return lambda progress: asyncio.run(_read_document(cast(DocumentReader, reader), progress))


def _plan(arguments: argparse.Namespace) -> ReadPlan:
    if arguments.mrz is None and arguments.can is None:
        raise ConfigurationError("a reader that sees no zone needs --mrz or --can")
    if arguments.can is not None and not _CAN.fullmatch(arguments.can):
        raise ConfigurationError("a card access number has six digits", code="CAN_MALFORMED")
    lines = () if arguments.mrz is None else _lines(arguments.mrz)
    terminal = None if arguments.terminal is None else read_terminal_chain(arguments.terminal)
    return ReadPlan(lines, arguments.can or "", terminal=terminal)


def _lines(text: str) -> tuple[str, ...]:
    """An argument shows in the list of processes: "-" keeps the zone out of it. Raises DocumentError (MRZ_UNREADABLE)."""
    zone = sys.stdin.read(ZONE_SIZE_MAX) if text == "-" else text
    lines = tuple(zone.replace(",", " ").split())
    try:
        parse_mrz(lines, datetime.now(UTC).astimezone().date())
    except DocumentError as error:
        raise DocumentError(f"--mrz is no zone of a travel document: {error}", code=error.code) from None
    return lines


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


async def _read_document(reader: DocumentReader, progress: Tell) -> DocumentRead:
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


def _require_unused(directory: Path) -> None:
    """One folder holds one document. Raises ConfigurationError (SAVE_FOLDER_USED)."""
    try:
        used = directory.exists() and any(directory.glob("EF_*.bin"))
    except OSError as error:
        raise ConfigurationError(f"cannot write to {directory}: {error.strerror}") from None
    if used:
        raise ConfigurationError(f"{directory} holds a document's files already", code="SAVE_FOLDER_USED")


def _save(read: DocumentRead, directory: Path) -> None:
    """Raises ConfigurationError."""
    files: Mapping[str, bytes] = {} if read.chip is None else read.chip.files
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in files.items():
            path = directory / file_name(name)
            path.touch(mode=_PRIVATE, exist_ok=False)
            path.write_bytes(content)
    except OSError as error:
        raise ConfigurationError(f"cannot write to {directory}: {error.strerror}") from None


def _show(report: Mapping[str, Any]) -> None:
    console = Console()
    console.print(checks_table(report["checks"]))
    for place, cause in report["failures"].items():
        console.print(f"{place}: {cause}", markup=False)
    if report["zone"] != "printed":
        console.print(
            "no printed zone was read: " + ("the chip's own is judged" if report["zone"] else "none is judged")
        )
    console.print(f"opened by {report['access'] or '-'}; verdict {report['verdict']}")
