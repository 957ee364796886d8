"""A session and the way to its chip, put together: who asks for the time, waits and gives up."""

from __future__ import annotations

from collections.abc import Callable

from egate.domain.chip import ChipRead
from hw.emrtd.plan import OnProgress, ReadPlan, ignore_progress
from hw.emrtd.session import (
    SESSION_S_MAX,
    Answer,
    Request,
    Session,
    SessionOver,
    read_chip,
    response_s_max,
)
from hw.emrtd.transport import Card, CardError, CardGarbled, CardTransport, ExchangeCancelled, never
from hw.emrtd.wire.apdu import Command, parse_response
from hw.link.base import LinkLost

# Chosen: a traveller presses the open book down some time after its zone was seen, and PC/SC readers look for chips every 0.4 s.
PRESENCE_S_MAX, PRESENCE_STEP_S = 0.5, 0.05
STATUS_CLASSES = (0x6, 0x9)  # ISO/IEC 7816-3, 12.2.1: anything else is no SW1, and the line to blame


def drive(
    plan: ReadPlan,
    transport: CardTransport,
    entropy: Callable[[int], bytes],
    clock: Callable[[], float],
    on_progress: OnProgress = ignore_progress,
) -> ChipRead:
    """Reads the chip that is in the field now and switches the field off. clock: seconds, monotonic.

    Ends within SESSION_S_MAX and one exchange. Never raises for what chip or reader do; a lost reader shows at its next use.
    """
    session = read_chip(plan, entropy, on_progress)
    result = _converse(session, transport, clock, clock() + SESSION_S_MAX)
    transport.cancelled = never  # a session that was cancelled still switches its chip off
    try:
        transport.disconnect()
    except (CardError, LinkLost):
        pass  # the next connect starts from nothing anyway
    return result


def _converse(session: Session, transport: CardTransport, clock: Callable[[], float], deadline: float) -> ChipRead:
    try:
        request = next(session)
        while True:
            try:
                answer = _answer(transport, request, clock, deadline)
            except (CardError, SessionOver) as error:
                request = session.throw(error)
            else:
                request = session.send(answer)
    except StopIteration as end:
        result: ChipRead = end.value
        return result


def _answer(transport: CardTransport, request: Request, clock: Callable[[], float], deadline: float) -> Answer:
    rest_s = deadline - clock()
    if rest_s <= 0:
        raise SessionOver("timeout")
    try:
        if not isinstance(request, Command):
            return _connected(transport, clock)
        message = transport.transmit(request.encode(), min(response_s_max(request), rest_s))
    except ExchangeCancelled:
        raise SessionOver("cancelled") from None
    except LinkLost:
        raise SessionOver("lost") from None
    response = parse_response(message)
    if response is None or response.sw >> 12 not in STATUS_CLASSES:
        raise CardGarbled("no status word")
    return response


def _connected(transport: CardTransport, clock: Callable[[], float]) -> Card | None:
    """The chip in the field, or the one that comes there within PRESENCE_S_MAX. Raises CardError, ExchangeCancelled, LinkLost."""
    until = clock() + PRESENCE_S_MAX
    for _ in range(round(PRESENCE_S_MAX / PRESENCE_STEP_S)):
        try:
            card = transport.connect()
        except CardError:
            if clock() >= until:
                raise
        else:
            if card is not None:
                return card
        if clock() >= until:
            break
        if transport.cancelled():
            raise ExchangeCancelled
        transport.idle(PRESENCE_STEP_S)
    return transport.connect()
