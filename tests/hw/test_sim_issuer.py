"""Issued documents: what the gate's own verification says of them is what was asked for."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from egate.document.face_record import parse_dg2
from egate.document.finger_record import parse_dg3
from egate.document.lds import parse_ef_com
from egate.document.verify import verify_document
from egate.domain.chip import ChipRead
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.reason import Reason
from hw.mrz.adapter import document_read
from hw.sim.issuer import IssuedDocument, invent_holder, issue

from ..document.test_mrz import TODAY

NOISE = np.random.default_rng(1).integers(0, 255, (40, 30, 3), dtype=np.uint8)
PORTRAIT = cv2.imencode(".jpg", NOISE)[1].tobytes()
PROGRESSIVE = cv2.imencode(".jpg", NOISE, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
FINGER = cv2.imencode(".png", NOISE[:, :, 0])[1].tobytes()


def evidence(document: IssuedDocument) -> dict[Check, CheckEvidence]:
    read = document_read(document.mrz_lines, ChipRead(present=True, files=dict(document.files)))
    return {item.check: item for item in verify_document(read, TODAY)}


def failed(document: IssuedDocument) -> list[tuple[Check, tuple[Reason, ...], str]]:
    accepted = (CheckResult.PASS, CheckResult.NOT_PERFORMED)
    found = evidence(document).values()
    return [(item.check, item.reasons, item.detail) for item in found if item.result not in accepted]


@pytest.mark.parametrize("index", [0, 1, 5, 41, 10**6])
@pytest.mark.parametrize("portrait", [PORTRAIT, PROGRESSIVE], ids=["baseline", "progressive"])
def test_sound_document(index: int, portrait: bytes) -> None:
    document = issue(invent_holder(index, TODAY), portrait, FINGER, finger_position=6)
    assert failed(document) == []
    assert parse_ef_com(document.files["com"]).data_groups == (1, 2, 3)
    face, (finger,) = parse_dg2(document.files["dg2"]), parse_dg3(document.files["dg3"])
    assert (face.width, face.height, face.image) == (30, 40, portrait)
    assert (finger.width, finger.height, finger.position, finger.file()) == (30, 40, 6, FINGER)


def test_document_without_finger_says_so() -> None:
    document = issue(invent_holder(0, TODAY), PORTRAIT)
    assert parse_ef_com(document.files["com"]).data_groups == (1, 2)
    assert "dg3" not in document.files


@pytest.mark.parametrize("field", ["document_number", "date_of_birth", "personal_number", "composite"])
def test_wrong_check_digit(field: str) -> None:
    document = issue(invent_holder(2, TODAY), PORTRAIT, FINGER, wrong_check_digit=field)
    assert failed(document) == [(Check.MRZ, (Reason.MRZ_CHECK_DIGIT,), field)]


def test_expired() -> None:
    document = issue(invent_holder(3, TODAY, expired=True), PORTRAIT, FINGER)
    assert failed(document) == [(Check.DOCUMENT_VALIDITY, (Reason.DOCUMENT_EXPIRED,), "date_of_expiry")]


def test_foreign_chip() -> None:
    document = issue(invent_holder(4, TODAY), PORTRAIT, FINGER, chip_number="X1234567")
    assert failed(document) == [(Check.DOCUMENT_SESSION, (Reason.DOCUMENT_MIXED,), "chip_mrz")]


def test_what_does_not_fit_is_refused() -> None:
    holder = invent_holder(0, TODAY)
    with pytest.raises(ValueError, match="JPEG"):
        issue(holder, FINGER)
    with pytest.raises(ValueError, match="PNG"):
        issue(holder, PORTRAIT, PORTRAIT)
    with pytest.raises(ValueError, match="check digit"):
        issue(holder, PORTRAIT, wrong_check_digit="sex")
    with pytest.raises(ValueError, match="fit"):
        issue(replace(holder, document_number="0123456789"), PORTRAIT)


def test_repr_shows_no_data() -> None:
    assert repr(issue(invent_holder(0, TODAY), PORTRAIT)) == "IssuedDocument(files=['com', 'dg1', 'dg2'], redacted)"
