"""Card verifiable certificates: what is written is read, chains verify, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.document.chip.cvc import ALGORITHMS, CvCertificate, Role, parse_cv_certificate, parse_cv_content
from egate.document.chip.cvc_chain import parse_ef_cvca, trust_point, verify_certificate, write_ef_cvca
from egate.document.crypto.curves import curves
from egate.document.crypto.signature import Scheme
from egate.document.encoding.tlv import element
from egate.errors import DocumentError
from tests.document.cvc_authorities import BOTH, ECDSA_SHA256, END, START, TA, Authority, issue, three

TODAY = date(2026, 6, 1)


def code_of(certificate: CvCertificate, issuer: Authority, today: date = TODAY) -> str:
    """ "" if it verifies."""
    try:
        verify_certificate(certificate, trust_point(issuer.certificate), today)
    except DocumentError as error:
        return error.code
    return ""


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm(algorithm: str) -> None:
    holder = None
    for step, authority in enumerate(three(algorithm)):
        parsed = parse_cv_certificate(authority.certificate.encoded)
        assert parsed == authority.certificate == parse_cv_content(parsed.content)
        assert (parsed.key.public is None) == (step > 0 and ALGORITHMS[algorithm].scheme is Scheme.ECDSA_PLAIN)
        holder = trust_point(parsed) if holder is None else verify_certificate(parsed, holder, TODAY)
        assert (holder.name, holder.key, holder.rights) == (parsed.holder, authority.key.public, BOTH)


@pytest.mark.parametrize("curve", curves())
def test_domain_parameters_of_every_curve_are_inherited(curve: str) -> None:
    cvca, verifier, terminal = three(ECDSA_SHA256, curve)
    holder = verify_certificate(verifier.certificate, trust_point(cvca.certificate), TODAY)
    assert verify_certificate(terminal.certificate, holder, TODAY).key == terminal.key.public


def test_rights_only_shrink() -> None:
    cvca = issue(None, Role.CVCA, "DECVCAEGATE00001", 1)
    verifier = cvca.issue(Role.DV_FOREIGN, "FRDVEGATE00001", 2, rights=frozenset({3}))
    terminal = verifier.issue(Role.TERMINAL, "FRISEGATE00001", 3, rights=BOTH)
    holder = verify_certificate(verifier.certificate, trust_point(cvca.certificate), TODAY)
    assert verify_certificate(terminal.certificate, holder, TODAY).rights == {3}


def test_link_certificates_lead_to_the_next_key_whatever_the_date() -> None:
    old, _, _ = three()
    link = old.issue(Role.CVCA, "DECVCAEGATE00002", 9)
    late = date(2031, 1, 1)
    holder = verify_certificate(link.certificate, trust_point(old.certificate), late)
    verifier = issue(link, Role.DV_DOMESTIC, "DEDVEGATE00002", 10, expires=date(2032, 1, 1))
    assert code_of(verifier.certificate, old) == "CVC_ISSUER"
    with pytest.raises(DocumentError, match="expired"):
        verify_certificate(verifier.certificate, holder, late)  # the new key's own last day has passed as well
    assert verify_certificate(verifier.certificate, holder, TODAY).name == "DEDVEGATE00002"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ""),
        ({"authority": "DECVCAEGATE00009"}, "CVC_ISSUER"),
        ({"signer": issue(None, Role.CVCA, "DECVCAEGATE00001", 77).key}, "CVC_SIGNATURE"),
        ({"expires": date(2026, 5, 31)}, "CVC_EXPIRED"),
        ({"expires": TODAY}, ""),
        ({"effective": END}, ""),  # a chip has no clock: what starts later tells it the date
    ],
)
def test_what_a_verifier_certificate_may_say(changes: dict[str, object], expected: str) -> None:
    cvca, _, _ = three()
    assert code_of(cvca.issue(Role.DV_DOMESTIC, "DEDVEGATE00001", 2, **changes).certificate, cvca) == expected


def test_nobody_issues_what_is_not_right_below() -> None:
    cvca, verifier, terminal = three()
    assert code_of(cvca.issue(Role.TERMINAL, "DEISEGATE00001", 3).certificate, cvca) == "CVC_ROLE"
    below = verify_certificate(verifier.certificate, trust_point(cvca.certificate), TODAY)
    own = verify_certificate(terminal.certificate, below, TODAY)
    for issuer, holder, roles in (
        (verifier, below, (Role.CVCA, Role.DV_DOMESTIC, Role.DV_FOREIGN)),
        (terminal, own, tuple(Role)),
    ):
        for role in roles:
            with pytest.raises(DocumentError, match="may not"):
                verify_certificate(issuer.issue(role, "DEXXEGATE00001", 4).certificate, holder, TODAY)
    for wrong in (verifier, terminal):
        with pytest.raises(DocumentError, match="no CVCA"):
            trust_point(wrong.certificate)


def test_an_expired_trust_point_vouches_for_no_verifier() -> None:
    cvca, _, _ = three()
    verifier = cvca.issue(Role.DV_DOMESTIC, "DEDVEGATE00001", 2, expires=date(2030, 1, 1))
    assert code_of(verifier.certificate, cvca, date(2027, 1, 1)) == "CVC_EXPIRED"


def test_a_self_signed_cvca_must_have_signed_itself() -> None:
    cvca, verifier, _ = three()
    forged = replace(cvca.certificate, signature=verifier.certificate.signature)
    with pytest.raises(DocumentError) as refused:
        trust_point(forged)
    assert refused.value.code == "CVC_SIGNATURE"


def test_every_flipped_bit_is_found() -> None:
    cvca, verifier, _ = three()
    encoded = verifier.certificate.encoded
    for position in range(8 * len(encoded)):
        wrong = bytearray(encoded)
        wrong[position // 8] ^= 1 << position % 8
        with pytest.raises(DocumentError):
            verify_certificate(parse_cv_certificate(bytes(wrong)), trust_point(cvca.certificate), TODAY)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("5f290100", "5f290101", "CVC_PROFILE"),
        ("04007f00070301020153", "04007f00070301020253", "CVC_TERMINAL_TYPE"),
        ("5f2506020600010001", "5f2506020601030001", "CVC_DATE"),  # month 13
        ("5f2506020600010001", "5f250602060001000a", "CVC_DATE"),
        ("44454456454741544530303030", "64454456454741544530303030", "CVC_REFERENCE"),
        ("04007f000702020202" + "03", "04007f000702020202" + "06", "ALGORITHM_UNSUPPORTED"),
    ],
)
def test_fields_that_are_none(old: str, new: str, code: str) -> None:
    text = three()[1].certificate.encoded.hex()
    assert old in text
    with pytest.raises(DocumentError) as refused:
        parse_cv_certificate(bytes.fromhex(text.replace(old, new)))
    assert refused.value.code == code


def test_a_longer_length_is_another_encoding_and_refused() -> None:
    body, signature = three()[1].certificate.body, three()[1].certificate.signature
    longer = b"\x5f\x37\x82\x00\x40" + signature
    with pytest.raises(DocumentError) as refused:
        parse_cv_certificate(element(0x7F21, body + longer))
    assert refused.value.code == "CVC_MALFORMED"


def test_too_long_certificates_are_not_parsed() -> None:
    with pytest.raises(DocumentError) as refused:
        parse_cv_content(bytes(100_000))
    assert refused.value.code == "CVC_TOO_LONG"


def test_ef_cvca() -> None:
    names = ("DECVCAEGATE00002", "DECVCAEGATE00001")
    assert parse_ef_cvca(write_ef_cvca(names)) == names
    assert parse_ef_cvca(write_ef_cvca(names[:1])) == names[:1]
    assert len(write_ef_cvca(names[:1])) == 36
    for wrong in (b"", bytes(36), b"\x42\x10DE", b"\x43\x0eDECVCAEGATE001"):
        with pytest.raises(DocumentError):
            parse_ef_cvca(wrong)


def test_repr_shows_no_key() -> None:
    _, verifier, _ = three()
    assert verifier.certificate.signature.hex() not in repr(verifier.certificate)
    assert verifier.certificate.key.point.hex() not in repr(verifier.certificate) + repr(verifier)


CERTIFICATES = [authority.certificate.encoded for name in (ECDSA_SHA256, f"{TA}.1.4") for authority in three(name)]


@given(
    st.binary(max_size=400) | st.binary(max_size=400).map(lambda data: element(0x7F21, data)),
    st.sampled_from(CERTIFICATES),
    st.integers(0, 2**12),
    st.binary(max_size=3),
)
def test_any_bytes_are_a_certificate_or_refused(
    data: bytes, certificate: bytes, position: int, inserted: bytes
) -> None:
    at = position % len(certificate)
    for candidate in (
        data,
        certificate[:at] + inserted + certificate[at + len(inserted) :],
        certificate[:at] + inserted,
    ):
        try:
            parsed = parse_cv_certificate(candidate)
        except DocumentError:
            continue
        assert parsed.encoded == candidate
    try:
        parse_ef_cvca(data)
    except DocumentError:
        return


def test_dates_are_of_this_century() -> None:
    assert three()[1].certificate.effective == START and three()[1].certificate.expires == END
