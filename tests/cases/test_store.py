"""Cases over the real journal: S8 (every referral has a case, in one transaction, and no restart loses it)."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from egate.cases import Case, CaseChange, CaseRefusal, CaseState, Dossier, Resolution, new_case_id, store
from egate.cases.store import WATCHERS_MAX
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.errors import ConfigurationError, EgateError, JournalError
from egate.journal import canonical
from egate.ports import StoredResponse
from tests.cases.conftest import ANNA, BORIS, CLAIM_S, T0, Site, later, new_case, open_site

DOSSIER = Dossier({"live_face": b"face"}, {"name": "MUSTERMANN"})


def database_files(folder: Path) -> list[Path]:
    return list(folder.glob("journal.db*"))


async def next_of(changes: AsyncIterator[CaseChange]) -> CaseChange:
    return await asyncio.wait_for(anext(changes), 5)


async def test_decision_and_case_are_one_transaction(site: Site) -> None:
    case = await site.refer(new_case())
    with pytest.raises(JournalError):
        await site.refer(case)  # the id exists: the case can't be written, so neither may the decision
    entries = await site.journal.entries()
    assert [entry.kind for entry in entries] == ["DECISION", "CASE"]
    assert (await site.cases.list(T0)).cases == (case,)


async def test_an_open_case_survives_a_restart_with_its_dossier(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        case = await site.refer(new_case(), DOSSIER)
        claimed = await site.cases.claim(case.id, ANNA, T0)
    async with open_site(tmp_path) as site:
        assert await site.cases.get(case.id, later(1)) == claimed
        assert await site.cases.of_crossing(case.crossing, later(CLAIM_S)) == (replace(case, revision=1),)
        dossier = await site.cases.dossier(case.id)
        assert dossier is not None and dict(dossier.images) == {"live_face": b"face"}
        assert (await site.journal.verify()).fault is None


async def test_a_score_that_is_not_a_number_stays_so(site: Site) -> None:
    check = CheckEvidence(Check.FACE, CheckResult.UNDETERMINED, score=math.nan, fmr=None)
    case = await site.refer(replace(new_case(), checks=(check,)))
    stored = await site.cases.get(case.id, T0)
    assert stored is not None and stored.checks[0].score is not None and math.isnan(stored.checks[0].score)
    assert stored.checks[0].fmr is None


async def test_a_disk_that_refuses_the_dossier_does_not_lose_the_case(site: Site, tmp_path: Path) -> None:
    (tmp_path / "keys").rmdir()
    case = await site.refer(new_case(), DOSSIER)
    assert case.dossier_missing
    stored = await site.cases.get(case.id, T0)
    assert stored is not None and stored.dossier_missing
    assert await site.cases.dossier(case.id) is None


async def test_a_disk_that_hangs_delays_the_case_only_so_long(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "DOSSIER_WRITE_S", 0.05)
    case = new_case()
    hanging = tmp_path / "keys" / f"{case.id}.key.new"
    os.mkfifo(hanging)  # opening it for writing blocks until somebody reads
    try:
        case = await asyncio.wait_for(site.refer(case, DOSSIER), 10)
    finally:
        os.close(os.open(hanging, os.O_RDONLY | os.O_NONBLOCK))  # lets the thread go
    assert case.dossier_missing and (await site.cases.get(case.id, T0)) == case


async def test_an_officer_who_hangs_up_cancels_nothing(site: Site, tmp_path: Path) -> None:
    case = await site.refer(new_case(), DOSSIER)
    await site.cases.claim(case.id, ANNA, T0)
    resolving = asyncio.ensure_future(site.cases.resolve(case.id, ANNA, Resolution.REFUSED, "not the holder", T0))
    await asyncio.sleep(0)
    resolving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await resolving
    await site.cases.close()
    stored = await site.cases.get(case.id, T0)
    assert stored is not None and stored.state is CaseState.RESOLVED
    assert list((tmp_path / "keys").iterdir()) == []


async def test_each_step_is_a_journal_record_in_its_transaction(site: Site) -> None:
    case = await site.refer(new_case())
    await site.cases.claim(case.id, ANNA, T0)
    await site.cases.resolve(case.id, ANNA, Resolution.FORWARDED, "second line", later(3))
    bodies = [canonical.decode(entry.body) for entry in await site.journal.entries() if entry.kind == "CASE"]
    assert [body["action"] for body in bodies] == ["OPENED", "CLAIMED", "RESOLVED"]
    assert (
        bodies[2]["officer"] == "anna"
        and bodies[2]["resolution"] == "FORWARDED"
        and bodies[2]["reason"] == "second line"
    )


async def test_a_refused_request_leaves_no_record(site: Site) -> None:
    case = await site.refer(new_case())
    before = await site.journal.head()
    assert await site.cases.claim(new_case_id(), ANNA, T0) is CaseRefusal.CASE_UNKNOWN
    assert await site.cases.resolve(case.id, ANNA, Resolution.REFUSED, "because", T0) is CaseRefusal.CASE_NOT_CLAIMED
    assert await site.journal.head() == before


async def test_of_officers_racing_for_a_case_exactly_one_gets_it(site: Site) -> None:
    case = await site.refer(new_case())
    outcomes = await asyncio.gather(
        *[site.cases.claim(case.id, officer, T0) for officer in (ANNA, BORIS) for _ in range(3)]
    )
    winners = {outcome.owner for outcome in outcomes if isinstance(outcome, Case)}
    assert len(winners) == 1
    assert CaseRefusal.CASE_CLAIMED_BY_OTHER in outcomes
    stored = await site.cases.get(case.id, T0)
    assert stored is not None and {stored.owner} == winners


async def test_resolution_destroys_the_dossier(site: Site, tmp_path: Path) -> None:
    case = await site.refer(new_case(), DOSSIER)
    await site.cases.claim(case.id, ANNA, T0)
    await site.cases.resolve(case.id, ANNA, Resolution.REFUSED, "not the holder", T0)
    assert await site.cases.dossier(case.id) is None
    assert list((tmp_path / "keys").iterdir()) == [] and list((tmp_path / "dossiers").iterdir()) == []


async def test_restart_destroys_dossiers_without_an_unresolved_case(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        kept = await site.refer(new_case("c1"), DOSSIER)
        crashed_before_decision = await site.cases.prepare(new_case("c2"), DOSSIER)
        resolved = await site.refer(new_case("c3"), DOSSIER)
        await site.cases.claim(resolved.id, ANNA, T0)
        await site.cases.resolve(resolved.id, ANNA, Resolution.NO_SHOW, "nobody came", T0)
        site.dossiers.write(resolved.id, DOSSIER)  # as if the crash came before the destruction
    async with open_site(tmp_path) as site:
        assert {path.stem for path in (tmp_path / "dossiers").iterdir()} == {kept.id}
        assert {path.stem for path in (tmp_path / "keys").iterdir()} == {kept.id}
        assert site.dossiers.read(crashed_before_decision.id) is None


async def test_dossiers_of_another_journal_are_not_swept(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        case = await site.refer(new_case(), DOSSIER)
    for left in database_files(tmp_path):
        left.unlink()
    with pytest.raises(ConfigurationError) as refused:
        async with open_site(tmp_path):
            pass
    assert refused.value.code == "DOSSIERS_FOREIGN"
    assert site.dossiers.read(case.id) is not None


async def test_a_dossier_the_disk_would_not_destroy_goes_with_the_next_resolution(site: Site, tmp_path: Path) -> None:
    first, second = await site.refer(new_case("c1"), DOSSIER), await site.refer(new_case("c2"), DOSSIER)
    key = tmp_path / "keys" / f"{first.id}.key"
    key.rename(key.with_suffix(".aside"))
    key.mkdir()  # cannot be overwritten: OSError for every user
    for case in (first, second):
        await site.cases.claim(case.id, ANNA, T0)
    outcome = await site.cases.resolve(first.id, ANNA, Resolution.REFUSED, "not the holder", T0)
    assert isinstance(outcome, Case) and outcome.state is CaseState.RESOLVED
    assert await site.cases.dossier(first.id) is None
    key.rmdir()
    key.with_suffix(".aside").rename(key)
    await site.cases.resolve(second.id, ANNA, Resolution.REFUSED, "not the holder", T0)
    assert list((tmp_path / "keys").iterdir()) == []


async def test_the_stored_response_is_written_with_the_change(site: Site) -> None:
    case = await site.refer(new_case())

    def respond(changed: Case) -> StoredResponse:
        return StoredResponse("console-1", "r1", b"p" * 32, f"{changed.state}:{changed.owner}".encode())

    await site.cases.claim(case.id, ANNA, T0, respond=respond)
    stored = await site.journal.response("console-1", "r1")
    assert stored is not None and stored.response == b"CLAIMED:anna"
    assert await site.cases.claim(case.id, BORIS, T0, respond=respond) is CaseRefusal.CASE_CLAIMED_BY_OTHER
    assert await site.journal.response("console-1", "r1") == stored


async def test_list_pages_through_all_cases_and_filters_by_state_as_of_now(site: Site) -> None:
    cases = [await site.refer(new_case(f"c{i}")) for i in range(7)]
    seen: list[Case] = []
    token = ""
    while True:
        page = await site.cases.list(T0, page_token=token, page_size=3)
        seen += page.cases
        token = page.next_page_token
        if not token:
            break
    assert seen == cases
    await site.cases.claim(cases[0].id, ANNA, T0)
    await site.cases.claim(cases[1].id, ANNA, later(30))
    await site.cases.resolve(cases[1].id, ANNA, Resolution.REFUSED, "not the holder", later(31))

    async def ids(state: CaseState, seconds: float) -> list[str]:
        return [case.id for case in (await site.cases.list(later(seconds), state)).cases]

    assert await ids(CaseState.CLAIMED, 40) == [cases[0].id]
    assert await ids(CaseState.CLAIMED, CLAIM_S) == []
    assert await ids(CaseState.OPEN, 40) == [case.id for case in cases[2:]]
    assert await ids(CaseState.OPEN, CLAIM_S) == [cases[0].id, *(case.id for case in cases[2:])]
    assert await ids(CaseState.RESOLVED, 40) == [cases[1].id]


@pytest.mark.parametrize("token", ["x", "-1", "1 OR 1=1", "9" * 40, "²"])
async def test_a_foreign_page_token_is_refused(site: Site, token: str) -> None:
    with pytest.raises(ValueError):
        await site.cases.list(T0, page_token=token)


async def test_watchers_see_each_change_right_after_its_commit(site: Site) -> None:
    first, second = site.cases.watch(), site.cases.watch()
    waiting = [asyncio.ensure_future(next_of(each)) for each in (first, second)]
    case = await site.refer(new_case())
    for each in await asyncio.gather(*waiting):
        assert each.case == case
    await site.cases.claim(case.id, ANNA, T0)
    for watcher in (first, second):
        change = await next_of(watcher)
        assert change.case.state is CaseState.CLAIMED
        await watcher.aclose()  # type: ignore[attr-defined]


async def test_a_watcher_resumes_after_the_version_it_saw_even_across_a_restart(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.refer(new_case("c1"))
        seen = await next_of(site.cases.watch())
        missed = await site.refer(new_case("c2"))
    async with open_site(tmp_path) as site:
        change = await next_of(site.cases.watch(seen.version))
        assert change.case.id == missed.id and change.version > seen.version


async def test_list_then_watch_misses_nothing(site: Site) -> None:
    await site.refer(new_case("c1"))
    page = await site.cases.list(T0)
    added = await site.refer(new_case("c2"))
    assert (await next_of(site.cases.watch(page.version))).case.id == added.id


async def test_a_slow_watcher_gets_the_newest_state_and_holds_nobody_up(site: Site) -> None:
    slow = site.cases.watch()
    case = await site.refer(new_case())
    first = await next_of(slow)
    for second in range(20):
        await site.cases.claim(case.id, ANNA, later(second))
    last = await next_of(slow)
    assert last.case.claimed_at == later(19) and last.version == first.version + 20


async def test_a_referral_that_was_not_committed_is_not_shown(site: Site) -> None:
    watcher = asyncio.ensure_future(next_of(site.cases.watch()))
    case = new_case()
    insert = site.cases.opening(case)
    with pytest.raises(JournalError):
        await site.journal.append([], within=lambda connection: (insert(connection), 1 / 0)[0])
    other = await site.refer(new_case("c2"))
    assert (await watcher).case.id == other.id


async def test_a_resume_version_from_the_future_shows_all_rather_than_nothing(site: Site) -> None:
    case = await site.refer(new_case())
    assert (await next_of(site.cases.watch(10_000))).case.id == case.id


async def test_watchers_are_limited_and_end_with_the_store(site: Site) -> None:
    watchers = [asyncio.ensure_future(next_of(site.cases.watch())) for _ in range(WATCHERS_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(EgateError) as refused:
        await next_of(site.cases.watch())
    assert refused.value.code == "CASE_WATCHERS_FULL"
    await site.cases.close()
    outcomes = await asyncio.gather(*watchers, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {StopAsyncIteration}


async def test_nothing_of_a_dossier_enters_the_database(site: Site, tmp_path: Path) -> None:
    case = await site.refer(new_case(), Dossier({"live_face": b"PIXELS"}, {"name": "MUSTERMANN"}))
    await site.cases.claim(case.id, ANNA, T0)
    on_disk = b"".join(path.read_bytes() for path in database_files(tmp_path))
    assert case.id.encode() in on_disk and b"MUSTERMANN" not in on_disk and b"PIXELS" not in on_disk
