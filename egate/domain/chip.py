"""What one session with a document's chip yields. Nothing in it has been verified yet. The repr shows no document data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from egate.domain.check_result import CheckResult

# Names of a chip's files, as in `ChipRead.files`: EF.CardAccess, EF.CardSecurity, EF.COM, EF.SOD and the data groups 1-16.
CARD_ACCESS, CARD_SECURITY, COM, SOD = "card_access", "card_security", "com", "sod"
DATA_GROUPS = tuple(f"dg{number}" for number in range(1, 17))
FILE_NAMES = (CARD_ACCESS, CARD_SECURITY, COM, SOD, *DATA_GROUPS)

# Causes in ChipRead.failures after which nothing more was read: the chip, the reader or time was gone.
INTERRUPTIONS = frozenset({"absent", "cancelled", "card_changed", "lost", "timeout", "torn"})


class AccessProtocol(StrEnum):
    """How the chip was opened (Doc 9303-11, section 4)."""

    NONE = "NONE"  # plain read: the chip asked for nothing
    BAC = "BAC"
    PACE = "PACE"


class ChipAuthenticationProtocol(StrEnum):
    CHIP_AUTHENTICATION = "CHIP_AUTHENTICATION"  # v1, key of DG14; Doc 9303-11, 6.2
    PACE_CAM = "PACE_CAM"  # key of EF.CardSecurity; Doc 9303-11, 4.4.3.3.3


@dataclass(frozen=True, slots=True, repr=False)
class ChipAuthentication:
    """public_key: DER SubjectPublicKeyInfo the chip was asked to prove possession of, as the chip's own file states it.

    result: PASS if it did, FAIL if it gave a wrong proof, ABORTED if the exchange broke. Proves nothing about the document until
    passive authentication has bound the file that holds public_key.
    """

    protocol: ChipAuthenticationProtocol
    public_key: bytes
    result: CheckResult

    def __repr__(self) -> str:
        return f"ChipAuthentication({self.protocol}, {self.result})"


@dataclass(frozen=True, slots=True, repr=False)
class ActiveAuthentication:
    """challenge: the 8 random bytes sent; response: what INTERNAL AUTHENTICATE returned (Doc 9303-11, 6.1)."""

    challenge: bytes
    response: bytes

    def __repr__(self) -> str:
        return f"ActiveAuthentication({len(self.response)} bytes)"


@dataclass(frozen=True, slots=True, repr=False)
class ChipRead:
    """One session with one chip.

    present: a chip answered at all. files: content by FILE_NAMES. access: how it was opened. failures: place -> cause, in the order
    in which they happened; places are "chip", "access", "chip_authentication", "active_authentication", "terminal_authentication" and the
    file names; causes are snake case, e.g. "absent", "timeout", "lost", "not_found", "access_denied", "malformed", "wrong_key",
    "not_supported", "torn", "status_6f00".
    chip_authentication, active_authentication: None where not tried. terminal_authentication: NOT_PERFORMED where no chain of
    CV certificates is configured.
    """

    present: bool = False
    files: Mapping[str, bytes] = field(default_factory=dict)
    access: AccessProtocol = AccessProtocol.NONE
    failures: Mapping[str, str] = field(default_factory=dict)
    chip_authentication: ChipAuthentication | None = None
    active_authentication: ActiveAuthentication | None = None
    terminal_authentication: CheckResult = CheckResult.NOT_PERFORMED

    @property
    def interruption(self) -> str:
        """What broke the session off, as place_cause; "" if the chip stayed to the end. A refusal by the chip breaks nothing off."""
        return next((f"{place}_{cause}" for place, cause in self.failures.items() if cause in INTERRUPTIONS), "")

    @property
    def failure(self) -> str:
        """The first failure as place_cause, "" if there was none."""
        return next((f"{place}_{cause}" for place, cause in self.failures.items()), "")

    def __repr__(self) -> str:
        return f"ChipRead(files={sorted(self.files)}, access={self.access}, failures={dict(self.failures)})"
