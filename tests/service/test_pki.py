"""The development CA: recognisable, private, never overwritten, and what other programs make of it."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from egate.cli import main
from egate.errors import ConfigurationError
from egate.service import pki
from egate.service.identity import Role


def test_the_development_ca_and_what_it_issues_are_recognised(all_certificates: Path) -> None:
    for name in ("ca.pem", "server.pem", "gate-1.pem"):
        assert pki.is_development_ca((all_certificates / name).read_bytes()), name


def test_a_bundle_that_holds_a_development_ca_is_recognised(all_certificates: Path, tmp_path: Path) -> None:
    other = _renamed_authority()
    assert not pki.is_development_ca(other)
    assert pki.is_development_ca(other + (all_certificates / "ca.pem").read_bytes())
    with pytest.raises(ConfigurationError):
        pki.is_development_ca(b"nothing")


def _renamed_authority() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = pki._name("Border Authority CA")
    certificate = pki._builder("Border Authority CA", name, key, datetime.now(UTC), timedelta(days=1)).sign(
        key, hashes.SHA256()
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def test_nothing_is_overwritten_and_keys_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    paths = pki.init(folder, "egate.example", [(Role.GATE, "1")])
    before = {path: path.read_bytes() for path in paths}
    assert all(path.stat().st_mode & 0o077 == 0 for path in paths if path.suffix == ".key")
    with pytest.raises(ConfigurationError):
        pki.init(folder, "egate.example", [(Role.GATE, "2")])
    assert before == {path: path.read_bytes() for path in folder.iterdir()}


def test_a_certificate_of_another_authority_cannot_be_revoked(all_certificates: Path, tmp_path: Path) -> None:
    pki.init(tmp_path / "other", "egate.example", [(Role.GATE, "1")])
    with pytest.raises(ConfigurationError):
        pki.revoke(tmp_path / "other", all_certificates / "gate-1.pem")


def test_revoking_twice_names_one_and_keeps_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    pki.init(folder, "egate.example", [(Role.GATE, "1"), (Role.GATE, "2")])
    counts = [pki.revoke(folder, folder / f"gate-{number}.pem") for number in (1, 2, 1)]
    assert counts == [1, 2, 2]


def test_the_command_makes_what_a_site_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "pki"
    assert main(["pki", "init", "--dir", str(folder), "--lanes", "3", "--officer", "ada"]) == 0
    stems = {path.stem for path in folder.glob("*.pem")}
    gates = {"gate-1", "gate-2", "gate-3"}
    assert stems == {"ca", "crl", "server", "console-1", "officer-ada", "engineer-1", "matcher-1", "enroller-1", *gates}
    assert main(["pki", "init", "--dir", str(folder)]) == 1
    assert "PKI_EXISTS" in capsys.readouterr().err
    assert main(["pki", "revoke", str(folder / "gate-2.pem")]) == 0


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is absent")
def test_openssl_agrees_on_chain_purpose_and_revocation(tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    main(["pki", "init", "--dir", str(folder)])
    main(["pki", "revoke", str(folder / "gate-2.pem")])
    assert _openssl(folder, "gate-1", "sslclient") == 0
    assert _openssl(folder, "gate-2", "sslclient") != 0
    assert _openssl(folder, "server", "sslserver") == 0
    assert _openssl(folder, "server", "sslclient") != 0, "the daemon's certificate is no caller's"


def _openssl(folder: Path, name: str, purpose: str) -> int:
    command = [
        "openssl",
        "verify",
        "-x509_strict",
        "-crl_check",
        "-purpose",
        purpose,
        "-CAfile",
        str(folder / "ca.pem"),
    ]
    command += ["-CRLfile", str(folder / "crl.pem"), str(folder / f"{name}.pem")]
    return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode
