"""`egate document read` on simulated readers: what it prints, saves and answers."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from egate.cli import main
from egate.demo.utopia import Utopia, copied, with_portrait
from hw.link.pty import open_pty_master
from hw.link.pump import Pump
from hw.sim.client import spawn
from hw.sim.field import Pn532Field
from hw.sim.issuer import IssuedDocument

NOISE = np.random.default_rng(3).integers(0, 255, (60, 45, 3), dtype=np.uint8)
PORTRAIT = cv2.imencode(".jpg", NOISE)[1].tobytes()
OTHER_PORTRAIT = cv2.imencode(".jpg", 255 - NOISE)[1].tobytes()
FINGER = cv2.imencode(".png", NOISE[:, :, 0])[1].tobytes()


@pytest.fixture(scope="module")
def state() -> Utopia:
    return Utopia(date.today())


@pytest.fixture(scope="module")
def store(state: Utopia, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trust") / "store"
    state.trust(path)
    return path


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Pn532Field]:
    """The field of a PN532 at tmp_path / "chip"."""
    port, made = open_pty_master(tmp_path / "chip"), Pn532Field()

    def poll() -> None:
        if data := port.read(4096, 0.01):
            port.write(made.receive(data, time.monotonic()))

    pump = Pump("pn532", poll)
    yield made
    pump.close()
    port.close()


def lay(field: Pn532Field, document: IssuedDocument) -> None:
    assert document.personalisation is not None
    field.insert(document.personalisation)


def read(capsys: pytest.CaptureFixture[str], url: str, *options: str, status: int, text: str = "") -> dict[str, Any]:
    assert main(["document", "read", "--device", url, "--json", *options]) == status, capsys.readouterr()
    found = capsys.readouterr()
    assert text in found.err
    assert "ERIKSSON" not in found.out + found.err
    result: dict[str, Any] = json.loads(found.out)
    return result


@pytest.mark.parametrize("index", [0, 1, 2])
def test_genuine_document_passes(
    index: int, state: Utopia, store: Path, field: Pn532Field, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By PACE with chip authentication, by BAC with active authentication, by PACE with chip authentication mapping."""
    document = state.passport(index, PORTRAIT, FINGER)
    lay(field, document)
    report = read(
        capsys,
        f"pn532+pty://{tmp_path}/chip?baud=921600",
        "--mrz",
        " ".join(document.mrz_lines),
        "--trust",
        str(store),
        "--save",
        str(tmp_path / "files"),
        status=0,
        text="dg2",
    )
    assert report["verdict"] == "PASS"
    assert report["access"] == ("BAC" if index == 1 else "PACE")
    assert report["failures"] == {}
    assert report["files"] == {name: len(content) for name, content in document.files.items()}
    assert report["checks"]["chain"] == {"verdict": "PASS", "reasons": [], "detail": ""}
    saved = {path.name: path for path in (tmp_path / "files").iterdir()}
    assert saved["EF_DG2.bin"].read_bytes() == document.files["dg2"]
    assert len(saved) == len(document.files)
    assert {path.stat().st_mode & 0o777 for path in saved.values()} == {0o600}


