"""Goal: every `make test` runs some thousand damaged inputs through each decoder, and the campaign's own tools are known to notice.

Inputs follow from a seed; a failure is saved by `python -m tests.fuzz --target NAME`, and here its place says where to look.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz import catalogue
from tests.fuzz.mutate import inputs
from tests.fuzz.target import MEMORY_MAX, Watch

ROOT = Path(__file__).parents[2]
TARGETS = catalogue.all_targets()
INPUTS = 1_500
INPUTS_COSTLY = 100  # of targets of the least weight: they verify signatures or decode images
GUIDED_INPUTS = 20_000  # over all targets


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_inputs_do_no_harm(name: str) -> None:
    target = TARGETS[name]
    pool = target.seeds()
    watch = Watch(target.run)
    for data in islice(inputs(pool, 1), INPUTS if target.weight > 1 else INPUTS_COSTLY):
        watch.feed(data)
    assert [(failure.kind, failure.place) for failure in watch.failures.values()] == []
    assert watch.grown < MEMORY_MAX


def test_coverage_guided_slice(tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is absent: inputs are damaged without coverage")
    cheap = [name for name, target in TARGETS.items() if target.weight > 1]
    out = tmp_path / "out.json"
    command = [sys.executable, "-m", "tests.fuzz.worker", *cheap, "--runs", str(GUIDED_INPUTS), "--seconds", "4"]
    ended = subprocess.run(
        [*command, "--folder", str(tmp_path), "--json", str(out)], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    seen = json.loads(out.read_text())["targets"]
    found = [
        (name, one["kind"], one["place"], one["data"]) for name, state in seen.items() for one in state["failures"]
    ]
    assert [failure[:3] for failure in found] == [], "\n".join(map(repr, found))
    assert sum(state["runs"] for state in seen.values()) > 2_000
    assert all(state["runs"] for state in seen.values())


@pytest.mark.parametrize(("name", "path"), catalogue.vectors(), ids=lambda value: getattr(value, "name", value))
def test_input_that_once_failed_does_no_harm(name: str, path: Path) -> None:
    watch = Watch(TARGETS[name].run)
    watch.feed(path.read_bytes())
    assert watch.failures == {}


PLANTED = {"raises": "raised", "dies": "died", "hangs": "hung", "grows": "grew"}


@pytest.mark.parametrize(
    ("engine", "name"),
    [("plain", "raises"), *(("guided", name) for name in PLANTED)],
)
def test_campaign_notices_each_kind_of_failure(tmp_path: Path, engine: str, name: str) -> None:
    if engine == "guided" and importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is absent")
    out = tmp_path / "out.json"
    command = [sys.executable, "-m", "tests.fuzz", "--target", f"planted.{name}", "--runs", "3000", "--seconds", "10"]
    command += ["--json", str(out), "--vectors", str(tmp_path), *(["--plain"] if engine == "plain" else [])]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    result: dict[str, Any] = json.loads(out.read_text())["targets"][f"planted.{name}"]
    found = [failure for failure in result["failures"] if failure["kind"] == PLANTED[name]]
    assert found
    assert (tmp_path / found[0]["vector"]).stat().st_size > 0


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("apdus.answer", "hw.emrtd.protocol.secure_messaging.SecureMessaging._check"),
        ("apdus.command", "hw.emrtd.protocol.secure_messaging.SecureMessaging._check"),
        ("chips.tampered", "hw.emrtd.protocol.secure_messaging.SecureMessaging._check"),
        ("security_objects.trusted", "egate.document.passive_authentication.verify_signed_data"),
    ],
)
def test_check_left_out_would_be_noticed(monkeypatch: pytest.MonkeyPatch, name: str, fault: str) -> None:
    """The invariants are no empty words: without the check that holds them up some input breaks them."""
    monkeypatch.setattr(fault, lambda *_: None)
    watch = Watch(TARGETS[name].run)
    for data in islice(inputs(TARGETS[name].seeds(), 3), 4_000):
        watch.feed(data)
        if watch.failures:
            break
    assert watch.failures


def test_inputs_follow_from_the_seed() -> None:
    pool = [b"one seed", b"another"]
    assert list(islice(inputs(pool, 7), 50)) == list(islice(inputs(pool, 7), 50))
    assert list(islice(inputs(pool, 7), 50)) != list(islice(inputs(pool, 8), 50))
