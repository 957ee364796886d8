"""A chip's answer is an APDU or nothing; no message but the genuine one passes secure messaging, and the first other one ends it."""

from __future__ import annotations

from collections.abc import Sequence

from hw.emrtd.protocol.cipher import Suite
from hw.emrtd.protocol.secure_messaging import SecureMessaging, SecureMessagingError
from hw.emrtd.wire import apdu, data_object
from hw.emrtd.wire.apdu import Command, Response, parse_command, parse_response
from hw.emrtd.wire.atr import announces_extended_length, historical_bytes, historical_bytes_of_ats, response_size_max
from tests.fuzz.sources import entropy
from tests.fuzz.target import Target

_SUITES = tuple(Suite)
_COMMAND = Command(0x00, 0xB0, 0x00, 0x00, b"data of a command", 256)
_ANSWER = Response(b"what the chip answers, longer than one block of any cipher", 0x9000)


def _channel(suite: Suite) -> SecureMessaging:
    size = len(entropy(32)) if suite is Suite.AES256 else 24 if suite is Suite.AES192 else 16
    return SecureMessaging(suite, entropy(size), entropy(size)[::-1])


def _genuine(suite: Suite) -> tuple[bytes, bytes]:
    """A wrapped command and the wrapped answer to it."""
    terminal, chip = _channel(suite), _channel(suite)
    command = terminal.wrap(_COMMAND)
    chip.unwrap_command(command)
    return command.encode(), chip.wrap_response(_ANSWER).encode()


GENUINE = {suite: _genuine(suite) for suite in _SUITES}


def message(data: bytes) -> None:
    command, response = parse_command(data), parse_response(data)
    if command is not None:
        assert parse_command(command.encode()) == command
    if response is not None:
        assert response.encode() == data


def answer(data: bytes) -> None:
    """First byte: the cipher."""
    if not data:
        return
    suite = _SUITES[data[0] % len(_SUITES)]
    response = parse_response(data[1:])
    if response is None:
        return
    terminal = _channel(suite)
    terminal.wrap(_COMMAND)
    try:
        opened = terminal.unwrap(response)
    except SecureMessagingError:
        assert terminal.closed
    else:
        assert (data[1:], opened) == (GENUINE[suite][1], _ANSWER)


def command(data: bytes) -> None:
    """First byte: the cipher."""
    if not data:
        return
    suite = _SUITES[data[0] % len(_SUITES)]
    wrapped = parse_command(data[1:])
    if wrapped is None:
        return
    chip = _channel(suite)
    try:
        opened = chip.unwrap_command(wrapped)
    except SecureMessagingError:
        assert chip.closed
    else:
        genuine = parse_command(GENUINE[suite][0])
        assert genuine is not None
        assert (wrapped.header, wrapped.data, opened) == (genuine.header, genuine.data, _COMMAND)


def objects(data: bytes) -> None:
    found = data_object.parse(data)
    if found is not None:
        assert len(found) <= len(data)
    data_object.parse_unique(data)
    data_object.single(data, 0x7C)
    apdu.unwrap_content(data)
    apdu.odd_offset(data)


def limits(data: bytes) -> None:
    for historical in (historical_bytes(data), historical_bytes_of_ats(data), data):
        announces_extended_length(historical)
    assert response_size_max(data) >= 0


def _wrapped(index: int) -> Sequence[bytes]:
    return [bytes([number]) + GENUINE[suite][index] for number, suite in enumerate(_SUITES)]


def _plain() -> Sequence[bytes]:
    extended = Command(0x0C, 0xB0, 0, 0, bytes(300), 4096)
    return [
        each.encode()
        for each in (_COMMAND, extended, apdu.select_application(), apdu.read_binary(40_000, 200), _ANSWER)
    ]


def _limits() -> Sequence[bytes]:
    info = bytes.fromhex("7f660802022000020220e0")
    return [bytes.fromhex(text) for text in ("3b80800101", "3b8a80010031c173c8400000900c", "0a788090020020")] + [info]


def _objects() -> Sequence[bytes]:
    dynamic = data_object.encode(0x7C, data_object.encode(0x81, bytes(65)) + data_object.encode(0x86, bytes(8)))
    return [dynamic, apdu.wrap_content(bytes(200)), GENUINE[Suite.TDES][1][:-2], bytes.fromhex("5403008000")]


TARGETS = (
    Target("message", message, _plain, 30),
    Target("answer", answer, lambda: _wrapped(1), 20),
    Target("command", command, lambda: _wrapped(0), 20),
    Target("objects", objects, _objects, 30),
    Target("limits", limits, _limits, 20),
)
