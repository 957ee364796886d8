"""One session with one chip, from the reset of the field to the last file (ICAO Doc 9303-11, section 4 and 6).

    reset -> EF.CardAccess -> PACE, else BAC, else plain -> EF.COM, EF.SOD, DG14 -> chip authentication -> terminal authentication
          -> DG1, DG2, DG3, others of the plan -> DG15, active authentication

What a chip may do: answer late, never, twice, with another length, with an error status, leave the field, or be swapped for another.
A refusal costs its file only. A torn exchange costs a reset: the chip is opened again in the same way, held against what was read of
it before, and the file goes on at its offset, RETRY_COUNT_MAX times in a session. Everything ends in a ChipRead.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeAlias

from egate.document.chip.security_info import PaceInfo, parse_card_access
from egate.domain.chip import CARD_ACCESS, COM, SOD, AccessProtocol, ChipRead
from egate.errors import DocumentError
from hw.emrtd.access import open_chip, select_application
from hw.emrtd.channel import EXTENDED_SIZE, Channel
from hw.emrtd.plan import OnProgress, ReadPlan, ignore_progress
from hw.emrtd.proof import Proofs
from hw.emrtd.protocol.step import Step, StepFailed
from hw.emrtd.reading import Reading
from hw.emrtd.transport import Card, CardError, CardGarbled, CardRemoved
from hw.emrtd.wire import apdu
from hw.emrtd.wire.apdu import Command, Response
from hw.emrtd.wire.atr import announces_extended_length, response_size_max

# Chosen: real chips answer READ BINARY in some 30 ms; a step with cryptography may take more than a second on old ones.
RESPONSE_S_MAX, CRYPTOGRAPHY_S_MAX = 1.0, 4.0
SESSION_S_MAX = 15.0  # chosen: a traveller has lifted the document by then
RETRY_COUNT_MAX = 2  # chosen: a document moved on the reader tears one exchange, a broken one each
# Chosen: beside them, for a rough line; such a retry costs no waiting. Where two bytes in five thousand are damaged, one exchange in a
# hundred is, and a document takes some 100.
GARBLED_COUNT_MAX = 4
_CRYPTOGRAPHIC = frozenset(
    {
        apdu.EXTERNAL_AUTHENTICATE,
        apdu.INTERNAL_AUTHENTICATE,
        apdu.MANAGE_SECURITY_ENVIRONMENT,
        apdu.GENERAL_AUTHENTICATE,
        apdu.PERFORM_SECURITY_OPERATION,
    }
)
EF_ATR = 0x2F01  # EF.ATR/INFO, in the master file


@dataclass(frozen=True, slots=True)
class Reset:
    """Asks the driver to reset the field. The answer is the Card that is in it, None if there is none."""


RESET = Reset()
Request: TypeAlias = Command | Reset
Answer: TypeAlias = Response | Card | None
Session: TypeAlias = Generator[Request, Answer, ChipRead]


class SessionOver(Exception):
    """Thrown into a session to end it where it is. cause: "timeout", "lost" or "cancelled"."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


def response_s_max(command: Command) -> float:
    """How long the chip may take for the answer."""
    return CRYPTOGRAPHY_S_MAX if command.ins in _CRYPTOGRAPHIC else RESPONSE_S_MAX


def read_chip(plan: ReadPlan, entropy: Callable[[int], bytes], on_progress: OnProgress = ignore_progress) -> Session:
    """Yields RESET and commands, is sent the answers, may be thrown CardError and SessionOver, and returns the ChipRead.

    entropy: random bytes, as many as asked for. Raises nothing.
    """
    reading = Reading(plan, entropy, on_progress)
    try:
        yield from _Course(reading).run()
    except SessionOver as over:
        reading.fail(over.cause)
    finally:
        reading.channel.wipe()
    return reading.result()


