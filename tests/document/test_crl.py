"""Revocation lists are used whole or not at all; what they say depends on who signed them and when."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from egate.document.pki.crl import is_crl_signed_by, parse_crl
from egate.errors import DocumentError
from tests.trust.authority import DAY, NOW, core_oid, crl, csca, issue, name

ROOT = csca()
SIGNER = issue(ROOT)
LIST = crl(ROOT, [SIGNER.certificate.serial_number, 12345])


def code_of(data: bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        parse_crl(data)
    return caught.value.code


def test_a_list_says_whom_it_names_and_when() -> None:
    found = parse_crl(LIST)
    assert found.names(SIGNER.parsed.issuer, SIGNER.parsed.serial)
    assert not found.names(SIGNER.parsed.issuer, 1)
    assert not found.names(csca("XB").parsed.subject, SIGNER.parsed.serial)
    assert (found.this_update, found.next_update, found.number) == (NOW - DAY, NOW + 30 * DAY, 7)
    assert found.authority_key_id == ROOT.parsed.subject_key_id
    assert found.country == "XA"
    assert found.entry_count == 2


def test_pem_is_read_too() -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    pem = x509.load_der_x509_crl(LIST).public_bytes(Encoding.PEM)
    assert parse_crl(pem) == parse_crl(LIST)


def test_a_list_of_nobody_is_a_list() -> None:
    assert parse_crl(crl(ROOT)).entry_count == 0


def test_it_is_current_between_its_updates() -> None:
    found = parse_crl(LIST)
    assert found.is_current(NOW)
    assert not found.is_current(NOW - 2 * DAY)
    assert not found.is_current(NOW + 31 * DAY)


def test_the_signature_is_the_issuers() -> None:
    assert is_crl_signed_by(parse_crl(LIST), ROOT.parsed)
    assert not is_crl_signed_by(parse_crl(LIST), csca().parsed)  # the same name


def test_every_flipped_bit_is_refused_or_breaks_the_signature() -> None:
    for position in range(len(LIST)):
        flipped = bytearray(LIST)
        flipped[position] ^= 1 << position % 8
        try:
            assert not is_crl_signed_by(parse_crl(bytes(flipped)), ROOT.parsed)
        except DocumentError:
            pass


@pytest.mark.parametrize(
    ("certified", "listed"),
    [
        (-(1 << 62) - 5, (1 << 64) - (1 << 62) - 5),
        (-1, 255),
        (-128, 128),
        (-129, 0xFF7F),
        (0xFF7F, -129),
        (-(1 << 63), 1 << 63),
    ],
)
def test_a_serial_number_without_its_leading_zero_octet_is_the_same(certified: int, listed: int) -> None:
    """Software that writes it, or reads it, without a sign; certificates with negative ones are in use."""
    found = replace(parse_crl(crl(ROOT)), revoked={ROOT.parsed.subject: frozenset((listed,))})
    assert found.names(ROOT.parsed.subject, certified) and found.names(ROOT.parsed.subject, listed)
    assert not found.names(ROOT.parsed.subject, abs(certified) + 1)


def test_an_entry_may_name_another_issuer() -> None:
    """RFC 5280, 5.3.3: an indirect list; the entry is not the list issuer's."""
    other = x509.CertificateIssuer([x509.DirectoryName(name("XA", "former CSCA"))])
    found = parse_crl(crl(ROOT, [99], entry_extensions=[(other, True)]))
    assert not found.names(ROOT.parsed.subject, 99)
    assert found.names(csca("XA", "former CSCA").parsed.subject, 99)


@pytest.mark.parametrize(
    "extension",
    [
        x509.DeltaCRLIndicator(3),
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"),
        x509.IssuingDistributionPoint(None, None, True, False, None, False, False),
        x509.IssuingDistributionPoint(None, None, False, True, None, False, False),
        x509.IssuingDistributionPoint(
            None, None, False, False, frozenset((x509.ReasonFlags.key_compromise,)), False, False
        ),
    ],
)
def test_a_list_that_says_less_than_all_is_refused(extension: x509.ExtensionType) -> None:
    assert code_of(crl(ROOT, extensions=[(extension, True)])) == "CRL_UNSUPPORTED"


def test_a_delta_is_refused_even_where_it_is_not_critical() -> None:
    assert code_of(crl(ROOT, extensions=[(x509.DeltaCRLIndicator(3), False)])) == "CRL_UNSUPPORTED"


def test_the_algorithm_outside_is_the_signed_one() -> None:
    """RFC 5280, 5.1.1.2."""
    sha256, sha384 = core_oid("1.2.840.10045.4.3.2"), core_oid("1.2.840.10045.4.3.3")
    before, outside, after = LIST.rpartition(sha256)
    assert outside and code_of(before + sha384 + after) == "CRL_MALFORMED"


def test_where_a_list_is_published_limits_nothing() -> None:
    point = x509.IssuingDistributionPoint(
        [x509.UniformResourceIdentifier("http://x")], None, False, False, None, False, False
    )
    assert parse_crl(crl(ROOT, [5], extensions=[(point, True)])).entry_count == 1


def test_an_unknown_critical_entry_extension_is_refused() -> None:
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    assert code_of(crl(ROOT, [5], entry_extensions=[(strange, True)])) == "CRL_UNSUPPORTED"


def test_a_list_cut_short_is_malformed() -> None:
    for size in range(len(LIST)):
        assert code_of(LIST[:size]) == "CRL_MALFORMED"
    assert code_of(LIST + b"\x00") == "CRL_MALFORMED"
    assert code_of(SIGNER.der) == "CRL_MALFORMED"


@given(st.binary(max_size=300))
def test_any_bytes_are_a_document_error(data: bytes) -> None:
    with pytest.raises(DocumentError):
        parse_crl(data)


@given(st.integers(0, len(LIST) - 1), st.binary(max_size=8), st.integers(0, 8))
def test_any_change_is_a_document_error_or_unsigned(start: int, patch: bytes, cut: int) -> None:
    changed = LIST[:start] + patch + LIST[start + cut :]
    if changed == LIST:
        return
    try:
        assert not is_crl_signed_by(parse_crl(changed), ROOT.parsed)
    except DocumentError:
        pass


def test_a_long_list_is_read_in_time() -> None:
    found = parse_crl(crl(ROOT, range(1, 3001)))
    assert found.entry_count == 3000
