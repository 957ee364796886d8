"""`egate document read` on simulated readers: what it prints, saves and answers."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from egate.cli import main
from egate.demo.utopia import Utopia, copied, with_portrait
from egate.document.chip_checks import Trust
from egate.document.verify import verify_document
from egate.domain.document import DocumentRead
from egate.domain.evidence import CheckEvidence
from egate.trust.store import import_files
from hw.link.pty import open_pty_master
from hw.link.pump import Pump
from hw.sim.client import spawn
from hw.sim.field import Pn532Field
from hw.sim.issuer import IssuedDocument, Issuer, invent_holder
from hw.sim.issuer_profile import Profile
from hw.sim.pki import SimulatedState
from hw.sim.pki_terminal import make_terminal_pki

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


def lay(field: Pn532Field, document: IssuedDocument, **changed: Any) -> None:
    assert document.personalisation is not None
    field.insert(replace(document.personalisation, **changed))


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


CAN = "123456"


def test_card_access_number_judges_the_chips_own_zone(
    state: Utopia, store: Path, field: Pn532Field, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is printed that it could be compared with: that is said, not passed."""
    url = f"pn532+pty://{tmp_path}/chip?baud=921600"
    lay(field, state.passport(0, PORTRAIT, FINGER), can=CAN)
    report = read(capsys, url, "--can", CAN, "--trust", str(store), status=0)
    assert (report["verdict"], report["zone"]) == ("PASS", "chip")
    assert {name: report["checks"][name]["verdict"] for name in ("mrz", "document_validity", "document_session")} == {
        "mrz": "PASS", "document_validity": "PASS", "document_session": "PASS",
    }  # fmt: skip
    assert report["checks"]["mrz_dg1"] == {"verdict": "NOT_PERFORMED", "reasons": [], "detail": ""}
    assert main(["document", "read", "--device", url, "--can", CAN, "--trust", str(store)]) == 0
    assert "the chip's own is judged" in capsys.readouterr().out


