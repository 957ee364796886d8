"""What must hold: the bytes of a bar code end in one verdict, in the form scripts read, and nothing sealed is printed."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from egate.cli import main
from egate.document.seal.seal import SealCheck
from egate.trust.store import import_files
from tests.document.seals import AT, HEALTH, MRV_B, PASSPORT, SIGNER, STATE, VISA, flipped
from tests.document.signed_documents import NOW


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    """The seal's signer comes in as any other signer does: its CSCA vouches for it."""
    csca, signer = tmp_path / "csca.cer", tmp_path / "signer.cer"
    csca.write_bytes(STATE.csca.certificate)
    signer.write_bytes(SIGNER.certificate)
    assert import_files(tmp_path / "store", [csca], [signer], NOW).document_signers == 1
    return tmp_path / "store"


def verify(
    capsys: pytest.CaptureFixture[str], file: Path | str, trust: Path, *options: str
) -> tuple[int, dict[str, Any]]:
    status = main(["document", "seal", str(file), "--trust", str(trust), "--json", "--at", AT.isoformat(), *options])
    return status, json.loads(capsys.readouterr().out)


def written(folder: Path, data: bytes) -> Path:
    path = folder / "seal.bin"
    path.write_bytes(data)
    return path


def test_genuine_visa(tmp_path: Path, trust: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, report = verify(capsys, written(tmp_path, VISA), trust)
    assert (status, report["verdict"], report["kind"]) == (0, "PASS", "visa")
    assert (report["issuing_state"], report["signer_reference"]) == ("UTO", "UTTS5B")
    assert list(report["checks"]) == [check.value for check in SealCheck]
    assert report["checks"]["revocation"] == {"verdict": "UNDETERMINED", "reasons": ["CRL_MISSING"], "detail": ""}
    assert verify(capsys, tmp_path / "seal.bin", trust, "--crl-required")[0] == 1


def test_health_proof_from_standard_input(
    trust: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(HEALTH)))
    status, report = verify(capsys, "-", trust)
    assert (status, report["verdict"], report["signer_reference"]) == (0, "PASS", None)


@pytest.mark.parametrize("data", [flipped(VISA, 700), b"", b"\xdc", bytes(100_000)])
def test_others_do_not_pass(data: bytes, tmp_path: Path, trust: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, report = verify(capsys, written(tmp_path, data), trust)
    assert (status, report["verdict"]) == (1, "FAIL")


def test_without_a_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, report = verify(capsys, written(tmp_path, HEALTH), tmp_path / "none")
    assert (status, report["verdict"]) == (1, "UNDETERMINED")
    assert report["checks"]["chain"]["reasons"] == ["TRUST_STORE_MISSING"]


def test_without_the_file(tmp_path: Path, trust: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, report = verify(capsys, tmp_path / "none", trust)
    assert (status, report["error"]) == (2, "CONFIGURATION")


def test_nothing_sealed_is_printed(tmp_path: Path, trust: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, VISA)
    for options in ([], ["--json"]):
        main(["document", "seal", str(path), "--trust", str(trust), "--at", AT.isoformat(), *options])
        shown = capsys.readouterr().out
        assert "PASS" in shown
        assert not any(value in shown for value in (PASSPORT, "ERIKSSON", MRV_B[1][:9]))
