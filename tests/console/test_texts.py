"""Officers' texts: every code of the journal has one, in every language."""

from __future__ import annotations

import pytest
from rich.console import Console

from egate.api.v1 import case_service_pb2 as case_pb
from egate.api.v1 import values_pb2
from egate.console import show
from egate.console.texts import languages, load_texts, read_tables
from egate.domain.evidence import Check, CheckResult
from egate.domain.inspection import InspectionCheck
from egate.domain.reason import Reason


@pytest.mark.parametrize("language", languages())
def test_every_language_has_every_text(language: str) -> None:
    english, tables = read_tables("en"), read_tables(language)
    assert {kind: set(table) for kind, table in tables.items()} == {kind: set(table) for kind, table in english.items()}
    assert all(text.strip() for table in tables.values() for text in table.values())


def test_every_code_has_a_text() -> None:
    tables = read_tables("en")
    assert set(Reason) == set(tables["reason"])
    assert set(Check) == set(tables["check"])
    assert set(InspectionCheck) == set(tables["finding"])
    assert set(CheckResult) == set(tables["result"])
    assert _names(case_pb.CaseState, "CASE_STATE_") == set(tables["state"])
    assert _names(case_pb.Resolution, "RESOLUTION_") == set(tables["resolution"])
    assert _names(values_pb2.Release, "RELEASE_") == set(tables["release"])


def _names(enum: object, prefix: str) -> set[str]:
    keys: list[str] = enum.keys()  # type: ignore[attr-defined]
    return {key.removeprefix(prefix) for key in keys} - {"UNSPECIFIED"}


def test_an_unknown_code_or_language_is_shown_all_the_same() -> None:
    texts = load_texts("xx")
    assert texts("reason", "FROM_THE_FUTURE") == "FROM_THE_FUTURE"
    assert texts("state", "OPEN") == "open"


def test_nothing_a_stranger_wrote_commands_the_terminal() -> None:
    case = case_pb.Case(case_id="c" * 32, lane="lane-1", resolution_reason="\x1b[2J")
    case.decision.reasons.add(code="\x1b]0;x\x07", detail="[bold]not markup[/bold]")
    dossier = case_pb.Dossier(document={"surname": "\x1b[31m\u202eMUSTERMANN"})
    console = Console(record=True, width=200, force_terminal=False)
    with console.capture() as captured:
        console.print(show.case_view(case_pb.GetCaseResponse(case=case, dossier=dossier), load_texts("en")))
        console.print(show.case_table([case], load_texts("en")))
    assert "\x1b" not in captured.get() and "\u202e" not in captured.get()
    assert "[bold]not markup[/bold]" in captured.get()
