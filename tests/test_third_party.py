"""A vendor adds a family of devices without touching ours: its package is built, installed beside us, found by URL, keeps every promise.

The package is tests/third_party/samplegate. It is installed into a folder of its own; only processes that have the folder on their path
know it. The contract suite runs on it as a vendor runs it, with --device.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from egate.domain.device import DeviceRole, LockState, ReleaseResult
from egate.errors import ConfigurationError
from hw.registry import open_device, roles_of

pytestmark = pytest.mark.devices

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "tests/third_party/samplegate"
# What a vendor may build on, as hw/README.md says.
SURFACE = {"egate.domain", "egate.errors", "egate.ports", "hw.health", "hw.link", "hw.sensing", "hw.url"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vendor")
    shutil.copytree(SOURCE, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    subprocess.run(
        [*pip, "--no-build-isolation", "--no-compile", "--target", folder / "site", folder / "source"],
        check=True,
        timeout=120,
    )
    return folder / "site"


@pytest.fixture(scope="module")
def url(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of the vendor's simulated lock in a process of its own."""
    port = tmp_path_factory.mktemp("ports") / "lock"
    device = subprocess.Popen(
        [sys.executable, "-m", "samplegate.device", str(port)],
        stdout=subprocess.PIPE,
        env=_knowing(installed),
        cwd=ROOT,
    )
    assert device.stdout is not None
    assert device.stdout.readline() == b"ready\n"
    yield f"samplegate+pty://{port}"
    device.terminate()
    device.wait(30)
    device.stdout.close()


def _knowing(site: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(site)}


def _egate(site: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "egate.cli", *words], env=_knowing(site), cwd=ROOT, capture_output=True, timeout=60
    )


def test_without_the_package_its_protocol_is_not_known(tmp_path: Path) -> None:
    assert roles_of("samplegate") == ()
    with pytest.raises(ConfigurationError, match="samplegate is not known"):
        open_device("samplegate+pty:///run/lock", tmp_path, DeviceRole.LOCK)


def test_package_builds_on_what_vendors_may_use(installed: Path) -> None:
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                if name.partition(".")[0] in ("egate", "hw", "tests"):
                    assert any(name == part or name.startswith(f"{part}.") for part in SURFACE), f"{file.name}: {name}"
    assert not (installed / "egate").exists() and not (installed / "hw").exists(), "nothing of ours is replaced"


def test_installed_package_is_listed_and_its_device_opened_by_url(installed: Path, url: str) -> None:
    listed = json.loads(_egate(installed, "hw", "list", "--json").stdout)
    assert {"protocol": "samplegate", "roles": ["lock"], "package": "samplegate"} in listed["protocols"]
    probed = _egate(installed, "hw", "probe", url, "--json")
    assert probed.returncode == 0, probed.stderr
    found = json.loads(probed.stdout)
    assert (found["state"], found["reading"], found["identity"]) == ("ONLINE", "SECURED", "samplegate lock 1")


def test_contract_suite_holds_for_it(installed: Path, url: str) -> None:
    """What only unplugging shows is skipped, as on real hardware; the sessions below look at it."""
    suite = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/contract/test_lock.py"]
    ran = subprocess.run(
        [*suite, "-k", "samplegate", f"--device={url}"],
        env=_knowing(installed),
        cwd=ROOT,
        capture_output=True,
        timeout=120,
    )
    told = ran.stdout.decode()
    assert ran.returncode == 0, told
    passed = int(told.rpartition(" passed")[0].rpartition("\n")[2].rpartition(" ")[2])
    assert passed >= 12, told


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The vendor's module, from its source."""
    monkeypatch.syspath_prepend(str(SOURCE))
    return importlib.import_module("samplegate.session")


def test_release_without_an_answer_is_unknown_and_never_sent_again(session: Any) -> None:
    results: list[ReleaseResult] = []
    host, now = session.Session(0.0), 10.0
    host.order(session.Release(1.0, now + 0.3, results.append))
    assert host.data_to_send(now)
    assert host.data_to_send(now + 0.2) == b""
    with pytest.raises(session.Broken):
        host.data_to_send(now + 0.31)
    host.end()
    assert results == [ReleaseResult.UNKNOWN]
    assert host.state is LockState.UNKNOWN


def test_release_that_could_start_late_or_was_overtaken_by_secure_is_not_sent(session: Any) -> None:
    results: list[object] = []
    host, now = session.Session(0.0), 10.0
    host.order(session.Release(1.0, now + session.TRANSIT_S / 2, results.append))
    sent = host.data_to_send(now)
    assert results == [ReleaseResult.NOT_SENT] and sent[3] == session.Code.IDENTIFY
    host.order(session.Release(1.0, now + 5, results.append))
    host.order(session.Secure(now + 5, results.append))
    assert results == [ReleaseResult.NOT_SENT] * 2
    host.receive(importlib.import_module("samplegate.device").LockDevice().receive(sent, now), now)
    assert host.data_to_send(now)[3] == session.Code.SECURE
