"""CrossingService: one traveller, at once or as a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from egate.api.v1 import crossing_service_pb2 as pb
from egate.api.v1 import crossing_service_pb2_grpc as pb_grpc
from egate.domain.biometric import EncodedFinger
from egate.domain.document import DocumentRead
from egate.domain.ids import LaneId
from egate.lane.api import CrossingHandle, Decided, Hall, Lane, LaneRefused
from egate.service import convert, fields
from egate.service.document import document
from egate.service.errors import FieldError, NotFound
from egate.service.interceptor import Caller, caller
from egate.service.task import Unhurried

FACES_MAX, FINGERS_MAX = 8, 4
_AUTHORISE = "AuthoriseCrossing"
_CROSS = "Cross"


class Stream(Protocol):
    async def write(self, message: pb.CrossResponse) -> None: ...


def lane_of(hall: Hall, name: str) -> Lane:
    """Raises FieldError, NotFound LANE_UNKNOWN."""
    lane = hall.lanes.get(LaneId(fields.identifier("lane", name)))
    if lane is None:
        raise NotFound("no such lane", code="LANE_UNKNOWN")
    return lane


class CrossingServicer(pb_grpc.CrossingServiceServicer):
    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._unhurried = Unhurried()

    async def AuthoriseCrossing(
        self, request: pb.AuthoriseCrossingRequest, context: object
    ) -> pb.AuthoriseCrossingResponse:
        request_id = fields.request_id(request.request_id)
        lane = lane_of(self._hall, request.lane)
        read = await asyncio.to_thread(_checked, request)
        decided = await self._unhurried.run(self._authorise(lane, request, request_id, read, caller()))
        return convert.authorised(decided)

    async def _authorise(
        self, lane: Lane, request: pb.AuthoriseCrossingRequest, request_id: str, read: DocumentRead | None, who: Caller
    ) -> Decided:
        handle = await lane.begin(
            caller=who.name,
            request_id=request_id,
            payload_sha256=fields.payload_sha256(_AUTHORISE, request),
            document=read,
            streaming=False,
        )
        _hand_over(handle, request)
        return await handle.decided()

    async def Cross(self, requests: AsyncIterator[pb.CrossRequest], context: Stream) -> None:
        first = await anext(requests, None)
        if first is None or first.WhichOneof("event") != "start":
            raise FieldError("start", "must come first", code="FIELD_MISSING")
        handle = await self._unhurried.run(self._start(first.start, caller()))
        # Whichever half fails ends the other; the lane goes on by itself.
        async with asyncio.TaskGroup() as halves:
            reader = halves.create_task(_read(requests, handle))
            await _write(handle, context)
            reader.cancel()

    async def _start(self, start: pb.CrossRequest.Start, who: Caller) -> CrossingHandle:
        request_id = fields.request_id(start.request_id)
        return await lane_of(self._hall, start.lane).begin(
            caller=who.name,
            request_id=request_id,
            payload_sha256=fields.payload_sha256(_CROSS, start),
            document=None,
            streaming=True,
        )


def _checked(request: pb.AuthoriseCrossingRequest) -> DocumentRead | None:
    """The document, once every field has been looked at: nothing starts on a request that is half wrong."""
    if not 1 <= len(request.faces) <= FACES_MAX:
        raise FieldError("faces", f"must hold 1 to {FACES_MAX} captures", code="FIELD_INVALID")
    if len(request.fingers) > FINGERS_MAX:
        raise FieldError("fingers", f"must hold at most {FINGERS_MAX} captures", code="FIELD_INVALID")
    for index, face in enumerate(request.faces):
        fields.image(f"faces[{index}].image", face.image)
    for index, finger in enumerate(request.fingers):
        _check_finger(f"fingers[{index}]", finger)
    return document(request.document) if request.HasField("document") else None


def _check_finger(field: str, finger: pb.Capture) -> None:
    fields.finger_position(f"{field}.finger_position", finger.finger_position)
    fields.finger_dpi(f"{field}.resolution_dpi", finger.resolution_dpi)
    fields.finger_image(f"{field}.image", finger.image)


def _finger(message: pb.Capture) -> EncodedFinger:
    """Of a capture that _check_finger has passed."""
    return EncodedFinger(message.image, message.finger_position, message.resolution_dpi or None)


def _hand_over(handle: CrossingHandle, request: pb.AuthoriseCrossingRequest) -> None:
    try:
        for face in request.faces:
            handle.face(face.image)
        for finger in request.fingers:
            handle.finger(_finger(finger))
        handle.captures_end()
    except LaneRefused as refusal:
        _unless_over(refusal)  # a retry: the first request's captures have decided


async def _write(handle: CrossingHandle, context: Stream) -> None:
    async for event in handle.events():
        await context.write(convert.event(event))


async def _read(requests: AsyncIterator[pb.CrossRequest], handle: CrossingHandle) -> None:
    """Hands over what the gate sends. The end of its half means nothing: captures_end is said, not inferred."""
    presented = False
    async for request in requests:
        kind = request.WhichOneof("event")
        if kind == "document" and presented:
            raise FieldError("document", "was presented already; one crossing has one document", code="DOCUMENT_MIXED")
        try:
            await _hand_over_one(handle, request)
        except LaneRefused as refusal:
            _unless_over(refusal)  # a capture on its way while the decision fell
        presented = presented or kind == "document"


async def _hand_over_one(handle: CrossingHandle, request: pb.CrossRequest) -> None:
    match request.WhichOneof("event"):
        case "document":
            handle.present(await asyncio.to_thread(document, request.document))
        case "face":
            handle.face(await asyncio.to_thread(fields.image, "face.image", request.face.image))
        case "finger":
            await asyncio.to_thread(_check_finger, "finger", request.finger)
            handle.finger(_finger(request.finger))
        case "captures_end":
            handle.captures_end()
        case "start":
            raise FieldError("start", "must come once")
        case None:
            raise FieldError("event", "is required", code="FIELD_MISSING")


def _unless_over(refusal: LaneRefused) -> None:
    if refusal.code != "CROSSING_OVER":
        raise refusal
