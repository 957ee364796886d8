"""A crossing as its gate sees it: the live one, and the one replayed from the journal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from egate.domain.biometric import EncodedFinger
from egate.domain.document import DocumentRead
from egate.domain.ids import CrossingId
from egate.errors import EgateError
from egate.lane.api import CrossingEvent, Decided, Ended, LaneRefused

EVENTS_MAX = 512  # a crossing has about 20; a gate that sends frames at 30/s for its whole time stays below


class LiveHandle:
    """Implements api.CrossingHandle. The lane feeds it; any number of readers follow it from the start."""

    def __init__(
        self,
        crossing: CrossingId,
        on_document: Callable[[DocumentRead], None],
        on_face: Callable[[bytes], None],
        on_finger: Callable[[EncodedFinger], None],
        on_captures_end: Callable[[], None],
    ) -> None:
        self._crossing = crossing
        self._on_document = on_document
        self._on_face = on_face
        self._on_finger = on_finger
        self._on_captures_end = on_captures_end
        self._events: list[CrossingEvent] = []
        self._changed = asyncio.Event()
        self._decided: asyncio.Future[Decided] = asyncio.get_running_loop().create_future()
        self._failure: EgateError | None = None
        self._over = False

    @property
    def crossing(self) -> CrossingId:
        return self._crossing

    def present(self, document: DocumentRead) -> None:
        self._refuse_if_over()
        self._on_document(document)

    def face(self, image: bytes) -> None:
        self._refuse_if_over()
        self._on_face(image)

    def finger(self, finger: EncodedFinger) -> None:
        self._refuse_if_over()
        self._on_finger(finger)

    def captures_end(self) -> None:
        self._refuse_if_over()
        self._on_captures_end()

    async def decided(self) -> Decided:
        return await asyncio.shield(self._decided)

    async def events(self) -> AsyncIterator[CrossingEvent]:
        index = 0
        while True:
            while index < len(self._events):
                yield self._events[index]
                index += 1
            if self._failure is not None:
                raise self._failure
            if self._over:
                return
            self._changed.clear()
            await self._changed.wait()

    # The lane's side

    @property
    def answered(self) -> bool:
        return self._decided.done()

    def publish(self, event: CrossingEvent) -> None:
        # Guidance is advice: beyond the limit it is dropped, decision and end never are.
        if len(self._events) < EVENTS_MAX or isinstance(event, Decided | Ended):
            self._events.append(event)
        if isinstance(event, Decided) and not self._decided.done():
            self._decided.set_result(event)
        if isinstance(event, Ended):
            self._over = True
        self._wake()

    def fail(self, error: EgateError) -> None:
        """The gate gets no decision: nothing was released."""
        if not self._decided.done():
            self._failure = error
            self._decided.set_exception(error)
            self._decided.exception()  # looked at: nobody may be waiting
        self._over = True
        self._wake()

    def _wake(self) -> None:
        self._changed.set()

    def _refuse_if_over(self) -> None:
        if self._over or self._decided.done():
            raise LaneRefused("the crossing is decided", code="CROSSING_OVER")


class ReplayedHandle:
    """Implements api.CrossingHandle for a retry whose first request has ended: tells the first answer again."""

    def __init__(self, decided: Decided) -> None:
        self._answer = decided

    @property
    def crossing(self) -> CrossingId:
        return self._answer.crossing

    def present(self, document: DocumentRead) -> None:
        raise LaneRefused("the crossing is decided", code="CROSSING_OVER")

    def face(self, image: bytes) -> None:
        raise LaneRefused("the crossing is decided", code="CROSSING_OVER")

    def finger(self, finger: EncodedFinger) -> None:
        raise LaneRefused("the crossing is decided", code="CROSSING_OVER")

    def captures_end(self) -> None:
        """Nothing to end."""

    async def decided(self) -> Decided:
        return self._answer

    async def events(self) -> AsyncIterator[CrossingEvent]:
        yield self._answer
