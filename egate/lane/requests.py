"""Requests under way in the whole hall, so that a retry that overtakes its first attempt finds it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from egate.domain.device import ReleaseResult
from egate.domain.ids import CrossingId
from egate.lane.api import CrossingHandle, LaneRefused


@dataclass(slots=True)
class Request:
    """handle: set once the lane has taken the request, or an exception if it refused."""

    payload_sha256: bytes
    handle: asyncio.Future[CrossingHandle]


class Requests:
    """One per hall; owned by its event loop. Bounded by the lanes: one entry per crossing under way."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], Request] = {}
        self._overrides: dict[tuple[str, str], tuple[bytes, asyncio.Future[tuple[CrossingId, ReleaseResult]]]] = {}

    def find(self, caller: str, request_id: str, payload_sha256: bytes) -> Request | None:
        """The request under way. Raises LaneRefused REQUEST_ID_REUSED if its payload was another."""
        request = self._open.get((caller, request_id))
        if request is not None and request.payload_sha256 != payload_sha256:
            raise reused()
        return request

    def open(self, caller: str, request_id: str, payload_sha256: bytes) -> Request:
        request = Request(payload_sha256, asyncio.get_running_loop().create_future())
        self._open[caller, request_id] = request
        return request

    def find_override(
        self, caller: str, request_id: str, payload_sha256: bytes
    ) -> asyncio.Future[tuple[CrossingId, ReleaseResult]] | None:
        """The officer's release under way. Raises LaneRefused REQUEST_ID_REUSED if its payload was another."""
        found = self._overrides.get((caller, request_id))
        if found is not None and found[0] != payload_sha256:
            raise reused()
        return None if found is None else found[1]

    def open_override(
        self,
        caller: str,
        request_id: str,
        payload_sha256: bytes,
        done: asyncio.Future[tuple[CrossingId, ReleaseResult]],
    ) -> None:
        """Known until done."""
        key = (caller, request_id)
        self._overrides[key] = (payload_sha256, done)
        done.add_done_callback(lambda _: self._overrides.pop(key, None))

    def close(self, caller: str, request_id: str) -> None:
        self._open.pop((caller, request_id), None)


def reused() -> LaneRefused:
    return LaneRefused("request_id was used with another payload", code="REQUEST_ID_REUSED")
