"""The crossing machine of a lane with one barrier: every transition, in one place.

`step` is pure. Read `_transition` top to bottom: it is the path of a traveller. What is not listed there is
unexpected: it secures the lock and refers (S4).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from egate.crossing import effects as fx
from egate.crossing import events as ev
from egate.crossing.policy import Policy, decide, judge_face, judge_finger
from egate.crossing.state import Comparing, Crossing, Ending, Pending, Phase, State
from egate.domain.biometric import Guidance
from egate.domain.decision import Decision, Outcome, ReasonDetail, Verdict
from egate.domain.device import LIFE_SAFETY, Alarm, DeviceState, LockState, ReleaseResult
from egate.domain.evidence import DOCUMENT_CHECKS, Check, CheckEvidence, CheckResult
from egate.domain.ids import Token
from egate.domain.reason import Reason

_FLIGHT = frozenset({Reason.FIRE_ALARM, Reason.EMERGENCY_BUTTON})
_STRANGERS = frozenset({Reason.TAILGATING, Reason.PRESENCE_BROKEN})
EXIT_COUNT_MODULUS = 65536  # the counter is one Modbus register


def step(state: State, event: ev.Event, now: float, policy: Policy) -> tuple[State, tuple[fx.Effect, ...]]:
    """The next state and what to do. now: seconds, monotonic. Deterministic; raises nothing."""
    if _is_stale(state, event):
        return state, ()
    turn = _Turn(_observe(state, event), now, policy)
    _transition(turn, event)
    return turn.state, tuple(turn.effects)


def _transition(turn: _Turn, event: ev.Event) -> None:
    _secure_what_is_open(turn, event)
    match turn.state.phase, event:
        # A request arrives.
        case Phase.READY, ev.Start():
            _begin(turn, event)
        case _, ev.Start():
            turn.emit(fx.Refuse(event.crossing, _refusal(turn.state)))
        # The document.
        case Phase.READING, ev.DocumentPresented() if not turn.crossing.device:
            _document(turn)
        case Phase.READING, ev.DocumentCompleted(failure=None):
            _document(turn)
        case Phase.READING, ev.DocumentCompleted(failure=Reason() as failure):
            _document_failed(turn, failure)
        case Phase.READING, ev.TimerElapsed():
            _document_failed(turn, Reason.DOCUMENT_NOT_PRESENTED)
        case Phase.VERIFYING, ev.DocumentVerified():
            _document_checked(turn, event)
        # Captures and comparisons.
        case Phase.READING | Phase.VERIFYING, ev.FaceCaptured() | ev.FingerCaptured():
            _captured(turn, event)
        case Phase.READING | Phase.VERIFYING, ev.CapturesEnd():
            turn.cross(captures_over=True)
            _advance(turn)
        case Phase.VERIFYING, ev.FaceCompleted():
            _face_compared(turn, event)
        case Phase.VERIFYING, ev.FingerCompleted():
            _finger_compared(turn, event)
        case Phase.VERIFYING, ev.TimerElapsed():
            _capture_timeout(turn)
        case _, ev.FaceCaptured() | ev.FingerCaptured():
            turn.emit(fx.Discard(event.capture))  # a stream's frames go on arriving after the decision
        case _, ev.CapturesEnd():
            pass
        # The record, and only then the lock.
        case Phase.RECORDING, ev.Recorded():
            _recorded(turn, event)
        case Phase.RECORDING, ev.Looked():
            _looked(turn, event)
        case Phase.RECORDING | Phase.CLOSING, ev.TimerElapsed():
            _journal_failed(turn)
        case Phase.RELEASING, ev.ReleaseCompleted():
            _release_completed(turn, event.result)
        case Phase.RELEASING, ev.TimerElapsed():
            _release_completed(turn, ReleaseResult.UNKNOWN)
        case Phase.CLOSING, ev.Recorded():
            _ended(turn, event)
        case _, ev.Recorded():
            turn.expect(start=None)
        case _, ev.RecordFailed():
            _journal_failed(turn)
        case Phase.OUT_OF_SERVICE, ev.TimerElapsed() if turn.state.crossing is not None:
            _record_ending(turn)
        # The passage.
        case Phase.RELEASING | Phase.RELEASED, ev.LevelsChanged():
            _passage(turn)
        case Phase.RELEASED, ev.TimerElapsed() | ev.LockChanged(state=LockState.SECURED) if _flees(
            turn.crossing.broken
        ):
            _fled(turn)
        case Phase.RELEASED, ev.TimerElapsed():
            _passage_timeout(turn)
        case Phase.RELEASING | Phase.RELEASED, ev.DeviceChanged(device="sensors", state=DeviceState.LOST):
            _passage(turn)
        case Phase.RELEASING | Phase.RELEASED | Phase.CLOSING, ev.LockChanged() | ev.DeviceChanged():
            pass  # the lock's own timer and status; what is lost then blocks the next crossing
        # The referred traveller.
        case Phase.REFERRED, ev.LevelsChanged():
            _referred_levels(turn)
        case Phase.REFERRED, ev.TimerElapsed():
            _end_referral(turn)
        case Phase.REFERRED, ev.DeviceChanged():
            pass
        # Officers.
        case Phase.READY, ev.OfficerRelease():
            turn.start(Crossing(event.crossing, device=False, streaming=False, override=True))
            _override(turn, started=True)
        case Phase.REFERRED, ev.OfficerRelease():
            turn.cross(override=True, broken=())
            _override(turn, started=False)
        case _, ev.OfficerRelease():
            turn.emit(fx.Refuse(event.crossing, "LANE_NOT_OVERRIDABLE"))
        case _, ev.OfficerSecure():
            _secure_and_stop(turn, Reason.OFFICER)
        # The lane while somebody is in it, and the lane by itself.
        case Phase.READING | Phase.VERIFYING | Phase.RECORDING, ev.LevelsChanged():
            _levels_before_release(turn)
        case Phase.READING | Phase.VERIFYING | Phase.RECORDING, ev.DeviceChanged():
            if turn.state.lost:
                _refuse(turn, *(ReasonDetail(Reason.DEVICE_LOST, device) for device in sorted(turn.state.lost)))
        case _, ev.LockChanged(state=LockState.SECURED):
            _settle(turn)
        case Phase.READING | Phase.VERIFYING | Phase.RECORDING | Phase.REFERRED, ev.LockChanged(
            state=LockState.UNKNOWN
        ):
            pass  # reconnecting: nothing is released before it reads secured again, and a lost lock is told by its own event
        case (
            Phase.READY | Phase.OUT_OF_SERVICE,
            ev.LevelsChanged() | ev.LockChanged() | ev.DeviceChanged(),
        ):
            _settle(turn)
        case _, ev.LevelsChanged():
            pass
        case _:
            _unexpected(turn)


def _secure_what_is_open(turn: _Turn, event: ev.Event) -> None:
    """A bolt withdrawn or a door opened outside a release, whatever the lane is doing, also when it is out of service.

    Not against somebody who flees: what the fire panel and the emergency button open is wired, and our own release ends by its timer.
    """
    if turn.state.phase in (Phase.RELEASING, Phase.RELEASED) or turn.state.levels.alarms & LIFE_SAFETY:
        return
    match event:
        case ev.LockChanged(state=LockState.RELEASED):
            turn.emit(fx.Secure())
        case ev.LevelsChanged(levels=levels) if levels.door_closed is False:
            turn.emit(fx.Secure())
        case _:
            pass


def _secure_in_peace(turn: _Turn) -> None:
    """Where nothing of ours is released, securing is a precaution: not against what the fire panel may have opened."""
    if not turn.state.levels.alarms & LIFE_SAFETY:
        turn.emit(fx.Secure())


# Beginning and document


def _begin(turn: _Turn, event: ev.Start) -> None:
    turn.start(Crossing(event.crossing, device=event.device, streaming=event.streaming))
    turn.emit(fx.RecordStart(turn.issue("start"), event.crossing))
    if event.document_given:
        _document(turn)
        return
    turn.phase(Phase.READING)
    turn.timer(turn.policy.document_s)
    turn.emit(fx.Guide((Guidance.PLACE_DOCUMENT,)))
    if event.device:
        turn.emit(fx.ReadDocument(turn.issue("document"), turn.policy.document_s))


def _document(turn: _Turn) -> None:
    turn.phase(Phase.VERIFYING)
    turn.expect(document=None)
    turn.cross(document=True)
    turn.timer(turn.policy.capture_s)
    turn.emit(fx.Progress("document", CheckResult.PASS))
    turn.emit(fx.VerifyDocument(turn.issue("checks")))
    if turn.crossing.streaming:
        turn.emit(fx.Guide((Guidance.LOOK_AT_CAMERA, Guidance.PLACE_FINGER)))
    _advance(turn)


def _document_failed(turn: _Turn, failure: Reason) -> None:
    turn.emit(fx.Progress("document", CheckResult.ABORTED))
    turn.evidence(CheckEvidence(Check.MRZ, CheckResult.ABORTED, (failure,)))
    _conclude(turn)


def _document_checked(turn: _Turn, event: ev.DocumentVerified) -> None:
    turn.expect(checks=None)
    turn.cross(checked=True)
    turn.evidence(*(item for item in event.checks if item.check in DOCUMENT_CHECKS))
    worst = CheckResult.FAIL if _document_refused(turn) else CheckResult.PASS
    turn.emit(fx.Progress("document_checks", worst))
    _advance(turn)


def _document_refused(turn: _Turn) -> bool:
    refused = (CheckResult.FAIL, CheckResult.ABORTED)
    return any(item.check in DOCUMENT_CHECKS and item.result in refused for item in turn.crossing.evidence)


# Captures and comparisons


def _captured(turn: _Turn, event: ev.FaceCaptured | ev.FingerCaptured) -> None:
    """A capture counts only while exactly one person stands before a closed door."""
    crossing, levels = turn.crossing, turn.state.levels
    if levels.person_count == 0:
        turn.emit(fx.Guide((Guidance.STEP_INTO_VIEW,)))
        turn.emit(fx.Discard(event.capture))
        return
    if _sensors_unknown(turn.state) and crossing.streaming and not crossing.captured:
        turn.emit(fx.Guide((Guidance.HOLD_STILL,)))
        turn.emit(fx.Discard(event.capture))
        return
    if problem := _presence_problem(turn.state):
        _refuse(turn, *problem)
        return
    if crossing.captures_over:
        turn.emit(fx.Discard(event.capture))  # what was there by the end decides
        return
    if not crossing.captured:
        turn.cross(captured=True, exits_captured=levels.exit_count)
    if isinstance(event, ev.FaceCaptured):
        turn.cross(face=_queued(turn, crossing.face, event.capture, turn.policy.frames_queued_max))
    else:
        turn.cross(finger=_queued(turn, crossing.finger, event.capture, turn.policy.attempts_max))
    _advance(turn)


def _queued(turn: _Turn, progress: Comparing, capture: int, count_max: int) -> Comparing:
    """At most count_max wait; the oldest goes when a newer one comes."""
    queued = (*progress.queued, capture)
    for dropped in queued[:-count_max]:
        turn.emit(fx.Discard(dropped))
    return replace(progress, queued=queued[-count_max:])


def _face_compared(turn: _Turn, event: ev.FaceCompleted) -> None:
    turn.expect(face=None)
    if not event.result.compared:
        _face_kept(turn, event)
        return
    face, one_person, *attacks = judge_face(event.result, turn.policy, turn.crossing.face.attempts + 1)
    turn.evidence(face, one_person, *attacks)
    # Silent detection neither helps nor harms.
    bona_fide = all(item.result is CheckResult.PASS or item.check not in turn.policy.mandatory for item in attacks)
    good = face.result is CheckResult.PASS and one_person.result is CheckResult.PASS and bona_fide
    # An attack is not tried again: three tries would let three times as many through.
    attack = any(item.result is CheckResult.FAIL for item in attacks)
    hopeless = attack or event.result.failure in (Reason.PORTRAIT_MISSING, Reason.PORTRAIT_UNUSABLE)
    turn.cross(face=replace(_compared(turn, turn.crossing.face, good or hopeless), kept=False))
    turn.emit(fx.Progress("face", CheckResult.PASS if good else CheckResult.FAIL))
    if not turn.crossing.face.done:
        several = one_person.result is CheckResult.FAIL
        turn.emit(fx.Guide((Guidance.ONE_PERSON_ONLY if several else Guidance.LOOK_AT_CAMERA,)))
    _advance(turn)


def _face_kept(turn: _Turn, event: ev.FaceCompleted) -> None:
    """A frame that was only looked at spends no attempt; what it showed stands until something is compared."""
    face = turn.crossing.face
    if face.attempts == 0:
        turn.evidence(*judge_face(event.result, turn.policy)[:2])
    turn.cross(face=replace(face, kept=face.kept or event.result.kept))
    _advance(turn)


def _finger_compared(turn: _Turn, event: ev.FingerCompleted) -> None:
    turn.expect(finger=None)
    finger = judge_finger(event.result, turn.policy)
    turn.evidence(finger)
    good = finger.result is CheckResult.PASS
    hopeless = event.result.failure in (Reason.FINGER_REFERENCE_MISSING, Reason.FINGER_REFERENCE_UNUSABLE)
    turn.cross(finger=_compared(turn, turn.crossing.finger, good or hopeless))
    turn.emit(fx.Progress("finger", finger.result))
    if not turn.crossing.finger.done:
        turn.emit(fx.Guide((Guidance.USE_ENROLLED_FINGER,)))
    _advance(turn)


def _compared(turn: _Turn, progress: Comparing, final: bool) -> Comparing:
    attempts = progress.attempts + 1
    return replace(progress, attempts=attempts, done=final or attempts >= turn.policy.attempts_max)


def _advance(turn: _Turn) -> None:
    """Starts the comparisons that can start; decides once nothing is missing or more can come."""
    crossing, pending = turn.crossing, turn.state.pending
    if not crossing.document:
        return
    if not crossing.face.done and pending.face is None:
        _look_at_face(turn)
    if crossing.finger.queued and not crossing.finger.done and pending.finger is None:
        turn.cross(finger=replace(crossing.finger, queued=crossing.finger.queued[1:]))
        turn.emit(fx.VerifyFinger(turn.issue("finger"), crossing.finger.queued[0]))
    pending = turn.state.pending
    if turn.crossing.checked and pending.face is None and pending.finger is None and _settled(turn):
        _conclude(turn)


def _look_at_face(turn: _Turn) -> None:
    """The oldest frame in the queue; once no more come, the frames kept."""
    face, over = turn.crossing.face, turn.crossing.captures_over
    if face.queued:
        turn.cross(face=replace(face, queued=face.queued[1:]))
        turn.emit(fx.VerifyFace(turn.issue("face"), face.queued[0], last=over and len(face.queued) == 1))
    elif face.kept and over:
        turn.cross(face=replace(face, kept=False))
        turn.emit(fx.VerifyFace(turn.issue("face"), None, last=True))


def _settled(turn: _Turn) -> bool:
    """Nothing more is worth waiting for: all wanted comparisons are done, or no more captures will help."""
    crossing = turn.crossing
    if _document_refused(turn) or crossing.captures_over:
        return True
    wanted = [
        crossing.face.done or Check.FACE not in turn.policy.mandatory,
        crossing.finger.done or Check.FINGER not in turn.policy.mandatory,
    ]
    return all(wanted)


def _capture_timeout(turn: _Turn) -> None:
    """No better frame came: those kept, or the one being looked at, decide if nothing else is missing."""
    face, finger = turn.crossing.face, turn.crossing.finger
    others = turn.crossing.checked and (finger.done or Check.FINGER not in turn.policy.mandatory)
    seen = face.kept or bool(face.queued) or turn.state.pending.face is not None
    if seen and not face.done and others and not turn.crossing.captures_over:
        turn.cross(captures_over=True)
        turn.timer(turn.policy.last_look_s)
        _advance(turn)
        return
    reason = Reason.CAPTURE_TIMEOUT if turn.crossing.captured else Reason.NO_TRAVELLER
    _conclude(turn, ReasonDetail(reason))


# Decision, record, release


def _conclude(turn: _Turn, *against: ReasonDetail) -> None:
    """Decides with what there is and makes it durable. Late completions of this crossing are dropped from here on."""
    crossing, state = turn.crossing, turn.state
    if crossing.captures_over and not crossing.captured and not against and not _document_refused(turn):
        against = (ReasonDetail(Reason.NO_TRAVELLER),)
    problem = _presence_problem(state) if crossing.captured else ()
    broken = tuple(dict.fromkeys((*crossing.broken, *problem)))
    if crossing.captured:
        result = CheckResult.FAIL if broken else CheckResult.PASS
        turn.evidence(CheckEvidence(Check.PRESENCE, result, tuple(dict.fromkeys(item.reason for item in broken))))
    evidence = {item.check: item for item in turn.crossing.evidence}
    _record_decision(turn, decide(evidence, turn.policy, tuple(dict.fromkeys((*against, *crossing.broken)))))


def _record_decision(turn: _Turn, decision: Decision) -> None:
    crossing = turn.crossing
    turn.set(pending=Pending(start=turn.state.pending.start))
    turn.phase(Phase.RECORDING)
    turn.cross(decision=decision, decided_at=turn.now)
    if decision.verdict is not Verdict.ADMIT:
        _secure_in_peace(turn)
    turn.timer(turn.policy.record_s)
    turn.emit(fx.RecordDecision(turn.issue("record"), crossing.id, decision, crossing.release))


def _recorded(turn: _Turn, event: ev.Recorded) -> None:
    if event.token == turn.state.pending.start:
        turn.expect(start=None)
        return
    turn.expect(record=None)
    crossing = turn.crossing
    turn.emit(fx.Progress("record", CheckResult.PASS))
    admitted = crossing.decision is not None and crossing.decision.verdict is Verdict.ADMIT
    if not (crossing.override or admitted):
        _referred(turn)
        return
    problem = _release_problem(turn)
    if problem:
        _withhold(turn, problem)
    else:
        # Durable. One more look: what happened while the record was written may not have been told yet.
        turn.emit(fx.Look(turn.issue("look")))


def _looked(turn: _Turn, event: ev.Looked) -> None:
    turn.expect(look=None)
    problem = _release_problem(turn)
    if not event.age_s <= turn.policy.levels_age_s:
        problem = (*problem, ReasonDetail(Reason.DEVICE_LOST, "sensors"))
    if problem:
        _withhold(turn, tuple(dict.fromkeys(problem)))
    else:
        _release(turn)


def _withhold(turn: _Turn, problem: tuple[ReasonDetail, ...]) -> None:
    """The record would allow a release, the world does not any more."""
    crossing = turn.crossing
    if crossing.override:
        turn.emit(fx.Respond(crossing.id, None, ReleaseResult.NOT_SENT))
        _end(turn, Ending(Outcome.NOT_PASSED, problem, case=not crossing.referred))
    else:
        # A second decision replaces the first before anything moves.
        turn.cross(broken=())
        _refer_instead(turn, problem)


def _release_problem(turn: _Turn) -> tuple[ReasonDetail, ...]:
    """What forbids the release that a durable record would allow. Empty if nothing does."""
    crossing, state = turn.crossing, turn.state
    problem = list(crossing.broken)
    if not turn.now - crossing.decided_at <= turn.policy.decision_age_s:
        problem.append(ReasonDetail(Reason.DECISION_STALE))
    problem += [ReasonDetail(Reason.DEVICE_LOST, device) for device in sorted(state.lost)]
    if state.lock is not LockState.SECURED:
        problem.append(ReasonDetail(Reason.LOCK_UNKNOWN))
    if crossing.override:
        if _sensors_unknown(state):
            problem.append(ReasonDetail(Reason.DEVICE_LOST, "sensors"))
        if state.levels.door_closed is not True:
            problem.append(ReasonDetail(Reason.DOOR_NOT_CLOSED))
        if state.held:
            problem.append(ReasonDetail(Reason.OFFICER))
    else:
        problem += _presence_problem(state)
    return tuple(dict.fromkeys(problem))


def _release(turn: _Turn) -> None:
    turn.phase(Phase.RELEASING)
    turn.cross(exit_base=turn.state.levels.exit_count or 0, left=False)
    policy = turn.policy
    # The lock answers by its own deadline; this is for one that does not.
    turn.timer(2 * policy.release_deadline_s)
    turn.emit(fx.Release(turn.issue("release"), policy.release_s, policy.release_deadline_s))


def _release_completed(turn: _Turn, result: ReleaseResult) -> None:
    turn.expect(release=None)
    turn.cross(release=result)
    crossing = turn.crossing
    if result is ReleaseResult.ACKNOWLEDGED:
        turn.emit(fx.Progress("release", CheckResult.PASS))
        turn.emit(fx.Respond(crossing.id, None if crossing.override else crossing.decision, result))
        if crossing.broken:
            if _flees(crossing.broken):
                turn.phase(Phase.RELEASED)
                turn.timer(turn.policy.passage_s)
                return
            turn.emit(fx.Secure())
            _end(turn, Ending(_broken_outcome(crossing), crossing.broken, case=True))
            return
        turn.phase(Phase.RELEASED)
        turn.timer(turn.policy.passage_s)
        turn.emit(fx.Guide((Guidance.GO_AHEAD,)))
        _passage(turn)
        return
    turn.emit(fx.Secure())
    turn.emit(fx.Progress("release", CheckResult.FAIL))
    unknown = result is ReleaseResult.UNKNOWN
    problem = ReasonDetail(Reason.LOCK_UNKNOWN if unknown else Reason.LOCK_FAILED)
    if crossing.override:
        turn.emit(fx.Respond(crossing.id, None, result))
        _end(turn, Ending(Outcome.UNKNOWN if unknown else Outcome.NOT_PASSED, (problem, *crossing.broken), case=True))
    else:
        _refer_instead(turn, (problem, *crossing.broken))


def _broken_outcome(crossing: Crossing) -> Outcome:
    unseen = any(item.reason in _FLIGHT or item.reason is Reason.DEVICE_LOST for item in crossing.broken)
    return Outcome.UNKNOWN if unseen else Outcome.FAILED


def _refer_instead(turn: _Turn, problem: tuple[ReasonDetail, ...]) -> None:
    broken = CheckEvidence(Check.PRESENCE, CheckResult.ABORTED, tuple(dict.fromkeys(item.reason for item in problem)))
    turn.evidence(broken)
    evidence = {item.check: item for item in turn.crossing.evidence}
    _record_decision(turn, decide(evidence, turn.policy, problem))


# Passage


def _passage(turn: _Turn) -> None:
    """Follows the person through the door; the first sign of another one secures it.

    An officer who overrides sees the people and may let several through; then only the door and the exit counter are followed.
    """
    crossing, levels = turn.crossing, turn.state.levels
    if not crossing.override and (problem := _stranger(turn.state, crossing)):
        _passage_failed(turn, problem, Outcome.FAILED)
        return
    if not crossing.override and (levels.alarms & LIFE_SAFETY or _flees(crossing.broken)):
        _flight(turn)
        return
    passed = _passed(turn.state, crossing)
    if levels.person_count is None or passed is None or levels.door_closed is None:
        _passage_failed(turn, ReasonDetail(Reason.DEVICE_LOST, "sensors"), Outcome.UNKNOWN)
        return
    if not crossing.override:
        if Alarm.TAMPER in levels.alarms:
            _passage_failed(turn, ReasonDetail(Reason.TAMPER), Outcome.FAILED)
            return
        if passed == 0 and levels.person_count == 0:
            turn.cross(left=True)
        if passed == 1:
            # Through: nobody else may follow. Securing again is harmless.
            turn.emit(fx.Secure())
    if turn.state.phase is not Phase.RELEASED or not levels.door_closed:
        return
    if passed >= 1:
        turn.emit(fx.Progress("passage", CheckResult.PASS))
        turn.emit(fx.Secure())
        _end(turn, Ending(Outcome.PASSED))
    elif turn.crossing.left:
        # Back out by the entry: the door is closed and nobody went through.
        turn.emit(fx.Secure())
        turn.emit(fx.Progress("passage", CheckResult.ABORTED))
        _end(turn, Ending(Outcome.NOT_PASSED, (ReasonDetail(Reason.NOT_PASSED),)))


def _flight(turn: _Turn) -> None:
    """The exit stays released until its timer ends: whoever was admitted may be running through it. Behind him it is secured."""
    crossing, levels = turn.crossing, turn.state.levels
    turn.cross(broken=tuple(dict.fromkeys((*crossing.broken, *turn.state.alarms))))
    passed = _passed(turn.state, crossing)
    if passed == 0 and levels.person_count == 0:
        turn.cross(left=True)
    if passed:
        turn.emit(fx.Secure())
        if turn.state.phase is Phase.RELEASED:
            _fled(turn)


def _passed(state: State, crossing: Crossing) -> int | None:
    """How many have gone through the exit since the lock was commanded; None if the sensors do not tell."""
    count = state.levels.exit_count
    return None if count is None else (count - crossing.exit_base) % EXIT_COUNT_MODULUS


def _stranger(state: State, crossing: Crossing) -> ReasonDetail | None:
    """Whether somebody who was not verified is at the exit: more than one person, or one who came after the zone was empty."""
    levels = state.levels
    passed = _passed(state, crossing)
    if Alarm.TAILGATING in levels.alarms or (levels.person_count or 0) > 1 or (passed or 0) > 1:
        return ReasonDetail(Reason.TAILGATING)
    if passed == 0 and crossing.left and levels.person_count:
        return ReasonDetail(Reason.PRESENCE_BROKEN)
    return None


def _flees(reasons: tuple[ReasonDetail, ...]) -> bool:
    """Fire or emergency, and nobody else to be kept from the exit: software does not act on the lock."""
    found = {item.reason for item in reasons}
    return bool(found & _FLIGHT) and not found & _STRANGERS


def _fled(turn: _Turn) -> None:
    """The lock has secured itself, or nothing was heard for the time of a passage. What became of him is for an officer to find out."""
    turn.emit(fx.Progress("passage", CheckResult.ABORTED))
    _end(turn, Ending(Outcome.UNKNOWN, turn.crossing.broken, case=True))


def _passage_failed(turn: _Turn, problem: ReasonDetail, outcome: Outcome) -> None:
    turn.emit(fx.Secure())
    if turn.state.phase is Phase.RELEASING:
        turn.cross(broken=tuple(dict.fromkeys((*turn.crossing.broken, problem))))
        return
    turn.emit(fx.Progress("passage", CheckResult.FAIL))
    _end(turn, Ending(outcome, tuple(dict.fromkeys((problem, *turn.crossing.broken))), case=True))


def _passage_timeout(turn: _Turn) -> None:
    levels, crossing = turn.state.levels, turn.crossing
    turn.emit(fx.Secure())
    if levels.door_closed is True and levels.exit_count == crossing.exit_base:
        turn.emit(fx.Progress("passage", CheckResult.ABORTED))
        _end(turn, Ending(Outcome.NOT_PASSED, (ReasonDetail(Reason.NOT_PASSED),)))
    else:
        _passage_failed(turn, ReasonDetail(Reason.DOOR_HELD), Outcome.FAILED)


# Referral, override, officer


def _referred(turn: _Turn) -> None:
    crossing = turn.crossing
    turn.phase(Phase.REFERRED)
    turn.cross(referred=True)
    turn.emit(fx.Respond(crossing.id, crossing.decision, crossing.release))
    turn.emit(fx.Guide((Guidance.GO_TO_MANUAL_LANE,)))
    turn.timer(turn.policy.referral_s)
    _referred_levels(turn)


def _referred_levels(turn: _Turn) -> None:
    levels = turn.state.levels
    if levels.door_closed is False and levels.alarms & LIFE_SAFETY:
        # The panel opened it, and whoever was referred may have fled.
        _end(turn, Ending(Outcome.UNKNOWN, turn.state.alarms))
    elif levels.door_closed is False:
        unknown = turn.crossing.release is ReleaseResult.UNKNOWN
        outcome = Outcome.UNKNOWN if unknown else Outcome.FAILED
        _end(turn, Ending(outcome, (ReasonDetail(Reason.DOOR_NOT_CLOSED),)))
    elif levels.person_count == 0:
        _end_referral(turn)


def _end_referral(turn: _Turn) -> None:
    crossing = turn.crossing
    unknown = crossing.release is ReleaseResult.UNKNOWN
    reasons = crossing.decision.reasons if crossing.decision else ()
    _end(turn, Ending(Outcome.UNKNOWN if unknown else Outcome.REFERRED, reasons))


def _override(turn: _Turn, *, started: bool) -> None:
    crossing = turn.crossing
    turn.set(pending=Pending())
    turn.phase(Phase.RECORDING)
    turn.cross(decided_at=turn.now)
    turn.timer(turn.policy.record_s)
    turn.emit(fx.RecordOverride(turn.issue("record"), crossing.id, started))


# Trouble


def _levels_before_release(turn: _Turn) -> None:
    """Before the release the door must stay closed and nothing may warn; from the first capture on exactly one person must stay."""
    levels = turn.state.levels
    # An officer who overrides sees the people; the count binds only what the machine decides itself.
    watched = turn.crossing.captured and not turn.crossing.override
    # Sensors that are blind for a moment break a presence; before the first capture there is none to break.
    warned = bool(levels.alarms) and not turn.crossing.override
    if levels.door_closed is False or warned or (watched and _presence_problem(turn.state)):
        _refuse(turn, *_presence_problem(turn.state))


def _sensors_unknown(state: State) -> bool:
    levels = state.levels
    return levels.door_closed is None or levels.person_count is None or levels.exit_count is None


def _presence_problem(state: State) -> tuple[ReasonDetail, ...]:
    levels = state.levels
    if _sensors_unknown(state) or levels.person_count is None:
        return (ReasonDetail(Reason.DEVICE_LOST, "sensors"),)
    if levels.alarms:
        return state.alarms
    if not levels.door_closed:
        return (ReasonDetail(Reason.DOOR_NOT_CLOSED),)
    if levels.person_count > 1:
        return (ReasonDetail(Reason.MULTIPLE_PERSONS),)
    if levels.person_count != 1:
        return (ReasonDetail(Reason.PRESENCE_BROKEN),)
    crossing = state.crossing
    if crossing is not None and crossing.captured and levels.exit_count != crossing.exits_captured:
        return (
            ReasonDetail(Reason.PRESENCE_BROKEN),
        )  # somebody went through since: out and in again between two readings
    return ()


def _refuse(turn: _Turn, *problem: ReasonDetail) -> None:
    """This crossing can't admit any more: refer now, or as soon as the record in flight has been answered."""
    turn.cross(broken=tuple(dict.fromkeys((*turn.crossing.broken, *problem))))
    if turn.state.phase in (Phase.READING, Phase.VERIFYING):
        _conclude(turn)


