"""Goal: the invariants S1-S5 and S8 hold in every reachable state of a lane, not in sampled ones.

Method: breadth-first search to closure (`search.py`). Each planted fault must be found, so that a search which
finds nothing means something.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from egate.crossing import effects as fx
from egate.crossing import events as ev
from egate.crossing import machine, policy
from egate.crossing.state import Comparing, Ending, Pending, Phase, State
from egate.domain.decision import Decision, Outcome, Verdict
from egate.domain.device import Alarm
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from tests.crossing.diagram import diagram
from tests.crossing.search import LEVELS, WITHOUT_ALARMS, Levels, Result, search

pytestmark = pytest.mark.exhaustive

DANGEROUS = {
    "admit recorded",
    "released by ADMIT",
    "override recorded",
    "released by OVERRIDE",
    "ended PASSED",
    "ended NOT_PASSED",
    "ended REFERRED",
    "ended FAILED",
    "ended UNKNOWN",
}


@pytest.fixture(scope="module")
def closure() -> Result:
    return search(stop_at_first=False)


def test_no_reachable_state_breaks_an_invariant(closure: Result) -> None:
    print(f"\n{closure.states} states, {closure.transitions} transitions to closure")
    assert not closure.findings, str(closure.findings[0])


def test_the_search_reached_every_dangerous_state(closure: Result) -> None:
    assert closure.reached >= DANGEROUS
    assert {edge[0] for edge in closure.edges} == {phase.value for phase in Phase}


def test_the_diagram_is_the_machines(closure: Result) -> None:
    page = Path(__file__).parents[2] / "docs" / "crossing.md"
    assert page.read_text(encoding="utf-8") == diagram(closure.edges), "run: python -m tests.crossing.diagram"


def test_from_every_state_the_lane_can_become_empty_again(closure: Result) -> None:
    assert closure.trapped == 0


def test_stale_completion_that_counts_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_is_stale", lambda state, event: False)
    _finds("stale completion")


def test_release_without_second_look_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_release_problem", lambda turn: ())
    _finds("S2 release")


def test_old_sensor_reading_that_is_believed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def trusting(turn: machine._Turn, event: ev.Looked) -> None:
        problem = machine._release_problem(turn)
        if problem:
            machine._withhold(turn, problem)
        else:
            machine._release(turn)

    monkeypatch.setattr(machine, "_looked", trusting)
    _finds("fresh look")


def test_capture_of_an_empty_zone_that_counts_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    original = machine._captured

    def careless(turn: machine._Turn, event: ev.FaceCaptured | ev.FingerCaptured) -> None:
        if turn.state.levels.person_count == 0 and isinstance(event, ev.FaceCaptured):
            turn.cross(face=machine._queued(turn, turn.crossing.face, event.capture, 1))
        else:
            original(turn, event)

    monkeypatch.setattr(machine, "_captured", careless)
    _finds("S2 compares")


def test_exit_left_released_for_the_next_person_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    original = machine._passage

    def forgetful(turn: machine._Turn) -> None:
        turn.cross(left=False)
        original(turn)

    monkeypatch.setattr(machine, "_passage", forgetful)
    _finds("S2 the exit stays released")


def test_bolt_withdrawn_in_an_idle_lane_that_is_ignored_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_secure_what_is_open", lambda turn, event: None)
    _finds("S4")


def test_presence_that_is_not_watched_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def door_only(turn: machine._Turn) -> None:
        if turn.state.levels.door_closed is False:
            machine._refuse(turn, *machine._presence_problem(turn.state))

    monkeypatch.setattr(machine, "_levels_before_release", door_only)
    _finds("S2")


def _deaf(state: State) -> State:
    """Without its alarms."""
    return replace(state, levels=replace(state.levels, alarms=frozenset[Alarm]()))


def test_alarm_that_nobody_minds_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    original = machine._presence_problem
    monkeypatch.setattr(machine, "_presence_problem", lambda state: original(_deaf(state)))
    _finds("S2", LEVELS)


def test_exit_secured_against_somebody_who_flees_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def rigid(turn: machine._Turn) -> None:
        machine._passage_failed(turn, turn.state.alarms[0], Outcome.FAILED)

    monkeypatch.setattr(machine, "_flight", rigid)
    _finds("flees", LEVELS)


def test_tailgater_that_nobody_minds_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    original = machine._stranger
    monkeypatch.setattr(machine, "_stranger", lambda state, crossing: original(_deaf(state), crossing))
    _finds("S4", LEVELS)


def test_release_before_the_record_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    original = machine._record_decision

    def at_once(turn: machine._Turn, decision: Decision) -> None:
        original(turn, decision)
        if decision.verdict is Verdict.ADMIT:
            turn.emit(fx.Release(turn.issue("release"), 5.0, 1.5))

    monkeypatch.setattr(machine, "_record_decision", at_once)
    _finds("S1 release without a durable ADMIT")


def test_nan_that_passes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    original = policy.judge_face

    def careless(result: policy.FaceResult, rules: policy.Policy, attempt: int = 1) -> tuple[CheckEvidence, ...]:
        verdict = CheckResult.FAIL if result.score < rules.face_threshold else CheckResult.PASS
        return CheckEvidence(Check.FACE, verdict), *original(result, rules, attempt)[1:]

    monkeypatch.setattr(machine, "judge_face", careless)
    _finds("S3")


@pytest.mark.parametrize("score", [-1.0, math.nan, None], ids=["attack", "no number", "not performed"])
def test_attack_that_passes_is_found(score: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    original = policy._attack

    def careless(found: float | None, rules: policy.Policy) -> CheckEvidence:
        same = found is score or (found != found and score is not None and score != score) or found == score
        return original(1.0 if same else found, rules)

    monkeypatch.setattr(policy, "_attack", careless)
    _finds("S3")


def test_attack_that_may_be_tried_again_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def patient(turn: machine._Turn, progress: Comparing, final: bool) -> Comparing:
        good = {Check.FACE, Check.ONE_PERSON, Check.PRESENTATION_ATTACK_DETECTION}
        passed = {item.check for item in turn.crossing.evidence if item.result is CheckResult.PASS}
        return original(turn, progress, final and good <= passed)

    original = machine._compared
    monkeypatch.setattr(machine, "_compared", patient)
    findings = search(attempts_max=2, levels=WITHOUT_ALARMS).findings
    assert any("photograph" in finding.invariant for finding in findings)


def test_frame_that_was_only_looked_at_and_passes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(turn: machine._Turn, event: ev.FaceCompleted) -> None:
        turn.evidence(*policy.judge_face(replace(event.result, compared=True), turn.policy))
        machine._advance(turn)

    monkeypatch.setattr(machine, "_face_kept", careless)
    _finds("S3")


def test_chip_whose_proof_nobody_judged_that_passes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "NEVER_OPEN", frozenset())
    _finds("S3")


def test_unexpected_event_that_is_ignored_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_unexpected", lambda turn: None)
    _finds("S4")


def test_crossing_without_outcome_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(turn: machine._Turn, ending: Ending) -> None:
        turn.cross(ending=ending)
        turn.emit(fx.End(turn.crossing.id, ending.outcome, ending.reasons))
        turn.set(crossing=None, pending=Pending())
        turn.phase(Phase.READY)

    monkeypatch.setattr(machine, "_end", forgetful)
    _finds("S5")


def test_referral_answered_before_its_case_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    original = machine._record_decision

    def hasty(turn: machine._Turn, decision: Decision) -> None:
        original(turn, decision)
        turn.emit(fx.Respond(turn.crossing.id, decision, None))

    monkeypatch.setattr(machine, "_record_decision", hasty)
    _finds("not durable")


def test_journal_failure_that_forgets_the_crossing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lane must owe the outcome; a state from which no empty lane can be reached is a trap."""

    def stuck(turn: machine._Turn) -> None:
        turn.set(pending=Pending(), journal_failed=False)
        turn.phase(Phase.CLOSING)

    monkeypatch.setattr(machine, "_journal_failed", stuck)
    assert search(stop_at_first=False, attempts_max=1, levels=WITHOUT_ALARMS).trapped > 0


def _finds(invariant: str, levels: Levels = WITHOUT_ALARMS) -> None:
    findings = search(attempts_max=1, levels=levels).findings
    assert findings
    assert any(invariant in finding.invariant for finding in findings), "\n".join(map(str, findings))


def test_state_is_small() -> None:
    """The machine keeps no samples: its whole state is hashable values."""
    assert hash(replace(State())) is not None
