"""What a restart owes: each crossing that started and did not end gets its one outcome (S5)."""

from __future__ import annotations

import structlog

from egate.cases.case import opened_record
from egate.cases.dossier import Dossier
from egate.cases.store import CaseStore
from egate.domain.decision import Outcome, ReasonDetail, Verdict
from egate.domain.ids import CrossingId, LaneId
from egate.domain.reason import Reason
from egate.journal import canonical
from egate.journal.store import SqliteJournal
from egate.lane.records import reasons
from egate.lane.referral import new_case
from egate.ports import Clock, Record

_log = structlog.get_logger(__name__)


async def settle_unfinished(journal: SqliteJournal, cases: CaseStore, clock: Clock) -> int:
    """Ends every crossing the last run left open as UNKNOWN, before any lane starts. Returns how many.

    Nobody watched the sensors meanwhile, so none of them can have PASSED by evidence. A crossing that was referred has its case
    already; any other one gets a case. Raises JournalError: then the daemon must not start.
    """
    unfinished = await journal.unfinished()
    why = (ReasonDetail(Reason.RESTARTED),)
    for item in unfinished:
        crossing, lane = CrossingId(item.crossing), LaneId(item.lane)
        referred = item.decision is not None and canonical.decode(item.decision.body)["verdict"] == Verdict.REFER
        body = {"outcome": Outcome.UNKNOWN.value, "reasons": reasons(why), "case": None}
        if referred:
            await journal.append([Record("OUTCOME", lane, crossing, body)])
        else:
            case = await cases.prepare(new_case(lane, crossing, None, why, clock.now()), Dossier())
            records = [Record("OUTCOME", lane, crossing, {**body, "case": case.id}), opened_record(case)]
            await journal.append(records, within=cases.opening(case))
        _log.warning("crossing settled after a restart", lane=lane, crossing=crossing, referred=referred)
    return len(unfinished)


async def held_lanes(journal: SqliteJournal) -> frozenset[LaneId]:
    """Lanes an officer had put out of service; a restart must not put them back."""
    rows = await journal.read(
        lambda connection: connection.execute(
            "SELECT lane, body FROM entries WHERE kind = 'LANE' AND seq IN"
            " (SELECT max(seq) FROM entries WHERE kind = 'LANE' GROUP BY lane)"
        ).fetchall()
    )
    return frozenset(LaneId(lane) for lane, body in rows if canonical.decode(body).get("hold") is True)
