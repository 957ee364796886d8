"""OfficerService: officers log in and out."""

from __future__ import annotations

from egate.api.v1 import officer_service_pb2 as pb
from egate.api.v1 import officer_service_pb2_grpc as pb_grpc
from egate.service import convert, fields
from egate.service.errors import FieldError, Unauthenticated
from egate.service.interceptor import caller
from egate.service.officers import Officers
from egate.service.password import PASSWORD_BYTES_MAX


class OfficerServicer(pb_grpc.OfficerServiceServicer):
    def __init__(self, officers: Officers) -> None:
        self._officers = officers

    async def Login(self, request: pb.LoginRequest, context: object) -> pb.LoginResponse:
        officer = fields.identifier("officer", request.officer)
        if not 0 < len(request.password.encode()) <= PASSWORD_BYTES_MAX:
            raise FieldError("password", f"must be 1 to {PASSWORD_BYTES_MAX} bytes")
        login = await self._officers.login(caller().identity, officer, request.password)
        return pb.LoginResponse(token=login.token, expires_at=convert.timestamp(login.expires_at))

    async def Logout(self, request: pb.LogoutRequest, context: object) -> pb.LogoutResponse:
        who = caller()
        if who.token is None:
            raise Unauthenticated("an officer's token is required", code="TOKEN_MISSING")
        await self._officers.logout(who.token, who.identity)
        return pb.LogoutResponse()
