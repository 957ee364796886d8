"""Breadth-first search of everything that can happen to one lane, until closure.

The environment is modelled apart from the machine: it knows which effects were issued, what became durable, what
was measured and in which presence, and judges every step by that alone. Tokens and times are canonicalised; scores
are represented by pass, non-match and NaN. What the machine never branches on (texts of reasons, score values) is
abstracted away in the key of a visited state.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from egate.crossing import effects as fx
from egate.crossing import events as ev
from egate.crossing.machine import step
from egate.crossing.policy import FaceResult, FingerResult, PadMode, Policy
from egate.crossing.state import Comparing, Crossing, Pending, Phase, State, initial
from egate.domain.decision import Verdict
from egate.domain.device import LIFE_SAFETY, Alarm, DeviceState, LockState, ReleaseResult, SensorLevels
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.ids import CrossingId, Token
from egate.domain.reason import Reason

Step = Callable[[State, ev.Event, float, Policy], tuple[State, tuple[fx.Effect, ...]]]

POLICY = Policy(
    version="search",
    mandatory=frozenset(
        {
            Check.MRZ,
            Check.DOCUMENT_VALIDITY,
            Check.FACE,
            Check.FINGER,
            Check.PRESENTATION_ATTACK_DETECTION,
            Check.ONE_PERSON,
            Check.PRESENCE,
        }
    ),
    face_threshold=0.5,
    finger_threshold=0.5,
    finger_fmr=1e-3,
    attempts_max=2,
    frames_queued_max=1,
    pad=PadMode.ENFORCED,
    pad_threshold=0.0,
)
NAN = math.nan
STALE = Token(-1)
DEVICES = ("sensors",)

GOOD = (CheckEvidence(Check.MRZ, CheckResult.PASS), CheckEvidence(Check.DOCUMENT_VALIDITY, CheckResult.PASS))
BAD = (CheckEvidence(Check.MRZ, CheckResult.FAIL, (Reason.MRZ_CHECK_DIGIT,), detail="document_number"), GOOD[1])
UNPROVEN = (*GOOD, CheckEvidence(Check.CHIP_AUTHENTICATION, CheckResult.UNDETERMINED))  # no policy here names it
NO_MRZ = (CheckEvidence(Check.MRZ, CheckResult.UNDETERMINED), GOOD[1])
FACES = {
    "match": FaceResult(0.9, 1e-6, 1, pad=1.0),
    "non-match": FaceResult(0.1, 0.5, 1, pad=1.0),
    "nan": FaceResult(NAN, NAN, 1, pad=1.0),
    "two faces": FaceResult(0.9, 1e-6, 2, pad=1.0),
    "no face": FaceResult(NAN, NAN, 0, Reason.FACE_NOT_FOUND),
    "photograph": FaceResult(0.9, 1e-6, 1, pad=-1.0),
    "attack detection without a number": FaceResult(0.9, 1e-6, 1, pad=NAN),
    "no attack detection": FaceResult(0.9, 1e-6, 1),
    "nothing": FaceResult(NAN, NAN, 0, Reason.FACE_NOT_FOUND, compared=False),
    "kept": FaceResult(0.9, 1e-6, 1, compared=False, kept=True, pad=1.0),
}
FINGERS = {"match": FingerResult(0.9, 1e-6), "nan": FingerResult(NAN, NAN)}
# (door closed, people in the zone, people gone through since the first capture or the release, alarms)
QUIET: frozenset[Alarm] = frozenset()
LEVELS = (
    (True, 1, 0, QUIET),
    (True, 0, 0, QUIET),
    (True, 2, 0, QUIET),
    (False, 1, 0, QUIET),
    (False, 0, 0, QUIET),
    (True, 1, 1, QUIET),
    (True, 0, 1, QUIET),
    (False, 0, 2, QUIET),
    (True, 1, 0, frozenset({Alarm.TAMPER})),
    (True, 1, 0, frozenset({Alarm.FIRE})),
    (False, 0, 1, frozenset({Alarm.EMERGENCY})),
    (True, 2, 0, frozenset({Alarm.FIRE})),
    (True, 1, None, frozenset({Alarm.FIRE, Alarm.TAMPER})),
    (True, 1, 0, frozenset({Alarm.TAILGATING})),
    (None, None, None, QUIET),
)
WITHOUT_ALARMS = tuple(one for one in LEVELS if one[3] == QUIET)
Levels = tuple[tuple[bool | None, int | None, int | None, frozenset[Alarm]], ...]
BEFORE_RELEASE = (Phase.READING, Phase.VERIFYING, Phase.RECORDING)
GOOD_CAPTURE, BAD_CAPTURE = 1, 0  # taken before exactly one person and a closed door, or not


@dataclass(frozen=True, slots=True)
class Environment:
    """What really happened, by the environment's own books.

    recorded: verdict of the newest durable decision of this crossing. inflight: record effects not answered.
    good: what was truly delivered as PASS for this crossing. watched: a capture was made before one person and a
    closed door. unbroken: nothing has disturbed that since. started, outcomes: durable records of this crossing.
    left: since the release the zone was empty while nobody had gone through. fled: since the release there was fire or an emergency.
    """

    active: bool = False
    recorded: str = ""
    override: str = ""
    inflight: tuple[tuple[Token, str], ...] = ()
    good: frozenset[str] = frozenset()
    watched: bool = False
    unbroken: bool = False
    outcomes: int = 0
    decided_at: float = 0.0
    released: bool = False
    responded: int = 0
    left: bool = False
    fled: bool = False


@dataclass(slots=True)
class Finding:
    invariant: str
    path: list[ev.Event]

    def __str__(self) -> str:
        return self.invariant + "\n  " + "\n  ".join(map(str, self.path))


@dataclass(slots=True)
class Result:
    states: int = 0
    transitions: int = 0
    findings: list[Finding] = field(default_factory=list)
    reached: set[str] = field(default_factory=set)
    trapped: int = 0
    edges: set[tuple[str, str, str]] = field(default_factory=set)


Node = tuple[State, Environment]


def search(
    machine: Step = step,
    *,
    states_max: int = 200_000,
    stop_at_first: bool = True,
    attempts_max: int = 2,
    levels: Levels = LEVELS,
) -> Result:
    """Visits every reachable state. Raises RuntimeError if states_max does not reach closure. levels: what sensors can tell."""
    result = Result()
    rules = replace(POLICY, attempts_max=attempts_max)
    root: Node = (initial(frozenset(DEVICES)), Environment())
    numbers = {_key(root): 0}
    parents: list[tuple[int | None, ev.Event | None]] = [(None, None)]
    successors: list[set[int]] = []
    free: set[int] = set()
    queue: deque[tuple[int, Node]] = deque([(0, root)])
    while queue:
        number, node = queue.popleft()
        result.states += 1
        targets = set[int]()
        successors.append(targets)  # they leave the queue in the order of their numbers
        if node[0].crossing is None:
            free.add(number)
        for event, now in _possible(node, levels):
            result.transitions += 1
            after, problems = _follow(machine, rules, node, event, now, result.reached)
            if after[0] is node[0] and after[1] is node[1] and not problems:
                continue
            if after[0].phase is not node[0].phase:
                result.edges.add((node[0].phase.value, type(event).__name__, after[0].phase.value))
            after_number = numbers.setdefault(_key(after), len(numbers))
            targets.add(after_number)
            if after_number == len(parents):
                parents.append((number, event))
                queue.append((after_number, after))
            result.findings += [Finding(problem, [*_path(parents, number), event]) for problem in problems]
            if problems and stop_at_first:
                return result
        if result.states > states_max:
            raise RuntimeError(f"no closure within {states_max} states")
    result.trapped = len(parents) - len(_can_reach(successors, free))
    return result


def _possible(node: Node, all_levels: Levels) -> Iterator[tuple[ev.Event, float]]:
    """Every event the world can produce in this state. Time stands still but for one choice: a record that takes 6 s."""
    state, environment = node
    pending, crossing = state.pending, state.crossing
    now = 0.0
    for start in (ev.Start(CrossingId("B"), True, False, True), ev.Start(CrossingId("B"), False, True, False)):
        yield start, now
    if crossing is None or not crossing.device:
        yield ev.Start(CrossingId("B"), False, False, True), now
        yield ev.DocumentPresented(), now
    capture = GOOD_CAPTURE if _one_person(state) else BAD_CAPTURE
    yield from ((event, now) for event in (ev.FaceCaptured(capture), ev.FingerCaptured(capture), ev.CapturesEnd()))
    for token in dict.fromkeys((pending.document, STALE)):
        if token is not None:
            yield ev.DocumentCompleted(token), now
            yield ev.DocumentCompleted(token, Reason.DOCUMENT_READ_FAILED), now
    for token in dict.fromkeys((pending.checks, STALE)):
        if token is not None:
            yield from ((ev.DocumentVerified(token, checks), now) for checks in (GOOD, BAD, NO_MRZ, UNPROVEN))
    for token in dict.fromkeys((pending.face, STALE)):
        if token is not None:
            yield from ((ev.FaceCompleted(token, face), now) for face in FACES.values())
    for token in dict.fromkeys((pending.finger, STALE)):
        if token is not None:
            yield from ((ev.FingerCompleted(token, finger), now) for finger in FINGERS.values())
    for token, label in (*environment.inflight, (STALE, "")):
        yield ev.Recorded(token), now
        if label in ("ADMIT", "OVERRIDE"):
            yield ev.Recorded(token), 6.0
        yield ev.RecordFailed(token), now
    for token in dict.fromkeys((pending.release, STALE)):
        if token is not None:
            yield from ((ev.ReleaseCompleted(token, result), now) for result in ReleaseResult)
    for token in dict.fromkeys((pending.timer, STALE)):
        if token is not None:
            yield ev.TimerElapsed(token), now
    for token in dict.fromkeys((pending.look, STALE)):
        if token is not None:
            for age_s in (0.0, 9.0, NAN):
                yield ev.Looked(token, age_s), now
                yield ev.Looked(token, age_s), 6.0
    base = _exit_base(state)
    for door, people, gone, alarms in all_levels:
        levels = SensorLevels(door, people, None if gone is None else base + gone, alarms)
        if levels != state.levels:
            yield ev.LevelsChanged(levels), now
    yield from ((ev.LockChanged(lock), now) for lock in LockState if lock is not state.lock)
    for device in DEVICES:
        yield ev.DeviceChanged(device, DeviceState.ONLINE if device in state.lost else DeviceState.LOST), now
    yield ev.OfficerSecure(True), now
    yield ev.OfficerSecure(False), now
    yield ev.OfficerRelease(CrossingId("B")), now


def _follow(
    machine: Step, rules: Policy, node: Node, event: ev.Event, now: float, reached: set[str]
) -> tuple[Node, list[str]]:
    state, environment = node
    after, effects = machine(state, event, now, rules)
    if after is state and not effects and getattr(event, "token", None) == STALE:
        return node, []
    problems: list[str] = []
    environment = _witness(environment, state, event)
    if getattr(event, "token", None) == STALE and (after != state or effects):
        problems.append(f"stale completion was not dropped: {type(event).__name__}")
    for effect in effects:
        problems += _judge_phase(state.phase, effect)
        environment, problem = _judge(environment, after, effect, event, now, reached)
        problems += problem
    problems += _judge_step(state, after, event, effects, environment)
    return (_normal(after), _prune(environment, after)), problems


def _witness(environment: Environment, state: State, event: ev.Event) -> Environment:
    """Books what the event itself proves, whatever the machine makes of it."""
    match event:
        case ev.LevelsChanged(levels):
            return _witness_levels(environment, state, levels)
        case ev.FaceCaptured() | ev.FingerCaptured() if _one_person(state) and not environment.watched:
            return replace(environment, watched=True, unbroken=True)
        case ev.DocumentVerified(token, checks) if token != STALE and checks == GOOD:
            return replace(environment, good=environment.good | {"document"})
        case ev.FaceCompleted(token, result) if token != STALE and result == FACES["match"]:
            return replace(environment, good=environment.good | {"face"})
        case ev.FaceCompleted(token, result) if token != STALE and result == FACES["photograph"]:
            return replace(environment, good=environment.good - {"face"} | {"attack"})
        case ev.FaceCompleted(token, _) if token != STALE:
            return replace(environment, good=environment.good - {"face"})
        case ev.FingerCompleted(token, result) if token != STALE and result == FINGERS["match"]:
            return replace(environment, good=environment.good | {"finger"})
        case ev.FingerCompleted(token, _) if token != STALE:
            return replace(environment, good=environment.good - {"finger"})
        case ev.Recorded(token) if token != STALE:
            return _durable(environment, token)
        case ev.RecordFailed(token) if token != STALE:
            inflight = tuple(item for item in environment.inflight if item[0] != token)
            return replace(environment, inflight=inflight)
        case _:
            pass
    return environment


def _witness_levels(environment: Environment, state: State, levels: SensorLevels) -> Environment:
    moved = levels.exit_count != _exit_base(state)
    if state.phase in (Phase.RELEASING, Phase.RELEASED):
        left = environment.left or (levels.person_count == 0 and not moved)
        fled = environment.fled or bool(levels.alarms & LIFE_SAFETY)
        same = (left, fled) == (environment.left, environment.fled)
        return environment if same else replace(environment, left=left, fled=fled)
    if environment.unbroken and ((levels.door_closed, levels.person_count, levels.alarms) != (True, 1, QUIET) or moved):
        return replace(environment, unbroken=False)
    return environment


def _one_person(state: State) -> bool:
    levels = state.levels
    return (
        levels.door_closed is True
        and levels.person_count == 1
        and levels.exit_count is not None
        and levels.alarms == QUIET
    )


def _exit_base(state: State) -> int:
    """What the exit counter is held against in this phase."""
    crossing = state.crossing
    if crossing is None:
        return 0
    if state.phase in (Phase.RELEASING, Phase.RELEASED):
        return crossing.exit_base
    return (crossing.exits_captured or 0) if crossing.captured and state.phase in BEFORE_RELEASE else 0


def _durable(environment: Environment, token: Token) -> Environment:
    label = dict(environment.inflight).get(token, "")
    inflight = tuple(item for item in environment.inflight if item[0] != token)
    environment = replace(environment, inflight=inflight)
    if label in ("ADMIT", "REFER"):
        return replace(environment, recorded=label, override="")
    if label == "OVERRIDE":
        return replace(environment, override=label)
    if label == "OUTCOME":
        return replace(environment, outcomes=environment.outcomes + 1)
    return environment


def _judge(
    environment: Environment, after: State, effect: fx.Effect, event: ev.Event, now: float, reached: set[str]
) -> tuple[Environment, list[str]]:
    """Judges one effect by the environment's books alone, and books it."""
    problems: list[str] = []
    match effect:
        case fx.RecordStart(token):
            if environment.active:
                problems.append("S5 a crossing started while another was under way")
            environment = Environment(active=True, inflight=((token, "START"),))
        case fx.RecordDecision(token, decision=decision):
            if decision.verdict is Verdict.ADMIT:
                reached.add("admit recorded")
                if not {"document", "face", "finger"} <= environment.good:
                    problems.append("S3 admits without evidence that passed")
                if "attack" in environment.good:
                    problems.append("S3 admits whoever showed a photograph")
                if not environment.unbroken:
                    problems.append("S2 admits across a broken presence")
            environment = _booked(environment, token, decision.verdict.value, now)
        case fx.RecordOverride(token, started=started):
            reached.add("override recorded")
            if started:
                environment = Environment(active=True)
            # A new record allows one release of its own, also after one that never reached the lock.
            environment = _booked(replace(environment, released=False), token, "OVERRIDE", now)
        case fx.RecordOutcome(token):
            environment = replace(environment, inflight=(*environment.inflight, (token, "OUTCOME")))
        case fx.Release():
            reached.add("released by " + (environment.override or environment.recorded))
            problems += _judge_release(environment, after, now)
            if not (isinstance(event, ev.Looked) and event.age_s <= POLICY.levels_age_s):
                problems.append("S2 release without a fresh look at the sensors")
            environment = replace(environment, released=True, left=False, fled=False)
        case fx.VerifyFace(capture=None, last=last) if not last:
            problems.append("compares frames kept although better ones may come")
        case fx.VerifyFace(capture=capture) | fx.VerifyFinger(capture=capture) if capture not in (GOOD_CAPTURE, None):
            problems.append("S2 compares a capture that was not taken of one person before a closed door")
        case fx.Respond(decision=decision):
            environment = replace(environment, responded=min(environment.responded + (decision is not None), 2))
            if decision is not None and decision.verdict.value != environment.recorded:
                problems.append("a gate was told a decision that is not durable")
            if environment.responded > 1:
                problems.append("a gate was answered twice")
        case fx.End():
            reached.add(f"ended {effect.outcome.value}")
            if environment.outcomes != 1:
                problems.append(f"S5 crossing ended with {environment.outcomes} durable outcomes")
            environment = Environment()
        case _:
            pass
    return environment, problems


