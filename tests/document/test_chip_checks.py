"""Summaries of the chip's findings: a proof counts for a signed key only, nothing is opened by less than announced, and what
could not be judged is not called genuine.

Each case changes one thing of a document that passes; the first test shows that it does.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from egate.document.chip.security_info import ChipAuthenticationKey, PaceInfo, parse_card_access, parse_dg14
from egate.document.chip.security_info_writer import write_dg14, write_security_infos
from egate.document.chip.security_protocol import CHIP_AUTHENTICATION_KEY, PACE, oid_of
from egate.document.chip_checks import Rules, Trust, verify_chip
from egate.document.passive_authentication import verify_signed_file
from egate.domain.chip import (
    AccessProtocol,
    ActiveAuthentication,
    ChipAuthentication,
    ChipAuthenticationProtocol,
    ChipRead,
)
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.inspection import Finding, InspectionCheck
from egate.domain.reason import Reason
from hw.emrtd.protocol.active_authentication import ChipHalf
from hw.sim.issuer import IssuedDocument, Issuer, invent_holder
from hw.sim.issuer_profile import Pace, Profile
from hw.sim.pki import SimulatedState
from hw.sim.security_object_writer import write_card_security
from tests.document.signed_documents import NOW, store_of

JPEG = bytes.fromhex("ffd8ffc0000b080010001001011100ffd9")  # a frame header of 16 x 16 and nothing else
AT = NOW + timedelta(days=1)
STATE = SimulatedState(NOW - timedelta(days=30))
ISSUER = Issuer.of_state(STATE, NOW)
STORE = store_of(STATE, crls=[(STATE.write_crl(NOW), STATE.csca)])
TRUST = Trust(STORE, Rules(crl_required=True, store_age_max=timedelta(days=30)))
DOCUMENT = ISSUER.issue(invent_holder(0, NOW.date()), JPEG)


def key_of(dg14: bytes) -> bytes:
    return parse_dg14(dg14).chip_authentication_keys[0].public_key


def proof(result: CheckResult = CheckResult.PASS, key: bytes | None = None) -> ChipAuthentication:
    public_key = key_of(DOCUMENT.files["dg14"]) if key is None else key
    return ChipAuthentication(ChipAuthenticationProtocol.CHIP_AUTHENTICATION, public_key, result)


READ = ChipRead(
    present=True,
    files=DOCUMENT.files,
    access=AccessProtocol.PACE,
    chip_authentication=proof(),
    active_authentication=None,
)


def without(*names: str, read: ChipRead = READ) -> ChipRead:
    return replace(read, files={name: data for name, data in read.files.items() if name not in names})


def changed(read: ChipRead = READ, **files: bytes) -> ChipRead:
    return replace(read, files={**read.files, **files})


CLOSED = replace(READ, files={}, failures={"access": "not_supported"})
NO_SOD = without("sod", read=replace(READ, failures={"sod": "not_found"}))


def evidence(chip: ChipRead | None, check: Check, trust: Trust = TRUST) -> CheckEvidence:
    return next(item for item in verify_chip(chip, AT, trust) if item.check is check)


def finding(chip: ChipRead, check: InspectionCheck) -> Finding:
    found = [each for item in verify_chip(chip, AT, TRUST) for each in item.findings if each.check is check]
    assert len(found) == 1
    return found[0]


def test_a_genuine_chip_passes() -> None:
    assert {item.check: item.result for item in verify_chip(READ, AT, TRUST)} == {
        Check.CHIP_ACCESS: CheckResult.PASS,
        Check.PASSIVE_AUTHENTICATION: CheckResult.PASS,
        Check.CHIP_AUTHENTICATION: CheckResult.PASS,
    }


@pytest.mark.parametrize(
    ("chip", "result", "reason"),
    [
        (replace(READ, chip_authentication=proof(CheckResult.FAIL)), CheckResult.FAIL, Reason.CHIP_NOT_AUTHENTIC),
        (replace(READ, chip_authentication=proof(CheckResult.ABORTED)), CheckResult.ABORTED, Reason.CHIP_PROOF_MISSING),
        (replace(READ, chip_authentication=proof(key=b"a key of its own")), CheckResult.FAIL, Reason.CHIP_KEY_UNBOUND),
        (replace(READ, chip_authentication=proof(key=b"")), CheckResult.FAIL, Reason.CHIP_KEY_UNBOUND),
        (replace(READ, chip_authentication=None), CheckResult.FAIL, Reason.CHIP_PROOF_MISSING),
        # The clone leaves out what it cannot prove.
        (without("dg14", read=replace(READ, chip_authentication=None)), CheckResult.FAIL, Reason.CHIP_PROOF_MISSING),
        # A proof of the genuine key beside a DG14 that nobody signed binds nothing.
        (changed(dg14=write_dg14(parse_dg14(DOCUMENT.files["dg14"]).chip_authentication_keys)), CheckResult.FAIL, Reason.CHIP_KEY_UNBOUND),
    ],
)  # fmt: skip
def test_a_copied_chip_never_passes(chip: ChipRead, result: CheckResult, reason: Reason) -> None:
    found = evidence(chip, Check.CHIP_AUTHENTICATION)
    assert (found.result, reason in found.reasons) == (result, True), found


def test_a_pulled_chip_is_aborted_not_accused() -> None:
    pulled = without("dg14", read=replace(READ, chip_authentication=None, failures={"chip": "lost"}))
    assert evidence(pulled, Check.CHIP_AUTHENTICATION).result is CheckResult.ABORTED


def test_without_a_trusted_signature_no_proof_counts() -> None:
    found = evidence(READ, Check.CHIP_AUTHENTICATION, Trust())
    assert (found.result, found.reasons) == (CheckResult.UNDETERMINED, (Reason.CHIP_KEY_UNBOUND,))


def test_a_document_without_keys_proves_nothing() -> None:
    plain = ISSUER.issue(invent_holder(1, NOW.date()), JPEG, profile=Profile(chip_authentication=""))
    read = ChipRead(present=True, files=plain.files, access=AccessProtocol.PACE)
    assert evidence(read, Check.CHIP_AUTHENTICATION).result is CheckResult.NOT_PERFORMED
    assert evidence(read, Check.PASSIVE_AUTHENTICATION).result is CheckResult.PASS


MAPPED = Profile(pace=(Pace(mapping="CAM"), Pace()))


def mapped(document: IssuedDocument, other: IssuedDocument | None = None) -> ChipRead:
    """Read by PACE with chip authentication mapping and no other proof; EF.CardSecurity and the proven key are other's."""
    security = document if other is None else other
    chip = security.personalisation
    assert chip is not None and chip.mapping_key is not None
    return ChipRead(
        present=True,
        files={**document.files, **{name: security.files[name] for name in ("card_access", "card_security")}},
        access=AccessProtocol.PACE,
        chip_authentication=ChipAuthentication(
            ChipAuthenticationProtocol.PACE_CAM, chip.mapping_key.public_key, CheckResult.PASS
        ),
    )