def test_saved_files_verify(
    state: Utopia, store: Path, field: Pn532Field, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = state.passport(0, PORTRAIT, FINGER)
    lay(field, document)
    url = f"pn532+pty://{tmp_path}/chip?baud=921600"
    read(capsys, url, "--mrz", ",".join(document.mrz_lines), "--save", str(tmp_path / "lds"), status=1)
    assert main(["document", "verify", "--lds", str(tmp_path / "lds"), "--trust", str(store)]) == 0


Forge = Callable[[IssuedDocument], IssuedDocument]


@pytest.mark.parametrize(
    ("forge", "verdict", "check", "reason"),
    [
        (lambda genuine: with_portrait(genuine, OTHER_PORTRAIT), "FAIL", "dg_hashes", "DG_HASH_DIFFERS"),
        (lambda genuine: copied(genuine, 0), "FAIL", "chip_authentication", "CHIP_NOT_AUTHENTIC"),
    ],
    ids=["portrait", "copy"],
)
def test_forged_document_does_not_pass(
    forge: Forge,
    verdict: str,
    check: str,
    reason: str,
    state: Utopia,
    store: Path,
    field: Pn532Field,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    document = forge(state.passport(0, PORTRAIT, FINGER))
    lay(field, document)
    url = f"pn532+pty://{tmp_path}/chip?baud=921600"
    report = read(capsys, url, "--mrz", " ".join(document.mrz_lines), "--trust", str(store), status=1)
    assert report["verdict"] == verdict
    assert reason in report["checks"][check]["reasons"]


def test_without_trust_nothing_passes(
    state: Utopia, field: Pn532Field, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = state.passport(0, PORTRAIT, FINGER)
    lay(field, document)
    url = f"pn532+pty://{tmp_path}/chip?baud=921600"
    assert read(capsys, url, "--mrz", " ".join(document.mrz_lines), status=1)["verdict"] == "UNDETERMINED"


def test_zone_of_another_document_opens_nothing_and_there_is_no_way_round(
    state: Utopia, store: Path, field: Pn532Field, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lay(field, state.passport(0, PORTRAIT, FINGER))
    url = f"pn532+pty://{tmp_path}/chip?baud=921600"
    other = state.passport(3, PORTRAIT, FINGER)
    report = read(capsys, url, "--mrz", " ".join(other.mrz_lines), "--trust", str(store), status=1)
    assert report["failures"] == {"access": "wrong_key"}
    assert set(report["files"]) == {"card_access"}


def test_zone_from_standard_input(
    state: Utopia,
    store: Path,
    field: Pn532Field,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = state.passport(0, PORTRAIT, FINGER)
    lay(field, document)
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(document.mrz_lines) + "\n"))
    url = f"pn532+pty://{tmp_path}/chip?baud=921600"
    assert read(capsys, url, "--mrz", "-", "--trust", str(store), status=0)["verdict"] == "PASS"


def test_empty_field_is_undetermined(
    store: Path, field: Pn532Field, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"pn532+pty://{tmp_path}/chip?baud=921600"
    report = read(capsys, url, "--can", "123456", "--trust", str(store), status=1)
    assert (report["verdict"], report["failures"]) == ("UNDETERMINED", {"chip": "absent"})


def test_document_reader_reads_the_zone_itself(
    state: Utopia, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = state.passport(0, PORTRAIT, FINGER)
    with spawn(tmp_path / "gate", lanes=1, seed=1, paced=False) as gate:
        url = gate.urls("lane-1")["document_reader"]
        laid = threading.Timer(0.5, lambda: gate.present_document("lane-1", document, repeat_s=0.5))
        laid.start()
        report = read(capsys, url, "--trust", str(store), status=0, text="dg2")
        laid.join()
    assert report["verdict"] == "PASS"
    assert report["checks"]["mrz_dg1"]["verdict"] == "PASS"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--device", "pn532+pty:///nowhere/chip", "--mrz", "X"], "DEVICE_LOST"),
        (["--device", "pn532+pty:///nowhere/chip"], "CONFIGURATION"),
        (["--device", "pn532+pty:///nowhere/chip?baud=7", "--can", "1"], "CONFIGURATION"),
        (["--device", "nonsense", "--can", "1"], "CONFIGURATION"),
        (["--device", "pcsc+pty:///nowhere", "--can", "1"], "CONFIGURATION"),
        (["--device", "mrz+pty:///nowhere/mrz?baud=9600", "--can", "1"], "CONFIGURATION"),
        (["--device", "osdp+pty:///nowhere?address=1&baud=9600&key=file:none"], "CONFIGURATION"),
    ],
)
def test_what_can_t_be_read_is_named(options: list[str], code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["document", "read", "--json", *options]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == code