def _judge_phase(phase: Phase, effect: fx.Effect) -> list[str]:
    """What no books are needed for."""
    if isinstance(effect, fx.Release) and phase is not Phase.RECORDING:
        return [f"S1 release in {phase}"]
    if isinstance(effect, fx.Respond) and phase not in (Phase.RECORDING, Phase.RELEASING):
        return [f"a gate is answered in {phase}"]
    return []


def _booked(environment: Environment, token: Token, label: str, now: float) -> Environment:
    return replace(environment, inflight=(*environment.inflight, (token, label)), decided_at=now)


def _judge_release(environment: Environment, after: State, now: float) -> list[str]:
    problems = []
    if not (environment.recorded == "ADMIT" or environment.override == "OVERRIDE"):
        problems.append("S1 release without a durable ADMIT or override")
    if environment.released:
        problems.append("S1 one record released twice")
    if any(label in ("REFER", "ADMIT", "OVERRIDE") for _, label in environment.inflight):
        problems.append("S1 release while another decision is being recorded")
    if now - environment.decided_at > 5.0:
        problems.append("S2 release on a decision older than 5 s")
    if after.levels.door_closed is not True or after.lost or after.lock is not LockState.SECURED:
        problems.append("S4 release with a lost device, an open door or a lock that is not secured")
    if not environment.override and not environment.unbroken:
        problems.append("S2 release after the presence was broken")
    return problems


