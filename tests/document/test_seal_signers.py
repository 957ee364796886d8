"""Who may seal what, and when: signers of other states, kinds and times, revoked or unknown, never make a seal pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from egate.document.passive_authentication import verify_passive
from egate.document.pki.certificate import parse_certificate
from egate.document.pki.defect import Defect
from egate.document.pki.trust import EMPTY, TrustStore
from egate.document.seal.seal import SealCheck, verify_seal
from egate.domain.evidence import CheckResult
from egate.domain.inspection import InspectionCheck
from egate.domain.reason import Reason
from hw.sim.pki import SimulatedState
from hw.sim.pki_certificate import Authority
from hw.sim.seal import issue_seal_signer, write_vds, write_vds_nc
from tests.document.seals import (
    AT,
    HEALTH,
    MRV_B,
    NC_SIGNER,
    NC_USAGE,
    PROOF,
    SIGNER,
    STATE,
    STORE,
    VDS,
    VISA,
    failed,
    results,
    store_of,
    visa,
)
from tests.document.signed_documents import NOW, data_groups, signed

PASS, FAIL, UNDETERMINED = CheckResult.PASS, CheckResult.FAIL, CheckResult.UNDETERMINED
NOT_PERFORMED = CheckResult.NOT_PERFORMED
STRUCTURE, SIGNATURE, CHAIN, VALIDITY, REVOCATION, ISSUER_STATE = SealCheck
FRANCE = SimulatedState(NOW, "FR", "FRA")
ARRIVAL, STICKER = (0xFD, 0x02), (0xF9, 0x08)


def test_a_signer_that_is_not_in_the_store() -> None:
    found = verify_seal(VISA, store_of(), AT)
    assert (found.verdict, found.signer) == (UNDETERMINED, None)
    assert results(found) == [PASS, UNDETERMINED, NOT_PERFORMED, NOT_PERFORMED, NOT_PERFORMED, NOT_PERFORMED]
    assert found.finding(SIGNATURE).reasons == (Reason.SIGNER_MISSING,)


def test_a_store_without_anchors() -> None:
    found = verify_seal(HEALTH, EMPTY, AT)
    assert (found.verdict, found.finding(SIGNATURE).result) == (UNDETERMINED, PASS)
    assert found.finding(CHAIN).reasons == (Reason.TRUST_STORE_MISSING,)


def test_another_states_signer_in_the_name_of_this_state() -> None:
    """Trusted for its own documents: neither the header nor the zone may claim another state's."""
    french = issue_seal_signer(FRANCE, NOW, "TS", 0x5B)
    store = store_of(SIGNER, french, states=(STATE, FRANCE))
    assert (
        verify_seal(visa(french, "FRA", [line.replace("V<UTO", "V<FRA") for line in MRV_B]), store, AT).verdict is PASS
    )
    assert failed(verify_seal(visa(french, "UTO"), store, AT), ISSUER_STATE) == (
        (Reason.ISSUER_STATE_DIFFERS,),
        "signer,csca",
    )
    assert failed(verify_seal(visa(french, "FRA"), store, AT), ISSUER_STATE) == ((Reason.ISSUER_STATE_DIFFERS,), "zone")
    health = issue_seal_signer(FRANCE, NOW, "HE", 0x77, usage=NC_USAGE)
    assert failed(verify_seal(write_vds_nc(health, "icao.vacc", "UTO", PROOF), store, AT), ISSUER_STATE)


def test_a_signer_of_a_state_that_is_not_trusted() -> None:
    impostor = SimulatedState(NOW, seed="impostor", common_name="another")
    signer = issue_seal_signer(impostor, NOW, "TS", 0x5B)
    assert failed(verify_seal(visa(signer), store_of(signer), AT), CHAIN) == ((Reason.SIGNER_UNKNOWN,), "")
    namesake = SimulatedState(NOW, seed="impostor")
    health = issue_seal_signer(namesake, NOW, "HE", 0x77, usage=NC_USAGE)
    found = verify_seal(write_vds_nc(health, "icao.vacc", "UTO", PROOF), STORE, AT)
    assert failed(found, CHAIN) == ((Reason.SIGNER_CHAIN_BROKEN,), "")


def test_of_two_signers_with_one_reference_the_one_that_sealed_counts() -> None:
    older = issue_seal_signer(STATE, NOW, "TS", 0x5B)
    for store in (store_of(older, SIGNER), store_of(SIGNER, older)):
        found = verify_seal(VISA, store, AT)
        assert found.verdict is PASS
        assert found.signer == parse_certificate(SIGNER.certificate)
    assert failed(verify_seal(VISA, store_of(older), AT), SIGNATURE)


def test_a_passports_signer_cannot_seal_and_a_seals_signer_cannot_sign_passports() -> None:
    without_usage = issue_seal_signer(STATE, NOW, "TS", 1, usage="")
    passports = issue_seal_signer(STATE, NOW, "TS", 2, usage="", document_types=("P",))
    crossed = issue_seal_signer(STATE, NOW, "TS", 3, usage=NC_USAGE)
    for signer in (without_usage, passports, crossed):
        expected = (Reason.SIGNER_NOT_FOR_DOCUMENTS,), "extended_key_usage"
        assert failed(verify_seal(visa(signer), store_of(signer), AT), CHAIN) == expected
    sealing = write_vds_nc(SIGNER, "icao.vacc", "UTO", PROOF)
    assert verify_seal(sealing, STORE, AT).finding(CHAIN).reasons == (Reason.SIGNER_NOT_FOR_DOCUMENTS,)
    for signer in (SIGNER, NC_SIGNER):
        passport = verify_passive(signed(data_groups(), signer), STORE, AT)
        assert passport.finding(InspectionCheck.CHAIN).result is FAIL
        assert passport.bound == frozenset()


