"""What must hold: a document of a trusted issuer passes; each way of not being one is refused by the check that is about it.

Documents come from the simulated issuer; each test changes one thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from asn1crypto import core, x509
from hypothesis import given
from hypothesis import strategies as st

from egate.document.chip.security_info_writer import write_security_infos
from egate.document.encoding.tlv import element
from egate.document.lds.structure import write_dg1, write_ef_com
from egate.document.passive_authentication import PassiveResult, verify_passive, verify_signed_file
from egate.document.pki.certificate import parse_certificate
from egate.document.pki.defect import CERTIFICATE_REVOKED, Defect
from egate.document.pki.security_object import LDS_SECURITY_OBJECT, SOD_TAG, parse_sod
from egate.document.pki.trust import EMPTY, TrustAnchor, TrustStore
from egate.domain.evidence import CheckResult
from egate.domain.inspection import PASSIVE_CHECKS, InspectionCheck
from egate.domain.reason import Reason
from hw.sim import pki_certificate as profile
from hw.sim.pki import SimulatedState
from hw.sim.pki_certificate import Authority
from hw.sim.pki_cms import write_signed_data
from hw.sim.pki_keys import Algorithm, generate_key
from hw.sim.security_object_writer import group_hashes, write_card_security, write_security_object, write_sod
from tests.document.signed_documents import FRENCH, NOW, UTOPIAN, data_groups, signed, store_of

PASS, FAIL = CheckResult.PASS, CheckResult.FAIL
UNDETERMINED, NOT_PERFORMED = CheckResult.UNDETERMINED, CheckResult.NOT_PERFORMED
STATE = SimulatedState(NOW)
SIGNER = STATE.issue_signer(NOW)
CRL = (STATE.write_crl(NOW), STATE.csca)
STORE = store_of(STATE, crls=[CRL])
GROUPS = data_groups()
FILES = signed(GROUPS, SIGNER)
LATER = timedelta(days=1)
AT = NOW + LATER


def verify(
    files: Mapping[str, bytes] = FILES, store: TrustStore = STORE, at: datetime = AT, *, crl_required: bool = False
) -> PassiveResult:
    found = verify_passive(files, store, at, crl_required=crl_required)
    assert tuple(finding.check for finding in found.findings) == PASSIVE_CHECKS
    return found


def outcome(found: PassiveResult, check: str) -> tuple[CheckResult, tuple[Reason, ...], str]:
    finding = found.finding(InspectionCheck(check))
    return finding.result, finding.reasons, finding.detail


def others_pass(found: PassiveResult, *checks: str) -> bool:
    return all(item.result is PASS for item in found.findings if item.check not in checks)


def signer_with(*extensions: x509.Extension, state: SimulatedState = STATE, country: str = "UT") -> Authority:
    key = generate_key(Algorithm("secp256r1"))
    valid = (NOW, NOW + timedelta(days=900))
    subject = profile.name(country, "another signer")
    certificate = profile.write_certificate(subject, key, state.csca, state.next_serial(), valid, extensions)
    return Authority(certificate, key)


def extension(identifier: str, value: object, *, critical: bool = True) -> x509.Extension:
    return x509.Extension({"extn_id": identifier, "critical": critical, "extn_value": value})


def test_genuine_document_passes() -> None:
    found = verify()
    assert [finding.result for finding in found.findings] == [PASS] * len(PASSIVE_CHECKS)
    assert found.bound == set(GROUPS)
    assert found.hash_list == {1, 2, 14}
    assert found.signer is not None and found.signer.der == SIGNER.certificate
    assert found.csca is not None and found.csca.der == STATE.csca.certificate


@pytest.mark.parametrize(
    "algorithm",
    [
        Algorithm("secp256r1", "sha1"),
        Algorithm("brainpoolP224r1", "sha224", explicit=True),
        Algorithm("brainpoolP320r1", "sha384"),
        Algorithm("secp521r1", "sha512", explicit=True),
        Algorithm("rsa2048", "sha256"),
        Algorithm("rsa2048", "sha384", pss=True),
    ],
    ids=str,
)
@pytest.mark.parametrize("lds_version", ["0107", "0108"])
@pytest.mark.parametrize("by_key_id", [False, True])
def test_algorithms_versions_and_identifiers(algorithm: Algorithm, lds_version: str, by_key_id: bool) -> None:
    state = SimulatedState(NOW, algorithm=algorithm)
    signer = state.issue_signer(NOW)
    files = signed(
        GROUPS, signer, hash_name=algorithm.hash, lds_version=lds_version, by_key_id=by_key_id, signing_time=NOW
    )
    found = verify(files, store_of(state))
    assert others_pass(found, "revocation")
    assert found.bound == set(GROUPS)
    assert found.signing_time == NOW


@pytest.mark.parametrize("by_key_id", [False, True])
def test_signer_from_the_store_where_none_is_embedded(by_key_id: bool) -> None:
    files = signed(GROUPS, SIGNER, embedded=False, by_key_id=by_key_id)
    with_signer = replace(STORE, document_signers=(parse_certificate(SIGNER.certificate),))
    assert others_pass(verify(files, with_signer))
    found = verify(files)
    assert outcome(found, "sod_signature") == (UNDETERMINED, (Reason.SIGNER_MISSING,), "")
    assert outcome(found, "chain")[0] is NOT_PERFORMED
    assert found.bound == frozenset()


def test_embedded_certificate_of_somebody_else_is_not_replaced_from_the_store() -> None:
    content, other = write_security_object(group_hashes(GROUPS, "sha256"), "sha256"), STATE.issue_signer(NOW)
    data = write_signed_data(LDS_SECURITY_OBJECT, content, SIGNER, certificates=[other.certificate])
    files = dict(FILES) | {"sod": element(SOD_TAG, data)}
    found = verify(files, replace(STORE, document_signers=(parse_certificate(SIGNER.certificate),)))
    assert outcome(found, "sod_signature") == (FAIL, (Reason.SIGNER_MISSING,), "")


@pytest.mark.parametrize("name", GROUPS)
def test_changed_data_group(name: str) -> None:
    content = bytearray(FILES[name])
    content[-1] ^= 1
    found = verify(dict(FILES) | {name: bytes(content)})
    assert outcome(found, "dg_hashes") == (FAIL, (Reason.DG_HASH_DIFFERS,), name)
    assert found.bound == set(GROUPS) - {name} if name != "dg1" else name not in found.bound


def test_group_that_nobody_signed() -> None:
    found = verify(dict(FILES) | {"dg15": element(0x6F, b"x")})
    assert outcome(found, "dg_hashes") == (FAIL, (Reason.DG_NOT_SIGNED,), "dg15")
    assert "dg15" not in found.bound
    found = verify(dict(FILES) | {"dg15": b"", "dg2": b""})
    assert outcome(found, "dg_hashes") == (FAIL, (Reason.DG_HASH_DIFFERS, Reason.DG_NOT_SIGNED), "dg2,dg15")


def test_groups_that_were_not_read() -> None:
    without = {name: data for name, data in FILES.items() if name != "dg14"}
    assert others_pass(verify(without))
    for missing in (("dg1",), ("dg2",), ("dg1", "dg2")):
        found = verify({name: data for name, data in FILES.items() if name not in missing})
        assert outcome(found, "dg_hashes") == (UNDETERMINED, (Reason.DG_MISSING,), ",".join(missing))
    found = verify({"sod": FILES["sod"]})
    assert outcome(found, "dg_hashes")[0] is NOT_PERFORMED
    assert [outcome(found, check)[0] for check in ("sod_signature", "chain", "validity", "revocation")] == [PASS] * 4
    assert [outcome(found, check)[0] for check in ("issuer_state", "ef_com")] == [NOT_PERFORMED] * 2


def test_nothing_read_and_no_security_object() -> None:
    assert [finding.result for finding in verify({}).findings] == [NOT_PERFORMED] * 7
    assert [finding.result for finding in verify({"card_access": b"1"}).findings] == [NOT_PERFORMED] * 7
    for name in ("com", "dg1"):
        found = verify({name: FILES[name]})
        assert outcome(found, "sod_signature") == (FAIL, (Reason.SOD_MISSING,), "")
        assert {finding.result for finding in found.findings[1:]} == {NOT_PERFORMED}


def test_security_object_of_another_document() -> None:
    other = signed(data_groups((UTOPIAN[0].replace("ANNA", "HANS"), UTOPIAN[1])), SIGNER)
    found = verify(dict(FILES) | {"sod": other["sod"]})
    assert outcome(found, "dg_hashes") == (FAIL, (Reason.DG_HASH_DIFFERS,), "dg1")
    assert "dg1" not in found.bound


def test_content_changed_under_an_old_signature() -> None:
    hashes = group_hashes(GROUPS, "sha256")
    forged = FILES["sod"].replace(hashes[2], bytes(32))
    found = verify(dict(FILES) | {"sod": forged})
    assert outcome(found, "sod_signature") == (FAIL, (Reason.SOD_SIGNATURE_INVALID,), "message_digest")
    assert found.bound == frozenset()


def test_signed_by_another_key() -> None:
    thief = Authority(SIGNER.certificate, generate_key(SIGNER.key.algorithm))
    found = verify(signed(GROUPS, thief))
    assert outcome(found, "sod_signature") == (FAIL, (Reason.SOD_SIGNATURE_INVALID,), "signature")
    assert others_pass(found, "sod_signature")
    assert found.bound == frozenset()


def test_no_trust_store() -> None:
    found = verify(store=EMPTY)
    assert outcome(found, "sod_signature")[0] is PASS
    assert outcome(found, "chain") == (UNDETERMINED, (Reason.TRUST_STORE_MISSING,), "")
    assert outcome(found, "validity") == (UNDETERMINED, (Reason.TRUST_STORE_MISSING,), "csca")
    assert outcome(found, "dg_hashes")[0] is PASS
    assert found.bound == frozenset()


def test_unknown_issuer() -> None:
    found = verify(store=store_of(SimulatedState(NOW, "FR", "FRA")))
    assert outcome(found, "chain") == (FAIL, (Reason.SIGNER_UNKNOWN,), "")
    assert outcome(found, "revocation")[0] is NOT_PERFORMED
    assert found.bound == frozenset()


def test_issuer_of_the_same_name_with_another_key() -> None:
    """A forger's CSCA that calls itself as the true one does."""
    found = verify(store=store_of(SimulatedState(NOW)))
    assert outcome(found, "chain") == (FAIL, (Reason.SIGNER_CHAIN_BROKEN,), "")
    forger = SimulatedState(NOW)
    found = verify(signed(GROUPS, forger.issue_signer(NOW)))
    assert outcome(found, "chain") == (FAIL, (Reason.SIGNER_CHAIN_BROKEN,), "")
    assert found.bound == frozenset()