def _judge_step(
    state: State, after: State, event: ev.Event, effects: tuple[fx.Effect, ...], environment: Environment
) -> list[str]:
    problems = []
    kinds = {type(effect) for effect in effects}
    if fx.Secure not in kinds and _is_unexpected(state, event):
        problems.append(f"S4 {type(event).__name__} in {state.phase} did not secure the lock")
    if isinstance(event, ev.OfficerSecure) and fx.Secure not in kinds:
        problems.append("an officer's secure did not secure")
    if after.crossing is None and after.phase not in (Phase.READY, Phase.OUT_OF_SERVICE):
        problems.append(f"phase {after.phase} without a crossing")
    if after.phase is Phase.READY and (after.crossing is not None or after.blockers):
        problems.append("ready although something blocks the lane")
    stranger = _follows_somebody_else(state, event, environment)
    if not stranger:
        problems += _judge_alarm(state, event, kinds, environment.fled)
    if stranger and (fx.Secure not in kinds or after.phase is Phase.RELEASED):
        problems.append("S2 the exit stays released for somebody who was not verified")
    for effect in effects:
        if isinstance(effect, fx.Respond) and effect.decision is not None:
            refer = effect.decision.verdict is Verdict.REFER
            if refer and environment.recorded != "REFER":
                problems.append("S8 referral answered before its case was durable")
    return problems


