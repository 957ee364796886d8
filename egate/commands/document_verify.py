"""`egate document verify`: passive authentication of a chip's files from a directory."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from egate.document.encoding.tlv import FILE_SIZE_MAX
from egate.document.lds.structure import parse_ef_com
from egate.document.passive_authentication import PassiveResult, verify_passive
from egate.document.pki.security_object import parse_sod
from egate.document.pki.trust import EMPTY, TrustStore
from egate.domain.chip import COM, DATA_GROUPS, FILE_NAMES, SOD
from egate.domain.evidence import CheckResult
from egate.domain.inspection import InspectionCheck
from egate.errors import ConfigurationError, DocumentError, EgateError
from egate.trust.store import load_trust_store

EXIT_PASS, EXIT_OTHER, EXIT_ERROR = 0, 1, 2
_NAMES = {"card_access": "EF_CardAccess", "card_security": "EF_CardSecurity"}
_NEEDED = (
    InspectionCheck.SOD_SIGNATURE,
    InspectionCheck.CHAIN,
    InspectionCheck.VALIDITY,
    InspectionCheck.DG_HASHES,
)


def register(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser("verify", help="verify the files of a chip; exit 0 PASS, 1 otherwise, 2 error")
    parser.add_argument("--lds", type=Path, required=True, metavar="DIR", help="EF_SOD.bin, EF_DG1.bin, EF_COM.bin …")
    parser.add_argument("--trust", type=Path, required=True, metavar="STORE", help="see egate document trust")
    parser.add_argument("--at", type=moment, metavar="ISO-DATE", help="time of inspection, UTC (default: now)")
    parser.add_argument("--crl-required", action="store_true", help="PASS only with a current revocation list")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    try:
        files, unlisted = read_files(arguments.lds)
        at = arguments.at or datetime.now(UTC)
        store = trust_store(arguments.trust)
        passive = verify_passive(files, store, at, crl_required=arguments.crl_required)
    except EgateError as error:
        if arguments.json:
            print(json.dumps({"error": error.code, "message": str(error)}))
        else:
            Console(stderr=True).print(f"{error.code}: {error}", style="red", markup=False)
        return EXIT_ERROR
    report = to_json(passive, unlisted, crl_required=arguments.crl_required)
    updated_at = None if store.updated_at is None else store.updated_at.isoformat()
    report["trust_store"] = {"updated_at": updated_at, "stale": store.is_stale(at)}
    if arguments.json:
        print(json.dumps(report))
    else:
        _show(report)
        if store.is_stale(at):
            print(_age(store, at))
    return EXIT_PASS if report["verdict"] == CheckResult.PASS else EXIT_OTHER


def read_files(directory: Path) -> tuple[Mapping[str, bytes], tuple[str, ...]]:
    """The document's files, and the names of data groups that are there but no part of the document.

    As a reader does, data groups that neither EF.COM nor EF.SOD lists are not read; without an EF.COM that can be read all are.
    Raises ConfigurationError if a file cannot be read, DocumentError if one is too long.
    """
    if not directory.is_dir():
        raise ConfigurationError(f"no directory {directory}")
    files = {name: data for name in FILE_NAMES if (data := _content(directory / f"{_file_name(name)}.bin")) is not None}
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


def to_json(passive: PassiveResult, unlisted: tuple[str, ...], *, crl_required: bool) -> dict[str, Any]:
    signer, signed_at = passive.signer, passive.signing_time
    return {
        "verdict": verdict(passive, crl_required=crl_required).value,
        "checks": {
            finding.check.value: {
                "verdict": finding.result.value,
                "reasons": [reason.value for reason in finding.reasons],
                "detail": finding.detail,
            }
            for finding in passive.findings
        },
        "signer": None if signer is None else {"issuer": signer.issuer_text, "serial": f"{signer.serial:x}"},
        "signing_time": None if signed_at is None else signed_at.isoformat(),
        "unlisted": list(unlisted),
    }


def trust_store(path: Path) -> TrustStore:
    """Empty where there is none: the signature is still judged, and the chain says what is missing."""
    try:
        return load_trust_store(path)
    except ConfigurationError as error:
        if error.code != "TRUST_STORE_MISSING":
            raise
        return EMPTY


def _file_name(name: str) -> str:
    return _NAMES.get(name, f"EF_{name.upper()}")


def _content(path: Path) -> bytes | None:
    try:
        if not path.is_file():
            return None
        if path.stat().st_size > FILE_SIZE_MAX:
            raise DocumentError(f"{path.name} is too long", code="FILE_TOO_LONG")
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path.name}: {error.strerror}") from None


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
    table = Table("check", "verdict", "reasons", "detail")
    for name, check in report["checks"].items():
        table.add_row(name, check["verdict"], " ".join(check["reasons"]), check["detail"])
    console = Console()
    console.print(table)
    if report["unlisted"]:
        console.print(f"no part of the document: {', '.join(report['unlisted'])}", markup=False)
    console.print(f"verdict {report['verdict']}")
