"""The host's session with one sensor: prove the password, greet, read and set its parameters, watch, capture.

    CONNECTING --password, parameters--> READY --silent, or asks for its password again--> GONE
        |--password refused--> REFUSED          (GONE, REFUSED and MOVED are ends: the port is closed and opened again)
        |--another speed was asked for and set--> MOVED

The password comes first: a sensor that has one does nothing before. The greeting it knows is the heartbeat; old models (ZFM-20) know none:
then the password, which all know, is. `now` is in seconds, monotonic.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import Enum, auto

from hw.finger.frame import ADDRESS_DEFAULT
from hw.finger.gone import Gone, code_of
from hw.finger.impression import Impressions, Request
from hw.finger.messages import (
    BAUD_UNIT,
    GREETINGS,
    PACKET_SIZES,
    Code,
    Instruction,
    Parameters,
    Register,
    parse_parameters,
    set_parameter,
    verify_password,
)
from hw.finger.picture import R30X, Model
from hw.finger.script import Ask, Pause, Quiet, Runner, Script
from hw.link.noise import Noise

# Chosen: three questions of 0.5 s follow in vain, so a loss shows within 3 s of the 5 s allowed.
HEARTBEAT_S = 1.0
DEGRADED_S = 3.0  # chosen: how long a damaged transfer or a repeated question shows


class Contact(Enum):
    CONNECTING = auto()
    READY = auto()
    REFUSED = auto()
    MOVED = auto()
    GONE = auto()


@dataclass(frozen=True, slots=True, repr=False)
class Wanted:
    """How the sensor is to be. password: 4 bytes. packet_size, baud: None leaves them as they are. light: switch it while capturing."""

    password: bytes
    address: bytes = ADDRESS_DEFAULT
    model: Model = R30X
    packet_size: int | None = None
    baud: int | None = None
    light: bool = False


class Session:
    """count, fail: told what happens (a counter's name; words of an error). Both may be called at any receive or handle_timer."""

    def __init__(self, wanted: Wanted, now: float, count: Callable[[str], None], fail: Callable[[str], None]) -> None:
        self._wanted = wanted
        self._count, self._fail = count, fail
        self._impressions = Impressions(wanted.model, wanted.light, count, self._damaged)
        self._asked: Request | None = None
        self._noise = Noise()
        self._degraded_until = self._now = now
        self._heartbeat = verify_password(wanted.password)
        self.contact = Contact.CONNECTING
        self.diagnosis = "the sensor does not answer"
        self.parameters: Parameters | None = None
        self._runner = Runner(self._script(), wanted.address, count)
        self._runner.start(now)

    @property
    def over(self) -> bool:
        return self._runner.over

    @property
    def heard_at(self) -> float | None:
        """When the last valid packet came."""
        return self._runner.heard_at

    @property
    def skipped_count(self) -> int:
        return self._runner.skipped_count

    def degraded(self, now: float) -> bool:
        """It answers, but with errors."""
        return now < self._degraded_until or self._noise.noisy(now)

    def want(self, request: Request | None, now: float) -> None:
        """The impression wanted from now on, instead of any other; None: none. Asked again for the same one, it
        does nothing. An image that is under way is let pass and dropped."""
        if request is self._asked:
            return
        self._now = now
        self._asked = self._impressions.request = request
        self._runner.wake(now)

    def receive(self, data: bytes, now: float) -> None:
        self._now = now
        skipped_count = self._runner.skipped_count
        self._runner.receive(data, now)
        self._watch(skipped_count, now)

    def handle_timer(self, now: float) -> None:
        """Harmless when not due."""
        self._now = now
        skipped_count = self._runner.skipped_count
        self._runner.handle_timer(now)
        self._watch(skipped_count, now)

    def next_timer(self) -> float | None:
        return self._runner.next_timer()

    def data_to_send(self) -> bytes:
        """What to write now; empties the output."""
        return self._runner.data_to_send()

    def _watch(self, skipped_count: int, now: float) -> None:
        self._noise.skipped(self._runner.skipped_count - skipped_count, now)
        if self._runner.heard_at == now:
            self._noise.valid()
        if self._runner.retried and self.contact is Contact.READY:
            self._degraded_until = now + DEGRADED_S

    def _damaged(self, why: str) -> None:
        self._degraded_until = self._now + DEGRADED_S
        self._fail(why)

    def _script(self) -> Script:
        try:
            yield from self._connect()
            while self.contact is Contact.READY:
                if self._impressions.request is not None:
                    yield from self._impressions.serve(self._parameters)
                    continue
                yield Pause(HEARTBEAT_S)
                if self._impressions.request is None:
                    code_of((yield Ask(self._heartbeat)))
        except Gone as gone:
            self.contact, self.diagnosis = Contact.GONE, str(gone)

    def _connect(self) -> Script:
        yield Quiet()
        code = code_of((yield Ask(verify_password(self._wanted.password))))
        if code != Code.OK:
            self.contact = Contact.REFUSED
            wrong = code == Code.WRONG_PASSWORD
            self.diagnosis = "the sensor refuses the password" if wrong else f"the sensor refuses, code {code:02X}"
            return
        for greeting, expected in GREETINGS.items():
            if (yield Ask(greeting, tries=1)) == bytes([expected]):
                self._heartbeat = greeting
                break
        yield from self._read_parameters()
        yield from self._set_parameters()
        if self.contact is Contact.CONNECTING:
            self.contact, self.diagnosis = Contact.READY, ""

    def _read_parameters(self) -> Script:
        answer = yield Ask(bytes([Instruction.READ_SYS_PARA]))
        code_of(answer)
        self.parameters = parse_parameters(answer)
        if self.parameters is None:
            self._fail("the sensor does not tell its parameters: taken as delivered")  # R308

    @property
    def _parameters(self) -> Parameters:
        return self.parameters or Parameters(0, 0, 0, 0, self._wanted.address)

    def _set_parameters(self) -> Script:
        size, baud = self._wanted.packet_size, self._wanted.baud
        if size is not None and size != self._parameters.packet_size:
            yield from self._set(Register.PACKET_SIZE, PACKET_SIZES.index(size))
            yield from self._read_parameters()
        moves = baud is not None and self.parameters is not None and baud != self.parameters.baud
        if baud is not None and moves and (yield from self._set(Register.BAUD, baud // BAUD_UNIT)):
            self.contact, self.diagnosis = Contact.MOVED, f"set to {baud} baud"

    def _set(self, register: Register, value: int) -> Generator[Ask, bytes, bool]:
        code = code_of((yield Ask(set_parameter(register, value))))
        if code != Code.OK:
            self._fail(f"the sensor does not take {register.name}, code {code:02X}")
        return code == Code.OK
