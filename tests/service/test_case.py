"""CaseService over the real case store and journal."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import grpc
import pytest

from egate.api.v1 import case_service_pb2 as pb
from egate.api.v1 import case_service_pb2_grpc as pb_grpc
from egate.api.v1 import values_pb2
from egate.cases.case import Case, CaseState, Resolution, new_case_id, opened_record
from egate.cases.dossier import Dossier
from egate.domain.decision import ReasonDetail
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.ids import CaseId, CrossingId, LaneId, OfficerId
from egate.domain.reason import Reason
from egate.service.case import _RESOLUTIONS, _STATES
from tests.service.site import TIMEOUT_S, Site, picture
from tests.service.test_officers import bearer, refused

DOSSIER = Dossier({"document_face": picture(), "live_face": picture(65)}, {"surname": "MUSTERMANN"})


async def open_case(site: Site, crossing: str = "a") -> CaseId:
    case = Case(
        new_case_id(),
        CrossingId(crossing),
        LaneId("lane-1"),
        site.clock.now(),
        (ReasonDetail(Reason.FACE_NON_MATCH),),
        (CheckEvidence(Check.FACE, CheckResult.FAIL, (Reason.FACE_NON_MATCH,), score=0.1, threshold=0.5, fmr=0.3),),
        (Check.LISTS,),
        "demo-1",
    )
    case = await site.cases.prepare(case, DOSSIER)
    await site.journal.append([opened_record(case)], within=site.cases.opening(case))
    return case.id


def desk(site: Site, name: str = "console-1") -> Any:
    return site.stub(pb_grpc.CaseServiceStub, name)


async def test_a_case_from_referral_to_resolution(site: Site) -> None:
    case_id = await open_case(site)
    token, stub = await bearer(site, "console-1", "ada"), desk(site)
    listed = await stub.ListCases(pb.ListCasesRequest(), metadata=token, timeout=TIMEOUT_S)
    shown = await stub.GetCase(pb.GetCaseRequest(case_id=case_id), metadata=token, timeout=TIMEOUT_S)
    assert [case.case_id for case in listed.cases] == [case_id]
    assert dict(shown.dossier.images) == dict(DOSSIER.images)
    assert dict(shown.dossier.document) == {"surname": "MUSTERMANN"}
    assert shown.case.decision.verdict == values_pb2.VERDICT_REFER
    assert math.isclose(shown.case.decision.checks[0].score, 0.1)
    assert list(shown.case.decision.not_performed) == ["LISTS"]
    claim = await stub.ClaimCase(
        pb.ClaimCaseRequest(request_id="r-1", case_id=case_id), metadata=token, timeout=TIMEOUT_S
    )
    assert (claim.case.state, claim.case.owner) == (pb.CASE_STATE_CLAIMED, "ada")
    resolve = pb.ResolveCaseRequest(
        request_id="r-2", case_id=case_id, resolution=pb.RESOLUTION_ADMITTED, reason="same person, new beard"
    )
    first = await stub.ResolveCase(resolve, metadata=token, timeout=TIMEOUT_S)
    again = await stub.ResolveCase(resolve, metadata=token, timeout=TIMEOUT_S)
    assert first == again
    assert (first.case.state, first.case.resolution_reason) == (pb.CASE_STATE_RESOLVED, "same person, new beard")
    after = await stub.GetCase(pb.GetCaseRequest(case_id=case_id), metadata=token, timeout=TIMEOUT_S)
    assert not after.HasField("dossier"), "a resolved case shows no images"
    assert not (await stub.ListCases(pb.ListCasesRequest(), metadata=token)).cases
    resolved = await stub.ListCases(pb.ListCasesRequest(states=[pb.CASE_STATE_RESOLVED]), metadata=token)
    assert len(resolved.cases) == 1


async def test_another_payload_under_a_used_request_id_is_refused(site: Site) -> None:
    case_id, other = await open_case(site, "a"), await open_case(site, "b")
    token, stub = await bearer(site, "console-1", "ada"), desk(site)
    await stub.ClaimCase(pb.ClaimCaseRequest(request_id="r-1", case_id=case_id), metadata=token, timeout=TIMEOUT_S)
    call = stub.ClaimCase(pb.ClaimCaseRequest(request_id="r-1", case_id=other), metadata=token)
    assert await refused(call) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


async def test_the_same_request_sent_twice_at_once_is_carried_out_once(site: Site) -> None:
    case_id = await open_case(site)
    token, stub = await bearer(site, "console-1", "ada"), desk(site)
    await stub.ClaimCase(pb.ClaimCaseRequest(request_id="r-1", case_id=case_id), metadata=token, timeout=TIMEOUT_S)
    resolve = pb.ResolveCaseRequest(
        request_id="r-2", case_id=case_id, resolution=pb.RESOLUTION_REFUSED, reason="another person"
    )
    answers = await asyncio.gather(*(stub.ResolveCase(resolve, metadata=token, timeout=TIMEOUT_S) for _ in range(4)))
    assert all(answer == answers[0] for answer in answers)


async def test_refusals_have_their_status(site: Site) -> None:
    case_id = await open_case(site)
    ada, ben = await bearer(site, "console-1", "ada"), await bearer(site, "console-2", "demo")
    at_1, at_2 = desk(site), desk(site, "console-2")
    resolve = pb.ResolveCaseRequest(request_id="r-1", case_id=case_id, resolution=pb.RESOLUTION_ADMITTED, reason="x")
    precondition = grpc.StatusCode.FAILED_PRECONDITION
    assert await refused(at_1.ResolveCase(resolve, metadata=ada)) == (precondition, "CASE_NOT_CLAIMED")
    await at_1.ClaimCase(pb.ClaimCaseRequest(request_id="r-2", case_id=case_id), metadata=ada, timeout=TIMEOUT_S)
    claim = pb.ClaimCaseRequest(request_id="r-3", case_id=case_id)
    assert await refused(at_2.ClaimCase(claim, metadata=ben)) == (precondition, "CASE_CLAIMED_BY_OTHER")
    assert await refused(at_2.ResolveCase(resolve, metadata=ben)) == (precondition, "CASE_CLAIMED_BY_OTHER")
    await at_1.ResolveCase(resolve, metadata=ada, timeout=TIMEOUT_S)
    assert await refused(at_2.ClaimCase(claim, metadata=ben)) == (precondition, "CASE_RESOLVED")
    unknown = pb.ClaimCaseRequest(request_id="r-4", case_id="0" * 32)
    assert await refused(at_1.ClaimCase(unknown, metadata=ada)) == (grpc.StatusCode.NOT_FOUND, "CASE_UNKNOWN")
    assert await refused(at_1.GetCase(pb.GetCaseRequest(case_id="0" * 32), metadata=ada)) == (
        grpc.StatusCode.NOT_FOUND,
        "CASE_UNKNOWN",
    )


@pytest.mark.parametrize(
    "request_",
    [
        pb.ResolveCaseRequest(request_id="r", case_id="0" * 32, reason="x"),
        pb.ResolveCaseRequest(request_id="r", case_id="0" * 32, resolution=pb.RESOLUTION_ADMITTED),
        pb.ResolveCaseRequest(request_id="r", case_id="0" * 32, resolution=77, reason="x"),  # type: ignore[arg-type]
        pb.ResolveCaseRequest(request_id="r", resolution=pb.RESOLUTION_ADMITTED, reason="x"),
    ],
)
async def test_a_resolution_is_complete_or_refused(site: Site, request_: pb.ResolveCaseRequest) -> None:
    token = await bearer(site, "console-1", "ada")
    code, _ = await refused(desk(site).ResolveCase(request_, metadata=token))
    assert code == grpc.StatusCode.INVALID_ARGUMENT


async def test_watching_shows_open_cases_then_changes_and_resumes(site: Site) -> None:
    old = await open_case(site, "a")
    token, stub = await bearer(site, "console-1", "ada"), desk(site)
    call = stub.WatchCases(pb.WatchCasesRequest(), metadata=token, timeout=TIMEOUT_S)
    first = await call.read()
    new = await open_case(site, "b")
    second = await call.read()
    assert (first.case.case_id, second.case.case_id) == (old, new)
    call.cancel()
    await stub.ClaimCase(pb.ClaimCaseRequest(request_id="r-1", case_id=old), metadata=token, timeout=TIMEOUT_S)
    resumed = stub.WatchCases(pb.WatchCasesRequest(resume_token=second.resume_token), metadata=token, timeout=TIMEOUT_S)
    third = await resumed.read()
    assert (third.case.case_id, third.case.state) == (old, pb.CASE_STATE_CLAIMED)


async def test_a_watch_ends_with_the_officers_token(site: Site) -> None:
    token = await bearer(site, "console-1", "ada")
    call = desk(site).WatchCases(pb.WatchCasesRequest(), metadata=token, timeout=TIMEOUT_S)
    await open_case(site, "a")
    await call.read()
    site.clock.advance(901)
    await open_case(site, "b")
    assert await refused(call.read()) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")


async def test_open_cases_are_found_behind_many_resolved_ones(site: Site) -> None:
    ids = [await open_case(site, f"c{number}") for number in range(12)]
    now = site.clock.now()
    for case_id in ids[:-1]:
        await site.cases.claim(case_id, OfficerId("ada"), now)
        assert await site.cases.resolve(case_id, OfficerId("ada"), Resolution.NO_SHOW, "x", now)
    token, stub, found, page = await bearer(site, "console-1", "ada"), desk(site), [], ""
    while True:
        request = pb.ListCasesRequest(page_size=1, page_token=page)
        answer = await stub.ListCases(request, metadata=token, timeout=TIMEOUT_S)
        found += [case.case_id for case in answer.cases]
        page = answer.next_page_token
        if not page:
            break
    assert found == ids[-1:]


@pytest.mark.parametrize("token", ["x", "-1", "9" * 30, "١"])
async def test_tokens_that_are_not_ours_are_refused(site: Site, token: str) -> None:
    officer, stub = await bearer(site, "console-1", "ada"), desk(site)
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    listing = stub.ListCases(pb.ListCasesRequest(page_token=token), metadata=officer)
    assert (await refused(listing))[0] == invalid
    watching = stub.WatchCases(pb.WatchCasesRequest(resume_token=token), metadata=officer)
    assert (await refused(watching.read()))[0] == invalid


def test_every_state_and_resolution_has_its_number() -> None:
    assert set(_STATES) == set(CaseState)
    assert set(_RESOLUTIONS) == set(Resolution)
