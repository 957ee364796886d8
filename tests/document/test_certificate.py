"""What must hold: certificates as issuers publish them are read, and nothing in them is read as more than it says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from asn1crypto import core, x509
from hypothesis import given
from hypothesis import strategies as st

from egate.document.encoding import der
from egate.document.pki.certificate import Certificate, is_signed_by, parse_certificate, parse_time
from egate.document.pki.cms import parse_signed_data, verify_signed_data
from egate.document.pki.name import parse_name
from egate.errors import DocumentError
from hw.sim import pki_certificate as profile
from hw.sim.pki import SimulatedState
from hw.sim.pki_keys import Algorithm, generate_key
from tests.document.corpus import corpus_file
from tests.document.signed_documents import NOW

STATE = SimulatedState(NOW)
SIGNER = STATE.issue_signer(NOW, document_types=("P", "ID"))


def code_of(encoded: bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        parse_certificate(encoded)
    return caught.value.code


def name_of(*attributes: tuple[str, int, bytes]) -> bytes:
    """DER of a name: (identifier, tag of the string, its octets) of each attribute."""
    parts = []
    for identifier, tag, value in attributes:
        pair = core.ObjectIdentifier(identifier).dump() + der.encode(tag, value)
        parts.append(der.encode(der.SET, der.encode(der.SEQUENCE, pair)))
    return der.encode(der.SEQUENCE, b"".join(parts))


def parsed(name: bytes) -> tuple[bytes, bytes, str, str]:
    found = parse_name(der.read(name, der.SEQUENCE))
    return found.folded, found.exact, found.text, found.country


def with_part(index: int, part: bytes) -> bytes:
    """The signer's certificate with one element of its content replaced; the signature no longer holds."""
    outer = der.read(SIGNER.certificate, der.SEQUENCE).children()
    content = [child.raw for child in outer[0].children()]
    content[index] = part
    return der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, b"".join(content)) + outer[1].raw + outer[2].raw)


def with_extensions(*extensions: x509.Extension) -> Certificate:
    key = generate_key(Algorithm("secp256r1"))
    valid = (NOW, NOW.replace(year=2030))
    return parse_certificate(profile.write_certificate(profile.name("UT", "x"), key, None, 5, valid, extensions))


def test_fields_of_a_document_signer() -> None:
    found = parse_certificate(SIGNER.certificate)
    csca = parse_certificate(STATE.csca.certificate)
    assert (found.country, found.issuer_country, found.serial) == ("UT", "UT", SIGNER.serial)
    assert found.issuer == csca.subject
    assert found.authority_key_id == csca.subject_key_id
    assert (found.not_before, found.is_ca, csca.is_ca) == (NOW, False, True)
    assert found.document_types == ("P", "ID")
    assert found.extensions.key_usage == frozenset({"digital_signature"})
    assert csca.extensions.key_usage == frozenset({"key_cert_sign", "crl_sign"})
    assert is_signed_by(found, csca)
    assert not is_signed_by(csca, found)


def test_as_another_library_reads_it() -> None:
    from cryptography.x509 import load_der_x509_certificate

    for encoded in (SIGNER.certificate, STATE.csca.certificate):
        theirs, ours = load_der_x509_certificate(encoded), parse_certificate(encoded)
        assert (ours.serial, ours.not_after) == (theirs.serial_number, theirs.not_valid_after_utc)
        assert ours.tbs == theirs.tbs_certificate_bytes


def test_names_that_differ_in_form_only_are_equal() -> None:
    plain = parsed(name_of(("2.5.4.6", 0x13, b"DE"), ("2.5.4.10", 0x0C, "Bundesamt für X".encode())))
    others = (
        name_of(("2.5.4.6", 0x0C, b"de"), ("2.5.4.10", 0x0C, "BUNDESAMT  FÜR X ".encode())),
        name_of(("2.5.4.6", 0x13, b"De"), ("2.5.4.10", 0x1E, "bundesamt für x".encode("utf-16-be"))),
        name_of(("2.5.4.6", 0x16, b"DE"), ("2.5.4.10", 0x14, "Bundesamt  für X".encode("latin-1"))),
    )
    assert [parsed(each)[0] for each in others] == [plain[0]] * 3
    assert [parsed(each)[3] for each in others] == ["DE"] * 3
    assert [parsed(each)[1] == plain[1] for each in others] == [False, False, True]  # case


