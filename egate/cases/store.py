"""The cases of a site: opened with the decision, watched, claimed and resolved by officers.

How a referral becomes a case, all in the lane:

    case = await cases.prepare(Case(...), dossier)             # images on disk, encrypted; or dossier_missing=True
    await journal.append([decision, opened_record(case)], within=cases.opening(case))   # one transaction (S8)
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, TypeVar

import structlog

from egate.cases import row
from egate.cases.case import Case, CaseRefusal, CaseState, Resolution, as_of, claimed_record, resolved_record
from egate.cases.case import claim as claim_transition
from egate.cases.case import resolve as resolve_transition
from egate.cases.dossier import Dossier, DossierStore
from egate.domain.ids import CaseId, CrossingId, OfficerId
from egate.errors import ConfigurationError, EgateError, JournalError
from egate.ports import Journal, Record, StoredResponse

CLAIM_S = 300.0  # chosen: an officer who left the desk blocks a traveller no longer than this
DOSSIER_WRITE_S = 2.0  # chosen: four syncs on a slow disk; a referral waits no longer for its images
DISK_THREADS = 2  # chosen: one dossier may be written while another is read
PAGE_CASES_MAX = 200
WATCHERS_MAX = 64  # chosen: consoles of one site
MOVED_RETRIES_MAX = 8  # chosen: officers racing for one case; each round somebody wins

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Respond = Callable[[Case], StoredResponse]
_log = structlog.get_logger(__name__)


class Read(Protocol):
    """Runs a SELECT on what is committed (SqliteJournal.read)."""

    def __call__(self, question: Callable[[sqlite3.Connection], T], /) -> Awaitable[T]: ...


class OnCommit(Protocol):
    """Registers a listener called in the loop after each commit; returns the function that ends it (SqliteJournal.on_commit)."""

    def __call__(self, listener: Callable[[], None], /) -> Callable[[], None]: ...


@dataclass(frozen=True, slots=True)
class CaseChange:
    """The newest state of a case that changed at `version`. Versions rise over all cases; intermediate states may be skipped."""

    version: int
    case: Case


@dataclass(frozen=True, slots=True)
class CasePage:
    """next_page_token: "" on the last page. version: watch from here to miss nothing."""

    cases: tuple[Case, ...]
    next_page_token: str
    version: int


class CaseStore:
    """Made by `open`, once the journal is open; one per journal. Methods run in the journal's loop."""

    def __init__(self, journal: Journal, read: Read, dossiers: DossierStore, claim_s: float) -> None:
        self._journal = journal
        self._read = read
        self._dossiers = dossiers
        self._claim_s = claim_s
        self._written = 0  # newest version handed out, committed or not; written by the journal's thread
        self._watchers: set[asyncio.Event] = set()
        self._undestroyed: set[CaseId] = set()
        self._end_listening: Callable[[], None] = lambda: None
        self._resolving: set[asyncio.Task[Case | CaseRefusal]] = set()
        # threads of our own: a hung disk must not take those of the whole process
        self._disk = ThreadPoolExecutor(DISK_THREADS, "dossiers")
        self._destroying = threading.Lock()
        self._closed = False

    @classmethod
    async def open(
        cls, journal: Journal, read: Read, on_commit: OnCommit, dossiers: DossierStore, claim_s: float = CLAIM_S
    ) -> CaseStore:
        """Makes or checks the tables and destroys dossiers of cases that are resolved or never came to be. Before any lane starts.

        Raises ConfigurationError: CASES_VERSION (newer than this program), DOSSIERS_FOREIGN (the folder belongs to another journal);
        JournalError if the tables can't be made.
        """
        store = cls(journal, read, dossiers, claim_s)
        await journal.append([], within=row.create_tables)
        question = "SELECT schema, version, store_id FROM case_counter"
        schema, store._written, store_id = await read(lambda c: c.execute(question).fetchone())
        if schema != row.SCHEMA_VERSION:
            raise ConfigurationError(
                f"the cases have version {schema}, this program knows {row.SCHEMA_VERSION}", code="CASES_VERSION"
            )
        await store._on_disk(lambda: dossiers.bind(store_id))
        await store._sweep()
        store._end_listening = on_commit(store._wake)
        return store

    async def close(self) -> None:
        """Finishes the resolutions under way and ends all watchers. Before the journal is closed. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._end_listening()
        self._wake()
        await asyncio.gather(*self._resolving, return_exceptions=True)
        self._disk.shutdown(wait=False, cancel_futures=True)

    async def prepare(self, case: Case, dossier: Dossier) -> Case:
        """Stores the dossier before the decision is recorded. Returns the case to open: dossier_missing if the disk refused it."""
        try:
            async with asyncio.timeout(DOSSIER_WRITE_S):
                await self._on_disk(lambda: self._dossiers.write(case.id, dossier))
        except (OSError, ValueError, TimeoutError) as error:
            _log.error(
                "dossier not stored", case=case.id, crossing=case.crossing, lane=case.lane, error=type(error).__name__
            )
            return replace(case, dossier_missing=True)
        return case

    def opening(self, case: Case) -> Callable[[sqlite3.Connection], None]:
        """The `within` of the transaction that records the referral."""

        def within(connection: sqlite3.Connection) -> None:
            self._written = row.insert(connection, case)

        return within

    async def get(self, case_id: CaseId, now: datetime) -> Case | None:
        case = await self._stored(case_id)
        return None if case is None else as_of(case, now)

    async def of_crossing(self, crossing: CrossingId, now: datetime) -> tuple[Case, ...]:
        rows = await self._read(
            lambda c: c.execute(f"{row.SELECT} WHERE crossing = ? ORDER BY number", (crossing,)).fetchall()
        )
        return tuple(as_of(row.from_row(each), now) for each in rows)

    async def list(
        self, now: datetime, state: CaseState | None = None, page_token: str = "", page_size: int = 50
    ) -> CasePage:
        """Oldest first; page_size is held to 1 to 200. Raises ValueError if the token is not one of ours."""
        if not (page_token == "" or (page_token.isascii() and page_token.isdigit() and len(page_token) < 19)):
            raise ValueError("unknown page token")
        after, size = int(page_token or 0), max(1, min(page_size, PAGE_CASES_MAX))
        condition, parameters = _in_state(state, now)

        def question(connection: sqlite3.Connection) -> tuple[int, list[tuple[object, ...]]]:
            # the version first: a change between the two reads is seen twice rather than never
            (version,) = connection.execute("SELECT version FROM case_counter").fetchone()
            statement = f"{row.SELECT} WHERE number > ? AND {condition} ORDER BY number LIMIT ?"
            return version, connection.execute(statement, (after, *parameters, size + 1)).fetchall()

        version, rows = await self._read(question)
        cases = tuple(as_of(row.from_row(each), now) for each in rows[:size])
        return CasePage(cases, str(rows[size - 1][-2]) if len(rows) > size else "", version)

    async def claim(
        self, case_id: CaseId, officer: OfficerId, now: datetime, *, respond: Respond | None = None
    ) -> Case | CaseRefusal:
        """The claimed case, or why not. respond makes the stored answer of the request, written in the same transaction."""
        return await self._change(
            case_id, lambda case: claim_transition(case, officer, now, self._claim_s), claimed_record, respond
        )

    async def resolve(
        self,
        case_id: CaseId,
        officer: OfficerId,
        resolution: Resolution,
        reason: str,
        now: datetime,
        *,
        respond: Respond | None = None,
    ) -> Case | CaseRefusal:
        """The resolved case, or why not. Once it is recorded the dossier's key is destroyed; if the disk refuses that, it is tried again
        with the next resolution and at the next start. A caller that goes away cancels nothing."""

        async def resolve() -> Case | CaseRefusal:
            outcome = await self._change(
                case_id,
                lambda case: resolve_transition(case, officer, resolution, reason, now),
                resolved_record,
                respond,
            )
            if isinstance(outcome, Case):
                self._undestroyed.add(case_id)
                await self._on_disk(self._destroy_dossiers)
            return outcome

        task = asyncio.ensure_future(resolve())
        self._resolving.add(task)
        task.add_done_callback(self._resolving.discard)
        return await asyncio.shield(task)

    async def dossier(self, case_id: CaseId) -> Dossier | None:
        """None if the case is unknown, resolved, or has none. Raises JournalError DOSSIER_UNREADABLE if it was tampered with."""
        case = await self._stored(case_id)
        if case is None or case.state is CaseState.RESOLVED:
            return None
        return await self._on_disk(lambda: self._dossiers.read(case_id))

    async def watch(self, after_version: int = 0) -> AsyncIterator[CaseChange]:
        """Every case that changed after after_version, then each change right after its commit, until closed or cancelled.

        Nothing is queued: a watcher reads on from the version it reached, so a slow one gets fewer, newer states and holds nobody up.
        A claim that runs out is no change; its deadline is in the case. Raises EgateError CASE_WATCHERS_FULL.
        """
        if len(self._watchers) >= WATCHERS_MAX:
            raise EgateError(f"{WATCHERS_MAX} watchers are connected already", code="CASE_WATCHERS_FULL")
        if after_version > self._written:  # from before the journal was restored: show all rather than nothing
            after_version = 0
        changed = asyncio.Event()
        self._watchers.add(changed)
        try:
            while not self._closed:
                changed.clear()
                changes = await self._changes(after_version) if self._written > after_version else ()
                for change in changes:
                    yield change
                    after_version = change.version
                if not changes:
                    await changed.wait()
        finally:
            self._watchers.discard(changed)

    async def _changes(self, after_version: int) -> tuple[CaseChange, ...]:
        statement = f"{row.SELECT} WHERE version > ? ORDER BY version LIMIT {PAGE_CASES_MAX}"
        rows = await self._read(lambda c: c.execute(statement, (after_version,)).fetchall())
        return tuple(CaseChange(each[-1], row.from_row(each)) for each in rows)

    async def _change(
        self,
        case_id: CaseId,
        transition: Callable[[Case], Case | CaseRefusal],
        record: Callable[[Case], Record],
        respond: Respond | None,
    ) -> Case | CaseRefusal:
        """Read, decide, write if nobody else wrote meanwhile; otherwise decide again on what they left."""
        for _ in range(MOVED_RETRIES_MAX):
            case = await self._stored(case_id)
            outcome = CaseRefusal.CASE_UNKNOWN if case is None else transition(case)
            if isinstance(outcome, CaseRefusal):
                return outcome
            response = None if respond is None else respond(outcome)
            try:
                await self._journal.append([record(outcome)], response=response, within=self._updating(outcome))
            except JournalError as error:
                if not isinstance(error.__cause__, row.CaseMoved):
                    raise
            else:
                return outcome
        raise JournalError("the case keeps changing", code="CASE_BUSY")

    def _updating(self, case: Case) -> Callable[[sqlite3.Connection], None]:
        def within(connection: sqlite3.Connection) -> None:
            self._written = row.update(connection, case)

        return within

    async def _stored(self, case_id: CaseId) -> Case | None:
        found = await self._read(lambda c: c.execute(f"{row.SELECT} WHERE id = ?", (case_id,)).fetchone())
        return None if found is None else row.from_row(found)

    async def _on_disk(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)

    def _destroy_dossiers(self) -> None:
        with self._destroying:
            for case_id in tuple(self._undestroyed):
                try:
                    self._dossiers.destroy(case_id)
                except OSError as error:
                    _log.error("dossier not destroyed", case=case_id, error=type(error).__name__)
                else:
                    self._undestroyed.discard(case_id)

    async def _sweep(self) -> None:
        rows = await self._read(lambda c: c.execute("SELECT id FROM cases WHERE state <> 'RESOLVED'").fetchall())
        try:
            count = await self._on_disk(lambda: self._dossiers.sweep({CaseId(each) for (each,) in rows}))
        except OSError as error:  # the lanes can work; the next start tries again
            _log.error("dossiers not swept", error=type(error).__name__)
            return
        if count:
            _log.info("dossiers swept", count=count)

    def _wake(self) -> None:
        for watcher in self._watchers:
            watcher.set()


def _in_state(state: CaseState | None, now: datetime) -> tuple[str, tuple[object, ...]]:
    """The SQL condition for a state as of now."""
    match state:
        case None:
            return "TRUE", ()
        case CaseState.OPEN:
            return "(state = 'OPEN' OR (state = 'CLAIMED' AND deadline_us <= ?))", (row.to_us(now),)
        case CaseState.CLAIMED:
            return "(state = 'CLAIMED' AND deadline_us > ?)", (row.to_us(now),)
        case CaseState.RESOLVED:
            return "state = 'RESOLVED'", ()