def test_mapping_key_must_stand_in_a_signed_card_security() -> None:
    cam = ISSUER.issue(invent_holder(2, NOW.date()), JPEG, profile=MAPPED)
    read = mapped(cam)
    assert evidence(read, Check.CHIP_AUTHENTICATION).result is CheckResult.PASS
    for spoiled in (
        without("card_security", read=read),
        changed(read, card_security=cam.files["card_security"][:-1] + b"\0"),
    ):
        found = evidence(spoiled, Check.CHIP_AUTHENTICATION)
        assert (found.result, found.reasons) == (CheckResult.FAIL, (Reason.CHIP_KEY_UNBOUND,))


@pytest.mark.parametrize(
    "profile",
    [
        MAPPED,  # whose DG14 promises the very same mapping
        replace(MAPPED, chip_authentication=""),  # against Doc 9303-11, 4.4
        replace(MAPPED, chip_authentication="", active_authentication="secp256r1"),
        Profile(pace=(), bac=True),
        Profile(pace=(), bac=True, chip_authentication="", active_authentication="secp256r1"),
    ],
)
def test_another_documents_card_security_proves_nothing(profile: Profile) -> None:
    """Of the same state and the same signer: whoever got at the key of one chip must not get clones of all others."""
    victim = ISSUER.issue(invent_holder(7, NOW.date()), JPEG, profile=profile)
    opened = ISSUER.issue(invent_holder(8, NOW.date()), JPEG, profile=MAPPED)
    read = mapped(victim, opened)
    found = finding(read, InspectionCheck.CHIP_AUTHENTICATION)
    assert (found.result, found.reasons) == (CheckResult.UNDETERMINED, (Reason.CHIP_KEY_UNBOUND,))
    owed = CheckResult.FAIL if profile.active_authentication else CheckResult.UNDETERMINED
    assert evidence(read, Check.CHIP_AUTHENTICATION).result is owed


def test_card_security_must_offer_what_dg14_offers() -> None:
    """Of the document itself by its keys, but the issuer never promised a mapping."""
    cam = ISSUER.issue(invent_holder(9, NOW.date()), JPEG, profile=replace(MAPPED, pace_signed=False))
    found = finding(mapped(cam), InspectionCheck.CHIP_AUTHENTICATION)
    assert (found.result, found.detail) == (CheckResult.UNDETERMINED, "card_security")


def test_card_security_of_a_signer_for_other_documents_proves_nothing() -> None:
    cam = ISSUER.issue(invent_holder(10, NOW.date()), JPEG, profile=MAPPED)
    infos = verify_signed_file(cam.files["card_security"], STORE, AT, country="UT")
    assert infos is not None
    others = STATE.issue_signer(NOW, document_types=("AR",))
    data = write_card_security(write_security_infos(infos.infos), others)
    assert verify_signed_file(data, STORE, AT, country="UT", document_code="AR") is not None
    found = evidence(changed(mapped(cam), card_security=data), Check.CHIP_AUTHENTICATION)
    assert (found.result, found.reasons) == (CheckResult.FAIL, (Reason.CHIP_KEY_UNBOUND,))


def test_mapping_that_was_promised_is_owed() -> None:
    """The reader lacks its parameters and took another offer; a clone without the key looks the same."""
    unknown = PaceInfo(oid_of(PACE, "ECDH", "CAM", "AES128"), "ECDH", "CAM", "AES128", 2, 40)
    offers = [unknown, Pace().info]
    plain = ISSUER.issue(invent_holder(11, NOW.date()), JPEG, profile=Profile(chip_authentication=""))
    files = {**plain.files, "card_access": write_security_infos(offers), "dg14": write_dg14(offers)}
    read = ChipRead(present=True, files=ISSUER.sign(files), access=AccessProtocol.PACE)
    assert evidence(read, Check.CHIP_ACCESS).result is CheckResult.PASS
    found = evidence(read, Check.CHIP_AUTHENTICATION)
    assert (found.result, found.reasons) == (CheckResult.UNDETERMINED, (Reason.CHIP_PROOF_MISSING,))


def test_another_state_cannot_vouch_for_a_copys_own_key() -> None:
    """The copy has the files of a genuine document, and an EF.CardSecurity that a trusted neighbour's signer made for its key."""
    neighbour = SimulatedState(NOW - timedelta(days=30), "UX", "UXA")
    cam = Profile(pace=(Pace(mapping="CAM"),), chip_authentication="")
    genuine = ISSUER.issue(invent_holder(6, NOW.date()), JPEG, profile=cam)
    foreign = Issuer.of_state(neighbour, NOW).issue(invent_holder(6, NOW.date()), JPEG, profile=cam)
    lists = [(STATE.write_crl(NOW), STATE.csca), (neighbour.write_crl(NOW), neighbour.csca)]
    trust = Trust(store_of(STATE, neighbour, crls=lists), TRUST.rules)
    own = verify_signed_file(foreign.files["card_security"], trust.store, AT, country="UX")
    assert own is not None
    claim = ChipAuthentication(
        ChipAuthenticationProtocol.PACE_CAM, own.chip_authentication_keys[0].public_key, CheckResult.PASS
    )
    files = {**genuine.files, "card_security": foreign.files["card_security"]}
    read = ChipRead(present=True, files=files, access=AccessProtocol.PACE, chip_authentication=claim)
    found = evidence(read, Check.CHIP_AUTHENTICATION, trust)
    assert (found.result, found.reasons) == (CheckResult.FAIL, (Reason.CHIP_KEY_UNBOUND,))


