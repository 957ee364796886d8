"""The dossier: what the officer gets to compare, whatever the chip holds."""

from __future__ import annotations

from datetime import date

import cv2
import numpy as np
import pytest

from egate.document.data import DocumentData, PartialDate
from egate.document.lds.dg11 import PersonalDetails, write_dg11
from egate.document.lds.displayed_image import write_dg7
from egate.document.lds.lds_text import PersonName
from egate.domain.chip import ChipRead
from egate.domain.document import DocumentRead
from egate.domain.ids import DocumentSessionId
from egate.lane.referral import build_dossier, holder_fields
from egate.lane.samples import Samples

SIGNATURE = cv2.imencode(".jpg", np.full((40, 120), 200, np.uint8))[1].tobytes()
PERSON = PersonalDetails(name=PersonName("MÜLLER", "Jürgen"), place_of_birth=("Zenith",))
HOLDER = DocumentData("P", "D", "MUELLER", "JUERGEN", "C01X00T47", "D", PartialDate(1964), "M", date(2030, 1, 1))


def samples(**files: bytes) -> Samples:
    read = DocumentRead(DocumentSessionId("5e55"), (), chip=ChipRead(True, files))
    return Samples(document=read, holder=holder_fields(HOLDER))


async def test_officer_sees_zone_and_chip_side_by_side() -> None:
    dossier = await build_dossier(samples(dg7=write_dg7([SIGNATURE]), dg11=write_dg11(PERSON)))
    told = dossier.document
    assert (told["primary_identifier"], told["chip_name"]) == ("MUELLER", "MÜLLER, Jürgen")
    assert (told["date_of_birth"], told["chip_place_of_birth"]) == ("1964-XX-XX", "Zenith")
    shown = cv2.imdecode(np.frombuffer(dossier.images["document_signature"], np.uint8), cv2.IMREAD_GRAYSCALE)
    assert shown is not None and shown.shape == (40, 120)
    assert "MÜLLER" not in repr(dossier)


@pytest.mark.parametrize(
    "signature", [b"", b"\x67\x00", write_dg7([]), write_dg7([b"no image"]), write_dg7([SIGNATURE[:20]])]
)
async def test_signature_or_details_that_cannot_be_read_leave_the_dossier_whole(signature: bytes) -> None:
    dossier = await build_dossier(samples(dg7=signature, dg11=b"\x6b"))
    assert "document_signature" not in dossier.images
    assert dossier.document["document_number"] == "C01X00T47"
    assert "dg11" in dossier.document["chip_unreadable"]


async def test_signature_of_absurd_size_is_not_shown() -> None:
    huge = cv2.imencode(".png", np.zeros((2000, 2000), np.uint8))[1].tobytes()
    assert dict((await build_dossier(samples(dg7=write_dg7([huge])))).images) == {}


async def test_document_without_chip_has_its_zone() -> None:
    zone = holder_fields(HOLDER)
    assert (await build_dossier(Samples(holder=zone))).document == zone
