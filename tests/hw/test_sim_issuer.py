"""Issued documents: what the gate's own verification says of them is what was asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest

from egate.document.chip.security_info import parse_card_access, parse_dg14
from egate.document.chip_checks import Trust
from egate.document.crypto.public_key import load_public_key
from egate.document.data import PartialDate
from egate.document.lds.face_record import parse_dg2
from egate.document.lds.finger_record import parse_dg3
from egate.document.lds.structure import parse_ef_com
from egate.document.passive_authentication import verify_passive, verify_signed_file
from egate.document.pki.certificate import parse_certificate
from egate.document.pki.trust import TrustAnchor, TrustStore
from egate.document.presentation import present
from egate.document.verify import verify_document
from egate.document.zone.mrz import parse_mrz
from egate.document.zone.mrz_format import MrzFormat
from egate.domain.chip import AccessProtocol, ChipRead
from egate.domain.evidence import Check, CheckResult
from egate.domain.ids import DocumentSessionId
from egate.domain.inspection import InspectionCheck
from egate.domain.reason import Reason
from hw.sim.issuer import IssuedDocument, Issuer, invent_holder, issue, specimen_issuer
from hw.sim.issuer_profile import OPEN, Pace, Profile, vary_profile
from hw.sim.pki import SimulatedState

from ..document.test_mrz import TODAY
from .document_reading import read_document, seeded_entropy

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOISE = np.random.default_rng(1).integers(0, 255, (40, 30, 3), dtype=np.uint8)
PORTRAIT = cv2.imencode(".jpg", NOISE)[1].tobytes()
PROGRESSIVE = cv2.imencode(".jpg", NOISE, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
FINGER = cv2.imencode(".png", NOISE[:, :, 0])[1].tobytes()


def store_of(issuer: Issuer) -> TrustStore:
    return TrustStore(tuple(TrustAnchor(parse_certificate(item)) for item in issuer.anchors), updated_at=AT)


def failed(document: IssuedDocument) -> list[tuple[Check, tuple[Reason, ...], str]]:
    """What speaks against an open document: its chip has no keys, and there is no revocation list."""
    read = present(DocumentSessionId("1" * 32), document.mrz_lines, ChipRead(True, dict(document.files)))
    found = verify_document(read, AT, Trust(store_of(specimen_issuer())))
    accepted = (CheckResult.PASS, CheckResult.NOT_PERFORMED)
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


@pytest.mark.parametrize("seed", range(12))
def test_every_kind_of_document_is_signed_whole(seed: int) -> None:
    state = SimulatedState(AT)
    issuer = Issuer.of_state(state, AT)
    profile = vary_profile(seed)
    document = issuer.issue(invent_holder(seed, TODAY), PORTRAIT, FINGER, profile)
    found = verify_passive(document.files, store_of(issuer), AT)
    assert found.bound == {name for name in document.files if name.startswith("dg")}
    assert found.finding(InspectionCheck.EF_COM).result is CheckResult.PASS
    if profile.has_mapping_key:
        assert verify_signed_file(document.files["card_security"], store_of(issuer), AT, country="UT") is not None
    stranger = store_of(Issuer.of_state(SimulatedState(AT), AT))
    assert verify_passive(document.files, stranger, AT).bound == frozenset()


def test_chip_has_what_its_files_announce() -> None:
    cam = Pace("ECDH", "CAM", "AES256", 16)
    profile = Profile(
        pace=(cam,), chip_authentication="secp384r1", active_authentication="brainpoolP256r1", can="123456"
    )
    document = specimen_issuer().issue(invent_holder(0, TODAY), PORTRAIT, profile=profile)
    chip = document.personalisation
    assert chip is not None and chip.mapping_key is not None and chip.active_authentication_key is not None
    assert chip.files == document.files
    assert parse_card_access(document.files["card_access"]).pace == (cam.info,)
    infos = parse_dg14(document.files["dg14"])
    assert infos.pace == (cam.info,)
    (key,) = chip.chip_authentication_keys
    assert [item.public_key for item in infos.chip_authentication_keys] == [key.public_key]
    for found in (key, chip.mapping_key):
        assert load_public_key(found.public_key)
    assert chip.access == {AccessProtocol.PACE, AccessProtocol.BAC}


def test_card_has_its_own_zone() -> None:
    holder = replace(invent_holder(3, TODAY), document_code="I", document_number="D23145890734")
    document = specimen_issuer().issue(holder, PORTRAIT, profile=OPEN, mrz_format=MrzFormat.TD1)
    assert [len(line) for line in document.mrz_lines] == [30, 30, 30]
    assert parse_mrz(document.mrz_lines, TODAY).data.document_number == "D23145890734"
    assert failed(document) == []


def test_chip_of_a_holder_whose_birth_is_partly_unknown_opens_with_what_is_printed() -> None:
    holder = replace(invent_holder(0, TODAY), date_of_birth=PartialDate(1964))
    document = specimen_issuer().issue(holder, PORTRAIT, profile=Profile(pace=()))
    assert document.mrz_lines[1][13:19] == "64<<<<"
    read = read_document(document, seeded_entropy(1))
    assert read.chip is not None and read.chip.access is AccessProtocol.BAC
    assert read.chip_mrz == "".join(document.mrz_lines)


def test_changed_file_reaches_page_and_chip() -> None:
    document = issue(invent_holder(0, TODAY), PORTRAIT, FINGER)
    changed = document.with_files(dg2=b"x", dg3=None)
    assert changed.personalisation is not None
    assert changed.files == changed.personalisation.files
    assert changed.files["dg2"] == b"x" and "dg3" not in changed.files
    assert document.files["dg2"] != b"x"


def test_repr_shows_no_data() -> None:
    document = issue(invent_holder(0, TODAY), PORTRAIT)
    assert repr(document) == "IssuedDocument(files=['com', 'dg1', 'dg2', 'sod'], redacted)"
    assert document.mrz_lines[1] not in repr(document.personalisation)
