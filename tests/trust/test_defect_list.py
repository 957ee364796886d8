"""Defect lists (TR-03129-2) and deviation lists (Doc 9303-12, 10): every way to name signer and documents, and what is malformed."""

from __future__ import annotations

import pytest
from asn1crypto import core
from asn1crypto import x509 as asn1_x509
from hypothesis import given
from hypothesis import strategies as st

from egate.document.pki.defect import COM, SOD
from egate.document.pki.defect_list import parse_defects, parse_deviations
from egate.errors import DocumentError
from tests.trust.authority import core_oid, csca, defect_list_content, issue, sequence, set_of, tagged

SIGNER = issue(csca())
ONE = SIGNER.parsed
INSIDE = asn1_x509.Certificate.load(SIGNER.der)["tbs_certificate"]
ISSUER, SERIAL = INSIDE["issuer"].dump(), INSIDE["serial_number"].dump()
BSI, ICAO = "0.4.0.127.0.7.3.1.5.", "2.23.136.1.1.7."
SHA256 = core_oid("2.16.840.1.101.3.4.2.1")
ZERO = core.Integer(0).dump()


def printable(text: str) -> bytes:
    return bytes(core.PrintableString(text).dump())


def number(value: int) -> bytes:
    return bytes(core.Integer(value).dump())


def deviations(documents: bytes, *descriptions: bytes, digest: bytes = b"") -> bytes:
    return sequence(ZERO, digest, set_of(sequence(documents, set_of(*descriptions))))


def test_a_defect_names_its_signer_by_issuer_and_serial() -> None:
    found = parse_defects(defect_list_content(SIGNER, f"{BSI}1.1", f"{BSI}2.2"), "XA")
    assert {defect.kind for defect in found} == {"certificate_revoked", "sod_invalid"}
    assert all(defect.names(ONE) and defect.concerns(None) and defect.publisher == "XA" for defect in found)
    assert [defect.revokes for defect in found if defect.kind == "certificate_revoked"] == [True]
    assert not any(defect.names(issue(csca()).parsed) for defect in found)


def test_a_defect_names_its_signer_by_key_and_hash() -> None:
    hashed = tagged(0x04, bytes.fromhex(ONE.sha256))
    known = sequence(core_oid(f"{BSI}2.1"), set_of(number(1), number(2), number(SOD)))
    content = sequence(ZERO, SHA256, set_of(sequence(tagged(0x80, ONE.subject_key_id or b""), hashed, set_of(known))))
    (defect,) = parse_defects(content, "XA")
    assert (defect.kind, defect.data_groups) == ("dg_malformed", frozenset((1, 2, SOD)))
    assert defect.names(ONE)
    assert not defect.names(issue(csca()).parsed)


def test_an_unknown_type_is_a_defect_all_the_same() -> None:
    (defect,) = parse_defects(defect_list_content(SIGNER, "1.2.3.4"), "XA")
    assert defect.kind == "1.2.3.4" and defect.names(ONE) and not defect.revokes


def test_deviations_of_single_documents() -> None:
    """As the Italian list of 2018: a type, a period and numbers, no signer."""
    period = tagged(0xA4, tagged(0x18, b"20171001000000Z"), tagged(0x18, b"20180205235959.999Z"))
    numbers = tagged(0xA5, printable("CA00000AL"), printable("CA00001AL"))
    described = sequence(printable("HASH OF DG12"), core_oid(f"{ICAO}2.2"), tagged(0xA0, number(12)))
    (defect,) = parse_deviations(deviations(sequence(tagged(0x80, b"C<"), period, numbers), described), "XA")
    assert (defect.kind, defect.data_groups, defect.document_type) == ("dg_hash_wrong", frozenset((12,)), "C<")
    assert defect.document_numbers == frozenset(("CA00000AL", "CA00001AL"))
    assert defect.issued_from and defect.issued_until
    assert (defect.issued_from.year, defect.issued_until.year) == (2017, 2018)
    assert defect.names(ONE) and not defect.concerns(None)