def _unexpected(turn: _Turn) -> None:
    _secure_and_stop(turn, Reason.UNEXPECTED_EVENT)


def _secure_and_stop(turn: _Turn, reason: Reason) -> None:
    """Whatever is under way ends without a release; a referral or an outcome already on its way stays as it is."""
    turn.emit(fx.Secure())
    problem = ReasonDetail(reason)
    match turn.state.phase:
        case Phase.READING | Phase.VERIFYING | Phase.RECORDING:
            _refuse(turn, problem)
        case Phase.RELEASING | Phase.RELEASED:
            _passage_failed(turn, problem, Outcome.FAILED)
        case Phase.READY | Phase.OUT_OF_SERVICE:
            _settle(turn)
        case Phase.REFERRED | Phase.CLOSING:
            pass


def _journal_failed(turn: _Turn) -> None:
    """No journal: nothing is released and the lane stops. The outcome stays owed until the journal is back."""
    turn.emit(fx.Secure())
    turn.set(pending=Pending(), journal_failed=True)
    crossing = turn.state.crossing
    if crossing is None:
        turn.phase(Phase.OUT_OF_SERVICE)
        return
    if turn.state.phase in (Phase.READING, Phase.VERIFYING, Phase.RECORDING):
        turn.emit(fx.RespondFailed(crossing.id))
    if crossing.ending is None:
        turn.cross(ending=Ending(Outcome.UNKNOWN, (ReasonDetail(Reason.JOURNAL_FAILED),), case=True))
    turn.phase(Phase.OUT_OF_SERVICE)
    # That the owed outcome can be recorded is the proof that the journal is back.
    turn.timer(turn.policy.record_retry_s)


