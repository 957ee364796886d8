"""What a lane is told to do. An effect with a token is answered by an event with that token."""

from __future__ import annotations

from dataclasses import dataclass

from egate.domain.biometric import Guidance
from egate.domain.decision import Decision, Outcome, ReasonDetail
from egate.domain.device import ReleaseResult
from egate.domain.evidence import CheckResult
from egate.domain.ids import CrossingId, Token


@dataclass(frozen=True, slots=True)
class Secure:
    """Secure the lock now. Idempotent."""


@dataclass(frozen=True, slots=True)
class SetTimer:
    token: Token
    delay_s: float


@dataclass(frozen=True, slots=True)
class ReadDocument:
    token: Token
    timeout_s: float


@dataclass(frozen=True, slots=True)
class VerifyDocument:
    """Check the document; begin to extract the reference face and finger."""

    token: Token


@dataclass(frozen=True, slots=True)
class VerifyFace:
    """Look at this frame and compare it if it is good enough. last: no better one will come, compare what there is.

    capture None: compare the frames kept so far.
    """

    token: Token
    capture: int | None
    last: bool = False


@dataclass(frozen=True, slots=True)
class VerifyFinger:
    """Compare this impression."""

    token: Token
    capture: int


@dataclass(frozen=True, slots=True)
class Discard:
    """Forget this capture: it does not count."""

    capture: int


@dataclass(frozen=True, slots=True)
class Look:
    """Tell what has happened meanwhile and how old the newest sensor reading is: the last look before a release."""

    token: Token


@dataclass(frozen=True, slots=True)
class RecordStart:
    """The crossing has begun. Written before everything else of it, since the journal keeps the order of calls."""

    token: Token
    crossing: CrossingId


@dataclass(frozen=True, slots=True)
class RecordDecision:
    """REFER opens the case in the same transaction (S8)."""

    token: Token
    crossing: CrossingId
    decision: Decision
    release: ReleaseResult | None


@dataclass(frozen=True, slots=True)
class RecordOverride:
    """An officer's release. started: the override begins a crossing of its own."""

    token: Token
    crossing: CrossingId
    started: bool


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """The end of the crossing. case: open one in the same transaction."""

    token: Token
    crossing: CrossingId
    outcome: Outcome
    reasons: tuple[ReasonDetail, ...]
    case: bool


@dataclass(frozen=True, slots=True)
class Release:
    """Only ever after Recorded of an ADMIT or an override (S1)."""

    token: Token
    duration_s: float
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Guide:
    codes: tuple[Guidance, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    stage: str
    result: CheckResult


@dataclass(frozen=True, slots=True)
class Respond:
    """The answer to the gate or the overriding officer. decision None: an override."""

    crossing: CrossingId
    decision: Decision | None
    release: ReleaseResult | None


@dataclass(frozen=True, slots=True)
class RespondFailed:
    """The decision could not be made durable: nothing was released."""

    crossing: CrossingId


@dataclass(frozen=True, slots=True)
class Refuse:
    """The request can't be taken. code: LANE_BUSY, LANE_HELD, LANE_OUT_OF_SERVICE or LANE_NOT_OVERRIDABLE."""

    crossing: CrossingId
    code: str


@dataclass(frozen=True, slots=True)
class End:
    """The crossing is over: forget its samples."""

    crossing: CrossingId
    outcome: Outcome
    reasons: tuple[ReasonDetail, ...]


Effect = (
    Secure
    | SetTimer
    | ReadDocument
    | VerifyDocument
    | VerifyFace
    | VerifyFinger
    | Discard
    | Look
    | RecordStart
    | RecordDecision
    | RecordOverride
    | RecordOutcome
    | Release
    | Guide
    | Progress
    | Respond
    | RespondFailed
    | Refuse
    | End
)