def test_issuer_among_its_namesakes_is_found() -> None:
    """All mock issuers have one name, and some states reuse theirs."""
    for states in ((STATE, SimulatedState(NOW)), (SimulatedState(NOW), STATE)):
        bare = signed(GROUPS, signer_with())  # without key identifiers: by name alone
        found = verify(bare, store_of(*states, crls=[CRL]))
        assert others_pass(found)
        assert found.csca is not None and found.csca.der == STATE.csca.certificate


def test_self_signed_signer_and_csca_as_signer() -> None:
    key = generate_key(Algorithm("secp256r1"))
    usage = extension("key_usage", {"digital_signature"})
    valid = (NOW, NOW + timedelta(days=900))
    alone = Authority(profile.write_certificate(STATE.csca.name, key, None, 7, valid, [usage]), key)
    for signer in (alone, STATE.csca):
        found = verify(signed(GROUPS, signer))
        assert outcome(found, "chain") == (FAIL, (Reason.SIGNER_NOT_FOR_DOCUMENTS,), "ca")
        assert found.bound == frozenset()


@pytest.mark.parametrize(
    ("extensions", "detail"),
    [
        ([extension("key_usage", {"key_agreement"})], "key_usage"),
        ([extension("basic_constraints", {"ca": True})], "ca"),
        ([extension("extended_key_usage", ["2.23.136.1.1.3"])], "extended_key_usage"),
        ([extension("extended_key_usage", ["2.23.136.1.1.3"], critical=False)], "extended_key_usage"),
        ([extension("1.2.3.4", core.ParsableOctetString(b"\x05\x00"))], "critical_extension"),
        (
            [extension("2.23.136.1.1.6.2", core.ParsableOctetString(bytes.fromhex("3009020100" + "310413024944")))],
            "document_type",
        ),
    ],
)
def test_certificate_that_is_not_for_documents(extensions: Sequence[x509.Extension], detail: str) -> None:
    found = verify(signed(GROUPS, signer_with(*extensions)))
    assert outcome(found, "chain") == (FAIL, (Reason.SIGNER_NOT_FOR_DOCUMENTS,), detail)
    assert found.bound == frozenset()


