"""What an officer can do, as calls of egate.api.v1: an ordinary gRPC client."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC
from typing import Any

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from egate.api.v1 import case_service_pb2 as case_pb
from egate.api.v1 import case_service_pb2_grpc as case_grpc
from egate.api.v1 import lane_service_pb2 as lane_pb
from egate.api.v1 import lane_service_pb2_grpc as lane_grpc
from egate.api.v1 import officer_service_pb2 as officer_pb
from egate.api.v1 import officer_service_pb2_grpc as officer_grpc
from egate.console.connection import ConsoleError
from egate.console.login import Login

CALL_S = 15.0  # chosen: a release takes up to 1.5 s, a login about 0.5 s
CASE_ID_DIGITS = 32
UNRESOLVED = (case_pb.CASE_STATE_OPEN, case_pb.CASE_STATE_CLAIMED)


class Desk:
    """login None: only `login` can be called. Each call raises ConsoleError."""

    def __init__(self, channel: grpc.Channel, login: Login | None = None) -> None:
        # The generated stubs have no types.
        stubs: tuple[Any, Any, Any] = (
            case_grpc.CaseServiceStub,
            lane_grpc.LaneServiceStub,
            officer_grpc.OfficerServiceStub,
        )
        self._cases, self._lanes, self._officers = (stub(channel) for stub in stubs)
        self._metadata = (("authorization", f"Bearer {login.token}"),) if login else ()

    def login(self, officer: str, password: str) -> Login:
        answer = self._call(self._officers.Login, officer_pb.LoginRequest(officer=officer, password=password))
        return Login(officer, answer.token, answer.expires_at.ToDatetime(tzinfo=UTC))

    def logout(self) -> None:
        self._call(self._officers.Logout, officer_pb.LogoutRequest())

    def cases(self, *, resolved: bool = False) -> Iterator[case_pb.Case]:
        states = [case_pb.CASE_STATE_RESOLVED] if resolved else UNRESOLVED
        page = ""
        while True:
            answer = self._call(self._cases.ListCases, case_pb.ListCasesRequest(states=states, page_token=page))
            yield from answer.cases
            page = answer.next_page_token
            if not page:
                return

    def watch(self) -> Iterator[case_pb.Case]:
        """Open cases, then each change, until interrupted."""
        try:
            for change in self._cases.WatchCases(case_pb.WatchCasesRequest(), metadata=self._metadata):
                yield change.case
        except grpc.RpcError as error:
            raise refusal(error) from None

    def find(self, prefix: str) -> str:
        """The id of the one unresolved case that starts so; a whole id is not looked up."""
        if len(prefix) == CASE_ID_DIGITS:
            return prefix
        found = [case.case_id for case in self.cases() if case.case_id.startswith(prefix)]
        if len(found) != 1:
            raise ConsoleError(f"{len(found)} unresolved cases start with {prefix}", code="CASE_AMBIGUOUS")
        return found[0]

    def show(self, case_id: str) -> case_pb.GetCaseResponse:
        answer: case_pb.GetCaseResponse = self._call(self._cases.GetCase, case_pb.GetCaseRequest(case_id=case_id))
        return answer

    def claim(self, case_id: str) -> case_pb.Case:
        request = case_pb.ClaimCaseRequest(request_id=_request_id(), case_id=case_id)
        case: case_pb.Case = self._call(self._cases.ClaimCase, request).case
        return case

    def resolve(self, case_id: str, resolution: str, reason: str) -> case_pb.Case:
        """resolution: ADMITTED, REFUSED, FORWARDED or NO_SHOW."""
        request = case_pb.ResolveCaseRequest(
            request_id=_request_id(), case_id=case_id, resolution=f"RESOLUTION_{resolution}", reason=reason
        )
        case: case_pb.Case = self._call(self._cases.ResolveCase, request).case
        return case

    def secure(self, lane: str, reason: str, *, hold: bool) -> bool:
        """True if the lock confirmed."""
        request = lane_pb.SecureLaneRequest(request_id=_request_id(), lane=lane, hold=hold, reason=reason)
        return bool(self._call(self._lanes.SecureLane, request).confirmed)

    def release(self, lane: str, reason: str) -> lane_pb.ReleaseLaneResponse:
        request = lane_pb.ReleaseLaneRequest(request_id=_request_id(), lane=lane, reason=reason)
        answer: lane_pb.ReleaseLaneResponse = self._call(self._lanes.ReleaseLane, request)
        return answer

    def _call(self, method: Any, request: Any) -> Any:
        try:
            return method(request, metadata=self._metadata, timeout=CALL_S)
        except grpc.RpcError as error:
            raise refusal(error) from None


def refusal(error: grpc.RpcError) -> ConsoleError:
    """The daemon's reason; without one (nobody answered), the status."""
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    if status is not None and any(detail.Unpack(info) for detail in status.details):
        return ConsoleError(status.message, code=info.reason)
    if error.code() == grpc.StatusCode.UNAVAILABLE:
        return ConsoleError("the daemon cannot be reached, or does not accept the certificate", code="UNREACHABLE")
    return ConsoleError(error.details() or "the call failed", code=error.code().name)


def _request_id() -> str:
    return uuid.uuid4().hex