# The end


def _end(turn: _Turn, ending: Ending) -> None:
    turn.cross(ending=ending)
    _record_ending(turn)


def _record_ending(turn: _Turn) -> None:
    crossing = turn.crossing
    ending = crossing.ending
    assert ending is not None  # whoever calls has set it
    turn.set(pending=Pending())
    turn.phase(Phase.CLOSING)
    turn.timer(turn.policy.record_s)
    turn.emit(fx.RecordOutcome(turn.issue("record"), crossing.id, ending.outcome, ending.reasons, ending.case))


def _ended(turn: _Turn, event: ev.Recorded) -> None:
    if event.token != turn.state.pending.record:
        turn.expect(start=None)
        return
    crossing = turn.crossing
    assert crossing.ending is not None
    turn.emit(fx.End(crossing.id, crossing.ending.outcome, crossing.ending.reasons))
    # Who passed is gone by evidence; of anybody else the zone must have been seen empty before the next one.
    vacated = crossing.ending.outcome is Outcome.PASSED or turn.state.levels.person_count == 0
    turn.set(crossing=None, pending=Pending(), journal_failed=False, vacated=vacated)
    turn.phase(Phase.OUT_OF_SERVICE)
    _settle(turn)


def _settle(turn: _Turn) -> None:
    """An empty lane is ready exactly if nothing blocks it."""
    if turn.state.crossing is not None:
        return
    ready = not turn.state.blockers
    if not ready and turn.state.phase is Phase.READY:
        _secure_in_peace(turn)
    turn.phase(Phase.READY if ready else Phase.OUT_OF_SERVICE)