@pytest.mark.parametrize("types", [("P",), ("PM", "P"), ("I", "P")])
def test_document_type_of_the_zone_is_listed(types: tuple[str, ...]) -> None:
    assert others_pass(verify(signed(GROUPS, STATE.issue_signer(NOW, document_types=types))))


def test_published_certificates_without_extensions_sign() -> None:
    """The specimen's signer and all mock issuers' have no key usage."""
    assert others_pass(verify(signed(GROUPS, signer_with())))


@pytest.mark.parametrize(
    ("usage", "constraints", "accepted"),
    [
        ({"key_cert_sign"}, {"ca": True}, True),
        ({"key_cert_sign"}, None, True),
        (None, {"ca": True}, True),
        ({"key_cert_sign"}, {"ca": False}, False),
        ({"crl_sign"}, {"ca": True}, False),
        (None, None, False),
    ],
)
def test_csca_must_be_allowed_to_issue(
    usage: set[str] | None, constraints: dict[str, bool] | None, accepted: bool
) -> None:
    state = SimulatedState(NOW)
    extensions = [extension("key_usage", usage)] if usage else []
    extensions += [extension("basic_constraints", constraints)] if constraints else []
    valid = (NOW, NOW + timedelta(days=900))
    certificate = profile.write_certificate(state.csca.name, state.csca.key, None, 1, valid, extensions)
    state.csca = Authority(certificate, state.csca.key)
    found = verify(signed(GROUPS, state.issue_signer(NOW)), TrustStore((TrustAnchor(parse_certificate(certificate)),)))
    expected = (PASS, (), "") if accepted else (FAIL, (Reason.SIGNER_CHAIN_BROKEN,), "csca_usage")
    assert outcome(found, "chain") == expected
    assert bool(found.bound) is accepted