@pytest.mark.parametrize("place", ["dg3", "dg15", "active_authentication", "chip"])
@pytest.mark.parametrize("cause", ["lost", "timeout", "torn", "card_changed"])
def test_a_session_that_broke_off_is_aborted(place: str, cause: str) -> None:
    found = evidence(replace(READ, failures={place: cause}), Check.CHIP_ACCESS)
    assert (found.result, found.reasons) == (CheckResult.ABORTED, (Reason.DOCUMENT_READ_FAILED,))
    assert found.detail == f"chip_presence:{place}_{cause}"


@pytest.mark.parametrize(
    "chip",
    [
        replace(READ, access=AccessProtocol.BAC),
        replace(READ, access=AccessProtocol.NONE),
        without("card_access", read=replace(READ, access=AccessProtocol.BAC)),
        changed(card_access=write_security_infos((Pace(suite="TDES").info,))),
        without("card_access"),
    ],
)
def test_less_than_announced_is_refused(chip: ChipRead) -> None:
    found = finding(chip, InspectionCheck.CHIP_ACCESS)
    assert (found.result, found.reasons) == (CheckResult.FAIL, (Reason.CHIP_ACCESS_DOWNGRADED,))
    assert evidence(chip, Check.CHIP_ACCESS).result is CheckResult.FAIL


def test_a_list_that_nobody_signed_announces_all_the_same() -> None:
    """An issuer that left PACE out of DG14: what EF.CardAccess offers must still have been used."""
    document = ISSUER.issue(invent_holder(3, NOW.date()), JPEG, profile=Profile(pace_signed=False))
    assert not parse_dg14(document.files["dg14"]).pace and parse_card_access(document.files["card_access"]).pace
    read = ChipRead(present=True, files=document.files, access=AccessProtocol.PACE)
    assert finding(read, InspectionCheck.CHIP_ACCESS).result is CheckResult.PASS
    assert finding(replace(read, access=AccessProtocol.BAC), InspectionCheck.CHIP_ACCESS).result is CheckResult.FAIL


@pytest.mark.parametrize(
    ("chip", "check", "result", "reason"),
    [
        (ChipRead(failures={"chip": "absent"}), Check.CHIP_ACCESS, CheckResult.UNDETERMINED, Reason.CHIP_MISSING),
        (replace(READ, files={}, failures={"access": "wrong_key"}), Check.CHIP_ACCESS, CheckResult.FAIL, Reason.CHIP_ACCESS_FAILED),
        (replace(READ, files={}, failures={"access": "timeout"}), Check.CHIP_ACCESS, CheckResult.ABORTED, Reason.DOCUMENT_READ_FAILED),
        (CLOSED, Check.CHIP_ACCESS, CheckResult.UNDETERMINED, Reason.CHIP_ACCESS_FAILED),
        (changed(card_access=b"\x31\x03\x30\x01"), Check.CHIP_ACCESS, CheckResult.FAIL, Reason.DG_MALFORMED),
        (without("sod"), Check.PASSIVE_AUTHENTICATION, CheckResult.UNDETERMINED, Reason.DOCUMENT_READ_FAILED),
        (NO_SOD, Check.PASSIVE_AUTHENTICATION, CheckResult.FAIL, Reason.SOD_MISSING),
        (changed(dg1=DOCUMENT.files["dg1"][:-1] + b"1"), Check.PASSIVE_AUTHENTICATION, CheckResult.FAIL, Reason.DG_HASH_DIFFERS),
    ],
)  # fmt: skip
def test_defects_have_their_reason(chip: ChipRead, check: Check, result: CheckResult, reason: Reason) -> None:
    found = evidence(chip, check)
    assert (found.result, reason in found.reasons) == (result, True), found


def test_source_without_a_chip_reader_performs_nothing() -> None:
    assert {item.result for item in verify_chip(None, AT, TRUST)} == {CheckResult.NOT_PERFORMED}


@pytest.mark.parametrize(("age_days", "result"), [(29, CheckResult.PASS), (31, CheckResult.UNDETERMINED)])
def test_an_old_store_vouches_for_nobody(age_days: int, result: CheckResult) -> None:
    trust = Trust(replace(STORE, updated_at=AT - timedelta(days=age_days)), TRUST.rules)
    found = evidence(READ, Check.PASSIVE_AUTHENTICATION, trust)
    assert found.result is result
    if result is CheckResult.UNDETERMINED:
        assert found.reasons == (Reason.TRUST_STORE_STALE,)