def _refusal(state: State) -> str:
    if state.crossing is not None:
        return "LANE_BUSY"
    return "LANE_HELD" if state.held else "LANE_OUT_OF_SERVICE"


# Bookkeeping

_TOKEN_FIELDS: dict[type, tuple[str, ...]] = {
    ev.DocumentCompleted: ("document",),
    ev.DocumentVerified: ("checks",),
    ev.FaceCompleted: ("face",),
    ev.FingerCompleted: ("finger",),
    ev.Recorded: ("start", "record"),
    ev.RecordFailed: ("start", "record"),
    ev.Looked: ("look",),
    ev.ReleaseCompleted: ("release",),
    ev.TimerElapsed: ("timer",),
}


def _is_stale(state: State, event: ev.Event) -> bool:
    """A completion nobody waits for any more. Without this, traveller A's late result opens the gate for traveller B."""
    fields = _TOKEN_FIELDS.get(type(event))
    if fields is None:
        return False
    token: Token = event.token  # type: ignore[union-attr]  # exactly the types in _TOKEN_FIELDS have one
    return token not in [getattr(state.pending, name) for name in fields]


def _observe(state: State, event: ev.Event) -> State:
    """What the event tells about the world, whatever the phase."""
    match event:
        case ev.LevelsChanged():
            vacated = state.vacated or (state.crossing is None and event.levels.person_count == 0)
            return replace(state, levels=event.levels, vacated=vacated)
        case ev.LockChanged():
            return replace(state, lock=event.state)
        case ev.DeviceChanged():
            # DEGRADED is not lost: what it can't tell reads as unknown, and unknown never releases.
            lost = state.lost | {event.device} if event.state is DeviceState.LOST else state.lost - {event.device}
            return replace(state, lost=lost)
        case ev.OfficerSecure():
            return replace(state, held=event.hold)
        case ev.TimerElapsed():
            return replace(state, pending=replace(state.pending, timer=None))
        case _:
            return state


