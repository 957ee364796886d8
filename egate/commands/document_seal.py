"""`egate document seal`: verify a visible digital seal from the bytes of its bar code."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from egate.commands.document_verify import EXIT_ERROR, EXIT_OTHER, EXIT_PASS, moment, trust_store
from egate.document.seal.canonical_json import SIZE_MAX
from egate.document.seal.seal import SealResult, verify_seal
from egate.document.seal.vds import Vds
from egate.domain.evidence import CheckResult
from egate.errors import ConfigurationError, EgateError

STANDARD_INPUT = Path("-")


def register(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser("seal", help="verify a visible digital seal; exit 0 PASS, 1 otherwise, 2 error")
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="the bytes that the bar code holds; - for standard input"
    )
    parser.add_argument("--trust", type=Path, required=True, metavar="STORE", help="see egate document trust")
    parser.add_argument("--at", type=moment, metavar="ISO-DATE", help="time of inspection, UTC (default: now)")
    parser.add_argument("--crl-required", action="store_true", help="PASS only with a current revocation list")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    try:
        data = read_bar_code(arguments.file)
        at = arguments.at or datetime.now(UTC)
        result = verify_seal(data, trust_store(arguments.trust), at, crl_required=arguments.crl_required)
    except EgateError as error:
        if arguments.json:
            print(json.dumps({"error": error.code, "message": str(error)}))
        else:
            Console(stderr=True).print(f"{error.code}: {error}", style="red", markup=False)
        return EXIT_ERROR
    report = to_json(result)
    if arguments.json:
        print(json.dumps(report))
    else:
        _show(report)
    return EXIT_PASS if result.verdict is CheckResult.PASS else EXIT_OTHER


def read_bar_code(path: Path) -> bytes:
    """At most one byte more than any seal has: the parser refuses it. Raises ConfigurationError."""
    try:
        if path == STANDARD_INPUT:
            return sys.stdin.buffer.read(SIZE_MAX + 1)
        with path.open("rb") as file:
            return file.read(SIZE_MAX + 1)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path.name}: {error.strerror}") from None


def to_json(result: SealResult) -> dict[str, Any]:
    """Without what is sealed: it is personal."""
    signer, seal = result.signer, result.seal
    return {
        "verdict": result.verdict.value,
        "kind": result.kind,
        "checks": {
            finding.check.value: {
                "verdict": finding.result.value,
                "reasons": [reason.value for reason in finding.reasons],
                "detail": finding.detail,
            }
            for finding in result.findings
        },
        "issuing_state": None if seal is None else seal.issuing_state,
        "signer": None if signer is None else {"subject": signer.subject_text, "serial": f"{signer.serial:x}"},
        "signer_reference": seal.header.signer + seal.header.reference if isinstance(seal, Vds) else None,
    }


def _show(report: Mapping[str, Any]) -> None:
    table = Table("check", "verdict", "reasons", "detail")
    for name, check in report["checks"].items():
        table.add_row(name, check["verdict"], " ".join(check["reasons"]), check["detail"])
    console = Console()
    console.print(table)
    console.print(f"{report['kind']}: verdict {report['verdict']}", markup=False)
