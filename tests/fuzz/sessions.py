"""Whatever a chip answers, a session ends in a ChipRead, and holds no byte of a file that the chip did not send."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from egate.document.chip.security_info_writer import write_security_infos
from egate.document.lds.structure import write_ef_com
from egate.domain.chip import AccessProtocol, ChipRead
from hw.emrtd.chip.application import ChipApplication
from hw.emrtd.chip.personalisation import Personalisation
from hw.emrtd.plan import ReadPlan
from hw.emrtd.protocol.mrz_key import mrz_key
from hw.emrtd.session import SessionOver, read_chip
from hw.emrtd.transport import Card, CardGarbled
from hw.emrtd.wire.apdu import Command, parse_response
from hw.sim.issuer_profile import DEFAULT
from tests.fuzz.sources import TD3, files, stream
from tests.fuzz.target import Target

_PLAN = ReadPlan(mrz_lines=TD3)
_EXCHANGES_MAX = 2_000


def scripted(data: bytes) -> None:
    """data: answers one after the other, each behind its length in two bytes; behind the last the chip is gone."""
    script = _answers(data)
    session = read_chip(_PLAN, stream(b"terminal"))
    sent = 0
    try:
        request = next(session)
        for _ in range(_EXCHANGES_MAX):
            answer = next(script, None)
            if not isinstance(request, Command):
                request = session.send(Card() if answer is not None else None)
            elif answer is None:
                request = session.throw(SessionOver("lost"))
            elif (response := parse_response(answer)) is None:
                request = session.throw(CardGarbled("no status word"))
            else:
                sent += len(response.data)
                request = session.send(response)
        request = session.throw(SessionOver("timeout"))
    except StopIteration as end:
        result = end.value
        assert isinstance(result, ChipRead)
        assert sum(len(content) for content in result.files.values()) <= sent
        return
    raise AssertionError("the session goes on after its end")


def _answers(data: bytes) -> Iterator[bytes]:
    position = 0
    while position + 2 <= len(data):
        size = int.from_bytes(data[position : position + 2], "big")
        yield data[position + 2 : position + 2 + size]
        position += 2 + size


def _framed(answer: bytes) -> bytes:
    return len(answer).to_bytes(2, "big") + answer


def _conversation(execute: Callable[[bytes], bytes]) -> bytes:
    """What a chip says in a whole session. The terminal's random bytes are the same in every session, so it can be said again."""
    session = read_chip(_PLAN, stream(b"terminal"))
    said = bytearray()
    request = next(session)
    try:
        while True:
            if not isinstance(request, Command):
                said += _framed(b"\x00")
                request = session.send(Card())
                continue
            answer = execute(request.encode())
            said += _framed(answer)
            response = parse_response(answer)
            assert response is not None
            request = session.send(response)
    except StopIteration as end:
        assert "dg1" in end.value.files
        return bytes(said)


def _chip(*access: AccessProtocol) -> bytes:
    own = {"com": write_ef_com((1, 2)), **files()}
    pace = write_security_infos([DEFAULT.pace[0].info])
    contents = {**own, "card_access": pace} if AccessProtocol.PACE in access else own
    chip = ChipApplication(Personalisation(contents, mrz_key(TD3), access=frozenset(access)), stream(b"chip"))
    return _conversation(chip.execute)


def seeds() -> Sequence[bytes]:
    refusing = _framed(b"\x00") + _framed(b"\x6a\x82") * 3 + _framed(b"\x69\x82") * 5
    return [_chip(AccessProtocol.NONE), _chip(AccessProtocol.BAC), refusing]


def _paced() -> Sequence[bytes]:
    return [_chip(AccessProtocol.PACE)]


TARGETS = (Target("scripted", scripted, seeds, 8), Target("paced", scripted, _paced, 1))
