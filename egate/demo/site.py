"""The files of a demo site: settings, development CA, officer. And the processes that run it."""

from __future__ import annotations

import contextlib
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from egate.demo.utopia import Utopia
from egate.errors import EgateError
from egate.service import pki
from egate.service.identity import Role
from egate.service.officer_file import add_officer
from egate.service.password import hash_password
from egate.settings import DEVICES
from hw.sim.client import Simulator

TRUST_DOMAIN = "egate.example"
OFFICER = "demo"
TRUST_STORE = "trust"
MANDATORY = ("MRZ", "DOCUMENT_VALIDITY", "DOCUMENT_SESSION", "FACE", "FINGER", "ONE_PERSON", "PRESENCE")
GENUINE = ("CHIP_ACCESS", "PASSIVE_AUTHENTICATION", "CHIP_AUTHENTICATION")  # as far as a site can trust somebody
START_S_MAX = 60.0
PROGRAM = ("egate.cli", "serve")


class DemoError(EgateError):
    """The demo's own processes did not do what they should."""

    code = "DEMO"


@dataclass(frozen=True, slots=True)
class Site:
    """A site's folder. password: of the one officer; it lives as long as the folder's demo."""

    directory: Path
    password: str = field(repr=False)

    @property
    def config(self) -> Path:
        return self.directory / "egate.toml"

    @property
    def pki(self) -> Path:
        return self.directory / "pki"

    @property
    def log(self) -> Path:
        return self.directory / "egate.log"


def make_site(
    directory: Path,
    devices: Mapping[str, Mapping[str, str]],
    *,
    request_lanes: frozenset[str] = frozenset(),
    policy: Mapping[str, object] | None = None,
    models: Path | None = None,
    address: str = "127.0.0.1:0",
    state: Utopia | None = None,
) -> Site:
    """Writes a site below directory. devices: lane -> its device URLs (Simulator.urls); lanes in request_lanes have no reader.

    state: whose documents are believed; then every document must be found genuine. Without one nobody's are, and none need be.
    policy: changes to the [policy] section. The lane "lane-N" belongs to the gate "N".
    """
    directory.mkdir(parents=True, exist_ok=True)
    site = Site(directory, secrets.token_urlsafe(12))
    pki.init(site.pki, TRUST_DOMAIN, _callers(len(devices)))
    add_officer(directory / "officers.toml", OFFICER, hash_password(site.password))
    rules = {"mandatory": list(MANDATORY + (GENUINE if state else ())), **(policy or {})}
    if state is not None:
        state.trust(directory / TRUST_STORE)
    trust = TRUST_STORE if state is not None else ""
    site.config.write_text(_settings(devices, request_lanes, rules, models, address, trust), encoding="utf-8")
    return site


def _callers(lanes: int) -> list[tuple[Role, str]]:
    gates = [(Role.GATE, str(number)) for number in range(1, lanes + 1)]
    return [*gates, (Role.CONSOLE, "1"), (Role.OFFICER, OFFICER), (Role.ENGINEER, "1"), (Role.MATCHER, "1")]


def _settings(
    devices: Mapping[str, Mapping[str, str]],
    request_lanes: frozenset[str],
    policy: Mapping[str, object],
    models: Path | None,
    address: str,
    trust_store: str,
) -> str:
    sections: list[dict[str, object]] = [
        {"environment": "demo", "data_dir": "data"},
        {
            "address": address,
            "trust_domain": TRUST_DOMAIN,
            "certificate_file": "pki/server.pem",
            "key_file": "pki/server.key",
            "client_ca_file": "pki/ca.pem",
            "crl_files": [f"pki/{pki.CRL_FILE}"],
            "officers_file": "officers.toml",
        },
        {"root": str(models) if models else ""},
        {"trust_store": trust_store, "crl_required": bool(trust_store)},
        {"version": "demo-1", **policy},
    ]
    lines: list[str] = []
    for heading, section in zip(("", "[service]", "[models]", "[documents]", "[policy]"), sections, strict=True):
        lines += [heading, *(f"{key} = {_toml(value)}" for key, value in section.items())]
    for lane, urls in devices.items():
        lines += ["", "[[lane]]", f'id = "{lane}"', f'gate = "{lane.removeprefix("lane-")}"']
        left_out = {"document_reader"} if lane in request_lanes else set()
        lines += [f'{role} = "{urls[role]}"' for role in DEVICES if role in urls and role not in left_out]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


class DaemonProcess:
    """`egate serve` of a site as a process of its own. program: another module that serves, for tests of a daemon."""

    def __init__(self, site: Site, program: tuple[str, ...] = PROGRAM) -> None:
        """Starts it and waits until it serves. Raises DemoError with the end of its log."""
        self._site = site
        self._log = site.log.open("ab")
        command = [sys.executable, "-m", *program, "--config", str(site.config)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log, text=True)
        try:
            self.port = self._wait_for_port()
        except BaseException:
            self.kill()
            raise

    def _wait_for_port(self) -> int:
        assert self.process.stdout is not None
        # One line, printed when health says SERVING; the pipe ends if the daemon does.
        line = self.process.stdout.readline()
        if not line.startswith("serving on port "):
            lines = self._site.log.read_text(encoding="utf-8", errors="replace").splitlines()
            raise DemoError("the daemon did not start: " + (lines[-1] if lines else "no log"))
        return int(line.split()[-1])

    @property
    def address(self) -> str:
        return f"localhost:{self.port}"

    def stop(self) -> int:
        """Asks it to end; the exit status."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(START_S_MAX)
        finally:
            self._close()

    def kill(self) -> None:
        """Power off."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._log.close()


@contextlib.contextmanager
def running(site: Site, program: tuple[str, ...] = PROGRAM) -> Iterator[DaemonProcess]:
    """The site's daemon for the length of the block."""
    daemon = DaemonProcess(site, program)
    try:
        yield daemon
    finally:
        if daemon.process.poll() is None:
            daemon.stop()


def device_urls(simulator: Simulator) -> dict[str, dict[str, str]]:
    return {lane: simulator.urls(lane) for lane in simulator.lanes()}
