"""The whole daemon with clients that are processes of their own: a gate in Node, an officer at a terminal."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from egate.cli import main
from egate.demo.client import Stubs, channel
from egate.demo.journey import authorisation
from egate.demo.site import OFFICER
from tests.node.client import needs_node, run_client
from tests.node.whole import LANE, Whole, whole_daemon, write_traveller

pytestmark = pytest.mark.models
HOLDER, STRANGER = 0, 1  # of the demo's travellers


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    with whole_daemon(tmp_path_factory.mktemp("whole")) as running:
        yield running


@needs_node
async def test_a_node_gate_takes_a_traveller_through_once(whole: Whole, tmp_path: Path) -> None:
    """The retry with the same request_id gets the same answer and releases nothing."""
    arguments = ["--lane", LANE, "--request-id", "node-1", *write_traveller(whole.travellers[HOLDER], tmp_path / "t")]
    await whole.stand_in()
    status, answer = await run_client(whole.daemon.address, whole.site.pki, "gate-1", *arguments)
    assert answer["decision"]["reasons"] == []
    assert (status, answer["decision"]["verdict"], answer["release"]) == (0, "VERDICT_ADMIT", "RELEASE_ACKNOWLEDGED")
    passed = {check["code"] for check in answer["decision"]["checks"] if check["result"] == "CHECK_RESULT_PASS"}
    assert {"CHIP_ACCESS", "PASSIVE_AUTHENTICATION", "CHIP_AUTHENTICATION"} <= passed
    assert answer["decision"]["notPerformed"] == ["OPTICAL", "LISTS", "PRESENTATION_ATTACK_DETECTION"]
    again = await run_client(whole.daemon.address, whole.site.pki, "gate-1", *arguments)
    assert again == (0, answer)
    released = [event for event in whole.simulator.log(LANE) if event.kind == "released"]
    assert len(released) == 1


async def test_an_officer_resolves_a_referral_and_overrides_the_lane(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = await _refer(whole)
    pki = whole.site.pki
    flags = ["--server", whole.daemon.address, "--ca", str(pki / "ca.pem"), "--state-dir", str(tmp_path / "state")]
    flags += ["--cert", str(pki / "console-1.pem"), "--key", str(pki / "console-1.key"), "--language", "en"]

    async def officer(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        status = await asyncio.to_thread(main, ["officer", *words, *flags])
        return status, capsys.readouterr().out

    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{whole.site.password}\n"))
    assert (await officer("login", OFFICER, "--password-stdin"))[0] == 0
    status, shown = await officer("show", case[:8], "--json")
    assert status == 0
    told = json.loads(shown)
    assert told["case"]["decision"]["verdict"] == "VERDICT_REFER"
    assert "FACE_NON_MATCH" in {reason["code"] for reason in told["case"]["decision"]["reasons"]}
    assert told["dossier"]["document"]
    assert (await officer("show", case[:8], "--save", str(tmp_path / "images")))[0] == 0
    assert {"document_face", "live_face"} <= {path.stem.split("-", 1)[1] for path in (tmp_path / "images").iterdir()}
    assert (await officer("claim", case[:8]))[0] == 0
    assert (await officer("resolve", case[:8], "refused", "--reason", "another person"))[0] == 0
    assert case[:8] not in (await officer("cases"))[1]
    await whole.empty()
    assert (await officer("hold", LANE, "--reason", "cleaning"))[0] == 0
    assert (await officer("release", LANE, "--reason", "held lanes stay closed"))[0] == 1
    assert (await officer("secure", LANE))[0] == 0
    await whole.ready()
    assert (await officer("release", LANE, "--reason", "wheelchair"))[0] == 0
    assert whole.simulator.state(LANE).released
    assert (await officer("logout"))[0] == 0


async def _refer(whole: Whole) -> str:
    """Another person's face with a valid document; the case."""
    await whole.stand_in()
    async with channel(whole.daemon.address, whole.site.pki, "gate-1") as connection:
        request = authorisation(whole.travellers[STRANGER], LANE)
        answer = await Stubs(connection).crossing.AuthoriseCrossing(request, timeout=60)
    assert answer.case_id
    return str(answer.case_id)
