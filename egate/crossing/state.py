"""The state of a lane's crossing machine: small, frozen, hashable; no samples, no clocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from egate.domain.decision import Decision, Outcome, ReasonDetail
from egate.domain.device import Alarm, LockState, ReleaseResult, SensorLevels
from egate.domain.evidence import CheckEvidence
from egate.domain.ids import CrossingId, Token
from egate.domain.reason import Reason

ALARM_REASONS = {
    Alarm.FIRE: Reason.FIRE_ALARM,
    Alarm.EMERGENCY: Reason.EMERGENCY_BUTTON,
    Alarm.TAMPER: Reason.TAMPER,
    Alarm.TAILGATING: Reason.TAILGATING,
    Alarm.OBJECT_LEFT: Reason.OBJECT_LEFT,
}


class Phase(StrEnum):
    READY = "READY"
    READING = "READING"  # waits for the document
    VERIFYING = "VERIFYING"  # has the document; waits for captures and comparisons
    RECORDING = "RECORDING"  # a decision or override is being made durable
    RELEASING = "RELEASING"  # the lock was commanded
    RELEASED = "RELEASED"  # the lock acknowledged; waits for the passage
    REFERRED = "REFERRED"  # waits for the traveller to leave, or for an officer's override
    CLOSING = "CLOSING"  # the outcome is being made durable
    OUT_OF_SERVICE = "OUT_OF_SERVICE"


@dataclass(frozen=True, slots=True)
class Pending:
    """Tokens of effects not answered yet. Any other token is an old one: its completion is dropped."""

    start: Token | None = None
    document: Token | None = None
    checks: Token | None = None
    face: Token | None = None
    finger: Token | None = None
    record: Token | None = None
    look: Token | None = None
    release: Token | None = None
    timer: Token | None = None


@dataclass(frozen=True, slots=True)
class Comparing:
    """One modality's progress. queued: accepted captures not looked at yet, oldest first. kept: frames were looked at that can be
    compared if no better one comes."""

    queued: tuple[int, ...] = ()
    attempts: int = 0
    done: bool = False
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """The outcome the crossing is owed. Kept until it is durable, across journal failures."""

    outcome: Outcome
    reasons: tuple[ReasonDetail, ...] = ()
    case: bool = False


@dataclass(frozen=True, slots=True)
class Crossing:
    """captured: the first capture was accepted, from here on presence must be unbroken; exits_captured: the exit counter then.
    broken: what forbids a release from now on. exit_base: exit counter when the lock was commanded. left: the zone was
    empty since, and nobody had gone through. referred: a REFER decision is durable."""

    id: CrossingId
    device: bool
    streaming: bool
    override: bool = False
    document: bool = False
    checked: bool = False
    evidence: tuple[CheckEvidence, ...] = ()
    face: Comparing = field(default_factory=Comparing)
    finger: Comparing = field(default_factory=Comparing)
    captured: bool = False
    exits_captured: int | None = None
    captures_over: bool = False
    broken: tuple[ReasonDetail, ...] = ()
    decision: Decision | None = None
    decided_at: float = 0.0
    referred: bool = False
    release: ReleaseResult | None = None
    exit_base: int = 0
    left: bool = False
    ending: Ending | None = None


@dataclass(frozen=True, slots=True)
class State:
    """A lane starts out of service: everything unknown until its devices have reported.

    lost: devices that do not answer. vacated: nobody who was not admitted is left in the zone.
    """

    phase: Phase = Phase.OUT_OF_SERVICE
    crossing: Crossing | None = None
    pending: Pending = field(default_factory=Pending)
    token: int = 0
    levels: SensorLevels = field(default_factory=SensorLevels)
    lock: LockState = LockState.UNKNOWN
    lost: frozenset[str] = frozenset({"lock", "sensors", "reader"})
    held: bool = False
    journal_failed: bool = False
    vacated: bool = True

    @property
    def alarms(self) -> tuple[ReasonDetail, ...]:
        """What the sensors warn of, in a fixed order."""
        return tuple(ReasonDetail(ALARM_REASONS[alarm]) for alarm in Alarm if alarm in self.levels.alarms)

    @property
    def finger_wanted(self) -> bool:
        """One more impression would be compared at once: none waits, none is being compared, and none has settled it."""
        finger = None if self.crossing is None else self.crossing.finger
        return finger is not None and not finger.done and not finger.queued and self.pending.finger is None

    @property
    def blockers(self) -> tuple[ReasonDetail, ...]:
        """Why the lane can't serve; empty if it can."""
        reasons = [ReasonDetail(Reason.DEVICE_LOST, device) for device in sorted(self.lost)]
        if self.held:
            reasons.append(ReasonDetail(Reason.OFFICER))
        if self.journal_failed:
            reasons.append(ReasonDetail(Reason.JOURNAL_FAILED))
        if self.lock is not LockState.SECURED:
            reasons.append(ReasonDetail(Reason.LOCK_UNKNOWN))
        reasons += self.alarms
        if self.levels.door_closed is not True:
            reasons.append(ReasonDetail(Reason.DOOR_NOT_CLOSED))
        if self.levels.person_count is None or self.levels.exit_count is None:
            reasons.append(ReasonDetail(Reason.DEVICE_LOST, "sensors"))
        if not self.vacated:
            reasons.append(ReasonDetail(Reason.ZONE_OCCUPIED))
        return tuple(dict.fromkeys(reasons))


def initial(devices: frozenset[str]) -> State:
    """A lane with these devices ("lock", "sensors", "reader"), none of which has reported yet."""
    return State(lost=devices)
