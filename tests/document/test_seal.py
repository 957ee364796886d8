"""What must hold: a seal passes only if a state's seal signer sealed these very bytes for a document of that state.

Method: published seals; seals of the simulated state in every version and algorithm; every single bit of one of each form.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.document.pki.certificate import parse_certificate
from egate.document.pki.crl import parse_crl
from egate.document.pki.master_list import parse_master_list
from egate.document.pki.signed_list import open_signed_list
from egate.document.pki.trust import TrustAnchor, TrustedCrl, TrustStore
from egate.document.seal.seal import SealCheck, SealResult, verify_seal
from egate.document.seal.vds_zone import Stay
from egate.domain.evidence import CheckResult
from egate.domain.reason import Reason
from hw.sim.pki import SimulatedState
from hw.sim.pki_keys import Algorithm
from hw.sim.seal import issue_seal_signer, visa_message, write_vds, write_vds_nc, write_visa
from tests.document.corpus import corpus_file
from tests.document.seals import (
    AT,
    HEALTH,
    MRV_B,
    NC_SIGNER,
    NC_USAGE,
    PASSPORT,
    PROOF,
    PUBLISHED,
    SIGNER,
    STATE,
    STORE,
    VDS,
    VDS_NC,
    VISA,
    failed,
    flipped,
    results,
    store_of,
    visa,
)
from tests.document.signed_documents import NOW

PASS, FAIL, UNDETERMINED = CheckResult.PASS, CheckResult.FAIL, CheckResult.UNDETERMINED
NOT_PERFORMED = CheckResult.NOT_PERFORMED
STRUCTURE, SIGNATURE, CHAIN, VALIDITY, REVOCATION, ISSUER_STATE = SealCheck
OTHER = SimulatedState(NOW, "XB", "XBA")
FRANCE = SimulatedState(NOW, "FR", "FRA")
IN_AUSTRALIA = datetime(2021, 10, 20, tzinfo=UTC)  # while the published revocation list is current
ETD, ARRIVAL, STICKER = (0x5E, 0x03), (0xFD, 0x02), (0xF9, 0x08)


# Published seals.


@pytest.mark.parametrize("name", [name for name, vector in VDS.items() if vector["signer"]])
def test_published_seals_verify_with_the_published_certificate(name: str) -> None:
    """No CSCA issued it, so they do not pass; and some of the examples seal another state's zone."""
    certificate = parse_certificate(bytes.fromhex(PUBLISHED["certificates"][VDS[name]["signer"]]))
    store = TrustStore(document_signers=(certificate,))
    seal = bytes.fromhex(VDS[name]["seal"])
    found = verify_seal(seal, store, NOW)
    assert found.signer == certificate
    assert results(found)[:2] == [PASS, PASS]
    assert failed_reasons(found, CHAIN) == (Reason.SIGNER_NOT_FOR_DOCUMENTS,)
    foreign = found.zone is not None and found.zone.issuing_state != VDS[name]["state"]
    assert (found.finding(ISSUER_STATE).result is FAIL) == foreign
    for bit in range(0, 8 * len(seal), 5):
        assert verify_seal(flipped(seal, bit), store, NOW).finding(SIGNATURE).result is not PASS


def failed_reasons(found: SealResult, check: SealCheck) -> tuple[Reason, ...]:
    assert found.verdict is FAIL
    assert found.finding(check).result is FAIL
    return found.finding(check).reasons


def australia(*, changed: bool = False) -> bytes:
    text = json.dumps(VDS_NC["australia"]["seal"], indent=4)
    return (text.replace("JOHN", "JOHNX") if changed else text).encode()


def australian_store() -> TrustStore:
    csca = parse_certificate(base64.b64decode(PUBLISHED["australian_csca"]))
    crl = parse_crl(base64.b64decode(PUBLISHED["australian_crl"]))
    return TrustStore(anchors=(TrustAnchor(csca),), crls=(TrustedCrl(crl, csca),))