def _judge_alarm(state: State, event: ev.Event, kinds: set[type[fx.Effect]], fled: bool) -> list[str]:
    """What an alarm must do while the exit is released for a traveller."""
    if state.phase is not Phase.RELEASED or state.crossing is None or state.crossing.override:
        return []
    if not isinstance(event, ev.LevelsChanged) or not event.levels.alarms:
        return []
    levels = event.levels
    gone = levels.exit_count is not None and levels.exit_count != state.crossing.exit_base
    alone = (levels.person_count or 0) <= 1 and Alarm.TAILGATING not in levels.alarms and not gone
    if fled and alone:
        return ["the exit is secured against somebody who flees"] if fx.Secure in kinds else []
    return [] if fx.Secure in kinds else ["S4 an alarm during a passage did not secure the lock"]


def _is_unexpected(state: State, event: ev.Event) -> bool:
    """A bolt or a door that is open outside a release, in service or not; a document out of turn."""
    released = state.phase in (Phase.RELEASING, Phase.RELEASED)
    match event:
        case ev.LockChanged(state=lock):
            fleeing = bool(state.levels.alarms & LIFE_SAFETY)
            return not released and not fleeing and lock is LockState.RELEASED
        case ev.LevelsChanged(levels):
            fleeing = bool(levels.alarms & LIFE_SAFETY)
            return not released and not fleeing and levels.door_closed is False
        case ev.DocumentPresented():
            return state.phase not in (Phase.READING, Phase.OUT_OF_SERVICE, Phase.READY)
        case _:
            return False


