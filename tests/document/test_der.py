"""What must hold: any bytes either are read or refused by one error; lengths as issuers write them are read; limits hold."""

from __future__ import annotations

import pytest
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from egate.document.encoding import der
from egate.errors import DocumentError


def refused(data: bytes, tag: int = der.SEQUENCE) -> bool:
    try:
        der.read(data, tag)
    except DocumentError as error:
        return error.code == "DER_MALFORMED"
    return False


@given(st.integers(-(2**600), 2**600))
def test_integers_as_another_library_writes_them(value: int) -> None:
    assert der.integer(der.read(core.Integer(value).dump(), der.INTEGER)) == value


@given(
    st.tuples(st.integers(0, 2), st.integers(0, 39)),
    st.lists(st.integers(0, 2**40), max_size=6) | st.lists(st.integers(0, 2**128), max_size=3),
)
def test_identifiers_as_another_library_writes_them(root: tuple[int, int], arcs: list[int]) -> None:
    dotted = ".".join(str(arc) for arc in (*root, *arcs))
    assert der.oid(der.read(core.ObjectIdentifier(dotted).dump(), der.OID)) == dotted


@pytest.mark.parametrize("content", [b"", b"\x80\x01", b"\x2a\x80\x01", b"\x2a\x86", b"\x2a" + bytes(64)])
def test_malformed_identifier_is_a_malformed_element(content: bytes) -> None:
    with pytest.raises(DocumentError) as refused_with:
        der.oid(der.Element(der.OID, b"", content))
    assert refused_with.value.code == "DER_MALFORMED"


@given(st.sampled_from([der.SEQUENCE, der.OCTET_STRING, 0x77]), st.binary(max_size=70_000))
def test_encode_and_read(tag: int, value: bytes) -> None:
    element = der.read(der.encode(tag, value), tag)
    assert (element.value, element.raw) == (value, der.encode(tag, value))


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        for element in der.read_all(data):
            assert element.raw in data
            for parse in (der.integer, der.oid, der.boolean, der.bit_string, der.octets, lambda e: e.children()):
                try:
                    parse(element)
                except DocumentError as error:
                    assert error.code == "DER_MALFORMED"
    except DocumentError as error:
        assert error.code == "DER_MALFORMED"


def test_lengths_longer_than_needed_and_indefinite() -> None:
    inner = bytes.fromhex("020105")
    for encoded in ("3003020105", "308103020105", "30820003020105", "3080020105" + "0000", "308400000003020105"):
        element = der.read(bytes.fromhex(encoded), der.SEQUENCE)
        assert element.value == inner
        assert element.raw.hex() == encoded
    nested = der.read(bytes.fromhex("30803080020105" + "0000" + "0000"), der.SEQUENCE)
    assert der.inner(nested, der.SEQUENCE).value == inner


def test_octet_string_in_parts() -> None:
    assert der.octets(der.read(bytes.fromhex("24800402aabb0401cc0000"), 0x24)) == b"\xaa\xbb\xcc"
    for wrong in ("24040202aabb", "240624040402aabb"):  # another type, a part in parts
        with pytest.raises(DocumentError):
            der.octets(der.read(bytes.fromhex(wrong), 0x24))


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        "30",
        "3001",
        "30020500ff",
        "308000",
        "30850000000000",
        "1f0100",
        "0000",
        "30800201",
        "048000000000",
        "3180" * 20,
    ],
)
def test_malformed_is_refused(encoded: str) -> None:
    assert refused(bytes.fromhex(encoded))


def test_limits() -> None:
    assert refused(bytes(der.SIZE_MAX + 1))
    deep = b"\x30\x80" * (der.DEPTH_MAX + 2) + b"\x00\x00" * (der.DEPTH_MAX + 2)
    assert refused(deep)
    many = der.encode(der.SEQUENCE, b"\x05\x00" * (der.COUNT_MAX + 1))
    with pytest.raises(DocumentError):
        der.read(many, der.SEQUENCE).children()
    assert (
        len(der.read(der.encode(der.SEQUENCE, b"\x05\x00" * der.COUNT_MAX), der.SEQUENCE).children()) == der.COUNT_MAX
    )
    with pytest.raises(DocumentError):
        der.integer(der.read(der.encode(der.INTEGER, bytes(der.INTEGER_SIZE_MAX + 1)), der.INTEGER))


def test_fields_are_taken_in_order_and_to_the_end() -> None:
    element = der.read(bytes.fromhex("3006020101020102"), der.SEQUENCE)
    fields = der.Fields(element)
    assert fields.optional(der.OID) is None
    assert der.integer(fields.take(der.INTEGER)) == 1
    with pytest.raises(DocumentError):
        fields.end()
    assert der.integer(fields.take_any()) == 2
    fields.end()
    with pytest.raises(DocumentError):
        fields.take_any()
    with pytest.raises(DocumentError):
        der.Fields(der.read(bytes.fromhex("3103020101"), der.SET))
