"""LaneService: officers watch and override lanes."""

from __future__ import annotations

from collections.abc import AsyncIterator

from egate.api.v1 import lane_service_pb2 as pb
from egate.api.v1 import lane_service_pb2_grpc as pb_grpc
from egate.domain.ids import OfficerId
from egate.lane.api import Hall
from egate.ports import Clock
from egate.service import convert, fields
from egate.service.crossing import lane_of
from egate.service.errors import Unauthenticated
from egate.service.interceptor import caller
from egate.service.task import Unhurried

_RELEASE = "ReleaseLane"


def the_officer() -> OfficerId:
    """The officer whose token the caller forwarded. Raises Unauthenticated TOKEN_MISSING."""
    officer = caller().officer
    if officer is None:
        raise Unauthenticated("an officer's token is required", code="TOKEN_MISSING")
    return officer


class LaneServicer(pb_grpc.LaneServiceServicer):
    def __init__(self, hall: Hall, clock: Clock) -> None:
        self._hall = hall
        self._clock = clock
        self._unhurried = Unhurried()

    async def WatchLanes(self, request: pb.WatchLanesRequest, context: object) -> AsyncIterator[pb.WatchLanesResponse]:
        lanes = frozenset(lane_of(self._hall, name).id for name in request.lanes) or frozenset(self._hall.lanes)
        resume = fields.token("resume_token", request.resume_token)
        async for snapshot, token in self._hall.watch(lanes, resume):
            at = convert.timestamp(self._clock.now())
            yield pb.WatchLanesResponse(lane=convert.lane(snapshot), resume_token=token, at=at)

    async def GetDevices(self, request: pb.GetDevicesRequest, context: object) -> pb.GetDevicesResponse:
        names = dict.fromkeys(request.lanes or map(str, self._hall.lanes))
        now = self._clock.monotonic()
        return pb.GetDevicesResponse(
            devices=[
                convert.device(lane.id, name, health, now)
                for lane in [lane_of(self._hall, each) for each in sorted(names)]
                for name, health in sorted(lane.health.items())
            ]
        )

    async def SecureLane(self, request: pb.SecureLaneRequest, context: object) -> pb.SecureLaneResponse:
        lane = lane_of(self._hall, request.lane)
        securing = lane.secure(
            officer=the_officer(),
            caller=caller().name,
            request_id=fields.request_id(request.request_id),
            hold=request.hold,
            reason=fields.reason("reason", request.reason, required=False),
        )
        return pb.SecureLaneResponse(confirmed=await self._unhurried.run(securing))

    async def ReleaseLane(self, request: pb.ReleaseLaneRequest, context: object) -> pb.ReleaseLaneResponse:
        lane = lane_of(self._hall, request.lane)
        releasing = lane.release(
            officer=the_officer(),
            caller=caller().name,
            request_id=fields.request_id(request.request_id),
            payload_sha256=fields.payload_sha256(_RELEASE, request),
            reason=fields.reason("reason", request.reason, required=True),
        )
        crossing, result = await self._unhurried.run(releasing)
        return pb.ReleaseLaneResponse(crossing_id=crossing, release=convert.release(result))
