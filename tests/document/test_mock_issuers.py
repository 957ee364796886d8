"""Documents signed by issuers of every algorithm combination: each passes, and only with its own CSCA.

All CSCAs have one name: which of them issued a signer is found by key identifier and signature alone.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
from asn1crypto import pem

from egate.document.passive_authentication import PassiveResult, verify_passive
from egate.document.pki.certificate import parse_certificate
from egate.document.pki.trust import TrustAnchor, TrustStore
from egate.domain.check_result import CheckResult
from egate.domain.inspection import PASSIVE_CHECKS, InspectionCheck
from hw.sim.issuer import IssuedDocument, invent_holder
from hw.sim.issuer_profile import Profile
from tests.document.corpus import corpus_file
from tests.document.mock_issuers import COUNT, FOLDER, authorities, mock_issuer, names

pytestmark = pytest.mark.corpus

AT = datetime(2026, 6, 1, tzinfo=UTC)  # the mock certificates are of 2025 to 2035
PORTRAIT = cv2.imencode(".jpg", np.full((40, 30, 3), 90, np.uint8))[1].tobytes()
# The issuers publish no revocation list.
EXPECTED = dict.fromkeys(PASSIVE_CHECKS, CheckResult.PASS) | {InspectionCheck.REVOCATION: CheckResult.UNDETERMINED}


def store(*anchors: bytes) -> TrustStore:
    return TrustStore(tuple(TrustAnchor(parse_certificate(anchor), True) for anchor in anchors), updated_at=AT)


@pytest.fixture(scope="module")
def every_authority() -> TrustStore:
    return store(*(pem.unarmor(content)[2] for content in authorities(corpus_file(FOLDER)).values()))


def document(name: str) -> IssuedDocument:
    holder = replace(invent_holder(1, AT.date()), issuing_state="FRA", nationality="FRA")
    hash_name = name.split("_")[0]
    return mock_issuer(name).issue(holder, PORTRAIT, profile=Profile(hash_name=hash_name, lds_version="0108"))


def results(found: PassiveResult) -> dict[InspectionCheck, CheckResult]:
    return {finding.check: finding.result for finding in found.findings}


def test_every_combination_is_there() -> None:
    corpus_file(FOLDER)
    assert len(names()) == COUNT


@pytest.mark.parametrize("name", names())
def test_document_passes(name: str, every_authority: TrustStore) -> None:
    issued = document(name)
    found = verify_passive(issued.files, every_authority, AT)
    assert results(found) == EXPECTED
    assert found.bound == {"dg1", "dg2", "dg14"}
    own = verify_passive(issued.files, store(*mock_issuer(name).anchors), AT)
    assert results(own) == EXPECTED


@pytest.mark.parametrize("name", names())
def test_namesake_of_its_issuer_is_no_issuer(name: str) -> None:
    own = mock_issuer(name).anchors[0]
    others = (pem.unarmor(content)[2] for content in authorities(corpus_file(FOLDER)).values())
    found = verify_passive(document(name).files, store(*(other for other in others if other != own)), AT)
    assert results(found)[InspectionCheck.CHAIN] is not CheckResult.PASS
    assert found.bound == frozenset()
