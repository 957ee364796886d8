"""The simulated state's certificates, lists and security objects, judged by openssl, which knows nothing of us."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import pem, x509

from egate.document.encoding.tlv import single
from egate.document.pki.certificate import parse_certificate
from egate.document.pki.crl import is_crl_signed_by, parse_crl
from egate.document.pki.master_list import parse_master_list
from egate.document.pki.signed_list import open_signed_list, require_signer
from egate.errors import DocumentError
from hw.sim.pki import SimulatedState
from hw.sim.pki_keys import Algorithm, generate_key, load_key
from hw.sim.security_object_writer import SOD_TAG, write_sod

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HASHES = {1: b"1" * 32, 2: b"2" * 32}
ALGORITHMS = [
    Algorithm("secp256r1"),
    Algorithm("brainpoolP256r1"),
    Algorithm("brainpoolP384r1", "sha384"),
    Algorithm("brainpoolP512r1", "sha512"),
    Algorithm("secp521r1", "sha512"),
    Algorithm("rsa2048"),
    Algorithm("rsa2048", pss=True),
]

openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def run(folder: Path, command: str) -> bool:
    """Whether openssl is content; the time is a day after NOW."""
    arguments = command.format(at=int((NOW + timedelta(days=1)).timestamp())).split()
    return subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=False).returncode == 0


def write_pem(path: Path, *certificates: bytes) -> None:
    path.write_bytes(b"".join(pem.armor("CERTIFICATE", certificate) for certificate in certificates))


@pytest.mark.peer
@openssl
@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda item: f"{item.key}-{item.hash}-{item.pss}")
def test_openssl_accepts_what_the_state_signs(tmp_path: Path, algorithm: Algorithm) -> None:
    state = SimulatedState(NOW, algorithm=algorithm)
    signer = state.issue_signer(NOW)
    old = state.csca
    link = state.roll_over(NOW)
    successor = state.issue_signer(NOW)
    write_pem(tmp_path / "old.pem", old.certificate)
    write_pem(tmp_path / "new.pem", state.csca.certificate)
    write_pem(tmp_path / "signer.pem", signer.certificate)
    write_pem(tmp_path / "link.pem", link)
    write_pem(tmp_path / "successor.pem", successor.certificate)
    assert run(tmp_path, "verify -attime {at} -CAfile old.pem signer.pem link.pem")
    assert run(tmp_path, "verify -attime {at} -CAfile new.pem successor.pem")
    assert not run(tmp_path, "verify -attime {at} -CAfile new.pem signer.pem")

    cms = "cms -verify -binary -inform der -purpose any -attime {at} -out out.bin -CAfile "
    (tmp_path / "sod.der").write_bytes(single(write_sod(HASHES, signer, signing_time=NOW), SOD_TAG))
    (tmp_path / "list.der").write_bytes(state.write_master_list(state.anchors(), NOW))
    assert run(tmp_path, cms + "old.pem -in sod.der")
    assert not run(tmp_path, cms + "new.pem -in sod.der")
    assert run(tmp_path, cms + "new.pem -in list.der")

    state.revoke(successor, NOW)
    (tmp_path / "crl.der").write_bytes(state.write_crl(NOW))
    assert run(tmp_path, "crl -noout -inform der -in crl.der -CAfile new.pem")
    assert run(tmp_path, "crl -inform der -in crl.der -out crl.pem")
    assert not run(tmp_path, "verify -attime {at} -crl_check -CRLfile crl.pem -CAfile new.pem successor.pem")


@pytest.mark.parametrize("curve", ["secp224r1", "secp256r1", "brainpoolP224r1", "brainpoolP256r1", "brainpoolP512r1"])
def test_explicit_parameters_are_the_curve(curve: str) -> None:
    """openssl names a curve whose parameters it recognises, and takes the key back."""
    key = generate_key(Algorithm(curve, explicit=True))
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    command = [
        "openssl",
        "pkey",
        "-pubin",
        "-inform",
        "der",
        "-pubout",
        "-ec_param_enc",
        "named_curve",
        "-outform",
        "der",
    ]
    done = subprocess.run(command, input=key.spki(), capture_output=True, check=False)
    assert done.returncode == 0
    assert done.stdout == replace(key, algorithm=Algorithm(curve)).spki() != key.spki()


def test_names_and_serial_numbers_follow_from_the_seed() -> None:
    one, two, other = (SimulatedState(NOW, seed=seed) for seed in ("a", "a", "b"))
    signers = [state.issue_signer(NOW) for state in (one, two, other)]
    assert signers[0].serial == signers[1].serial != signers[2].serial
    assert signers[0].name == signers[1].name
    assert len({state.next_serial() for state in (one, one, one)}) == 3


def test_certificates_keep_to_the_profile() -> None:
    """Doc 9303-12, tables 2 and 3."""
    state = SimulatedState(NOW, "XD", "D")
    signer = x509.Certificate.load(state.issue_signer(NOW, document_types=("P",)).certificate)
    csca = x509.Certificate.load(state.csca.certificate)
    assert signer.issuer == csca.subject == csca.issuer
    assert signer.subject.native["country_name"] == csca.subject.native["country_name"] == "XD"
    assert csca.ca is True and signer.ca is None
    assert csca.key_usage_value.native == {"key_cert_sign", "crl_sign"}
    assert signer.key_usage_value.native == {"digital_signature"}
    assert signer.authority_key_identifier == csca.key_identifier
    assert {"key_usage", "basic_constraints"} == csca.critical_extensions
    assert csca.private_key_usage_period_value.native["not_after"] < csca.not_valid_after
    assert "2.23.136.1.1.6.2" in [item["extn_id"].dotted for item in signer["tbs_certificate"]["extensions"]]


def test_keys_show_nothing() -> None:
    state = SimulatedState(NOW)
    assert repr(state.csca.key) == f"PrivateKey({state.csca.key.algorithm})"
    assert repr(state.csca) == f"Authority({state.csca.key.algorithm})"


def test_unknown_key_is_refused() -> None:
    with pytest.raises(ValueError, match="no such key"):
        generate_key(Algorithm("secp160k9"))
    with pytest.raises(ValueError):
        load_key(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "sha256")


def test_the_gates_own_code_accepts_the_lists() -> None:
    """Master list and revocation list, before and after the CSCA changed its key; not with another state's key."""
    state, other = SimulatedState(NOW), SimulatedState(NOW, "UX", "UXA")
    old = parse_certificate(state.csca.certificate)
    state.roll_over(NOW)
    new, foreign = parse_certificate(state.csca.certificate), parse_certificate(other.csca.certificate)
    signed = open_signed_list(state.write_master_list([*state.anchors(), *other.anchors()], NOW))
    assert require_signer(signed, [new], NOW + DAY) == new
    with pytest.raises(DocumentError):
        require_signer(signed, [foreign, old], NOW + DAY)
    found = parse_master_list(signed.content)
    assert {item.der for item in found.usable} == {*state.anchors(), *other.anchors()}
    assert found.unusable == found.doubtful == ()

    signer = state.issue_signer(NOW)
    state.revoke(signer, NOW)
    crl = parse_crl(state.write_crl(NOW))
    revoked = parse_certificate(signer.certificate)
    assert is_crl_signed_by(crl, new) and not is_crl_signed_by(crl, foreign)
    assert crl.names(revoked.issuer, revoked.serial) and not crl.names(revoked.issuer, revoked.serial + 1)
    assert crl.is_current(NOW + DAY) and not crl.is_current(NOW + timedelta(days=91))
