"""Cases on a terminal."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from egate.api.v1 import case_service_pb2 as case_pb
from egate.api.v1 import values_pb2
from egate.console.connection import ConsoleError
from egate.console.texts import Texts

SHORT_ID = 8  # characters of a case id that a person types
PNG, JPEG = b"\x89PNG", b"\xff\xd8"
_STYLES = {"PASS": "green", "FAIL": "bold red", "UNDETERMINED": "yellow", "NOT_PERFORMED": "dim", "ABORTED": "yellow"}


def clean(text: str) -> Text:
    """Text from elsewhere, without what would command the terminal."""
    return Text("".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text))


def case_table(cases: Iterable[case_pb.Case], texts: Texts) -> Table:
    table = Table()
    for label in ("case", "lane", "opened", "state", "owner", "reasons"):
        table.add_column(texts("label", label))
    for case in cases:
        table.add_row(*_case_row(case, texts))
    return table


def case_line(case: case_pb.Case, texts: Texts) -> Text:
    return Text("  ").join(_case_row(case, texts))


def _case_row(case: case_pb.Case, texts: Texts) -> list[Text]:
    state = case_pb.CaseState.Name(case.state).removeprefix("CASE_STATE_")
    reasons = Text("; ").join(_reason(reason, texts) for reason in case.decision.reasons)
    return [
        clean(case.case_id[:SHORT_ID]),
        clean(case.lane),
        Text(_time(case.opened_at)),
        Text(texts("state", state)),
        clean(case.owner),
        reasons,
    ]


def case_view(answer: case_pb.GetCaseResponse, texts: Texts, saved: Iterable[Path] = ()) -> RenderableType:
    """The whole case: head, reasons, checks with scores, what nobody checked, document data, images."""
    case = answer.case
    parts: list[RenderableType] = [_head(case, texts)]
    parts += [Text.assemble("• ", _reason(reason, texts)) for reason in case.decision.reasons]
    parts.append(check_table(case.decision.checks, texts))
    skipped = ", ".join(texts("check", code) for code in case.decision.not_performed)
    parts.append(
        Text.assemble((f"{texts('label', 'not_performed')}: ", "bold"), clean(skipped or texts("label", "none")))
    )
    if case.state == case_pb.CASE_STATE_RESOLVED:
        parts.append(Text(texts("label", "dossier_gone")))
    elif case.dossier_missing:
        parts.append(Text(texts("label", "dossier_missing"), "bold yellow"))
    else:
        parts += [_document_table(answer.dossier, texts), _images(answer.dossier, texts, saved)]
    return Group(*parts)


def _head(case: case_pb.Case, texts: Texts) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 1))
    state = case_pb.CaseState.Name(case.state).removeprefix("CASE_STATE_")
    rows = [
        ("case", clean(case.case_id)),
        ("lane", clean(case.lane)),
        ("opened", Text(_time(case.opened_at))),
        ("state", Text(texts("state", state))),
        ("owner", clean(case.owner)),
        ("policy", clean(case.decision.policy_version)),
    ]
    if case.HasField("claim_expires_at"):
        rows.append(("claim_until", Text(_time(case.claim_expires_at))))
    if case.resolution:
        resolution = case_pb.Resolution.Name(case.resolution).removeprefix("RESOLUTION_")
        words = Text.assemble(texts("resolution", resolution), ": ", clean(case.resolution_reason))
        rows.append(("resolution", words))
    for label, value in rows:
        table.add_row(Text(texts("label", label), "bold"), value)
    return table


def check_table(checks: Iterable[values_pb2.Check], texts: Texts) -> Table:
    table = Table()
    for label in ("check", "result", "score", "threshold", "fmr"):
        table.add_column(texts("label", label), justify="left" if label in ("check", "result") else "right")
    for check in checks:
        result = values_pb2.CheckResult.Name(check.result).removeprefix("CHECK_RESULT_")
        table.add_row(
            clean(texts("check", check.code)),
            Text(texts("result", result), _STYLES.get(result, "")),
            f"{check.score:.3f}" if check.HasField("score") else "",
            f"{check.threshold:.3f}" if check.HasField("threshold") else "",
            f"{check.fmr:.1e}" if check.HasField("fmr") else "",
        )
        for finding in check.findings:
            table.add_row(*_finding_row(finding, texts))
    return table


def _finding_row(finding: values_pb2.Finding, texts: Texts) -> tuple[Text, Text]:
    """What a document check sums up, indented below it; the detail of what did not pass names data group or cause."""
    result = values_pb2.CheckResult.Name(finding.result).removeprefix("CHECK_RESULT_")
    name = Text.assemble("  ", clean(texts("finding", finding.code)))
    if finding.detail and result != "PASS":
        name = Text.assemble(name, " (", clean(finding.detail), ")")
    return name, Text(texts("result", result), _STYLES.get(result, ""))


def _document_table(dossier: case_pb.Dossier, texts: Texts) -> Table:
    table = Table(title=texts("label", "document"), show_header=False, title_justify="left")
    for name in sorted(dossier.document):
        table.add_row(clean(name), clean(dossier.document[name]))
    return table


def _images(dossier: case_pb.Dossier, texts: Texts, saved: Iterable[Path]) -> Text:
    label = (f"{texts('label', 'images')}: ", "bold")
    files = [str(path) for path in saved]
    if files:
        return Text.assemble(label, f"{texts('label', 'saved')} ", Text(", ".join(files)))
    names = ", ".join(sorted(dossier.images)) or texts("label", "none")
    hint = f" ({texts('label', 'save_hint')})" if dossier.images else ""
    return Text.assemble(label, clean(names), hint)


def save_images(answer: case_pb.GetCaseResponse, directory: Path) -> list[Path]:
    """Writes each image as <case>-<name>.png or .jpg, readable by its owner only. Raises ConsoleError IMAGE_EXISTS."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    paths = []
    for name, data in sorted(answer.dossier.images.items()):
        suffix = ".png" if data.startswith(PNG) else ".jpg" if data.startswith(JPEG) else ".bin"
        # The daemon names images; a name never becomes a path.
        stem = "".join(character if character.isalnum() or character in "-_" else "_" for character in name)
        path = directory / f"{answer.case.case_id[:SHORT_ID]}-{stem}{suffix}"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise ConsoleError(f"{path} exists", code="IMAGE_EXISTS") from None
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        paths.append(path)
    return paths


def _reason(reason: values_pb2.Reason, texts: Texts) -> Text:
    text = clean(texts("reason", reason.code))
    return Text.assemble(text, " (", clean(reason.detail), ")") if reason.detail else text


def _time(at: Timestamp) -> str:
    return at.ToDatetime(tzinfo=UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
