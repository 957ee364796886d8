"""`egate document verify`: passive authentication of a chip's files from a directory."""

from __future__ import annotations

import argparse
import json
import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from egate.commands.answer import checks_table, findings_json, status_of, with_named_errors
from egate.commands.input_file import read_regular
from egate.document.encoding.tlv import FILE_SIZE_MAX
from egate.document.lds.structure import parse_ef_com
from egate.document.passive_authentication import PassiveResult, verify_passive
from egate.document.pki.security_object import parse_sod
from egate.document.pki.trust import EMPTY, TrustStore
from egate.domain.chip import CARD_ACCESS, CARD_SECURITY, COM, DATA_GROUPS, FILE_NAMES, SOD
from egate.domain.evidence import CheckResult
from egate.domain.inspection import InspectionCheck
from egate.errors import ConfigurationError, DocumentError
from egate.trust.store import load_trust_store

NO_FILES = "NO_EF_FILES"  # a hint, no verdict: nothing of a document lies in the folder
DESCRIPTION = (
    "Verifies the files of a chip. A check whose file is absent is NOT_PERFORMED. EF.SOD alone: signature and chain are judged, the "
    "hashes NOT_PERFORMED. Some data groups but DG1 or DG2 not among them: the hashes are UNDETERMINED (DG_MISSING). Data groups "
    "without EF.SOD: FAIL (SOD_MISSING). PASS needs EF.SOD, DG1 and DG2."
)
_NAMES = {CARD_ACCESS: "EF_CardAccess", CARD_SECURITY: "EF_CardSecurity"}
_NEEDED = (
    InspectionCheck.SOD_SIGNATURE,
    InspectionCheck.CHAIN,
    InspectionCheck.VALIDITY,
    InspectionCheck.DG_HASHES,
)


def register(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser(
        "verify", help="verify the files of a chip; exit 0 PASS, 1 otherwise, 2 error", description=DESCRIPTION
    )
    parser.add_argument("--lds", type=Path, required=True, metavar="DIR", help="EF_SOD.bin, EF_DG1.bin, EF_COM.bin …")
    add_inspection_options(parser)
    parser.set_defaults(run=run)


def add_inspection_options(parser: argparse.ArgumentParser) -> None:
    """Of actions that hold what was signed against the trust store."""
    parser.add_argument("--trust", type=Path, required=True, metavar="STORE", help="see egate document trust")
    parser.add_argument("--at", type=moment, metavar="ISO-DATE", help="time of inspection, UTC (default: now)")
    parser.add_argument("--crl-required", action="store_true", help="PASS only with a current revocation list")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


@with_named_errors
def run(arguments: argparse.Namespace) -> int:
    files, unlisted = read_files(arguments.lds)
    at = arguments.at or datetime.now(UTC)
    store = trust_store(arguments.trust)
    passive = verify_passive(files, store, at, crl_required=arguments.crl_required)
    report = to_json(passive, files, unlisted, crl_required=arguments.crl_required)
    updated_at = None if store.updated_at is None else store.updated_at.isoformat()
    report["trust_store"] = {"updated_at": updated_at, "stale": store.is_stale(at)}
    if arguments.json:
        print(json.dumps(report))
    else:
        _show(report)
        if store.is_stale(at):
            print(_age(store, at))
    return status_of(CheckResult(report["verdict"]))


def read_files(directory: Path) -> tuple[Mapping[str, bytes], tuple[str, ...]]:
    """The document's files, and the names of data groups that are there but no part of the document.

    As a reader does, data groups that neither EF.COM nor EF.SOD lists are not read; without an EF.COM that can be read all are.
    Raises ConfigurationError if a file cannot be read, DocumentError if one is too long.
    """
    try:
        if not stat.S_ISDIR(directory.stat().st_mode):
            raise ConfigurationError(f"no directory {directory}")
    except OSError as error:
        raise ConfigurationError(f"cannot read {directory}: {error.strerror}") from None
    files = {name: data for name in FILE_NAMES if (data := _content(directory / file_name(name))) is not None}
    try:
        listed = set(parse_ef_com(files[COM]).data_groups) | set(parse_sod(files[SOD]).hashes)
    except (KeyError, DocumentError):
        return files, ()
    unlisted = tuple(name for name in DATA_GROUPS if name in files and int(name[2:]) not in listed)
    return {name: data for name, data in files.items() if name not in unlisted}, unlisted


def verdict(passive: PassiveResult, *, crl_required: bool) -> CheckResult:
    """FAIL if any check fails. PASS if signature, chain, validity and hashes pass and nothing that could be judged is open.

    What could not be performed does not hinder; nor does a missing revocation list unless one is required.
    """
    findings = passive.findings
    if any(finding.result is CheckResult.FAIL for finding in findings):
        return CheckResult.FAIL
    passed = [CheckResult.PASS, CheckResult.NOT_PERFORMED]
    for finding in findings:
        excused = finding.check is InspectionCheck.REVOCATION and not crl_required
        if finding.check in _NEEDED and finding.result is not CheckResult.PASS:
            return CheckResult.UNDETERMINED
        if finding.result not in passed and not excused:
            return CheckResult.UNDETERMINED
    return CheckResult.PASS


def to_json(
    passive: PassiveResult, files: Mapping[str, bytes], unlisted: tuple[str, ...], *, crl_required: bool
) -> dict[str, Any]:
    signer, signed_at = passive.signer, passive.signing_time
    return {
        "verdict": verdict(passive, crl_required=crl_required).value,
        "checks": findings_json(passive.findings),
        "files": list(files),
        "signer": None if signer is None else {"issuer": signer.issuer_text, "serial": f"{signer.serial:x}"},
        "signing_time": None if signed_at is None else signed_at.isoformat(),
        "unlisted": list(unlisted),
        "hint": "" if files else NO_FILES,
    }


def trust_store(path: Path) -> TrustStore:
    """Empty where there is none: the signature is still judged, and the chain says what is missing."""
    try:
        return load_trust_store(path)
    except ConfigurationError as error:
        if error.code != "TRUST_STORE_MISSING":
            raise
        return EMPTY


def file_name(name: str) -> str:
    """Of a chip's file in a folder."""
    return f"{_NAMES.get(name, f'EF_{name.upper()}')}.bin"


def _content(path: Path) -> bytes | None:
    try:
        content = read_regular(path, FILE_SIZE_MAX)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"cannot read {path.name}: {error.strerror}") from None
    if len(content) > FILE_SIZE_MAX:
        raise DocumentError(f"{path.name} is too long", code="FILE_TOO_LONG")
    return content


def moment(text: str) -> datetime:
    """A date or a time; without a zone it is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("no ISO 8601 date or time") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _age(store: TrustStore, at: datetime) -> str:
    age = store.age(at)
    return (
        "warning: the trust store was never updated"
        if age is None
        else f"warning: the trust store is {age.days} days old"
    )


def _show(report: Mapping[str, Any]) -> None:
    console = Console()
    console.print(checks_table(report["checks"]))
    if report["hint"]:
        console.print(f"{report['hint']}: the folder holds no EF_SOD.bin, EF_DG1.bin …", soft_wrap=True)
    if report["unlisted"]:
        console.print(f"no part of the document: {', '.join(report['unlisted'])}", markup=False)
    console.print(f"verdict {report['verdict']}")
