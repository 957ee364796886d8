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

from egate.commands.answer import check_json, checks_table, status_of, with_named_errors
from egate.commands.document.verify import add_inspection_options, trust_store
from egate.commands.input_file import read_regular
from egate.document.seal.canonical_json import SIZE_MAX
from egate.document.seal.seal import SealResult, verify_seal
from egate.document.seal.vds import Vds
from egate.errors import ConfigurationError

STANDARD_INPUT = Path("-")


def register(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser("seal", help="verify a visible digital seal; exit 0 PASS, 1 otherwise, 2 error")
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="the bytes that the bar code holds; - for standard input"
    )
    add_inspection_options(parser)
    parser.set_defaults(run=run)


@with_named_errors
def run(arguments: argparse.Namespace) -> int:
    data = read_bar_code(arguments.file)
    at = arguments.at or datetime.now(UTC)
    result = verify_seal(data, trust_store(arguments.trust), at, crl_required=arguments.crl_required)
    report = to_json(result)
    if arguments.json:
        print(json.dumps(report))
    else:
        _show(report)
    return status_of(result.verdict)


def read_bar_code(path: Path) -> bytes:
    """At most one byte more than any seal has: the parser refuses it. Raises ConfigurationError."""
    try:
        if path == STANDARD_INPUT:
            return sys.stdin.buffer.read(SIZE_MAX + 1)
        return read_regular(path, SIZE_MAX)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path.name}: {error.strerror}") from None


def to_json(result: SealResult) -> dict[str, Any]:
    """Without what is sealed: it is personal."""
    signer, seal = result.signer, result.seal
    return {
        "verdict": result.verdict.value,
        "kind": result.kind,
        "checks": {finding.check.value: check_json(finding) for finding in result.findings},
        "issuing_state": None if seal is None else seal.issuing_state,
        "signer": None if signer is None else {"subject": signer.subject_text, "serial": f"{signer.serial:x}"},
        "signer_reference": seal.header.signer + seal.header.reference if isinstance(seal, Vds) else None,
    }


def _show(report: Mapping[str, Any]) -> None:
    console = Console()
    console.print(checks_table(report["checks"]))
    console.print(f"{report['kind']}: verdict {report['verdict']}", markup=False)
