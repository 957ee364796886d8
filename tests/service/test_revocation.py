"""What is known of a certificate's revocation, and that not knowing refuses."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from egate.service import pki
from egate.service.errors import Unauthenticated
from egate.service.revocation import OnStale, RevocationLists
from tests.service.site import VirtualClock


def lists(folder: Path, on_stale: OnStale = "refuse", clock: VirtualClock | None = None) -> RevocationLists:
    return RevocationLists([folder / "crl.pem"], (folder / "ca.pem").read_bytes(), clock or VirtualClock(), on_stale)


def leaf(folder: Path, name: str = "gate-1") -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())


def code(checked: RevocationLists, certificate: x509.Certificate) -> str:
    try:
        checked.check(certificate)
    except Unauthenticated as error:
        return error.code
    return ""


def test_a_revocation_counts_from_the_next_look(certificates: Path) -> None:
    checked = lists(certificates)
    assert code(checked, leaf(certificates)) == ""
    pki.revoke(certificates, certificates / "gate-1.pem")
    assert code(checked, leaf(certificates)) == "CERTIFICATE_REVOKED"
    assert code(checked, leaf(certificates, "gate-2")) == ""


def test_a_list_in_der_counts(certificates: Path) -> None:
    pki.revoke(certificates, certificates / "gate-1.pem")
    crl = x509.load_pem_x509_crl((certificates / "crl.pem").read_bytes())
    (certificates / "crl.pem").write_bytes(crl.public_bytes(serialization.Encoding.DER))
    assert code(lists(certificates), leaf(certificates)) == "CERTIFICATE_REVOKED"


@pytest.mark.parametrize("damage", ["missing", "empty", "garbage", "foreign", "delta"])
@pytest.mark.parametrize(("on_stale", "expected"), [("refuse", "REVOCATION_UNKNOWN"), ("accept", "")])
def test_a_list_that_is_none_refuses_unless_the_site_accepts(
    certificates: Path, tmp_path_factory: pytest.TempPathFactory, damage: str, on_stale: OnStale, expected: str
) -> None:
    _damage(certificates, damage, tmp_path_factory)
    assert code(lists(certificates, on_stale), leaf(certificates)) == expected


def _damage(folder: Path, damage: str, factory: pytest.TempPathFactory) -> None:
    path = folder / "crl.pem"
    match damage:
        case "missing":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "garbage":
            path.write_bytes(os.urandom(200))
        case "foreign":  # same name, another key
            foreign = factory.mktemp("foreign")
            pki.init(foreign, "egate.example", [])
            path.write_bytes((foreign / "crl.pem").read_bytes())
        case "delta":
            (certificate, key), now = pki.load_authority(folder), datetime.now(UTC)
            builder = x509.CertificateRevocationListBuilder().issuer_name(certificate.subject)
            builder = builder.last_update(now).next_update(now + timedelta(days=1))
            builder = builder.add_extension(x509.DeltaCRLIndicator(1), critical=True)
            crl = builder.sign(key, hashes.SHA256())
            path.write_bytes(crl.public_bytes(serialization.Encoding.PEM))


@pytest.mark.parametrize(("on_stale", "expected"), [("refuse", "REVOCATION_UNKNOWN"), ("accept", "")])
def test_an_outdated_list_refuses_unless_the_site_accepts(certificates: Path, on_stale: OnStale, expected: str) -> None:
    clock = VirtualClock()
    checked = lists(certificates, on_stale, clock)
    assert code(checked, leaf(certificates)) == ""
    clock.advance(pki.VALID.total_seconds() + 1)
    assert code(checked, leaf(certificates)) == expected


@pytest.mark.parametrize("on_stale", ["refuse", "accept"])
def test_whom_the_last_list_named_stays_refused_when_the_list_is_lost(certificates: Path, on_stale: OnStale) -> None:
    pki.revoke(certificates, certificates / "gate-1.pem")
    checked = lists(certificates, on_stale)
    assert code(checked, leaf(certificates)) == "CERTIFICATE_REVOKED"
    (certificates / "crl.pem").unlink()
    assert code(checked, leaf(certificates)) == "CERTIFICATE_REVOKED"


def test_a_list_that_comes_back_counts_again(certificates: Path) -> None:
    checked, path = lists(certificates), certificates / "crl.pem"
    kept = path.read_bytes()
    path.unlink()
    assert code(checked, leaf(certificates)) == "REVOCATION_UNKNOWN"
    path.write_bytes(kept)
    assert code(checked, leaf(certificates)) == ""