def _follows_somebody_else(state: State, event: ev.Event, environment: Environment) -> bool:
    if state.phase not in (Phase.RELEASING, Phase.RELEASED) or environment.override:
        return False
    if not isinstance(event, ev.LevelsChanged) or not environment.left:
        return False
    return bool(event.levels.person_count) and event.levels.exit_count == _exit_base(state)


# Canonical form


def _prune(environment: Environment, state: State) -> Environment:
    """Only records that the machine still waits for stay distinct."""
    waited = (state.pending.start, state.pending.record)
    if all(token in waited for token, _ in environment.inflight):
        return environment
    return replace(environment, inflight=tuple(item for item in environment.inflight if item[0] in waited))


def _normal(state: State) -> State:
    """Exit counts become relative to the first capture or the release; otherwise they mean nothing."""
    crossing, levels, base = state.crossing, state.levels, _exit_base(state)
    counts = crossing is not None and (
        state.phase in (Phase.RELEASING, Phase.RELEASED) or (crossing.captured and state.phase in BEFORE_RELEASE)
    )
    if crossing is not None and (crossing.exit_base or crossing.exits_captured):
        crossing = replace(crossing, exit_base=0, exits_captured=0 if crossing.captured else None)
    if levels.exit_count:
        levels = replace(levels, exit_count=levels.exit_count - base if counts else 0)
    if crossing is state.crossing and levels is state.levels:
        return state
    return replace(state, crossing=crossing, levels=levels)


