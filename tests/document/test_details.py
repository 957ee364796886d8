"""Data groups for the officer's eyes: what is written is read back, a field that cannot be read is named and the others stay."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.document.encoding.tlv import element
from egate.document.lds.data_group import PARSERS, parse_dg4
from egate.document.lds.dg11 import PersonalDetails, parse_dg11, write_dg11
from egate.document.lds.dg12 import DocumentDetails, parse_dg12, write_dg12
from egate.document.lds.dg16 import PersonToNotify, parse_dg16, write_dg16
from egate.document.lds.displayed_image import DisplayedImage, parse_dg5, parse_dg7, write_dg5, write_dg7
from egate.document.lds.lds_text import PersonName
from egate.document.lds.structure import DATA_GROUP_TAGS
from egate.errors import DocumentError

PERSON = PersonalDetails(
    name=PersonName("MÜLLER", "ÅSA MARIA"),
    other_names=(PersonName("ŠIMIĆ"), PersonName("O'BRIEN", "X")),
    personal_number="123456",
    date_of_birth="19740800",
    place_of_birth=("ZENITH", "UTOPIA"),
    address=("MAPLE RD 123", "ANYTOWN", "UTOPIA"),
    telephone="+1 23",
    profession="ENGINEER",
    title="DR",
    summary="Línea\n東京",
    proof_of_citizenship=b"\xff\xd8",
    other_documents=("L1", "L2"),
    custody="none",
)
DOCUMENT = DocumentDetails(
    issuing_authority="UTOPIA CITY",
    date_of_issue="20240101",
    other_names=(PersonName("ERIKSSON", "ANNA"),),
    observations="NONE",
    tax_exit_requirements="NONE",
    front=b"\xff\xd8f",
    rear=b"\xff\xd8r",
    personalised_at="20240101123059",
    personalisation_system="SN 1",
)
TO_NOTIFY = (
    PersonToNotify(PersonName("SMITH", "CHARLES"), "+1 5", ("MAIN ST", "ANYTOWN"), "20240101"),
    PersonToNotify(PersonName("BROWN", "MARY")),
)
WRITTEN = {
    5: write_dg5([b"\xff\xd8 one"]),
    7: write_dg7([b"\xff\xd8 one", b"\xff\xd8 two"]),
    11: write_dg11(PERSON),
    12: write_dg12(DOCUMENT),
    16: write_dg16(TO_NOTIFY),
}


def test_files_written_are_read_back() -> None:
    assert parse_dg5(WRITTEN[5]) == (DisplayedImage(b"\xff\xd8 one"),)
    assert parse_dg7(WRITTEN[7]) == (DisplayedImage(b"\xff\xd8 one"), DisplayedImage(b"\xff\xd8 two"))
    assert parse_dg11(WRITTEN[11]) == PERSON
    assert parse_dg12(WRITTEN[12]) == DOCUMENT
    assert parse_dg16(WRITTEN[16]) == TO_NOTIFY


def test_every_field_was_in_the_round_trip() -> None:
    for details in (PERSON, DOCUMENT):
        assert [field.name for field in fields(details) if not getattr(details, field.name)] == ["malformed"]
    assert parse_dg11(write_dg11(PersonalDetails())) == PersonalDetails()
    assert parse_dg12(write_dg12(DocumentDetails())) == DocumentDetails()


def test_dates_in_bcd_are_those_in_digits() -> None:
    birth = element(0x6B, element(0x5F2B, bytes.fromhex("19740800")))
    assert parse_dg11(birth).date_of_birth == PERSON.date_of_birth
    unknown = element(0x6B, element(0x5F2B, b"1974<<<<"))
    assert parse_dg11(unknown).date_of_birth == "19740000"
    both = element(0x5F26, bytes.fromhex("20240101")) + element(0x5F55, bytes.fromhex("20240101123059"))
    details = parse_dg12(element(0x6C, both))
    assert (details.date_of_issue, details.personalised_at) == (DOCUMENT.date_of_issue, DOCUMENT.personalised_at)


@pytest.mark.parametrize(
    "date", [b"19741301", b"19740132", b"1974-8-1", b"197408", b"\x19\x74\x0a\x01", b"\xb219740101"]
)
def test_field_that_is_no_date_is_named_and_the_others_are_read(date: bytes) -> None:
    details = parse_dg11(element(0x6B, element(0x5F2B, date) + element(0x5F13, b"BAKER")))
    assert (details.date_of_birth, details.profession, details.malformed) == ("", "BAKER", ("date_of_birth",))


def test_names_as_states_write_them() -> None:
    for value, expected in [
        (b"SMITH<<JOHN<PAUL", PersonName("SMITH", "JOHN PAUL")),
        (b"SMITH<JONES<<<<<", PersonName("SMITH JONES")),
        (b"Doe John", PersonName("Doe John")),
        ("MÜLLER<<ÅSA".encode("latin-1"), PersonName("MÜLLER", "ÅSA")),
    ]:
        assert parse_dg11(element(0x6B, element(0x5F0E, value))).name == expected
    outside = element(0x6B, element(0x5F0F, b"A<<B") + element(0x5F0F, b"C"))  # no template around them
    assert parse_dg11(outside).other_names == (PersonName("A", "B"), PersonName("C"))


def test_control_characters_reach_nobody() -> None:
    details = parse_dg11(element(0x6B, element(0x5F13, b"A\x1b[2J") + element(0x5F14, b"\x9b2J")))
    assert (details.profession, details.title, details.malformed) == ("", "", ("profession", "title"))


def test_second_field_of_the_same_tag_is_refused() -> None:
    with pytest.raises(DocumentError, match="twice"):
        parse_dg11(element(0x6B, element(0x5F13, b"A") + element(0x5F13, b"B")))


def test_number_of_images_and_of_persons_must_be_right() -> None:
    for parse, data in [
        (parse_dg5, element(0x65, b"\x02\x01\x02" + element(0x5F40, b"x"))),
        (parse_dg5, element(0x65, b"\x02\x01\x01" + element(0x5F43, b"x"))),
        (parse_dg7, element(0x67, b"\x02\x01\x01" + element(0x5F43, b""))),
        (parse_dg16, element(0x70, b"\x02\x01\x02" + element(0xA1, element(0x5F51, b"A")))),
        (parse_dg16, element(0x70, b"\x02\x01\x01" + element(0xA1, element(0x5F52, b"1")))),
    ]:
        with pytest.raises(DocumentError):
            parse(data)


def test_groups_that_stay_closed_are_recognised() -> None:
    for number in (6, 8, 9, 10, 13):
        data = element(DATA_GROUP_TAGS[number], b"the state's own")
        PARSERS[number](data)
        with pytest.raises(DocumentError):
            PARSERS[number](data + b"\x00")
    iris = element(0x76, element(0x7F61, b"\x02\x01\x01" + element(0x7F60, element(0x5F2E, b"IIR"))))
    assert parse_dg4(iris).instances == 1


@pytest.mark.parametrize("number", WRITTEN)
def test_every_truncation_is_refused(number: int) -> None:
    for size in range(len(WRITTEN[number])):
        with pytest.raises(DocumentError):
            PARSERS[number](WRITTEN[number][:size])


@pytest.mark.parametrize("number", PARSERS)
@given(data=st.data())
def test_any_bytes_parse_or_are_refused(number: int, data: st.DataObject) -> None:
    if number in WRITTEN:
        content = bytearray(WRITTEN[number])
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    else:
        content = bytearray(element(DATA_GROUP_TAGS[number], data.draw(st.binary(max_size=100))))
    try:
        PARSERS[number](bytes(content))
    except DocumentError:
        pass


def test_repr_shows_no_person() -> None:
    malformed = replace(PERSON, malformed=("title",))
    for value in (malformed, DOCUMENT, *TO_NOTIFY, PERSON.name):
        text = repr(value)
        assert not any(secret in text for secret in ("MÜLLER", "1974", "UTOPIA", "SMITH", "ENGINEER", "ERIKSSON"))
    assert "title" in repr(malformed)