def test_the_csca_itself_cannot_seal() -> None:
    authority = Authority(STATE.csca.certificate, STATE.csca.key)
    found = verify_seal(write_vds_nc(authority, "icao.vacc", "UTO", PROOF), STORE, AT)
    assert failed(found, CHAIN) == ((Reason.SIGNER_NOT_FOR_DOCUMENTS,), "ca")


@pytest.mark.parametrize(
    ("types", "result"), [((), PASS), (("V",), PASS), (("VC", "V<"), PASS), (("PU",), FAIL), (("VC",), FAIL)]
)
def test_document_types_of_the_signer(types: tuple[str, ...], result: CheckResult) -> None:
    signer = issue_seal_signer(STATE, NOW, "DT", 0x10, document_types=types)
    found = verify_seal(visa(signer), store_of(signer), AT)
    assert found.verdict is result
    assert result is PASS or found.finding(CHAIN).detail == "document_type"


def test_document_types_where_no_zone_is_sealed() -> None:
    message = [(1, b"\x62\xd7\x62\xd7\x62\xd7"), (2, b"\x62\xd7\x62\xd7\x62\xd7"), (3, b"\x62\xd7\x62\xd7\x62\xd7")]
    for types, result in ((("ST",), PASS), (("V",), FAIL)):
        signer = issue_seal_signer(STATE, NOW, "ST", 0x11, document_types=types)
        assert (
            verify_seal(write_vds(signer, "UTO", STICKER, message, NOW.date()), store_of(signer), AT).verdict is result
        )
        health = issue_seal_signer(STATE, NOW, "HE", 0x12, usage=NC_USAGE, document_types=types)
        assert verify_seal(write_vds_nc(health, "icao.vacc", "UTO", PROOF), STORE, AT).verdict is FAIL
    test_only = issue_seal_signer(STATE, NOW, "HE", 0x13, usage=NC_USAGE, document_types=("NT",))
    assert failed(verify_seal(write_vds_nc(test_only, "icao.vacc", "UTO", PROOF), STORE, AT), CHAIN)


def test_signers_of_arrival_attestations_seal_nothing_else() -> None:
    signer = issue_seal_signer(STATE, NOW, "AA", 0x20, usage="0.4.0.127.0.7.3.5.1.1")
    seal = bytes.fromhex(VDS["bsi_c_arrival_attestation"]["seal"])
    start = seal.index(b"\x02\x30") + 2
    message = [
        (2, seal[start : start + 48].replace(bytes.fromhex("a5621353"), bytes.fromhex("a563d9c5"))),
        (3, seal[-74:-66]),
    ]
    found = verify_seal(write_vds(signer, "UTO", ARRIVAL, message, NOW.date()), store_of(signer), AT)
    assert found.finding(CHAIN).result is PASS
    assert failed(verify_seal(visa(signer), store_of(signer), AT), CHAIN)[1] == "extended_key_usage"


def test_expired_and_premature_signers() -> None:
    for usage in ("2.23.136.1.1.11.1", NC_USAGE):
        signer = issue_seal_signer(STATE, NOW, "TI", 0x30, usage=usage, valid=(NOW, NOW + timedelta(days=10)))
        seal = visa(signer) if usage != NC_USAGE else write_vds_nc(signer, "icao.vacc", "UTO", PROOF)
        store = store_of(signer)
        assert verify_seal(seal, store, NOW + timedelta(days=10)).verdict is PASS
        late = verify_seal(seal, store, NOW + timedelta(days=10, seconds=1))
        assert failed(late, VALIDITY) == ((Reason.SIGNER_EXPIRED,), "")
        early = verify_seal(seal, store, NOW - timedelta(seconds=1))
        assert failed(early, VALIDITY) == ((Reason.SIGNER_NOT_YET_VALID,), "")


def test_revoked_signers() -> None:
    state = SimulatedState(NOW)
    signer = issue_seal_signer(state, NOW, "RE", 0x40)
    state.revoke(signer, NOW)
    store = store_of(signer, states=(state,), crls=[(state.write_crl(NOW), state.csca)])
    assert failed(verify_seal(visa(signer), store, AT), REVOCATION) == ((Reason.SIGNER_REVOKED,), "")


def test_a_known_defect_of_the_signer_leaves_it_open() -> None:
    signer = parse_certificate(SIGNER.certificate)
    defect = Defect("signer_signature", "UT", issuer=signer.issuer, serial=signer.serial)
    visas = replace(defect, document_type="V"), replace(defect, document_type="P")
    for known, result in ((defect, UNDETERMINED), (visas[0], UNDETERMINED), (visas[1], PASS)):
        store = TrustStore(STORE.anchors, STORE.document_signers, defects=(known,))
        found = verify_seal(VISA, store, AT)
        assert found.verdict is result
        assert result is PASS or found.finding(CHAIN).reasons == (Reason.DEFECT_KNOWN,)
