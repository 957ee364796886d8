"""One session with one chip, from the reset of the field to the last file (ICAO Doc 9303-11, section 4 and 6).

    reset -> EF.CardAccess -> PACE, else BAC, else plain -> EF.COM, EF.SOD, DG14 -> chip authentication -> terminal authentication
          -> DG1, DG2, DG3, others of the plan -> DG15, active authentication

What a chip may do: answer late, never, twice, with another length, with an error status, leave the field, or be swapped for another.
A refusal costs its file only. A torn exchange costs a reset: the chip is opened again in the same way, held against what was read of
it before, and the file goes on at its offset, RETRY_COUNT_MAX times in a session. Everything ends in a ChipRead.

No downgrade: a chip that announces PACE is opened by PACE or not at all. BAC after a failed PACE would let whoever disturbs PACE choose
the weaker protocol, whose record gives the zone away.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeAlias

from egate.document.lds import parse_ef_com
from egate.document.security_info import PaceInfo, parse_card_access
from egate.domain.check_result import CheckResult
from egate.domain.chip import (
    CARD_ACCESS,
    COM,
    DATA_GROUPS,
    SOD,
    AccessProtocol,
    ActiveAuthentication,
    ChipAuthentication,
    ChipRead,
)
from egate.errors import DocumentError
from hw.emrtd import apdu, bac
from hw.emrtd.apdu import Command, Response
from hw.emrtd.atr import announces_extended_length, response_size_max
from hw.emrtd.channel import EXTENDED_SIZE, Channel
from hw.emrtd.file import read_file
from hw.emrtd.mrz_key import mrz_key
from hw.emrtd.plan import OnProgress, Progress, ReadPlan, ignore_progress
from hw.emrtd.step import Step, StepFailed, status_cause
from hw.emrtd.transport import Card, CardError, CardRemoved

# Chosen: real chips answer READ BINARY in some 30 ms; a step with cryptography may take more than a second on old ones.
RESPONSE_S_MAX, CRYPTOGRAPHY_S_MAX = 1.0, 4.0
SESSION_S_MAX = 15.0  # chosen: a traveller has lifted the document by then
RETRY_COUNT_MAX = 2  # chosen: a document moved on the reader tears one exchange, a broken one each
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
    reading = _Reading(plan, entropy, on_progress)
    try:
        yield from reading.run()
    except SessionOver as over:
        reading.fail(over.cause)
    finally:
        reading.channel.wipe()
    return reading.result()


class _Reading:
    """What is known of one chip so far. Each part of `_read` may be entered again after a reset and then goes on where it was."""

    def __init__(self, plan: ReadPlan, entropy: Callable[[int], bytes], on_progress: OnProgress) -> None:
        self.channel = Channel()
        self._plan, self._entropy, self._on_progress = plan, entropy, on_progress
        self._place = "chip"
        self._card: Card | None = None
        self._short_only = False
        self._files: dict[str, bytes] = {}
        self._partial: dict[str, bytearray] = {}
        self._refused: set[str] = set()  # files that will not come in this session
        self._failures: dict[str, str] = {}
        self._pace: tuple[PaceInfo, ...] | None = None  # None: EF.CardAccess has not been looked for
        self._access: AccessProtocol | None = None  # None: not opened yet
        self._chip_authentication: ChipAuthentication | None = None
        self._active_authentication: ActiveAuthentication | None = None
        self._terminal_authentication = CheckResult.NOT_PERFORMED

    def result(self) -> ChipRead:
        return ChipRead(
            present=self._card is not None,
            files=dict(self._files),
            access=self._access or AccessProtocol.NONE,
            failures=dict(self._failures),
            chip_authentication=self._chip_authentication,
            active_authentication=self._active_authentication,
            terminal_authentication=self._terminal_authentication,
        )

    def fail(self, cause: str, place: str = "") -> None:
        """The first cause at a place stays."""
        self._failures.setdefault(place or self._place, cause)

    def run(self) -> Generator[Request, Answer, None]:
        cause = ""
        for _ in range(1 + RETRY_COUNT_MAX):
            try:
                if (yield from self._connect()):
                    yield from self._read()
                return
            except CardError as torn:
                cause = torn.cause
                self._short_only = True  # perhaps it was the length that the chip, or a reader between, did not bear
        self.fail(cause)

    def _connect(self) -> Generator[Request, Answer, bool]:
        self.channel.wipe()
        card = yield RESET
        if card is None and self._card is not None:
            raise CardRemoved("no chip any more")
        if not isinstance(card, Card):
            self.fail("absent")
            return False
        if self._card is not None and card.identity != self._card.identity:
            self.fail("card_changed", "chip")
            return False
        self._card = card
        self.channel = Channel()
        return True

    def _read(self) -> Generator[Request, Answer, None]:
        if not (yield from self._look_for_pace()):
            return
        yield from self._find_limits()
        if not (yield from self._open()) or not (yield from self._recognise()):
            return
        for name in (COM, SOD, "dg14"):
            yield from self._file(name)
        for name in self._plan.groups:
            yield from self._file(name)
        yield from self._file("dg15")

    def _look_for_pace(self) -> Step[bool]:
        """EF.CardAccess. False if it can't be understood: whatever it announces, going on would be a downgrade."""
        if self._pace is not None:
            return True
        self._place = CARD_ACCESS
        content = self._partial.setdefault(CARD_ACCESS, bytearray())
        try:
            yield from read_file(self.channel, apdu.EF_CARD_ACCESS, content, self._teller(CARD_ACCESS))
            self._files[CARD_ACCESS] = bytes(content)
            self._pace = parse_card_access(self._files[CARD_ACCESS]).pace
        except StepFailed as failed:
            if failed.cause not in ("malformed", "too_long"):
                self._pace = ()  # older chips refuse it in many ways
                return True
            self.fail(failed.cause)
        except DocumentError:
            self.fail("malformed")
        if self._pace is None:
            self.fail("malformed", "access")
        return self._pace is not None

    def _find_limits(self) -> Step[None]:
        """Extended length only where the chip announces it: others have been seen to fall silent."""
        if self._short_only or self._card is None:
            return
        if announces_extended_length(self._card.historical):
            self.channel.response_size_max = EXTENDED_SIZE
            return
        self._place = "chip"
        selected = yield from self.channel.exchange(apdu.select_file(EF_ATR))
        if selected.sw == apdu.SW_OK:
            response = yield from self.channel.exchange(apdu.read_binary(0, apdu.LE_MAX))
            announced = response_size_max(response.data)
            self.channel.response_size_max = max(apdu.LE_MAX, min(EXTENDED_SIZE, announced))

    def _open(self) -> Step[bool]:
        """Gains access; after a reset in the same way as before. False if it failed, which ends the session."""
        self._place = "access"
        reopened = self._access is not None
        try:
            if self._pace:
                raise StepFailed("not_supported")
            access = yield from self._open_without_pace()
        except StepFailed as failed:
            if reopened and failed.cause == "wrong_key":
                self.fail("card_changed", "chip")  # what opened the first one does not open this one
            else:
                self.fail(failed.cause)
            return False
        except DocumentError:  # of the zone
            self.fail("malformed")
            return False
        if reopened and access is not self._access:
            self.fail("card_changed", "chip")
            return False
        self._access = access
        return True

    def _open_without_pace(self) -> Step[AccessProtocol]:
        selected = yield from self.channel.exchange(apdu.select_application())
        if selected.sw != apdu.SW_OK:
            raise StepFailed(status_cause(selected.sw))
        if (yield from self._plainly_readable()):
            return AccessProtocol.NONE
        information = mrz_key(self._plan.mrz_lines)
        self.channel.protect((yield from self.channel.run(bac.authenticate(information, self._entropy))))
        return AccessProtocol.BAC

    def _plainly_readable(self) -> Step[bool]:
        selected = yield from self.channel.exchange(apdu.select_file(apdu.EF_COM))
        if selected.sw != apdu.SW_OK:
            return selected.sw == apdu.SW_NOT_FOUND
        response = yield from self.channel.exchange(apdu.read_binary(0, 1))
        return response.sw in (apdu.SW_OK, apdu.SW_END_OF_FILE)

    def _recognise(self) -> Step[bool]:
        """After a reset: whether it is the chip from before, by a file of its own that was read then. Makes can share ATR or ATS."""
        name = next((name for name in (SOD, "dg1", COM) if name in self._files), None)
        if name is None:
            return True
        content = bytearray()
        try:
            yield from read_file(self.channel, apdu.FILE_IDENTIFIERS[name], content, lambda *_: None)
        except StepFailed:
            content.clear()
        if content != self._files[name]:
            self.fail("card_changed", "chip")
            return False
        return True

    def _file(self, name: str) -> Step[None]:
        if name in self._files or name in self._refused or not self._expected(name):
            return
        self._place = name
        content = self._partial.setdefault(name, bytearray())
        try:
            yield from read_file(self.channel, apdu.FILE_IDENTIFIERS[name], content, self._teller(name))
            self._files[name] = bytes(content)
        except StepFailed as failed:
            self._refused.add(name)
            if failed.cause != "not_found" or self._listed(name):  # not having it is no failure
                self.fail(failed.cause)
        del self._partial[name]

    def _expected(self, name: str) -> bool:
        """False only if the issuer signed a list without it: what nobody signed proves nothing."""
        return self._listed(name) is not False or SOD not in self._files

    def _listed(self, name: str) -> bool | None:
        """Whether the document has this file, as EF.COM says; None if that can't be read."""
        if name not in DATA_GROUPS or name in ("dg1", "dg2"):
            return True
        try:
            return int(name.removeprefix("dg")) in parse_ef_com(self._files[COM]).data_groups
        except (KeyError, DocumentError):
            return None

    def _teller(self, name: str) -> Callable[[int, int], None]:
        return lambda size, size_total: self._on_progress(Progress(name, size, size_total))
