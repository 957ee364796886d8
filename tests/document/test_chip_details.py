"""What an officer is shown of DG11 and DG12, and that a group nobody can read is named and keeps nothing else away."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from egate.document.encoding.tlv import element
from egate.document.lds.chip_details import chip_details
from egate.document.lds.dg11 import PersonalDetails, write_dg11
from egate.document.lds.dg12 import write_dg12
from egate.document.lds.lds_text import PersonName
from tests.document.test_details import DOCUMENT, PERSON, WRITTEN

PERSON_SHOWN = {
    "chip_name": "MÜLLER, ÅSA MARIA",
    "chip_other_names": "ŠIMIĆ; O'BRIEN, X",
    "chip_personal_number": "123456",
    "chip_date_of_birth": "1974-08-XX",
    "chip_place_of_birth": "ZENITH, UTOPIA",
    "chip_address": "MAPLE RD 123, ANYTOWN, UTOPIA",
    "chip_title": "DR",
}
DOCUMENT_SHOWN = {
    "chip_issuing_authority": "UTOPIA CITY",
    "chip_date_of_issue": "2024-01-01",
    "chip_document_other_names": "ERIKSSON, ANNA",
    "chip_observations": "NONE",
}


def test_details_of_person_and_document_are_told_as_text() -> None:
    assert chip_details({"dg11": WRITTEN[11], "dg12": WRITTEN[12]}) == PERSON_SHOWN | DOCUMENT_SHOWN
    assert chip_details({}) == chip_details({"dg11": write_dg11(PersonalDetails())}) == {}


def test_what_a_border_does_not_need_is_not_told() -> None:
    told = " ".join(chip_details({"dg11": write_dg11(PERSON)}).values())
    assert not any(value in told for value in (PERSON.profession, PERSON.telephone, "東京", PERSON.custody))


def test_group_that_cannot_be_read_is_named_and_the_others_are_told() -> None:
    assert chip_details({"dg11": b"\x6b\x05", "dg12": write_dg12(DOCUMENT)}) == DOCUMENT_SHOWN | {
        "chip_unreadable": "dg11"
    }
    assert chip_details({"dg16": b"\x70\x00x", "dg7": b""}) == {"chip_unreadable": "dg7, dg16"}


def test_field_that_cannot_be_read_is_named_by_its_group() -> None:
    broken = element(0x6B, element(0x5F2B, b"19741399") + element(0x5F0E, "Ōta<<Ken".encode()))
    assert chip_details({"dg11": broken}) == {"chip_name": "Ōta, Ken", "chip_unreadable": "dg11 date_of_birth"}


def test_name_with_one_identifier() -> None:
    person = replace(PERSON, name=PersonName("Nguyễn Văn Đức"), other_names=())
    assert chip_details({"dg11": write_dg11(person)})["chip_name"] == "Nguyễn Văn Đức"


@given(st.dictionaries(st.sampled_from(["com", "sod", *(f"dg{number}" for number in range(1, 17))]), st.binary()))
def test_any_files_are_told_or_named(files: dict[str, bytes]) -> None:
    assert all(name.startswith("chip_") for name in chip_details(files))
