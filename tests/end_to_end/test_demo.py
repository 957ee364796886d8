"""`egate demo --once --json`: what everybody runs first, as a command, and that it does not say ok when it is not."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from egate.cli import main
from egate.commands import demo
from egate.demo.travellers import People, Traveller, demo_travellers
from egate.demo.utopia import Utopia

DEMO_S_MAX = 150.0
TRAVELLER_KEYS = ["name", "expected", "outcome", "reasons", "not_performed", "stages_ms", "total_ms"]  # required
NOT_PERFORMED = ["LISTS", "PRESENTATION_ATTACK_DETECTION"]
# In the demo's order; the reason that must be among those of a referral.
EXPECTED = [
    ("PASSED", ""),
    ("REFERRED", "FACE_NON_MATCH"),
    ("REFERRED", "FINGER_NON_MATCH"),
    ("REFERRED", "MRZ_CHECK_DIGIT"),
    ("REFERRED", "DOCUMENT_EXPIRED"),
    ("REFERRED", "NO_TRAVELLER"),
    ("REFERRED", "MULTIPLE_PERSONS"),
    ("REFERRED", "DG_HASH_DIFFERS"),
    ("REFERRED", "CHIP_NOT_AUTHENTIC"),
]


def test_demo_takes_all_nine_as_expected(tmp_path: Path) -> None:
    result = tmp_path / "demo.json"
    command = [sys.executable, "-m", "egate.cli", "demo", "--once", "--json", str(result)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEMO_S_MAX, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    told = json.loads(result.read_text())
    assert list(told) == ["travellers", "ok"]
    assert told["ok"] is True
    assert len(told["travellers"]) == len(EXPECTED)
    for traveller, (outcome, reason) in zip(told["travellers"], EXPECTED, strict=True):
        assert list(traveller) == TRAVELLER_KEYS
        assert traveller["expected"] == traveller["outcome"] == outcome, traveller
        assert traveller["reasons"] == [] if outcome == "PASSED" else reason in traveller["reasons"]
        assert set(NOT_PERFORMED) <= set(traveller["not_performed"])
        assert traveller["stages_ms"]["outcome"] <= traveller["total_ms"]
    assert "document" in told["travellers"][0]["stages_ms"]
    for words in ("passage", "case visible to officers", "MRZ_CHECK_DIGIT", "date_of_birth"):
        assert words in done.stdout


def test_demo_fails_when_a_traveller_does_not_end_as_expected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples swapped: the stranger is said to be the holder. The gate refers, so the demo must not say ok."""

    def swapped(people: People, today: date, state: Utopia) -> list[Traveller]:
        other_face = demo_travellers(people, today, state)[1]
        return [replace(other_face, expected="PASSED", reason="", officer=False)]

    monkeypatch.setattr(demo, "demo_travellers", swapped)
    result = tmp_path / "demo.json"
    assert main(["demo", "--once", "--json", str(result)]) == 1
    told = json.loads(result.read_text())
    assert told["ok"] is False
    assert [(one["expected"], one["outcome"]) for one in told["travellers"]] == [("PASSED", "REFERRED")]