def _key(node: Node) -> object:
    """Two nodes with one key can't be told apart by anything that may still happen.

    Left out is what the machine does not branch on in this phase and what events may set to any value later: lock, lost devices and
    hold outside the phases that read them; the environment's books once nothing may be released or answered any more (that is
    judged by phase alone, see `_judge_phase`).
    """
    state, environment = node
    phase, idle = state.phase, state.crossing is None
    pending = tuple(getattr(state.pending, name) is not None for name in Pending.__dataclass_fields__)
    names = {state.pending.start: "start", state.pending.record: "record"}
    inflight = tuple((names.get(token), label) for token, label in environment.inflight)
    before, over = phase in BEFORE_RELEASE, phase in (Phase.CLOSING, Phase.OUT_OF_SERVICE)
    return (
        phase,
        _crossing_key(state),
        pending,
        (state.levels.door_closed, state.levels.person_count, state.levels.exit_count, state.levels.alarms),
        state.lock if idle or phase is Phase.RECORDING or (phase is Phase.RELEASED and environment.fled) else None,
        bool(state.lost) if idle or before else None,
        state.held if idle or phase is Phase.RECORDING else None,
        # Both are set anew when a crossing ends; until then nothing branches on them.
        (state.journal_failed, state.vacated) if idle else None,
        environment.active,
        environment.outcomes,
        None if over else (environment.recorded, environment.override, environment.released, environment.responded),
        environment.good if phase in (Phase.READING, Phase.VERIFYING) else None,
        (environment.watched, environment.unbroken) if before else None,
        environment.decided_at if phase is Phase.RECORDING else None,
        (environment.left, environment.fled) if phase in (Phase.RELEASING, Phase.RELEASED) else None,
        inflight,
    )


