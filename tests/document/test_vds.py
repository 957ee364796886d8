"""The form of visible digital seals: published ones give what their sources state, any other bytes a DocumentError."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.document.seal.vds import parse_vds
from egate.document.seal.vds_c40 import ALPHABET, c40_size, decode_c40, encode_c40
from egate.document.seal.vds_header import decode_date
from egate.document.seal.vds_zone import SealedZone, Stay
from egate.errors import DocumentError
from hw.sim.seal import visa_message, write_vds
from tests.document.seals import MRV_A, MRV_B, PASSPORT, SIGNER, VDS, VISA
from tests.document.signed_documents import NOW

KIND = (0x5D, 0x01)
MESSAGE = visa_message(MRV_B, Stay(90, 0, 0), PASSPORT)
HEADER_SIZE = 18


def seal(message: list[tuple[int, bytes]], kind: tuple[int, int] = KIND, **options: Any) -> bytes:
    return write_vds(SIGNER, "UTO", kind, message, NOW.date(), **options)


def refused(data: bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        parse_vds(data)
    return caught.value.code


@pytest.mark.parametrize("name", VDS)
def test_published_seals(name: str) -> None:
    vector = VDS[name]
    found = parse_vds(bytes.fromhex(vector["seal"]))
    assert found.profile is not None
    assert found.profile.name == vector["kind"]
    assert found.issuing_state == vector["state"]
    reference = found.header.reference
    assert found.header.signer + reference == vector["reference"]
    assert (None if found.zone is None else list(found.zone.lines)) == vector.get("lines")
    values = {feature.name: feature.value for feature in found.features if feature.name != "mrz"}
    for feature, value in vector.get("features", {}).items():
        assert values[feature] == (Stay(*value) if isinstance(value, list) else value)
    assert found.zone is None or found.zone.wrong_check_digits() == ()


def test_the_header_of_the_worked_example() -> None:
    """BSI TR-03137-1, annex E."""
    header = parse_vds(bytes.fromhex(VDS["bsi_e_residence_permit"]["seal"])).header
    assert (header.version, header.issued, header.signed) == (4, date(2020, 1, 1), date(2020, 1, 13))
    assert (header.definition, header.category, header.serial) == (0xFB, 0x06, 0x27)


def test_the_examples_of_the_encodings() -> None:
    """Doc 9303-13, 2.3.1 and appendix C; BSI TR-03137-1, 3.2.3."""
    assert encode_c40("VISA01") == bytes.fromhex("de515826")
    assert encode_c40("XK<CD") == bytes.fromhex("eb0466a9")
    assert encode_c40("XKCD") == bytes.fromhex("eb11fe45")
    assert encode_c40("BSI01") == bytes.fromhex("62d719c9")
    assert decode_c40(bytes.fromhex("eb11fe45")) == "XKCD"
    assert decode_date(bytes.fromhex("319ef5")) == date(1957, 3, 25)


@given(st.text(ALPHABET, max_size=60))
def test_c40_both_ways(text: str) -> None:
    assert decode_c40(encode_c40(text)) == text
    assert len(encode_c40(text)) == c40_size(len(text))


@given(st.binary(max_size=40))
def test_c40_of_any_bytes_has_one_reading(data: bytes) -> None:
    try:
        text = decode_c40(data)
    except DocumentError as error:
        assert error.code == "VDS_C40"
        return
    assert encode_c40(text) == data


@pytest.mark.parametrize("data", ["eb", "0000", "fe45eb11", "fe00", "fe30", "0001", "ffff", "fa01", "0a020a02"])
def test_c40_refused(data: str) -> None:
    with pytest.raises(DocumentError):
        decode_c40(bytes.fromhex(data))


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("lines", [MRV_A, MRV_B])
def test_visas_of_both_formats(lines: tuple[str, str], version: int) -> None:
    message = visa_message(lines, Stay(0, 3, 0), PASSPORT, entries=0)
    found = parse_vds(seal([*message, (0x42, b"national")], version=version))
    assert found.header.version == version
    assert found.zone is not None
    assert found.zone.lines == (lines[0], lines[1][:28])
    assert found.zone.matches(lines)
    assert not found.zone.matches((lines[0], lines[1].replace("1F94", "2F94")))
    assert not found.zone.matches(lines[:1])
    values = [feature.value for feature in found.features[1:]]
    assert values == [0, Stay(0, 3, 0), PASSPORT]
    assert found.unknown == (0x42,)


def test_meanings_of_the_duration_of_stay() -> None:
    """Doc 9303-7, table 1."""
    meanings = [Stay(0, 0, 0), Stay(255, 255, 255), Stay(254, 254, 254), Stay(254, 0, 0)]
    assert [stay.meaning for stay in meanings] == ["until_expiry", "set_at_border", "transit", "span"]


def test_a_long_feature_has_a_long_length() -> None:
    found = parse_vds(seal([*MESSAGE, (0x42, bytes(600))]))
    assert found.unknown == (0x42,)


def test_unknown_kinds_are_read_without_features() -> None:
    found = parse_vds(seal(MESSAGE, (0x77, 0x77)))
    assert (found.profile, found.features, found.zone) == (None, (), None)


def test_check_digits_of_zones_with_a_composite() -> None:
    td2 = SealedZone(("I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6"))
    td3 = SealedZone(("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"))
    assert td2.wrong_check_digits() == td3.wrong_check_digits() == ()
    assert SealedZone((td2.lines[0], td2.lines[1][:-1] + "7")).wrong_check_digits() == ("composite",)
    assert SealedZone((td3.lines[0], td3.lines[1].replace("<10", "<20"))).wrong_check_digits() == (
        "optional_data",
        "composite",
    )
    assert SealedZone((td3.lines[0], "L898902D36" + td3.lines[1][10:])).wrong_check_digits()[0] == "document_number"


@pytest.mark.parametrize(
    ("at", "value", "code"),
    [
        (0, 0xDD, "VDS_MAGIC"),
        (1, 0x01, "VDS_VERSION"),
        (1, 0x04, "VDS_VERSION"),
        (10, 0xFF, "VDS_DATE"),
        (13, 0xFF, "VDS_DATE"),
    ],
)
def test_headers_refused(at: int, value: int, code: str) -> None:
    assert refused(VISA[:at] + bytes([value]) + VISA[at + 1 :]) == code


@pytest.mark.parametrize(
    ("version", "reference"),
    [
        (4, "UTTS00"),
        (4, "UTTSZZ5B"),
        (4, "UTTS025G"),
        (4, "UTTS0200"),
        (4, "UT S025B"),
        (4, "1TTS025B"),
        (4, "UTTSFF"),
        (3, "UTTS00000"),
    ],
)
def test_references_refused(version: int, reference: str) -> None:
    """No hexadecimal, another length than stated, or zeros, which are for tests."""
    assert refused(VISA[:1] + bytes([version - 1]) + VISA[2:4] + encode_c40(reference) + VISA[10:]) == "VDS_SIGNER"


def test_states_refused() -> None:
    assert refused(VISA[:2] + encode_c40("U1O") + VISA[4:]) == "VDS_STATE"
    assert refused(VISA[:2] + encode_c40("   ") + VISA[4:]) == "VDS_STATE"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ([], "VDS_ZONES"),
        ([*MESSAGE, MESSAGE[0]], "VDS_FEATURE_TWICE"),
        (MESSAGE[:-1], "VDS_FEATURE_MISSING"),
        (MESSAGE[1:], "VDS_FEATURE_MISSING"),
        ([*visa_message(MRV_A, Stay(1, 0, 0), PASSPORT), MESSAGE[0]], "VDS_FEATURE_MISSING"),  # two zones
        ([MESSAGE[0], MESSAGE[1], (0x05, encode_c40("A" * 12))], "VDS_FEATURE"),
        ([MESSAGE[0], MESSAGE[1], (0x05, b"\0" * 6)], "VDS_C40"),
        ([(0x02, encode_c40("A" * 65)), *MESSAGE[1:]], "VDS_FEATURE"),
        ([*MESSAGE, (0x03, b"\1\1")], "VDS_FEATURE"),
    ],
)
def test_messages_refused(message: list[tuple[int, bytes]], code: str) -> None:
    assert refused(seal(message)) == code


def test_text_that_is_no_utf8_is_refused() -> None:
    message = [(0x01, encode_c40("65170839J003")), (0x02, b"\xff\xfe"), (0x03, b"Oscar")]
    assert refused(seal(message, (0xFC, 0x04))) == "VDS_FEATURE"


def test_zones_of_bytes() -> None:
    assert refused(VISA + b"\0") == "VDS_ZONES"
    assert refused(bytes(5000)) == "VDS_TOO_LONG"
    start = VISA[:HEADER_SIZE]
    for length in ("80", "85", "817f", "820080", "840000ffff"):  # indefinite, too long, longer than needed
        assert refused(start + b"\x42" + bytes.fromhex(length) + bytes(300)) == "VDS_LENGTH"
    for size in range(len(VISA)):
        assert refused(VISA[:size])


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    for start in (b"", VISA[:HEADER_SIZE]):
        try:
            assert "redacted" in repr(parse_vds(start + data))
        except DocumentError as error:
            assert error.code.startswith("VDS_")


def test_nothing_sealed_is_shown() -> None:
    found = parse_vds(VISA)
    assert found.zone is not None
    shown = repr([found, found.header, found.features, found.zone, [feature.value for feature in found.features[:2]]])
    for value in ("ERIKSSON", PASSPORT, "L898902C", "2026", "90", "UTTS"):
        assert value not in shown
