"""How commands answer: exit status, named errors, verdicts as JSON and as a table. The same for all of them."""

from __future__ import annotations

import argparse
import functools
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from rich.console import Console
from rich.table import Table

from egate.domain.evidence import CheckResult
from egate.domain.inspection import Finding
from egate.errors import EgateError

EXIT_DONE, EXIT_NEGATIVE, EXIT_ERROR = 0, 1, 2

Run = Callable[[argparse.Namespace], int]


class _Judged(Protocol):
    """What a check of any kind says: a finding, evidence of a crossing, a check of an image."""

    @property
    def result(self) -> CheckResult: ...
    @property
    def reasons(self) -> tuple[str, ...]: ...
    @property
    def detail(self) -> str: ...


def with_named_errors(run: Run) -> Run:
    """A run whose errors end in exit status 2: in words on standard error, with --json as one object on standard output."""

    @functools.wraps(run)
    def answered(arguments: argparse.Namespace) -> int:
        try:
            return run(arguments)
        except EgateError as error:
            if arguments.json:
                print(json.dumps({"error": error.code, "message": str(error)}))
            else:
                Console(stderr=True).print(f"{error.code}: {error}", style="red", markup=False, soft_wrap=True)
            return EXIT_ERROR

    return answered


def status_of(verdict: CheckResult) -> int:
    return EXIT_DONE if verdict is CheckResult.PASS else EXIT_NEGATIVE


def check_json(check: _Judged) -> dict[str, Any]:
    return {
        "verdict": check.result.value,
        "reasons": [str(reason) for reason in check.reasons],
        "detail": check.detail,
    }


def findings_json(findings: Iterable[Finding]) -> dict[str, Any]:
    return {finding.check.value: check_json(finding) for finding in findings}


def checks_table(checks: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table("check", "verdict", "reasons", "detail")
    for name, check in checks.items():
        table.add_row(name, check["verdict"], " ".join(check["reasons"]), check["detail"])
    return table