def test_names_that_differ_are_not_equal() -> None:
    a, b = ("2.5.4.10", 0x0C, b"A"), ("2.5.4.11", 0x0C, b"B")
    others = [
        (a,),
        (b,),
        (b, a),
        (a, a),
        (("2.5.4.10", 0x0C, b"AB"),),
        (("2.5.4.11", 0x0C, b"A"), ("2.5.4.10", 0x0C, b"B")),
    ]
    keys = [parsed(name_of(*each))[0] for each in [(a, b), *others]]
    assert len(set(keys)) == len(keys)


def test_text_of_a_name_is_printable() -> None:
    assert parsed(name_of(("2.5.4.3", 0x0C, b"a\x1b[31m\nb")))[2] == "CN=a?[31m b"


def test_negative_serial_number_and_bad_printable_string() -> None:
    assert parse_certificate(with_part(1, bytes.fromhex("0202ff38"))).serial == -200
    odd = name_of(("2.5.4.6", 0x13, b"UT"), ("2.5.4.3", 0x13, b"C@S_C*A & \xe9"))
    assert parse_certificate(with_part(3, odd)).issuer_text == "C=UT,CN=C@S_C*A & é"


def test_lengths_longer_than_needed_and_version_1() -> None:
    outer = der.read(SIGNER.certificate, der.SEQUENCE)
    size = len(outer.value)
    found = parse_certificate(b"\x30\x84" + size.to_bytes(4, "big") + outer.value)
    assert is_signed_by(found, parse_certificate(STATE.csca.certificate))
    children = outer.children()
    content = der.encode(der.SEQUENCE, b"".join(child.raw for child in children[0].children()[1:-1]))
    bare = parse_certificate(der.encode(der.SEQUENCE, content + children[1].raw + children[2].raw))
    assert (bare.subject_key_id, bare.is_ca, bare.extensions.key_usage) == (None, False, None)


@pytest.mark.parametrize(
    ("tag", "text", "expected"),
    [
        (0x17, "260701120000Z", datetime(2026, 7, 1, 12, tzinfo=UTC)),
        (0x17, "500101000000Z", datetime(1950, 1, 1, tzinfo=UTC)),
        (0x17, "491231235959Z", datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (0x17, "2607011200Z", datetime(2026, 7, 1, 12, tzinfo=UTC)),
        (0x17, "260701120000", datetime(2026, 7, 1, 12, tzinfo=UTC)),
        (0x17, "260701140000+0200", datetime(2026, 7, 1, 12, tzinfo=UTC)),
        (0x17, "20260701120000Z", datetime(2026, 7, 1, 12, tzinfo=UTC)),
        (0x18, "20260701120000Z", datetime(2026, 7, 1, 12, tzinfo=UTC)),
        (0x18, "20260701120000.123Z", datetime(2026, 7, 1, 12, tzinfo=UTC)),
        (0x18, "20260701100000-0200", datetime(2026, 7, 1, 12, tzinfo=UTC)),
    ],
)
def test_times(tag: int, text: str, expected: datetime) -> None:
    assert parse_time(der.read(der.encode(tag, text.encode()), tag)) == expected


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        (0x17, ""), (0x17, "Z"), (0x17, "26070112"), (0x17, "261301120000Z"), (0x17, "260701120060Z"), (0x17, "26070112000\u0660Z"),
        (0x17, "260701120000X"), (0x17, "260701120000.5Z"), (0x18, "00000101000000Z"), (0x18, "99991231235959-0100"),
        (0x04, "260701120000Z"),
    ],
)  # fmt: skip
def test_no_times(tag: int, text: str) -> None:
    with pytest.raises(DocumentError):
        parse_time(der.read(der.encode(tag, text.encode()), tag))


def test_signature_algorithm_outside_must_be_that_inside() -> None:
    outer = der.read(SIGNER.certificate, der.SEQUENCE).children()
    other = der.encode(der.SEQUENCE, core.ObjectIdentifier("1.2.840.10045.4.3.4").dump())
    assert code_of(der.encode(der.SEQUENCE, outer[0].raw + other + outer[2].raw)) == "CERTIFICATE_ALGORITHM"