@pytest.mark.parametrize("opening", ["--can", "--mrz"])
def test_expired_document_does_not_pass_however_it_is_opened(
    opening: str, state: Utopia, store: Path, field: Pn532Field, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = state.passport(0, PORTRAIT, FINGER, expired=True)
    lay(field, document, can=CAN)
    secret = CAN if opening == "--can" else " ".join(document.mrz_lines)
    url = f"pn532+pty://{tmp_path}/chip?baud=921600"
    report = read(capsys, url, opening, secret, "--trust", str(store), status=1)
    assert report["verdict"] == "FAIL"
    assert report["checks"]["document_validity"] == {
        "verdict": "FAIL", "reasons": ["DOCUMENT_EXPIRED"], "detail": "date_of_expiry",
    }  # fmt: skip


def test_wrong_check_digit_is_named(
    state: Utopia, store: Path, field: Pn532Field, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lay(field, state.passport(0, PORTRAIT, FINGER, wrong_check_digit="composite"), can=CAN)
    url = f"pn532+pty://{tmp_path}/chip?baud=921600"
    report = read(capsys, url, "--can", CAN, "--trust", str(store), status=1)
    assert report["verdict"] == "FAIL"
    assert report["checks"]["mrz"] == {"verdict": "FAIL", "reasons": ["MRZ_CHECK_DIGIT"], "detail": "composite"}


def test_without_any_zone_the_zone_is_open(
    store: Path, field: Pn532Field, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"pn532+pty://{tmp_path}/chip?baud=921600"
    report = read(capsys, url, "--can", CAN, "--trust", str(store), status=1)
    assert (report["verdict"], report["zone"]) == ("UNDETERMINED", None)
    assert report["checks"]["mrz"] == {"verdict": "UNDETERMINED", "reasons": ["MRZ_UNREADABLE"], "detail": "dg1"}
    assert report["checks"]["document_validity"]["verdict"] == "UNDETERMINED"


def test_a_chip_zone_that_holds_nothing_is_no_zone(
    state: Utopia, store: Path, field: Pn532Field, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever DG1 holds instead of a zone: no PASS."""
    document = state.passport(0, PORTRAIT, FINGER)
    url = f"pn532+pty://{tmp_path}/chip?baud=921600"
    for dg1 in (None, b"\x61\x00", b"\x61\x5b\x5f\x1f\x58" + b"<" * 88):
        lay(field, document.with_files(dg1=dg1), can=CAN)
        report = read(capsys, url, "--can", CAN, "--trust", str(store), status=1)
        assert report["checks"]["mrz"]["verdict"] in ("UNDETERMINED", "FAIL")
        assert report["checks"]["document_validity"]["verdict"] == "UNDETERMINED"


def test_fingers_that_stay_closed_leave_the_document_open_and_a_terminals_chain_opens_them(
    field: Pn532Field, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    issuing, terminal = SimulatedState(yesterday), make_terminal_pki(date.today())
    (tmp_path / "csca.cer").write_bytes(issuing.csca.certificate)
    (tmp_path / "list.crl").write_bytes(issuing.write_crl(yesterday))
    import_files(tmp_path / "store", [tmp_path / "csca.cer"], [tmp_path / "list.crl"], datetime.now(UTC))
    profile = Profile(can=CAN, cvca=(terminal.cvca,))
    document = Issuer.of_state(issuing, yesterday).issue(invent_holder(0, date.today()), PORTRAIT, FINGER, profile)
    lay(field, document)
    url = f"pn532+pty://{tmp_path}/chip?baud=921600"
    options = ("--can", CAN, "--trust", str(tmp_path / "store"))
    report = read(capsys, url, *options, status=1)
    assert report["verdict"] == "UNDETERMINED"
    assert report["checks"]["terminal_authentication"]["reasons"] == ["FINGER_ACCESS_DENIED"]
    folder = tmp_path / "eac"
    folder.mkdir()
    for number, certificate in enumerate(terminal.certificates):
        (folder / f"{number}.cvcert").write_bytes(certificate)
    (folder / "terminal.key").touch(mode=0o600)
    (folder / "terminal.key").write_bytes(terminal.key)
    report = read(capsys, url, *options, "--terminal", str(folder), status=0)
    assert report["checks"]["terminal_authentication"]["verdict"] == "PASS"
    assert report["files"]["dg3"] == len(document.files["dg3"])


def test_two_documents_never_share_a_folder(
    state: Utopia, field: Pn532Field, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, folder = f"pn532+pty://{tmp_path}/chip?baud=921600", tmp_path / "files"
    lay(field, state.passport(0, PORTRAIT, FINGER), can=CAN)
    read(capsys, url, "--can", CAN, "--save", str(folder), status=1)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    lay(field, state.passport(3, OTHER_PORTRAIT, FINGER), can=CAN)
    assert read(capsys, url, "--can", CAN, "--save", str(folder), status=2)["error"] == "SAVE_FOLDER_USED"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_expiry_is_judged_by_the_date_of_this_place(
    state: Utopia,
    field: Pn532Field,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times: list[datetime] = []

    def verified(document: DocumentRead, at: datetime, trust: Trust) -> tuple[CheckEvidence, ...]:
        times.append(at)
        return verify_document(document, at, trust)

    monkeypatch.setattr("egate.commands.document.read.verify_document", verified)
    monkeypatch.setenv("TZ", "PLACE-14")
    time.tzset()
    try:
        read(capsys, f"pn532+pty://{tmp_path}/chip?baud=921600", "--can", CAN, status=1)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert [at.utcoffset() for at in times] == [timedelta(hours=14)]


def test_an_unknown_device_is_said_before_anything_else(capsys: pytest.CaptureFixture[str]) -> None:
    for options in ([], ["--can", "1"], ["--mrz", "X"]):
        assert main(["document", "read", "--json", "--device", "fax+serial:///dev/null", *options]) == 2
        assert "fax is not known" in json.loads(capsys.readouterr().out)["message"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--device", "pn532+pty:///nowhere/chip", "--can", "123456"], "DEVICE_LOST"),
        (["--device", "pn532+pty:///nowhere/chip", "--mrz", "X"], "MRZ_UNREADABLE"),
        (["--device", "pn532+pty:///nowhere/chip", "--mrz", ""], "MRZ_UNREADABLE"),
        (["--device", "pn532+pty:///nowhere/chip", "--can", "1"], "CAN_MALFORMED"),
        (["--device", "pn532+pty:///nowhere/chip", "--can", "12345x"], "CAN_MALFORMED"),
        (["--device", "pn532+pty:///nowhere/chip", "--can", "\u0661\u0662\u0663\u0664\u0665\u0666"], "CAN_MALFORMED"),
        (["--device", "pn532+pty:///nowhere/chip", "--can", "123456", "--terminal", "nowhere"], "CONFIGURATION"),
        (["--device", "pn532+pty:///nowhere/chip", "--can", "123456", "--save", "x" * 300], "CONFIGURATION"),
        (["--device", "pn532+pty:///nowhere/chip"], "CONFIGURATION"),
        (["--device", "pn532+pty:///nowhere/chip?baud=7", "--can", "123456"], "CONFIGURATION"),
        (["--device", "nonsense", "--can", "1"], "CONFIGURATION"),
        (["--device", "pcsc+pty:///nowhere", "--can", "123456"], "CONFIGURATION"),
        (["--device", "mrz+pty:///nowhere/mrz?baud=9600", "--can", "1"], "CONFIGURATION"),
        (["--device", "osdp+pty:///nowhere?address=1&baud=9600&key=file:none"], "CONFIGURATION"),
    ],
)
def test_what_can_t_be_read_is_named(options: list[str], code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["document", "read", "--json", *options]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == code
