"""Optical routines are a port: what they find stands in the evidence, and without any nobody pretends to have looked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import pytest

from egate.domain.document import DocumentRead, PageImages
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.ids import DocumentSessionId
from egate.domain.inspection import Finding, InspectionCheck
from egate.domain.reason import Reason
from egate.errors import ImageError
from egate.inference.pool import InferencePool
from egate.lane.verifiers import EngineVerifiers
from egate.ports import FaceEngine, FingerEngine, OpticalInspector

READ = DocumentRead(DocumentSessionId("s"), ("A", "B"), pages=PageImages(visible=b"vis", infrared=b"ir"))
VIS, IR, UV = InspectionCheck.OPTICAL_VIS, InspectionCheck.OPTICAL_IR, InspectionCheck.OPTICAL_UV


@pytest.fixture
def pool() -> Iterator[InferencePool]:
    pool = InferencePool(1)
    yield pool
    pool.close()


class Routines:
    """A page reader's routines: found, or an exception they raise."""

    def __init__(self, found: tuple[Finding, ...] | Exception) -> None:
        self.found = found
        self.asked = 0

    def inspect(self, pages: PageImages, mrz_lines: tuple[str, ...]) -> tuple[Finding, ...]:
        self.asked += 1
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


async def optical(pool: InferencePool, routines: OpticalInspector | None, read: DocumentRead = READ) -> CheckEvidence:
    engines = cast(FaceEngine, None), cast(FingerEngine, None)  # documents need neither
    verifiers = EngineVerifiers(*engines, pool, {}, lambda: datetime(2026, 7, 1, tzinfo=UTC), optical=routines)
    evidence, _ = await verifiers.document(read)
    return next(item for item in evidence if item.check is Check.OPTICAL)


async def test_without_routines_or_pages_nothing_was_performed(pool: InferencePool) -> None:
    routines = Routines((Finding(VIS, CheckResult.PASS),))
    for found in (await optical(pool, None), await optical(pool, routines, replace(READ, pages=None))):
        assert found.result is CheckResult.NOT_PERFORMED
        assert [(item.check, item.result) for item in found.findings] == [
            (check, CheckResult.NOT_PERFORMED) for check in (VIS, IR, UV)
        ]
    assert routines.asked == 0


@pytest.mark.parametrize(
    ("found", "result"),
    [
        ((Finding(VIS, CheckResult.PASS), Finding(IR, CheckResult.PASS), Finding(UV, CheckResult.PASS)), CheckResult.PASS),
        # A light that nobody looked at is not a page that is in order.
        ((Finding(VIS, CheckResult.PASS),), CheckResult.UNDETERMINED),
        ((Finding(VIS, CheckResult.PASS), Finding(UV, CheckResult.FAIL, (), "dull_paper")), CheckResult.FAIL),
        (ImageError("no image"), CheckResult.UNDETERMINED),
    ],
)  # fmt: skip
async def test_findings_become_evidence(
    pool: InferencePool, found: tuple[Finding, ...] | Exception, result: CheckResult
) -> None:
    evidence = await optical(pool, Routines(found))
    assert evidence.result is result
    if isinstance(found, Exception):
        assert evidence.reasons == (Reason.VERIFIER_FAILED,)
    if result is CheckResult.FAIL:
        assert evidence.detail == "optical_uv:dull_paper"