def test_the_australian_specimen_passes_every_check() -> None:
    found = verify_seal(australia(), australian_store(), IN_AUSTRALIA, crl_required=True)
    assert (found.kind, found.verdict, results(found)) == ("icao.vacc", PASS, [PASS] * 6)
    assert failed(verify_seal(australia(changed=True), australian_store(), IN_AUSTRALIA), SIGNATURE)
    before = verify_seal(australia(), australian_store(), datetime(2021, 8, 30, tzinfo=UTC))
    assert failed(before, VALIDITY) == ((Reason.SIGNER_NOT_YET_VALID,), "")


@pytest.mark.corpus
def test_the_australian_specimen_passes_with_the_german_master_list() -> None:
    data = corpus_file("pki", "DE_ML_2026-05-28-08-28-45.ml").read_bytes()
    usable = parse_master_list(open_signed_list(data).content).usable
    store = TrustStore(anchors=tuple(TrustAnchor(certificate) for certificate in usable))
    assert verify_seal(australia(), store, NOW).verdict is PASS
    assert verify_seal(australia(changed=True), store, NOW).verdict is FAIL


# Seals of the simulated state.


def test_genuine_seals_pass() -> None:
    for seal, kind in ((VISA, "visa"), (HEALTH, "icao.vacc")):
        found = verify_seal(seal, STORE, AT)
        assert (found.kind, found.verdict) == (kind, PASS)
        assert results(found) == [PASS, PASS, PASS, PASS, UNDETERMINED, PASS]  # no revocation list
        assert verify_seal(seal, STORE, AT, crl_required=True).verdict is UNDETERMINED
        current = store_of(SIGNER, crls=[(STATE.write_crl(NOW), STATE.csca)])
        assert results(verify_seal(seal, current, AT, crl_required=True)) == [PASS] * 6


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize(
    "algorithm",
    [
        Algorithm("secp224r1"), Algorithm("secp256r1"), Algorithm("secp384r1"), Algorithm("brainpoolP224r1"),
        Algorithm("brainpoolP320r1"), Algorithm("brainpoolP384r1", explicit=True), Algorithm("brainpoolP512r1"),
    ],
)  # fmt: skip
def test_every_curve_and_its_hash(algorithm: Algorithm, version: int) -> None:
    signer = issue_seal_signer(STATE, NOW, "AL", 0xABCDE, algorithm=algorithm)
    message = visa_message(MRV_B, Stay(90, 0, 0), PASSPORT)
    seal = write_vds(signer, "UTO", (0x5D, 0x01), message, NOW.date(), version=version)
    assert verify_seal(seal, store_of(signer), AT).verdict is PASS
    assert failed(verify_seal(flipped(seal, 8 * len(seal) - 9), store_of(signer), AT), SIGNATURE)


@pytest.mark.parametrize(
    ("key", "stated", "result"),
    [
        ("secp384r1", "ES384", PASS),
        ("secp521r1", "ES512", PASS),
        ("brainpoolP512r1", "ES512", PASS),
        ("secp256r1", "ES384", FAIL),  # the algorithm names the curve's size too
        ("secp521r1", "ES256", FAIL),
        ("secp256r1", "HS256", UNDETERMINED),
    ],
)
def test_algorithms_of_health_proofs(key: str, stated: str, result: CheckResult) -> None:
    signer = issue_seal_signer(STATE, NOW, "HE", 7, usage=NC_USAGE, algorithm=Algorithm(key))
    found = verify_seal(write_vds_nc(signer, "icao.vacc", "UTO", PROOF, algorithm=stated), STORE, AT)
    assert found.finding(SIGNATURE).result is result
    assert found.verdict is result


def test_every_flipped_bit_is_seen() -> None:
    for seal in (VISA, HEALTH):
        passing = [bit for bit in range(8 * len(seal)) if verify_seal(flipped(seal, bit), STORE, AT).verdict is PASS]
        assert passing == []


def test_cut_and_padded_seals_do_not_pass() -> None:
    for seal in (VISA, HEALTH):
        assert all(verify_seal(seal[:size], STORE, AT).verdict is FAIL for size in range(len(seal)))
        assert verify_seal(seal + b"\x00", STORE, AT).verdict is FAIL


