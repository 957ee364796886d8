"""What a lane makes durable, each in one transaction: beginning, decision with answer and case, override, outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from egate.cases.case import Case, opened_record
from egate.crossing import effects as fx
from egate.crossing import events as ev
from egate.domain.decision import ReasonDetail, Verdict
from egate.domain.device import Alarm, ReleaseResult
from egate.domain.ids import CaseId, CrossingId, LaneId, Token
from egate.errors import JournalError
from egate.lane import records
from egate.lane.answer import encode, encode_override
from egate.lane.api import Decided
from egate.lane.referral import build_dossier, new_case
from egate.lane.services import Services
from egate.lane.visit import Override, Visit
from egate.ports import Record, StoredResponse

_log = structlog.get_logger(__name__)


class Recorder:
    """Writes for one lane; completions go to the lane as Recorded or RecordFailed with the effect's token."""

    def __init__(self, lane: LaneId, services: Services, post: Callable[[ev.Event], None]) -> None:
        self._lane = lane
        self._services = services
        self._post = post

    async def start(self, visit: Visit, token: Token) -> None:
        record = records.started(self._lane, visit.crossing, visit.caller, visit.request_id, visit.source)
        await self._append(token, [record])

    async def decision(self, visit: Visit, effect: fx.RecordDecision) -> None:
        """Decision, answer and, for a referral, its case: one transaction (S8)."""
        visit.decision, visit.decided_at_ns = effect.decision, _unix_ns(self._services)
        versions = self._services.verifiers.versions
        refer = effect.decision.verdict is Verdict.REFER
        case = await self._prepared_case(visit, effect.decision.reasons) if refer else None
        case_id = visit.case if case is None else case.id
        record = records.decided(self._lane, effect, visit.samples.pseudonym, versions, case_id)
        await self._append(effect.token, [record], self._answer_to_gate(visit, effect.release, case_id), case, visit)

    async def _prepared_case(self, visit: Visit, reasons: tuple[ReasonDetail, ...]) -> Case | None:
        """The crossing's one case with its dossier on disk; None if it is open already.

        A record that is tried again takes the same case. Whatever goes wrong with the images must not keep the record back.
        """
        if visit.case is not None:
            return None
        now = self._services.clock.now()
        if visit.prepared is not None:
            return replace(visit.prepared, reasons=reasons, opened_at=now)
        case = new_case(self._lane, visit.crossing, visit.decision, reasons, now)
        try:
            dossier = await build_dossier(visit.samples)
        except Exception:
            _log.exception("dossier not built", lane=self._lane, crossing=visit.crossing)
            visit.prepared = replace(case, dossier_missing=True)
        else:
            visit.prepared = await self._services.cases.prepare(case, dossier)
        return visit.prepared

    def _answer_to_gate(self, visit: Visit, release: ReleaseResult | None, case: CaseId | None) -> StoredResponse:
        assert visit.decision is not None
        decided = Decided(visit.crossing, visit.decision, release, case, visit.decided_at_ns)
        return StoredResponse(visit.caller, visit.request_id, visit.payload_sha256, encode(decided))

    async def override(self, effect: fx.RecordOverride, override: Override) -> None:
        batch = [
            records.overridden(self._lane, effect.crossing, override.officer, override.caller, override.reason),
        ]
        if effect.started:
            batch.insert(
                0, records.started(self._lane, effect.crossing, override.caller, override.request_id, "officer")
            )
        await self._append(
            effect.token, batch, self._answer_to_officer(override, effect.crossing, ReleaseResult.UNKNOWN)
        )

    def _answer_to_officer(self, override: Override, crossing: CrossingId, result: ReleaseResult) -> StoredResponse:
        answer = encode_override(crossing, result)
        return StoredResponse(override.caller, override.request_id, override.payload_sha256, answer)

    async def outcome(self, visit: Visit, effect: fx.RecordOutcome) -> None:
        case = await self._prepared_case(visit, effect.reasons) if effect.case else None
        record = records.ended(self._lane, effect, visit.case if case is None else case.id)
        await self._append(effect.token, [record], None, case, visit)

    async def _append(
        self,
        token: Token,
        batch: list[Record],
        response: StoredResponse | None = None,
        case: Case | None = None,
        visit: Visit | None = None,
    ) -> None:
        """One transaction: the records, the answer, and the case with its own record."""
        within = None if case is None else self._services.cases.opening(case)
        if case is not None:
            batch = [*batch, opened_record(case)]
        writing = asyncio.ensure_future(self._services.journal.append(batch, response=response, within=within))
        if case is not None and visit is not None:
            # Whoever waits here may be cancelled by a bug elsewhere; what the journal's thread has is written all the same.
            writing.add_done_callback(lambda done: _note_case(visit, case, done))
        try:
            await asyncio.shield(writing)
        except JournalError as error:
            # JOURNAL_DUPLICATE: an earlier attempt reported failure although its commit had reached the disk.
            if error.code != "JOURNAL_DUPLICATE":
                _log.error("record failed", lane=self._lane, kind=batch[0].kind, code=error.code)
                self._post(ev.RecordFailed(token))
                return
            if case is not None and visit is not None:
                visit.case = case.id
        self._post(ev.Recorded(token))

    async def alarms(self, alarms: frozenset[Alarm]) -> None:
        """Nobody waits for it: what an alarm does to the lane does not depend on its record."""
        try:
            await self._services.journal.append([records.warned(self._lane, alarms)])
        except JournalError as error:
            _log.error("alarms not recorded", lane=self._lane, code=error.code)

    async def release(self, visit: Visit, override: Override | None, result: ReleaseResult) -> None:
        """Nobody waits for it: the decision is durable, and the outcome that follows meets the same journal."""
        answer = (
            self._answer_to_officer(override, visit.crossing, result)
            if override
            else self._answer_to_gate(visit, result, visit.case)
        )
        record = records.released(self._lane, visit.crossing, result)
        try:
            await self._services.journal.append([record], response=answer)
        except JournalError as error:
            _log.error("release not recorded", lane=self._lane, code=error.code)


def _note_case(visit: Visit, case: Case, done: asyncio.Future[int]) -> None:
    if not done.cancelled() and done.exception() is None:
        visit.case = case.id


def _unix_ns(services: Services) -> int:
    return int(services.clock.now().timestamp() * 1_000_000) * 1_000