def test_validity_of_the_signer() -> None:
    signer = STATE.issue_signer(NOW, valid=(NOW, NOW + 2 * LATER))
    files = signed(GROUPS, signer, signing_time=NOW)
    for at, expected in (
        (NOW, ()),
        (NOW + 2 * LATER, ()),
        (NOW + 2 * LATER + timedelta(seconds=1), (Reason.SIGNER_EXPIRED,)),
        (NOW - timedelta(seconds=1), (Reason.SIGNER_NOT_YET_VALID,)),
    ):
        found = verify(files, at=at)
        assert outcome(found, "validity")[:2] == (FAIL if expected else PASS, expected)
        assert bool(found.bound) is not bool(expected)


def test_validity_of_the_csca() -> None:
    csca = parse_certificate(STATE.csca.certificate)
    long = (csca.not_before - LATER, csca.not_after + 3 * LATER)
    files = signed(GROUPS, STATE.issue_signer(NOW, valid=long))
    assert outcome(verify(files, at=csca.not_after + LATER), "validity")[1] == (Reason.CSCA_EXPIRED,)
    assert outcome(verify(files, at=csca.not_before - LATER), "validity")[1] == (Reason.CSCA_NOT_YET_VALID,)
    both = verify(files, at=csca.not_after + 4 * LATER)
    assert outcome(both, "validity")[:2] == (FAIL, (Reason.SIGNER_EXPIRED, Reason.CSCA_EXPIRED))