@pytest.mark.parametrize("explicit", [False, True])
def test_deviations_of_a_signer(explicit: bool) -> None:
    described = sequence(core_oid(f"{ICAO}2.4"))
    pair = sequence(ISSUER, SERIAL) if explicit else ISSUER + SERIAL
    (by_serial,) = parse_deviations(deviations(sequence(tagged(0xA1, pair)), described), "XA")
    key = ONE.subject_key_id or b""
    named = tagged(0xA2, tagged(0x04, key)) if explicit else tagged(0x82, key)
    (by_key,) = parse_deviations(deviations(sequence(named), described), "XA")
    digest = sequence(SHA256)
    hashed = sequence(tagged(0x83, bytes.fromhex(ONE.sha256)))
    (by_hash,) = parse_deviations(deviations(hashed, described, digest=digest), "XA")
    for defect in (by_serial, by_key, by_hash):
        assert defect.kind == "com_inconsistent"
        assert defect.names(ONE) and defect.concerns(None)
        assert not defect.names(issue(csca("XB"), country="XB").parsed)


def test_com_and_sod_have_numbers_too() -> None:
    described = sequence(core_oid(f"{ICAO}2.1"), tagged(0xA0, number(COM)))
    (defect,) = parse_deviations(deviations(sequence(tagged(0x82, b"\x01")), described), "XA")
    assert defect.data_groups == frozenset((COM,))


MALFORMED = [
    b"",
    sequence(),
    defect_list_content(SIGNER, f"{BSI}1.1", version=1),
    sequence(ZERO, core_oid("1.2.3"), set_of()),
    sequence(ZERO, SHA256, set_of(sequence(tagged(0x82, b"\x01"), set_of()))),
    sequence(ZERO, SHA256, set_of(sequence(sequence(ISSUER), set_of()))),
    sequence(ZERO, SHA256, set_of(sequence(tagged(0x80, b"\x01"), set_of(sequence())))),
    defect_list_content(SIGNER, f"{BSI}1.1") + b"\x00",
]


@pytest.mark.parametrize("content", MALFORMED)
def test_malformed_defect_lists(content: bytes) -> None:
    with pytest.raises(DocumentError):
        parse_defects(content, "XA")


@pytest.mark.parametrize(
    "content",
    [
        deviations(sequence(tagged(0x86, b"\x01")), sequence(core_oid(f"{ICAO}1"))),  # a criterion nobody knows
        deviations(sequence(tagged(0x83, b"\x01")), sequence(core_oid(f"{ICAO}1"))),  # a hash without its algorithm
        deviations(sequence(printable("P")), sequence(core_oid(f"{ICAO}1"))),
        deviations(sequence(), sequence()),
        deviations(sequence(tagged(0xA4, tagged(0x18, b"20171001000000Z"))), sequence(core_oid(f"{ICAO}1"))),
        deviations(sequence(tagged(0x80, b"\xff")), sequence(core_oid(f"{ICAO}1"))),
    ],
)
def test_malformed_deviation_lists(content: bytes) -> None:
    with pytest.raises(DocumentError):
        parse_deviations(content, "XA")


def test_a_list_of_all_documents_of_a_state() -> None:
    (defect,) = parse_deviations(deviations(sequence(), sequence(core_oid(f"{ICAO}4"))), "XA")
    assert defect.names(ONE) and defect.concerns(None)
    assert not defect.names(issue(csca("XB"), country="XB").parsed)


def test_many_document_numbers_are_read_and_counted() -> None:
    numbers = tagged(0xA5, *(printable(f"CA{index:05}AL") for index in range(20_000)))
    (defect,) = parse_deviations(deviations(sequence(numbers), sequence(core_oid(f"{ICAO}2.2"))), "XA")
    assert defect.document_numbers is not None and len(defect.document_numbers) == 20_000


VALID = defect_list_content(SIGNER, f"{BSI}1.1")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_document_error(data: bytes) -> None:
    for parse in (parse_defects, parse_deviations):
        with pytest.raises(DocumentError):
            parse(data, "XA")


@given(st.integers(0, len(VALID) - 1), st.binary(max_size=6), st.integers(0, 6))
def test_any_change_is_parsed_or_a_document_error(start: int, patch: bytes, cut: int) -> None:
    for parse in (parse_defects, parse_deviations):
        try:
            parse(VALID[:start] + patch + VALID[start + cut :], "XA")
        except DocumentError:
            pass
