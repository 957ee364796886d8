"""What a session knows of its chip so far, and how a file comes to it. Survives resets; everything but the channel stays."""

from __future__ import annotations

from collections.abc import Callable

from egate.document.lds.structure import parse_ef_com
from egate.document.pki.security_object import parse_sod
from egate.domain.check_result import CheckResult
from egate.domain.chip import (
    CARD_ACCESS,
    CARD_SECURITY,
    COM,
    DATA_GROUPS,
    SOD,
    AccessProtocol,
    ActiveAuthentication,
    ChipAuthentication,
    ChipRead,
)
from egate.errors import DocumentError
from hw.emrtd.channel import Channel
from hw.emrtd.file import read_file
from hw.emrtd.plan import OnProgress, Progress, ReadPlan
from hw.emrtd.protocol.step import Step, StepFailed
from hw.emrtd.transport import Card
from hw.emrtd.wire import apdu

_BEFORE_APPLICATION = (CARD_ACCESS, CARD_SECURITY)


class Reading:
    """place: where the session is, as in ChipRead.failures. id_icc, terminal_key: what terminal authentication signs, from access and
    from chip authentication; b"" until then.
    """

    def __init__(self, plan: ReadPlan, entropy: Callable[[int], bytes], on_progress: OnProgress) -> None:
        self.plan, self.entropy, self._on_progress = plan, entropy, on_progress
        self.channel = Channel()
        self.place = "chip"
        self.card: Card | None = None
        self.files: dict[str, bytes] = {}
        self.failures: dict[str, str] = {}
        self.access: AccessProtocol | None = None  # None: not opened yet
        self.id_icc = self.terminal_key = b""
        self.chip_authentication: ChipAuthentication | None = None
        self.active_authentication: ActiveAuthentication | None = None
        self.terminal_authentication = CheckResult.NOT_PERFORMED
        self._partial: dict[str, bytearray] = {}
        self._refused: set[str] = set()  # files that will not come in this session
        self._signed: frozenset[int] | None = None

    def result(self) -> ChipRead:
        return ChipRead(
            present=self.card is not None,
            files=dict(self.files),
            access=self.access or AccessProtocol.NONE,
            failures=dict(self.failures),
            chip_authentication=self.chip_authentication,
            active_authentication=self.active_authentication,
            terminal_authentication=self.terminal_authentication,
        )

    def fail(self, cause: str, place: str = "") -> None:
        """The first cause at a place stays."""
        self.failures.setdefault(place or self.place, cause)

    def read(self, name: str) -> Step[None]:
        """Reads a file, or what is missing of it, unless it came or was refused before or the document has none. Raises CardError."""
        if name in self.files or name in self._refused or not self._expected(name):
            return
        self.place = name
        try:
            yield from self.fetch(name)
        except StepFailed as failed:
            self._refused.add(name)
            if failed.cause != "not_found" or self._listed(name):  # not having it is no failure
                self.fail(failed.cause)

    def fetch(self, name: str) -> Step[None]:
        """Raises StepFailed, CardError; after a CardError it may be called again."""
        content = self._partial.setdefault(name, bytearray())
        try:
            yield from read_file(self.channel, apdu.FILE_IDENTIFIERS[name], content, self._teller(name))
        except StepFailed:
            del self._partial[name]
            raise
        self.files[name] = bytes(self._partial.pop(name))

    def recognise(self) -> Step[bool]:
        """After a reset: whether it is the chip from before, by a file of its own that was read then. Makes can share ATR or ATS.

        If none was read yet, everything starts anew: half a file of one chip must not be continued with another's.
        """
        name = next((name for name in (SOD, "dg1") if name in self.files), None)
        if name is None:
            self.files = {name: content for name, content in self.files.items() if name in _BEFORE_APPLICATION}
            self._partial.clear()
            return True
        content = bytearray()
        try:
            yield from read_file(self.channel, apdu.FILE_IDENTIFIERS[name], content, lambda *_: None)
        except StepFailed:
            return False
        return content == self.files[name]

    def _expected(self, name: str) -> bool:
        """Whether to ask for a file: not if the list of hashes can be read and neither it nor EF.COM names it."""
        return self._listed(name) or self._signed_groups() is None

    def _listed(self, name: str) -> bool:
        """Whether the document must have this file: EF.COM and EF.SOD name it, or every document has it."""
        if name not in DATA_GROUPS or name in ("dg1", "dg2"):
            return True
        number = int(name.removeprefix("dg"))
        try:
            if number in parse_ef_com(self.files[COM]).data_groups:
                return True
        except (KeyError, DocumentError):
            pass
        return number in (self._signed_groups() or ())

    def _signed_groups(self) -> frozenset[int] | None:
        """Numbers in EF.SOD, whose signature nobody has verified yet; None if it can't be read."""
        if self._signed is None and SOD in self.files:
            try:
                self._signed = frozenset(parse_sod(self.files[SOD]).hashes)
            except DocumentError:
                pass
        return self._signed

    def _teller(self, name: str) -> Callable[[int, int], None]:
        return lambda size, size_total: self._on_progress(Progress(name, size, size_total))