def test_signing_time_is_reported_only() -> None:
    """Whoever signs with an expired signer could state any time."""
    signer = STATE.issue_signer(NOW, valid=(NOW - 3 * LATER, NOW - LATER))
    found = verify(signed(GROUPS, signer, signing_time=NOW - 2 * LATER))
    assert found.signing_time == NOW - 2 * LATER
    assert outcome(found, "validity") == (FAIL, (Reason.SIGNER_EXPIRED,), "")


def test_revocation() -> None:
    state = SimulatedState(NOW)
    signer, other = state.issue_signer(NOW), state.issue_signer(NOW)
    state.revoke(other, NOW)
    files = signed(GROUPS, signer)
    assert outcome(verify(files, store_of(state)), "revocation") == (UNDETERMINED, (Reason.CRL_MISSING,), "")
    good = store_of(state, crls=[(state.write_crl(NOW), state.csca)])
    assert outcome(verify(files, good), "revocation")[0] is PASS
    stale = store_of(state, crls=[(state.write_crl(NOW - 10 * LATER, NOW - 5 * LATER), state.csca)])
    assert outcome(verify(files, stale), "revocation") == (UNDETERMINED, (Reason.CRL_STALE,), "")
    state.revoke(signer, NOW)
    revoked = store_of(state, crls=[(state.write_crl(NOW), state.csca)])
    found = verify(files, revoked)
    assert outcome(found, "revocation") == (FAIL, (Reason.SIGNER_REVOKED,), "")
    assert others_pass(found, "revocation")
    assert found.bound == frozenset()


def test_revoked_csca() -> None:
    state = SimulatedState(NOW)
    files = signed(GROUPS, state.issue_signer(NOW))
    state.revoke(state.csca, NOW)
    found = verify(files, store_of(state, crls=[(state.write_crl(NOW), state.csca)]))
    assert outcome(found, "revocation") == (FAIL, (Reason.CSCA_REVOKED,), "")
    assert found.bound == frozenset()


def test_a_required_revocation_list_binds_nothing_while_it_is_missing() -> None:
    store = store_of(STATE)
    assert verify(store=store).bound == set(GROUPS)
    assert verify(store=store, crl_required=True).bound == frozenset()
    assert verify(crl_required=True).bound == set(GROUPS)


def test_link_certificate() -> None:
    """A store that knows the new CSCA by its link certificate alone, and one that knows both."""
    state = SimulatedState(NOW)
    link = state.roll_over(NOW)
    files = signed(GROUPS, state.issue_signer(NOW))
    old = TrustAnchor(parse_certificate(state.history[0].certificate))
    by_link = TrustStore((old, TrustAnchor(parse_certificate(link))))
    assert others_pass(verify(files, by_link), "revocation")
    assert others_pass(verify(files, store_of(state)), "revocation")
    assert outcome(verify(files, TrustStore((old,))), "chain")[1] in (
        (Reason.SIGNER_UNKNOWN,),
        (Reason.SIGNER_CHAIN_BROKEN,),
    )


def test_expired_link_certificate_beside_a_valid_csca() -> None:
    state = SimulatedState(NOW)
    key, name = state.csca.key, state.csca.name
    used = (NOW, NOW + LATER)
    extensions = profile.ca_extensions(key, key.key_id(), state.code, used)
    brief = parse_certificate(profile.write_certificate(name, key, None, 9, (NOW - 9 * LATER, NOW - LATER), extensions))
    own = parse_certificate(state.csca.certificate)
    files = signed(GROUPS, state.issue_signer(NOW))
    for order in ((brief, own), (own, brief)):
        found = verify(files, TrustStore(tuple(TrustAnchor(each) for each in order)))
        assert others_pass(found, "revocation")
    assert outcome(verify(files, TrustStore((TrustAnchor(brief),))), "validity")[1] == (Reason.CSCA_EXPIRED,)