def test_parts_of_two_seals_do_not_pass() -> None:
    """The signature of one under the message of another, and the certificate of another signer beside it."""
    other = write_visa(SIGNER, "UTO", MRV_B, "X7654321N", NOW.date())
    assert failed(verify_seal(VISA[:-64] + other[-64:], STORE, AT), SIGNATURE)
    colleague = issue_seal_signer(STATE, NOW, "HE", 0x78, usage=NC_USAGE)
    mixed = json.loads(HEALTH)
    mixed["sig"]["cer"] = base64.urlsafe_b64encode(colleague.certificate).decode()
    assert failed(verify_seal(json.dumps(mixed).encode(), STORE, AT), SIGNATURE)


# What is sealed.


def test_wrong_check_digits_of_the_sealed_zone() -> None:
    """Doc 9303-7, 9.4 and Doc 9303-8, appendix A: the seal is invalid, however well signed."""
    wrong = (MRV_B[0], MRV_B[1].replace("6908061", "6908062"))
    assert failed(verify_seal(visa(SIGNER, lines=wrong), STORE, AT), STRUCTURE) == (
        (Reason.MRZ_CHECK_DIGIT,),
        "date_of_birth",
    )


def test_an_unknown_kind_stays_open_even_if_well_signed() -> None:
    seal = write_vds(SIGNER, "UTO", (0x77, 0x77), visa_message(MRV_B, Stay(1, 0, 0), PASSPORT), NOW.date())
    for found in (
        verify_seal(seal, STORE, AT),
        verify_seal(write_vds_nc(NC_SIGNER, "icao.other", "UTO", PROOF), STORE, AT),
        verify_seal(write_vds_nc(NC_SIGNER, "icao.vacc", "UTO", PROOF, version=2), STORE, AT),
    ):
        assert (found.kind, found.verdict) == ("unknown", UNDETERMINED)
        assert found.finding(SIGNATURE).result is PASS
        assert (found.finding(STRUCTURE).result, found.finding(STRUCTURE).detail) == (UNDETERMINED, "document_type")


def test_a_state_that_nobody_knows() -> None:
    found = verify_seal(write_vds_nc(NC_SIGNER, "icao.vacc", "QQQ", PROOF), STORE, AT)
    assert (found.finding(ISSUER_STATE).result, found.finding(ISSUER_STATE).detail) == (UNDETERMINED, "header")


def test_nothing_sealed_is_shown() -> None:
    for seal in (VISA, HEALTH, flipped(VISA, 500), flipped(HEALTH, 500)):
        found = verify_seal(seal, STORE, AT)
        shown = repr(found) + repr(found.findings)
        assert not any(value in shown for value in ("ERIKSSON", "Smith", PASSPORT, "U32870", "6908061"))


@given(st.binary(max_size=400), st.sampled_from([b"", b"\xdc", VISA[:18], VISA[:-66], b"{", HEALTH[:300]]))
def test_any_bytes_give_a_result(data: bytes, start: bytes) -> None:
    found = verify_seal(start + data, STORE, AT)
    assert [finding.check for finding in found.findings] == list(SealCheck)
    assert found.verdict is not PASS


@given(st.data())
def test_damaged_seals_do_not_pass(data: st.DataObject) -> None:
    seal = data.draw(st.sampled_from([VISA, HEALTH]))
    start = data.draw(st.integers(0, len(seal)))
    end = data.draw(st.integers(start, min(len(seal), start + 40)))
    damaged = seal[:start] + data.draw(st.binary(max_size=40)) + seal[end:]
    found = verify_seal(damaged, STORE, AT)
    assert found.verdict is not PASS or damaged == seal or says(damaged) == says(HEALTH)


def says(proof: bytes) -> object:
    """What a health proof says, whatever its white space and the padding of its base64."""
    content = json.loads(proof)
    return content["data"], {name: value.rstrip("=") for name, value in content["sig"].items()}