class _Turn:
    """One step under way: the state so far and the effects so far. Lives no longer than the step."""

    def __init__(self, state: State, now: float, policy: Policy) -> None:
        self.state = state
        self.now = now
        self.policy = policy
        self.effects: list[fx.Effect] = []

    @property
    def crossing(self) -> Crossing:
        assert self.state.crossing is not None, self.state.phase
        return self.state.crossing

    def emit(self, effect: fx.Effect) -> None:
        self.effects.append(effect)

    def set(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)

    def cross(self, **changes: Any) -> None:
        self.set(crossing=replace(self.crossing, **changes))

    def start(self, crossing: Crossing) -> None:
        self.set(crossing=crossing, pending=Pending())

    def phase(self, phase: Phase) -> None:
        self.set(phase=phase)

    def evidence(self, *items: CheckEvidence) -> None:
        """Adds evidence; a newer result of the same check replaces the older."""
        newer = {item.check for item in items}
        self.cross(evidence=(*(item for item in self.crossing.evidence if item.check not in newer), *items))

    def issue(self, name: str) -> Token:
        token = Token(self.state.token + 1)
        self.set(token=token, pending=replace(self.state.pending, **{name: token}))
        return token

    def expect(self, **changes: Token | None) -> None:
        self.set(pending=replace(self.state.pending, **changes))

    def timer(self, delay_s: float) -> None:
        self.emit(fx.SetTimer(self.issue("timer"), delay_s))