def _crossing_key(state: State) -> object:
    """What of a crossing the machine can still branch on in this phase.

    From RECORDING on no new ADMIT can be decided (a second decision always has reasons against it), so evidence and
    the progress of comparisons no longer matter. Before, only PASS or not matters: all checks here are mandatory.
    """
    crossing = state.crossing
    if crossing is None:
        return None
    gathering = state.phase in (Phase.READING, Phase.VERIFYING)
    unseen = {Reason.DEVICE_LOST, Reason.FIRE_ALARM, Reason.EMERGENCY_BUTTON}
    lost = any(item.reason in unseen for item in crossing.broken)
    return (
        _gathering_key(state, crossing) if gathering else None,
        crossing.override,
        crossing.captured and not (state.phase not in (Phase.READING, Phase.VERIFYING, Phase.RECORDING)),
        (bool(crossing.broken), lost),
        None if crossing.decision is None else crossing.decision.verdict,
        crossing.decided_at if state.phase is Phase.RECORDING else None,
        crossing.referred,
        crossing.release,
        crossing.left if state.phase in (Phase.RELEASING, Phase.RELEASED) else None,
        None if crossing.ending is None else (crossing.ending.outcome, crossing.ending.case),
    )


def _gathering_key(state: State, crossing: Crossing) -> object:
    passed = frozenset(item.check for item in crossing.evidence if item.result is CheckResult.PASS)
    refused = any(item.check is Check.MRZ and item.result is CheckResult.FAIL for item in crossing.evidence)
    unproven = any(item.check is Check.CHIP_AUTHENTICATION for item in crossing.evidence)
    return (
        crossing.device and state.phase is Phase.READING,
        crossing.document,
        crossing.checked,
        passed,
        (refused, unproven),
        Comparing(done=True) if crossing.face.done else crossing.face,
        Comparing(done=True) if crossing.finger.done else crossing.finger,
        crossing.captures_over,
    )


def _path(parents: list[tuple[int | None, ev.Event | None]], number: int) -> list[ev.Event]:
    events: list[ev.Event] = []
    current: int | None = number
    while current is not None:
        current, event = parents[current]
        if event is not None:
            events.append(event)
    return events[::-1]


def _can_reach(successors: list[set[int]], goals: set[int]) -> set[int]:
    """All states from which some path leads to a lane without a crossing."""
    predecessors: dict[int, list[int]] = {}
    for source, targets in enumerate(successors):
        for target in targets:
            predecessors.setdefault(target, []).append(source)
    reached = set(goals)
    stack = list(goals)
    while stack:
        for source in predecessors.get(stack.pop(), []):
            if source not in reached:
                reached.add(source)
                stack.append(source)
    return reached