def test_issuer_state() -> None:
    found = verify(signed(data_groups(FRENCH), SIGNER))
    assert outcome(found, "issuer_state") == (FAIL, (Reason.ISSUER_STATE_DIFFERS,), "signer,csca")
    assert others_pass(found, "issuer_state")
    assert found.bound == frozenset()
    found = verify(signed(GROUPS, signer_with(country="FR")))
    assert outcome(found, "issuer_state") == (FAIL, (Reason.ISSUER_STATE_DIFFERS,), "signer")
    without = {name: data for name, data in signed(GROUPS, signer_with(country="FR")).items() if name != "dg1"}
    assert outcome(verify(without), "issuer_state") == (FAIL, (Reason.ISSUER_STATE_DIFFERS,), "csca")


def test_german_zone_says_d() -> None:
    state = SimulatedState(NOW, "DE", "D")
    lines = (UTOPIAN[0].replace("UTO", "D<<"), UTOPIAN[1].replace("UTO", "D<<"))
    assert others_pass(verify(signed(data_groups(lines), state.issue_signer(NOW)), store_of(state)), "revocation")


def test_state_that_is_not_known() -> None:
    lines = (UTOPIAN[0].replace("UTO", "QQQ"), UTOPIAN[1])
    found = verify(signed(data_groups(lines), SIGNER))
    assert outcome(found, "issuer_state") == (UNDETERMINED, (Reason.ISSUER_STATE_DIFFERS,), "dg1")


def test_malformed_dg1_that_is_signed() -> None:
    found = verify(signed(dict(GROUPS) | {"dg1": b"\x61\x01\x00"}, SIGNER))
    assert outcome(found, "issuer_state") == (FAIL, (Reason.DG_MALFORMED,), "dg1")
    assert found.bound == frozenset()


def test_ef_com() -> None:
    for com, expected in (
        (write_ef_com([1, 2]), (FAIL, (Reason.EF_COM_DIFFERS,), "data_groups")),
        (write_ef_com([1, 2, 3, 14]), (FAIL, (Reason.EF_COM_DIFFERS,), "data_groups")),
        (b"\x60\x00", (FAIL, (Reason.DG_MALFORMED,), "com")),
        (write_ef_com([2, 14, 1]), (PASS, (), "")),
    ):
        assert outcome(verify(dict(FILES) | {"com": com}), "ef_com") == expected
    files = signed(GROUPS, SIGNER, lds_version="0108") | {"com": FILES["com"]}
    assert outcome(verify(files), "ef_com") == (FAIL, (Reason.EF_COM_DIFFERS,), "version")
    without = {name: data for name, data in FILES.items() if name != "com"}
    assert outcome(verify(without), "ef_com")[0] is NOT_PERFORMED
    assert others_pass(verify(without), "ef_com")


def test_known_defects() -> None:
    signer = parse_certificate(SIGNER.certificate)
    base = Defect("sod_signature_wrong", "UT", issuer=signer.issuer, serial=signer.serial)
    for defect, expected in (
        (base, (UNDETERMINED, (Reason.DEFECT_KNOWN,), "sod_signature_wrong")),
        (replace(base, kind="9.9.9"), (UNDETERMINED, (Reason.DEFECT_KNOWN,), "9.9.9")),
        (replace(base, kind="csca_encoding"), (PASS, (), "")),
        (replace(base, document_numbers=frozenset({"L898902C3"})), (UNDETERMINED, (Reason.DEFECT_KNOWN,), base.kind)),
        (replace(base, document_numbers=frozenset({"L898902C4"})), (PASS, (), "")),
        (replace(base, serial=signer.serial + 1), (PASS, (), "")),
        (
            replace(base, kind=CERTIFICATE_REVOKED, document_type="P"),
            (UNDETERMINED, (Reason.DEFECT_KNOWN,), CERTIFICATE_REVOKED),
        ),
        (replace(base, kind=CERTIFICATE_REVOKED, document_type="I"), (PASS, (), "")),
    ):
        found = verify(store=replace(STORE, defects=(defect,)))
        assert outcome(found, "chain") == expected
        assert bool(found.bound) is (expected[0] is PASS)
    revoked = replace(STORE, defects=(replace(base, kind="certificate_revoked"),))
    assert outcome(verify(store=revoked), "revocation") == (FAIL, (Reason.SIGNER_REVOKED,), "")