def test_extensions() -> None:
    unknown = x509.Extension(
        {"extn_id": "1.2.3.4", "critical": True, "extn_value": core.ParsableOctetString(b"\x05\x00")}
    )
    assert with_extensions(unknown).extensions.unknown_critical == ("1.2.3.4",)
    unknown["critical"] = False
    assert with_extensions(unknown).extensions.unknown_critical == ()
    usage = x509.Extension({"extn_id": "extended_key_usage", "extn_value": ["2.23.136.1.1.3"]})
    assert with_extensions(usage).extensions.extended_key_usage == {"2.23.136.1.1.3"}
    with pytest.raises(DocumentError) as caught:
        with_extensions(unknown, unknown)
    assert caught.value.code == "CERTIFICATE_MALFORMED"


def test_key_identifier_without_its_inner_octet_string() -> None:
    """As some issuers write it."""
    assert SIGNER.certificate.count(b"\x04\x16\x04\x14") == 1
    changed = parse_certificate(SIGNER.certificate.replace(b"\x04\x16\x04\x14", b"\x04\x16\x11\x14"))
    assert changed.subject_key_id == b"\x11\x14" + SIGNER.key.key_id()


def test_limits_and_rubbish() -> None:
    assert code_of(b"") == code_of(b"\x30\x00") == code_of(SIGNER.certificate + b"\x00") == "CERTIFICATE_MALFORMED"
    assert code_of(der.encode(der.SEQUENCE, bytes(20_000))) == "CERTIFICATE_MALFORMED"


@given(st.integers(0), st.binary(min_size=1, max_size=3), st.integers(0, 3))
def test_any_change_is_read_or_refused(position: int, octets: bytes, removed: int) -> None:
    start = position % len(SIGNER.certificate)
    changed = SIGNER.certificate[:start] + octets + SIGNER.certificate[start + removed :]
    try:
        found = parse_certificate(changed)
        assert changed == SIGNER.certificate or not is_signed_by(found, parse_certificate(STATE.csca.certificate))
    except DocumentError as error:
        assert error.code.startswith(("CERTIFICATE_", "PUBLIC_KEY_", "ALGORITHM_", "DER_"))


@pytest.mark.corpus
def test_german_master_list() -> None:
    """588 certificates of 116 countries, May 2026: all load with a usable key."""
    signed = parse_signed_data(corpus_file("pki", "DE_ML_2026-05-28-08-28-45.ml").read_bytes(), "2.23.136.1.1.2")
    (signer,) = signed.embedded()
    assert verify_signed_data(signed, signer) == ""
    anchor = parse_certificate(corpus_file("pki", "DE_ROOT_CA_CSCA07.cer").read_bytes())
    issuers = [each for each in map(parse_certificate, signed.certificates) if is_signed_by(signer, each)]
    assert [each.sha256 for each in issuers] == [anchor.sha256]
    certificates = [
        parse_certificate(child.raw) for child in der.read(signed.content, der.SEQUENCE).children()[1].children()
    ]
    assert len(certificates) == 588
    assert len({each.country for each in certificates}) >= 110
    for each in certificates:
        assert each.public_key
        assert each.algorithm
    own = [each for each in certificates if each.authority_key_id in (None, each.subject_key_id) and each.self_issued]
    assert len(own) > 350
    assert all(is_signed_by(each, each) for each in own)


@pytest.mark.corpus
@pytest.mark.parametrize("name", ["dsc_de_0130846f2b3e.cer", "dsc_de_0142fd5cf927.cer"])
def test_german_document_signers(name: str) -> None:
    found = parse_certificate(corpus_file("pki", "pymrtd", name).read_bytes())
    assert (found.country, found.is_ca, found.extensions.key_usage) == ("DE", False, frozenset({"digital_signature"}))
    assert found.algorithm.scheme.value == "rsa_pss"


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("link", "old", "new"),
    [("2016-01_CSCA_LINK", "2010-12_CSCA", "2016-01_CSCA"), ("2020-10_CSCA_LINK", "2016-01_CSCA", "2020-10_CSCA")],
)
def test_indonesian_link_certificates(link: str, old: str, new: str) -> None:
    found, before, after = (
        parse_certificate(corpus_file("pki", "idn", f"{each}.cer").read_bytes()) for each in (link, old, new)
    )
    assert is_signed_by(found, before)
    assert not is_signed_by(found, after)
    assert found.public_key == after.public_key
