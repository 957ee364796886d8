"""Whatever a chip answers, a session ends in a ChipRead, and holds no byte of a file that the chip did not send."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from egate.document.lds import write_ef_com
from egate.domain.chip import ChipRead
from hw.emrtd.apdu import SELECT, Command, Response, parse_response
from hw.emrtd.plan import ReadPlan
from hw.emrtd.session import SessionOver, read_chip
from hw.emrtd.transport import Card, CardGarbled
from tests.fuzz.sources import TD3, entropy, files
from tests.fuzz.target import Target

_PLAN = ReadPlan(mrz_lines=TD3, can="123456")
_EXCHANGES_MAX = 2_000
_FILES = {0x011E: "com", 0x011D: "sod", 0x0101: "dg1", 0x0102: "dg2"}


def scripted(data: bytes) -> None:
    """data: answers one after the other, each behind its length in two bytes; behind the last the chip is gone."""
    script = _answers(data)
    session = read_chip(_PLAN, entropy)
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


def _conversation(contents: dict[str, bytes]) -> bytes:
    """What a chip without access control says in a whole session."""
    session = read_chip(_PLAN, entropy)
    said, current = bytearray(), None
    request = next(session)
    try:
        while True:
            if not isinstance(request, Command):
                said += _framed(b"\x00")
                request = session.send(Card())
                continue
            response, current = _respond(request, current, contents)
            said += _framed(response.encode())
            request = session.send(response)
    except StopIteration:
        return bytes(said)


def _respond(request: Command, current: bytes | None, contents: dict[str, bytes]) -> tuple[Response, bytes | None]:
    if request.ins == SELECT and request.p1 == 0x04:
        return Response(b"", 0x9000), None
    if request.ins == SELECT:
        content = contents.get(_FILES.get(int.from_bytes(request.data, "big"), ""))
        return Response(b"", 0x9000 if content is not None else 0x6A82), content
    if request.ins != 0xB0 or current is None:
        return Response(b"", 0x6D00), current
    offset = request.p1 << 8 | request.p2
    return Response(current[offset : offset + request.le], 0x9000), current


def seeds() -> Sequence[bytes]:
    contents = {**files(), "com": write_ef_com((1, 2))}
    refusing = _framed(b"\x00") + _framed(b"\x6a\x82") * 3 + _framed(b"\x69\x82") * 5
    return [_conversation(contents), _conversation({"dg1": contents["dg1"]}), refusing]


TARGETS = (Target("scripted", scripted, seeds, 10),)
