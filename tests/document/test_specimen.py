"""BSI TR-03105-5 reference data set: every file that another implementation wrote is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from egate.document.lds.data_group import PARSERS, RecognisedGroup
from egate.document.lds.dg11 import parse_dg11
from egate.document.lds.dg12 import parse_dg12
from egate.document.lds.displayed_image import parse_dg5, parse_dg7
from egate.document.lds.face_record import FaceEncoding, parse_dg2
from egate.document.lds.finger_record import FingerEncoding, parse_dg3
from egate.document.lds.lds_text import PersonName
from egate.document.lds.structure import parse_dg1, parse_ef_com
from egate.document.zone.mrz import parse_mrz, split_mrz

from .test_mrz import TODAY

ROOT = Path(__file__).parents[2]
SPECIMEN = Path(os.environ.get("EGATE_CORPUS") or ROOT / ".." / "shared" / "corpus") / "documents" / "lds_tsemrtd"
pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not SPECIMEN.is_dir(), reason="corpus absent: set EGATE_CORPUS"),
]


def read(name: str) -> bytes:
    return (SPECIMEN / f"EF_{name}.bin").read_bytes()


def test_every_data_group_is_parsed() -> None:
    found = {int(path.stem.removeprefix("EF_DG")) for path in SPECIMEN.glob("EF_DG*.bin")}
    assert sorted(found) == [1, 2, 3, 4, 5, 7, 11, 12, 14, 15]
    for number in found & set(PARSERS):
        PARSERS[number](read(f"DG{number}"))
    assert PARSERS[4](read("DG4")) == RecognisedGroup(4, 13_294, 2)


def test_zone_and_list_of_contents() -> None:
    com = parse_ef_com(read("COM"))
    assert (com.lds_version, com.unicode_version, com.data_groups) == ("0107", "040000", (1, 2, 3, 14))
    mrz = parse_mrz(split_mrz(parse_dg1(read("DG1"))), TODAY)
    assert (mrz.data.primary_identifier, mrz.data.issuing_state, mrz.wrong_check_digits) == ("MUSTERMANN", "D", ())


def test_images_as_their_records_say() -> None:
    face = parse_dg2(read("DG2"))
    assert (face.encoding, face.width, face.height) == (FaceEncoding.JPEG2000, 337, 449)
    fingers = parse_dg3(read("DG3"))
    assert [(finger.position, finger.encoding, finger.width, finger.height) for finger in fingers] == [
        (2, FingerEncoding.WSQ, 620, 620),
        (7, FingerEncoding.WSQ, 620, 620),
    ]
    assert [len(parse_dg5(read("DG5"))), len(parse_dg7(read("DG7")))] == [1, 1]


def test_details_of_person_and_document() -> None:
    person = parse_dg11(read("DG11"))
    assert (person.name, person.other_names) == (PersonName("Doe John"), (PersonName("William"),))
    assert (person.personal_number, person.date_of_birth, person.place_of_birth) == (
        "123",
        "19700101",
        ("TEST", "TEST"),
    )
    assert (person.other_documents, person.custody, person.malformed) == (("123", "123"), "TEST", ())
    document = parse_dg12(read("DG12"))
    assert (document.issuing_authority, document.date_of_issue) == ("TEST", "20240101")
    assert (document.personalised_at, document.personalisation_system) == ("20240101123059", "123")
    assert (document.other_names, document.malformed) == ((PersonName("William"),), ())