def test_a_store_of_the_future_is_a_clock_that_is_wrong() -> None:
    trust = Trust(replace(STORE, updated_at=AT + timedelta(days=400)), TRUST.rules)
    assert evidence(READ, Check.PASSIVE_AUTHENTICATION, trust).reasons == (Reason.TRUST_STORE_STALE,)


def test_missing_revocation_list_counts_only_where_one_is_demanded() -> None:
    store = store_of(STATE)
    strict = evidence(READ, Check.PASSIVE_AUTHENTICATION, Trust(store, TRUST.rules))
    assert (strict.result, strict.reasons) == (CheckResult.UNDETERMINED, (Reason.CRL_MISSING,))
    assert evidence(READ, Check.PASSIVE_AUTHENTICATION, Trust(store)).result is CheckResult.PASS


def test_closed_fingers_are_said() -> None:
    chip = replace(READ, failures={"dg3": "access_denied"})
    found = finding(chip, InspectionCheck.TERMINAL_AUTHENTICATION)
    assert (found.result, found.reasons, found.detail) == (
        CheckResult.UNDETERMINED, (Reason.FINGER_ACCESS_DENIED,), "no_chain",
    )  # fmt: skip
    assert evidence(chip, Check.CHIP_AUTHENTICATION).result is CheckResult.PASS


PNG = b"\x89PNG\r\n\x1a\n" + bytes.fromhex("0000000d49484452") + bytes.fromhex("0000001000000010")
FINGERED = ISSUER.issue(invent_holder(12, NOW.date()), JPEG, PNG, Profile(chip_authentication=""))
HIDDEN = without("dg3", read=ChipRead(present=True, files=FINGERED.files, access=AccessProtocol.PACE))


@pytest.mark.parametrize(
    "cause", ["", "not_found", "malformed", "too_long", "status_6f00", "status_6985", "access_denied"]
)
def test_fingers_that_were_signed_and_not_read_are_never_silent(cause: str) -> None:
    """cause: "" where nobody asked, as for files that a gate sent."""
    chip = replace(HIDDEN, failures={"dg3": cause} if cause else {})
    found = finding(chip, InspectionCheck.TERMINAL_AUTHENTICATION)
    denied = cause == "access_denied"
    assert found.result is CheckResult.UNDETERMINED
    assert found.reasons == ((Reason.FINGER_ACCESS_DENIED,) if denied else (Reason.DG_MISSING,))
    assert found.detail == ("no_chain" if denied else "dg3")
    # Only who was asked and had another excuse than closed fingers is refused for it.
    excused = cause in ("", "access_denied")
    hashes = finding(chip, InspectionCheck.DG_HASHES)
    assert hashes.result is (CheckResult.PASS if excused else CheckResult.UNDETERMINED)
    assert (hashes.reasons, hashes.detail) == (((), "") if excused else ((Reason.DG_MISSING,), "dg3"))
    assert evidence(chip, Check.PASSIVE_AUTHENTICATION).result is hashes.result


@pytest.mark.parametrize("name", ["dg14", "dg15"])
def test_signed_key_that_the_chip_claims_not_to_have_is_missing(name: str) -> None:
    keys = ISSUER.issue(invent_holder(13, NOW.date()), JPEG, profile=Profile(active_authentication="secp256r1"))
    chip = ChipRead(present=True, files=keys.files, access=AccessProtocol.PACE)
    hidden = without(name, read=replace(chip, failures={name: "not_found"}))
    found = finding(hidden, InspectionCheck.DG_HASHES)
    assert (found.result, found.reasons, found.detail) == (CheckResult.UNDETERMINED, (Reason.DG_MISSING,), name)


def test_group_that_no_reader_wants_may_stay_unread() -> None:
    more = ISSUER.issue(invent_holder(14, NOW.date()), JPEG, profile=Profile(), more={"dg11": b"\x6b\x00"})
    chip = without("dg11", read=ChipRead(present=True, files=more.files, access=AccessProtocol.PACE))
    assert finding(chip, InspectionCheck.DG_HASHES).result is CheckResult.PASS
    assert finding(chip, InspectionCheck.TERMINAL_AUTHENTICATION).result is CheckResult.NOT_PERFORMED


