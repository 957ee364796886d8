from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from egate.cases import Case, CaseStore, Dossier, DossierStore, new_case_id, opened_record
from egate.domain.decision import ReasonDetail
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.ids import CrossingId, LaneId, OfficerId
from egate.domain.reason import Reason
from egate.journal import SqliteJournal
from egate.ports import Record

T0 = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
ANNA, BORIS = OfficerId("anna"), OfficerId("boris")
CLAIM_S = 60.0


def later(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def new_case(crossing: str = "c1") -> Case:
    return Case(
        id=new_case_id(),
        crossing=CrossingId(crossing),
        lane=LaneId("lane-1"),
        opened_at=T0,
        reasons=(ReasonDetail(Reason.FACE_NON_MATCH), ReasonDetail(Reason.MRZ_CHECK_DIGIT, "date_of_birth")),
        checks=(
            CheckEvidence(Check.FACE, CheckResult.FAIL, (Reason.FACE_NON_MATCH,), score=0.21, threshold=0.4, fmr=0.3),
        ),
        not_performed=(Check.LISTS,),
        policy_version="demo-1",
    )


@dataclass
class Site:
    """An open journal with its cases, as the composition root joins them."""

    journal: SqliteJournal
    cases: CaseStore
    dossiers: DossierStore

    async def refer(self, case: Case, dossier: Dossier | None = None) -> Case:
        """What the lane does for a referral."""
        if dossier is not None:
            case = await self.cases.prepare(case, dossier)
        decision = Record("DECISION", case.lane, case.crossing, {"verdict": "REFER"})
        await self.journal.append([decision, opened_record(case)], within=self.cases.opening(case))
        return case


@asynccontextmanager
async def open_site(folder: Path) -> AsyncIterator[Site]:
    async with await SqliteJournal.open(folder / "journal.db") as journal:
        dossiers = DossierStore(folder)
        cases = await CaseStore.open(journal, journal.read, journal.on_commit, dossiers, claim_s=CLAIM_S)
        yield Site(journal, cases, dossiers)
        await cases.close()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as opened:
        yield opened