class _Course:
    """The order of things. Each part may be entered again after a reset and then goes on where it was."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._proofs = Proofs(reading)
        self._pace: tuple[PaceInfo, ...] | None = None  # None: EF.CardAccess has not been looked for
        self._short_only = False

    def run(self) -> Generator[Request, Answer, None]:
        reading, cause = self._reading, ""
        torn_left, garbled_left = RETRY_COUNT_MAX, GARBLED_COUNT_MAX
        while torn_left >= 0:
            try:
                if (yield from self._connect()):
                    yield from self._read()
                return
            except CardError as torn:
                cause = torn.cause
                self._short_only = True  # perhaps it was the length that the chip, or a reader between, did not bear
                if isinstance(torn, CardGarbled) and garbled_left:
                    garbled_left -= 1
                else:
                    torn_left -= 1
        reading.fail(cause)

    def _connect(self) -> Generator[Request, Answer, bool]:
        reading = self._reading
        reading.channel.wipe()
        card = yield RESET
        if card is None and reading.card is not None:
            raise CardRemoved("no chip any more")
        if not isinstance(card, Card):
            reading.fail("absent")
            return False
        if reading.card is not None and card.identity != reading.card.identity:
            reading.fail("card_changed", "chip")
            return False
        reading.card = card
        reading.channel = Channel()
        return True

    def _read(self) -> Step[None]:
        reading, proofs = self._reading, self._proofs
        if not (yield from self._look_for_pace()):
            return
        yield from self._find_limits()
        if not (yield from self._open()):
            return
        if not (yield from reading.recognise()):
            reading.fail("card_changed", "chip")
            return
        for name in (COM, SOD, "dg14"):
            yield from reading.read(name)
        yield from proofs.authenticate_chip()
        yield from proofs.authenticate_terminal()
        for name in reading.plan.groups:
            yield from reading.read(name)
        yield from reading.read("dg15")
        yield from proofs.challenge_chip()

    def _look_for_pace(self) -> Step[bool]:
        """EF.CardAccess. False if it can't be understood: whatever it announces, going on would be a downgrade."""
        if self._pace is not None:
            return True
        reading = self._reading
        reading.place = CARD_ACCESS
        try:
            yield from reading.fetch(CARD_ACCESS)
            self._pace = parse_card_access(reading.files[CARD_ACCESS]).pace
        except StepFailed as failed:
            if failed.cause not in ("malformed", "too_long"):
                self._pace = ()  # older chips refuse it in many ways
                return True
            reading.fail(failed.cause)
        except DocumentError:
            reading.fail("malformed")
        if self._pace is None:
            reading.fail("malformed", "access")
        return self._pace is not None

    def _find_limits(self) -> Step[None]:
        """Extended length only where the chip announces it: others have been seen to fall silent. EF.ATR/INFO also says how long."""
        reading = self._reading
        if self._short_only or reading.card is None:
            return
        reading.place = "chip"
        announced = EXTENDED_SIZE if announces_extended_length(reading.card.historical) else 0
        selected = yield from reading.channel.exchange(apdu.select_file(EF_ATR))
        if selected.sw == apdu.SW_OK:
            response = yield from reading.channel.exchange(apdu.read_binary(0, apdu.LE_MAX))
            announced = response_size_max(response.data) or announced
        reading.channel.response_size_max = max(apdu.LE_MAX, min(EXTENDED_SIZE, announced))

    def _open(self) -> Step[bool]:
        """Gains access; after a reset in the same way as before. False if it failed, which ends the session."""
        reading = self._reading
        reading.place, before = "access", reading.access
        try:
            opened = yield from open_chip(reading.channel, self._pace or (), reading.plan, reading.entropy)
            if before not in (None, opened.access):
                reading.fail("card_changed", "chip")
                return False
            reading.access, reading.id_icc = opened.access, opened.id_icc
            if opened.proof is not None:
                yield from self._proofs.hold_mapping(opened.proof)
            if opened.access is AccessProtocol.PACE:
                reading.place = "access"
                yield from select_application(reading.channel)
        except StepFailed as failed:
            if before is not None and failed.cause == "wrong_key":  # what opened the first one does not open this one
                reading.fail("card_changed", "chip")
            else:
                reading.fail(failed.cause)
            return False
        return True
