"""What can happen to a lane. Completions carry the token of the effect they answer."""

from __future__ import annotations

from dataclasses import dataclass

from egate.crossing.policy import FaceResult, FingerResult
from egate.domain.device import DeviceState, LockState, ReleaseResult, SensorLevels
from egate.domain.evidence import CheckEvidence
from egate.domain.ids import CrossingId, Token
from egate.domain.reason import Reason


@dataclass(frozen=True, slots=True)
class Start:
    """A gate asks for a crossing. document_given: the request brought it. device: the lane reads its own.

    streaming: more captures may follow, so that a failed comparison can be tried again.
    """

    crossing: CrossingId
    device: bool
    document_given: bool
    streaming: bool


@dataclass(frozen=True, slots=True)
class DocumentPresented:
    """The document came with the request's stream."""


@dataclass(frozen=True, slots=True)
class DocumentCompleted:
    """The reader has a document (failure None) or gave up."""

    token: Token
    failure: Reason | None = None


@dataclass(frozen=True, slots=True)
class DocumentVerified:
    token: Token
    checks: tuple[CheckEvidence, ...]


@dataclass(frozen=True, slots=True)
class FaceCaptured:
    """A live frame lies ready under this number; the machine decides whether it counts."""

    capture: int


@dataclass(frozen=True, slots=True)
class FingerCaptured:
    """A live impression lies ready under this number."""

    capture: int


@dataclass(frozen=True, slots=True)
class CapturesEnd:
    """No more captures will come."""


@dataclass(frozen=True, slots=True)
class FaceCompleted:
    token: Token
    result: FaceResult


@dataclass(frozen=True, slots=True)
class FingerCompleted:
    token: Token
    result: FingerResult


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the token's Record effect holds is durable."""

    token: Token


@dataclass(frozen=True, slots=True)
class RecordFailed:
    """Nothing of it was written."""

    token: Token


@dataclass(frozen=True, slots=True)
class Looked:
    """Everything that happened before the Look was asked for has been told. age_s: of the newest sensor reading."""

    token: Token
    age_s: float


@dataclass(frozen=True, slots=True)
class ReleaseCompleted:
    token: Token
    result: ReleaseResult


@dataclass(frozen=True, slots=True)
class TimerElapsed:
    token: Token


@dataclass(frozen=True, slots=True)
class LevelsChanged:
    levels: SensorLevels


@dataclass(frozen=True, slots=True)
class LockChanged:
    state: LockState


@dataclass(frozen=True, slots=True)
class DeviceChanged:
    """device: "lock", "sensors" or "reader"."""

    device: str
    state: DeviceState


@dataclass(frozen=True, slots=True)
class OfficerSecure:
    """hold True: out of service until OfficerSecure with hold False."""

    hold: bool


@dataclass(frozen=True, slots=True)
class OfficerRelease:
    """crossing: id for a new crossing, used when the lane is idle."""

    crossing: CrossingId


Event = (
    Start
    | DocumentPresented
    | DocumentCompleted
    | DocumentVerified
    | FaceCaptured
    | FingerCaptured
    | CapturesEnd
    | FaceCompleted
    | FingerCompleted
    | Recorded
    | RecordFailed
    | ReleaseCompleted
    | TimerElapsed
    | LevelsChanged
    | LockChanged
    | DeviceChanged
    | Looked
    | OfficerSecure
    | OfficerRelease
)