@given(
    st.dictionaries(
        st.sampled_from(["com", "sod", "dg1", "dg2", "dg14", "dg15", "card_access", "card_security"]),
        st.binary(max_size=200),
    )
)
def test_garbage_is_never_genuine(files: dict[str, bytes]) -> None:
    claim = ChipAuthentication(ChipAuthenticationProtocol.PACE_CAM, b"key", CheckResult.PASS)
    read = ChipRead(present=True, files=files, access=AccessProtocol.PACE, chip_authentication=claim)
    found = {item.check: item.result for item in verify_chip(read, AT, TRUST)}
    assert found[Check.PASSIVE_AUTHENTICATION] is not CheckResult.PASS
    assert found[Check.CHIP_AUTHENTICATION] is not CheckResult.PASS


SIGNED_KEY = ISSUER.issue(
    invent_holder(4, NOW.date()), JPEG, profile=Profile(chip_authentication="", active_authentication="secp256r1")
)
CHALLENGE = bytes(range(8))


def signed_answer(challenge: bytes = CHALLENGE) -> ActiveAuthentication:
    chip = SIGNED_KEY.personalisation
    assert chip is not None and chip.active_authentication_key is not None
    half = ChipHalf(chip.active_authentication_key, chip.active_authentication_hash, bytes)
    answer = half.internal_authenticate(challenge).data
    return ActiveAuthentication(CHALLENGE, answer)


@pytest.mark.parametrize(
    ("proof", "dropped", "result", "reasons"),
    [
        (signed_answer(), "", CheckResult.PASS, ()),
        (signed_answer(bytes(8)), "", CheckResult.FAIL, (Reason.CHIP_NOT_AUTHENTIC,)),  # yesterday's answer
        (None, "", CheckResult.FAIL, (Reason.CHIP_PROOF_MISSING,)),
        (None, "dg15", CheckResult.FAIL, (Reason.CHIP_PROOF_MISSING,)),
        (signed_answer(), "sod", CheckResult.UNDETERMINED, (Reason.CHIP_KEY_UNBOUND,)),
    ],
)
def test_active_authentication(
    proof: ActiveAuthentication | None, dropped: str, result: CheckResult, reasons: tuple[Reason, ...]
) -> None:
    chip = ChipRead(present=True, files=SIGNED_KEY.files, access=AccessProtocol.PACE, active_authentication=proof)
    found = evidence(without(dropped, read=chip), Check.CHIP_AUTHENTICATION)
    assert (found.result, found.reasons) == (result, reasons)


def test_one_proof_is_enough_but_none_may_fail() -> None:
    both = ISSUER.issue(invent_holder(5, NOW.date()), JPEG, profile=Profile(active_authentication="secp256r1"))
    claim = proof(key=key_of(both.files["dg14"]))
    chip = ChipRead(present=True, files=both.files, access=AccessProtocol.PACE, chip_authentication=claim)
    assert evidence(chip, Check.CHIP_AUTHENTICATION).result is CheckResult.PASS
    wrong = replace(chip, active_authentication=ActiveAuthentication(CHALLENGE, bytes(64)))
    assert evidence(wrong, Check.CHIP_AUTHENTICATION).reasons == (Reason.CHIP_NOT_AUTHENTIC,)


def test_signed_key_of_an_unknown_curve_is_undetermined_and_another_proof_may_stand_for_it() -> None:
    """secp256k1, which no travel document may have: the genuine chip cannot prove it to us, and a copy need not."""
    spki = ec.derive_private_key(7, ec.SECP256K1()).public_key()
    encoded = spki.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = ChipAuthenticationKey(oid_of(CHIP_AUTHENTICATION_KEY, "ECDH"), "ECDH", encoded, None)
    dg14 = write_dg14([*parse_dg14(SIGNED_KEY.files["dg14"]).infos, key])
    read = ChipRead(
        present=True,
        files=ISSUER.sign({**SIGNED_KEY.files, "dg14": dg14}),
        access=AccessProtocol.PACE,
        active_authentication=signed_answer(),
    )
    found = finding(read, InspectionCheck.CHIP_AUTHENTICATION)
    assert (found.result, found.reasons) == (CheckResult.UNDETERMINED, (Reason.ALGORITHM_UNSUPPORTED,))
    assert evidence(read, Check.CHIP_AUTHENTICATION).result is CheckResult.PASS
    copy = replace(read, active_authentication=None)
    assert evidence(copy, Check.CHIP_AUTHENTICATION).result is CheckResult.FAIL
