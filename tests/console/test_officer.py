"""`egate officer` against a running service over mutual TLS. The commands run as a person types them."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from pathlib import Path

import pytest

from egate.cli import main
from tests.service.site import PASSWORD, TIMEOUT_S, Site
from tests.service.test_case import DOSSIER, open_case


class Terminal:
    """One officer's terminal: a state folder and a certificate."""

    def __init__(self, site: Site, folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.site = site
        self.state = folder / f"state-{name}"
        self.flags = [
            *("--server", f"localhost:{site.service.port}"),
            *("--ca", str(site.pki / "ca.pem")),
            *("--cert", str(site.pki / f"{name}.pem")),
            *("--key", str(site.pki / f"{name}.key")),
            *("--state-dir", str(self.state)),
        ]
        self._monkeypatch = monkeypatch

    async def run(self, *words: str, stdin: str = "") -> int:
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        return await asyncio.to_thread(main, ["officer", *words, *self.flags])

    async def login(self, officer: str = "ada", password: str = PASSWORD) -> int:
        return await self.run("login", officer, "--password-stdin", stdin=f"{password}\n")


@pytest.fixture
def terminal(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    monkeypatch.setenv("COLUMNS", "200")
    return Terminal(site, tmp_path, "console-1", monkeypatch)


async def test_a_referred_traveller_is_resolved_by_an_officer(
    terminal: Terminal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case_id = await open_case(terminal.site)
    assert await terminal.login() == 0
    assert await terminal.run("cases") == 0
    assert case_id[:8] in capsys.readouterr().out
    assert await terminal.run("show", case_id[:6], "--save", str(tmp_path / "images")) == 0
    shown = capsys.readouterr().out
    for expected in (
        "The face does not match the document.",
        "0.100",
        "0.500",
        "3.0e-01",
        "MUSTERMANN",
        "Wanted and lost",
    ):
        assert expected in shown
    assert {path.read_bytes() for path in (tmp_path / "images").iterdir()} == set(DOSSIER.images.values())
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "images").iterdir()} == {0o600}
    assert await terminal.run("claim", case_id[:6]) == 0
    assert await terminal.run("resolve", case_id[:6], "no-show", "--reason", "nobody came") == 0
    assert await terminal.run("show", case_id) == 0
    after = capsys.readouterr().out
    assert "nobody came" in after and "MUSTERMANN" not in after
    assert await terminal.run("cases") == 0
    assert "No open cases." in capsys.readouterr().out


async def test_an_officer_holds_secures_and_releases(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    await terminal.login()
    assert await terminal.run("hold", "lane-1", "--reason", "cleaning") == 0
    assert await terminal.run("secure", "lane-1") == 0
    assert await terminal.run("release", "lane-1", "--reason", "wheelchair") == 0
    lane = terminal.site.lane
    assert [(hold, reason) for _, _, hold, reason in lane.secured] == [(True, "cleaning"), (False, "")]
    assert [reason for _, _, reason in lane.released] == ["wheelchair"]


async def test_the_login_is_kept_private_and_ends(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    await terminal.login()
    (file,) = terminal.state.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text())["token"] not in capsys.readouterr().out
    assert await terminal.run("logout") == 0
    assert not list(terminal.state.iterdir())
    assert await terminal.run("cases") == 1
    assert "NOT_LOGGED_IN" in capsys.readouterr().err


async def test_refusals_are_said_in_the_officers_words(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    assert await terminal.login(password="wrong password") == 1
    assert "LOGIN_FAILED: Officer or password is wrong." in capsys.readouterr().err
    await terminal.login()
    assert await terminal.run("release", "lane-9", "--reason", "x") == 1
    assert "LANE_UNKNOWN: There is no such lane." in capsys.readouterr().err
    assert await terminal.run("release", "lane-9", "--reason", "x", "--language", "de") == 1
    assert "LANE_UNKNOWN: Diese Spur gibt es nicht." in capsys.readouterr().err


async def test_a_login_of_one_desk_is_none_at_another(
    terminal: Terminal, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await terminal.login()
    other = Terminal(site, tmp_path, "console-2", monkeypatch)
    other.state.mkdir()
    (file,) = terminal.state.iterdir()
    await other.login("demo")
    (theirs,) = other.state.iterdir()
    theirs.write_text(file.read_text())
    assert await other.run("cases") == 1
    assert "TOKEN_INVALID" in capsys.readouterr().err


async def test_a_daemon_that_is_not_there_is_named(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    await terminal.login()
    await terminal.site.service.stop(0)
    assert await terminal.run("cases") == 1
    assert "UNREACHABLE" in capsys.readouterr().err


async def test_json_for_scripts_holds_no_images(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    case_id = await open_case(terminal.site)
    await terminal.login()
    capsys.readouterr()
    await terminal.run("show", case_id, "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["case"]["caseId"] == case_id
    assert "images" not in told["dossier"]


async def test_an_ambiguous_id_is_refused(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    await open_case(terminal.site, "a")
    await open_case(terminal.site, "b")
    await terminal.login()
    assert await terminal.run("claim", "") == 1
    assert "CASE_AMBIGUOUS" in capsys.readouterr().err


async def test_a_process_of_its_own_with_a_configuration_file(terminal: Terminal, tmp_path: Path) -> None:
    await open_case(terminal.site)
    await terminal.login()
    keys = ("server", "ca_file", "certificate_file", "key_file", "state_dir")
    values = terminal.flags[1::2]
    config = tmp_path / "officer.toml"
    config.write_text("".join(f'{key} = "{value}"\n' for key, value in zip(keys, values, strict=True)))
    command = [sys.executable, "-m", "egate.cli", "officer", "cases", "--watch", "--json", "--config", str(config)]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    try:
        assert process.stdout is not None
        first = json.loads(await asyncio.wait_for(process.stdout.readline(), 3 * TIMEOUT_S))
        await open_case(terminal.site, "b")
        second = json.loads(await asyncio.wait_for(process.stdout.readline(), TIMEOUT_S))
        assert (first["crossingId"], second["crossingId"]) == ("a", "b")
    finally:
        process.kill()
        await process.wait()


def test_officers_are_added_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    file = tmp_path / "officers.toml"
    assert main(["officer", "add", "ada", "--file", str(file), "--password-stdin"]) == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("short\n"))
    assert main(["officer", "add", "ben", "--file", str(file), "--password-stdin"]) == 1
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    assert main(["officer", "hash-password", "--password-stdin"]) == 0
    assert PASSWORD not in "".join(capsys.readouterr()) + file.read_text()
