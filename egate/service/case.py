"""CaseService: the manual lane's cases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar, cast

from google.protobuf.message import Message

from egate.api.v1 import case_service_pb2 as pb
from egate.api.v1 import case_service_pb2_grpc as pb_grpc
from egate.cases.case import Case, CaseRefusal, CaseState, Resolution, as_of
from egate.cases.store import CaseStore, Respond
from egate.domain.ids import CaseId
from egate.lane.api import LaneRefused
from egate.ports import Clock, Journal, StoredResponse
from egate.service import convert, fields
from egate.service.errors import FieldError, NotFound, ServiceError
from egate.service.interceptor import caller
from egate.service.lane import the_officer
from egate.service.task import Unhurried

CLAIM, RESOLVE = "ClaimCase", "ResolveCase"
UNRESOLVED = frozenset({CaseState.OPEN, CaseState.CLAIMED})
PAGES_PER_CALL = 10  # of up to 200 cases looked at; a page may come back shorter than asked, even empty

_STATES = cast("dict[CaseState, pb.CaseState]", {s: pb.CaseState.Value(f"CASE_STATE_{s}") for s in CaseState})
_RESOLUTIONS = cast("dict[Resolution, pb.Resolution]", {r: pb.Resolution.Value(f"RESOLUTION_{r}") for r in Resolution})
_STATE_OF = {number: state for state, number in _STATES.items()}
_RESOLUTION_OF = {number: resolution for resolution, number in _RESOLUTIONS.items()}

M = TypeVar("M", pb.ClaimCaseResponse, pb.ResolveCaseResponse)


class CaseRefused(ServiceError):
    """code is a CaseRefusal."""


class CaseServicer(pb_grpc.CaseServiceServicer):
    def __init__(self, cases: CaseStore, journal: Journal, clock: Clock) -> None:
        self._cases = cases
        self._journal = journal
        self._clock = clock
        self._unhurried = Unhurried()

    async def ListCases(self, request: pb.ListCasesRequest, context: object) -> pb.ListCasesResponse:
        wanted = _wanted(request)
        size = fields.page_size(request.page_size)
        token = fields.token("page_token", request.page_token)
        only = next(iter(wanted)) if len(wanted) == 1 else None
        for _ in range(PAGES_PER_CALL):
            try:
                page = await self._cases.list(self._clock.now(), only, token, size)
            except ValueError:
                raise FieldError("page_token", "is not a token of this service") from None
            found = [case for case in page.cases if case.state in wanted]
            token = page.next_page_token
            if found or not token:
                break
        return pb.ListCasesResponse(cases=[message(case) for case in found], next_page_token=token)

    async def GetCase(self, request: pb.GetCaseRequest, context: object) -> pb.GetCaseResponse:
        case_id = CaseId(fields.identifier("case_id", request.case_id))
        case = await self._cases.get(case_id, self._clock.now())
        if case is None:
            raise NotFound("no such case", code="CASE_UNKNOWN")
        dossier = await self._cases.dossier(case_id)
        if dossier is None:
            return pb.GetCaseResponse(case=message(case))
        shown = pb.Dossier(images=dict(dossier.images), document=dict(dossier.document))
        return pb.GetCaseResponse(case=message(case), dossier=shown)

    async def WatchCases(self, request: pb.WatchCasesRequest, context: object) -> AsyncIterator[pb.WatchCasesResponse]:
        version = _version(request.resume_token)
        if version is None:
            page = await self._cases.list(self._clock.now())
            version = page.version  # of the first page: a change meanwhile is seen twice rather than never
            while True:
                # No resume token yet: who breaks off among the open cases starts again.
                for case in page.cases:
                    if case.state in UNRESOLVED:
                        yield pb.WatchCasesResponse(case=message(case))
                if not page.next_page_token:
                    break
                page = await self._cases.list(self._clock.now(), page_token=page.next_page_token)
        async for change in self._cases.watch(version):
            case = as_of(change.case, self._clock.now())
            yield pb.WatchCasesResponse(case=message(case), resume_token=str(change.version))

    async def ClaimCase(self, request: pb.ClaimCaseRequest, context: object) -> pb.ClaimCaseResponse:
        case_id = CaseId(fields.identifier("case_id", request.case_id))
        officer = the_officer()

        def claim(respond: Respond) -> Awaitable[Case | CaseRefusal]:
            return self._cases.claim(case_id, officer, self._clock.now(), respond=respond)

        return await self._unhurried.run(self._once(CLAIM, request, pb.ClaimCaseResponse, claim, caller().name))

    async def ResolveCase(self, request: pb.ResolveCaseRequest, context: object) -> pb.ResolveCaseResponse:
        case_id = CaseId(fields.identifier("case_id", request.case_id))
        officer = the_officer()
        reason = fields.reason("reason", request.reason, required=True)
        resolution = _RESOLUTION_OF.get(request.resolution)
        if resolution is None:
            raise FieldError("resolution", "must be one of the resolutions")

        def resolve(respond: Respond) -> Awaitable[Case | CaseRefusal]:
            return self._cases.resolve(case_id, officer, resolution, reason, self._clock.now(), respond=respond)

        return await self._unhurried.run(self._once(RESOLVE, request, pb.ResolveCaseResponse, resolve, caller().name))

    async def _once(
        self,
        method: str,
        request: pb.ClaimCaseRequest | pb.ResolveCaseRequest,
        answer: type[M],
        change: Callable[[Respond], Awaitable[Case | CaseRefusal]],
        who: str,
    ) -> M:
        """The change, or the answer it got when this request_id was first used."""
        request_id, digest = fields.request_id(request.request_id), fields.payload_sha256(method, request)

        def respond(case: Case) -> StoredResponse:
            return StoredResponse(who, request_id, digest, _serialised(answer(case=message(case))))

        earlier = await self._earlier(who, request_id, digest)
        if earlier is not None:
            return answer.FromString(earlier)
        outcome = await change(respond)
        if isinstance(outcome, Case):
            return answer(case=message(outcome))
        earlier = await self._earlier(who, request_id, digest)  # the same request, sent twice at once
        if earlier is None:
            raise CaseRefused(f"the case refuses: {outcome}", code=str(outcome))
        return answer.FromString(earlier)

    async def _earlier(self, who: str, request_id: str, digest: bytes) -> bytes | None:
        stored = await self._journal.response(who, request_id)
        if stored is None:
            return None
        if stored.payload_sha256 != digest:
            raise LaneRefused("the request_id was used with another payload", code="REQUEST_ID_REUSED")
        return stored.response


def message(case: Case) -> pb.Case:
    """The case and, as it referred the traveller, the decision."""
    decision = convert.referral(case.reasons, case.checks, case.not_performed, case.policy_version, case.opened_at)
    return pb.Case(
        case_id=case.id,
        crossing_id=case.crossing,
        lane=case.lane,
        state=_STATES[case.state],
        opened_at=convert.timestamp(case.opened_at),
        decision=decision,
        owner=case.owner or case.resolved_by or "",
        claim_expires_at=None if case.deadline is None else convert.timestamp(case.deadline),
        resolution=pb.RESOLUTION_UNSPECIFIED if case.resolution is None else _RESOLUTIONS[case.resolution],
        resolution_reason=case.reason,
        resolved_at=None if case.resolved_at is None else convert.timestamp(case.resolved_at),
        dossier_missing=case.dossier_missing,
    )


def _wanted(request: pb.ListCasesRequest) -> frozenset[CaseState]:
    unknown = [number for number in request.states if number not in _STATE_OF]
    if unknown:
        raise FieldError("states", "must be states of a case")
    return frozenset(_STATE_OF[number] for number in request.states) or UNRESOLVED


def _version(token: str) -> int | None:
    if not token:
        return None
    if not (token.isascii() and token.isdigit() and len(token) <= 18):
        raise FieldError("resume_token", "is not a token of this service")
    return int(token)


def _serialised(answer: Message) -> bytes:
    return answer.SerializeToString(deterministic=True)