def test_long_document_number_of_a_card_is_found_in_a_defect_list() -> None:
    """Doc 9303-5, 4.2.4: a TD1 number of more than nine characters ends in the optional data, before its check digit."""
    text = "I<UTOD23145890<7349<<<<<<<<<<<" + "3407127M9507122UTO<<<<<<<<<<<2" + "STEVENSON<<PETER<JOHN<<<<<<<<<"
    signer = parse_certificate(SIGNER.certificate)
    files = signed(dict(GROUPS) | {"dg1": write_dg1([text])}, SIGNER)
    numbers = frozenset({"D23145890734"})
    listed = Defect("sod_invalid", "UT", issuer=signer.issuer, serial=signer.serial, document_numbers=numbers)
    assert outcome(verify(files, replace(STORE, defects=(listed,))), "chain")[1] == (Reason.DEFECT_KNOWN,)


def test_card_security() -> None:
    """EF.CardSecurity counts only if a trusted signer signed it."""
    infos = write_security_infos([])
    good = write_card_security(infos, SIGNER)
    assert verify_signed_file(good, STORE, AT, country="UT") is not None
    assert verify_signed_file(good, STORE, AT, country="FR") is None
    assert verify_signed_file(good, STORE, AT, country="") is None
    assert verify_signed_file(good, EMPTY, AT, country="UT") is None
    assert verify_signed_file(good, store_of(SimulatedState(NOW)), AT, country="UT") is None
    assert verify_signed_file(good, store_of(STATE), AT, country="UT", crl_required=True) is None
    assert verify_signed_file(good, STORE, AT + timedelta(days=9999), country="UT") is None
    thief = Authority(SIGNER.certificate, generate_key(SIGNER.key.algorithm))
    assert verify_signed_file(write_card_security(infos, thief), STORE, AT, country="UT") is None
    assert verify_signed_file(write_card_security(infos, signer_with(country="FR")), STORE, AT, country="UT") is None
    assert verify_signed_file(write_sod(group_hashes(GROUPS, "sha256"), SIGNER)[4:], STORE, AT, country="UT") is None
    assert verify_signed_file(b"", STORE, AT, country="UT") is None


def test_nothing_of_the_document_is_shown() -> None:
    shown = repr(verify())
    assert "ERIKSSON" not in shown and "L898902C" not in shown
    assert FILES["sod"].hex()[:40] not in shown


@given(st.dictionaries(st.sampled_from(["sod", "com", "dg1", "dg2", "dg14", "card_access"]), st.binary(max_size=60)))
def test_any_files_end_in_findings(files: dict[str, bytes]) -> None:
    for candidate in (files, dict(FILES) | files):
        found = verify(candidate)
        if candidate != FILES:
            assert {name for name in found.bound if candidate[name] != FILES.get(name)} == set()


@given(st.integers(0), st.binary(max_size=4), st.integers(0, 4))
def test_any_change_of_the_security_object_ends_in_findings(position: int, octets: bytes, removed: int) -> None:
    start = position % len(FILES["sod"])
    changed = FILES["sod"][:start] + octets + FILES["sod"][start + removed :]
    found = verify(dict(FILES) | {"sod": changed})
    if found.bound:
        assert parse_sod(changed).hashes == parse_sod(FILES["sod"]).hashes
