"""The order of things in a lane: durable before released, answers once, trouble stays in its lane."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from pathlib import Path

import pytest

from egate.cases.case import CaseState
from egate.clock import SystemClock
from egate.crossing.policy import FaceResult
from egate.domain.biometric import EncodedFinger
from egate.domain.decision import Outcome, ReasonDetail, Verdict
from egate.domain.device import DeviceState, LockState, ReleaseResult, SensorLevels
from egate.domain.ids import LaneId, OfficerId
from egate.domain.reason import Reason
from egate.errors import EgateError, JournalError
from egate.lane.api import Decided, Ended, LanePhase, LaneRefused
from tests.lane.bench_gate import DOCUMENT, EMPTY, OCCUPIED, POLICY
from tests.lane.conftest import Workbench

OFFICER = OfficerId("anna")


async def _ended(bench: Workbench) -> dict[str, object]:
    await bench.until(lambda: bench.lane.state.crossing is None)
    return [body for kind, body in await bench.entries() if kind == "OUTCOME"][-1]


async def test_release_only_after_the_decision_is_durable(bench: Workbench) -> None:
    bench.journal.free.clear()
    handle = await bench.begin()
    await bench.until(lambda: "DECISION" in bench.journal.asked)
    assert "release" not in bench.lock.commands
    bench.journal.free.set()
    decided = await handle.decided()
    assert decided.decision.verdict is Verdict.ADMIT
    assert decided.release is ReleaseResult.ACKNOWLEDGED
    bench.sensors.walk_through()
    assert (await _ended(bench))["outcome"] == Outcome.PASSED


async def test_events_end_with_one_decision_and_one_outcome(bench: Workbench) -> None:
    handle = await bench.begin()
    await handle.decided()
    bench.sensors.walk_through()
    events = [event async for event in handle.events()]
    assert [type(event) for event in events if isinstance(event, Decided | Ended)] == [Decided, Ended]
    assert isinstance(events[-1], Ended)


async def test_presence_broken_while_recording_is_referred_and_not_released(bench: Workbench) -> None:
    bench.journal.free.clear()
    handle = await bench.begin()
    await bench.until(lambda: "DECISION" in bench.journal.asked)
    bench.sensors.show(EMPTY)
    bench.sensors.show(OCCUPIED)
    bench.journal.free.set()
    decided = await handle.decided()
    assert decided.decision.verdict is Verdict.REFER
    assert decided.case is not None
    assert "release" not in bench.lock.commands
    verdicts = [body["verdict"] for kind, body in await bench.entries() if kind == "DECISION"]
    assert verdicts == ["ADMIT", "REFER"]


async def test_referral_has_its_case_when_it_is_answered(bench: Workbench) -> None:
    bench.verifiers.face_result = FaceResult(0.1, 0.5, 1)
    decided = await (await bench.begin()).decided()
    assert decided.decision.reasons[0].reason is Reason.FACE_NON_MATCH
    assert decided.case is not None
    case = await bench.cases.get(decided.case, SystemClock().now())
    assert case is not None
    assert case.state is CaseState.OPEN
    assert "release" not in bench.lock.commands


async def test_nan_score_refers(bench: Workbench) -> None:
    bench.verifiers.face_result = FaceResult(math.nan, math.nan, 1)
    decided = await (await bench.begin()).decided()
    assert decided.decision.verdict is Verdict.REFER
    assert "release" not in bench.lock.commands


async def test_without_a_journal_nothing_is_released_and_the_outcome_stays_owed(bench: Workbench) -> None:
    bench.journal.free.clear()
    handle = await bench.begin()
    await bench.until(lambda: "DECISION" in bench.journal.asked)
    bench.journal.broken = True
    bench.journal.free.set()
    with pytest.raises(JournalError):
        await handle.decided()
    await bench.until(lambda: bench.lane.snapshot.phase is LanePhase.OUT_OF_SERVICE)
    assert "release" not in bench.lock.commands
    bench.journal.broken = False
    outcome = await _ended(bench)
    assert outcome["outcome"] == Outcome.UNKNOWN
    assert outcome["case"] is not None
    bench.sensors.show(EMPTY)
    await bench.ready()


async def test_retry_after_the_end_tells_the_first_answer_and_releases_nothing(bench: Workbench) -> None:
    first = await (await bench.begin()).decided()
    bench.sensors.walk_through()
    await _ended(bench)
    await bench.ready()
    again = await (await bench.begin()).decided()
    assert again == first
    assert bench.lock.commands.count("release") == 1


async def test_two_requests_with_one_id_are_one_crossing(bench: Workbench) -> None:
    handles = await asyncio.gather(bench.begin(), bench.begin())
    assert handles[0].crossing == handles[1].crossing
    answers = await asyncio.gather(*(handle.decided() for handle in handles))
    assert answers[0] == answers[1]
    assert bench.lock.commands.count("release") == 1


async def test_another_payload_under_a_used_id_is_refused_during_and_after(bench: Workbench) -> None:
    handle = await bench.begin()
    with pytest.raises(LaneRefused) as during:
        await bench.begin(payload=b"x")
    assert during.value.code == "REQUEST_ID_REUSED"
    await handle.decided()
    bench.sensors.walk_through()
    await _ended(bench)
    with pytest.raises(LaneRefused) as after:
        await bench.begin(payload=b"x")
    assert after.value.code == "REQUEST_ID_REUSED"


async def test_busy_lane_refuses_and_the_refused_request_can_come_again(bench: Workbench) -> None:
    handle = await bench.begin()
    with pytest.raises(LaneRefused) as refusal:
        await bench.begin("r2")
    assert refusal.value.code == "LANE_BUSY"
    await handle.decided()
    bench.sensors.walk_through()
    await _ended(bench)
    await bench.ready()
    assert (await (await bench.begin("r2")).decided()).decision.verdict is Verdict.ADMIT


async def test_captures_of_an_ended_crossing_do_not_feed_the_next(bench: Workbench) -> None:
    old = await bench.begin()
    await old.decided()
    bench.sensors.walk_through()
    await _ended(bench)
    await bench.ready()
    with pytest.raises(LaneRefused) as refusal:
        old.face(b"of the first traveller")
    assert refusal.value.code == "CROSSING_OVER"
    await (await bench.begin("r2")).decided()
    assert b"of the first traveller" not in bench.verifiers.compared


async def test_bug_secures_refuses_and_leaves_the_lane_usable(bench: Workbench) -> None:
    bench.verifiers.bug = RuntimeError("bug")
    handle = await bench.begin()
    with pytest.raises(EgateError) as failure:
        await handle.decided()
    assert failure.value.code == "LANE_FAILED"
    assert (await _ended(bench))["outcome"] == Outcome.UNKNOWN
    assert "secure" in bench.lock.commands
    assert "release" not in bench.lock.commands
    bench.verifiers.bug = None
    bench.sensors.show(EMPTY)
    await bench.ready()
    assert (await (await bench.begin("r2")).decided()).decision.verdict is Verdict.ADMIT


async def test_tailgating_secures_and_opens_a_case(bench: Workbench) -> None:
    await (await bench.begin()).decided()
    bench.sensors.show(SensorLevels(False, 1, 0))
    bench.sensors.show(SensorLevels(False, 1, 1))
    bench.sensors.show(SensorLevels(False, 0, 2))
    outcome = await _ended(bench)
    assert outcome["outcome"] == Outcome.FAILED
    assert outcome["reasons"] == [[Reason.TAILGATING, ""]]
    assert outcome["case"] is not None
    assert bench.lock.commands[-1] == "secure"


@pytest.mark.parametrize("result", [ReleaseResult.NOT_SENT, ReleaseResult.UNKNOWN])
async def test_release_that_is_not_confirmed_is_referred(bench: Workbench, result: ReleaseResult) -> None:
    bench.lock.answer = result
    decided = await (await bench.begin()).decided()
    assert decided.decision.verdict is Verdict.REFER
    assert decided.release is result
    assert decided.case is not None
    bench.sensors.show(EMPTY)
    expected = Outcome.UNKNOWN if result is ReleaseResult.UNKNOWN else Outcome.REFERRED
    assert (await _ended(bench))["outcome"] == expected


async def test_lost_device_refers_and_the_lane_comes_back(bench: Workbench) -> None:
    bench.journal.free.clear()
    handle = await bench.begin()
    bench.lock.become(DeviceState.LOST)
    bench.journal.free.set()
    decided = await handle.decided()
    assert any(item.reason is Reason.DEVICE_LOST and item.detail == "lock" for item in decided.decision.reasons)
    bench.sensors.show(EMPTY)
    await _ended(bench)
    assert bench.lane.snapshot.phase is LanePhase.OUT_OF_SERVICE
    bench.lock.become(DeviceState.ONLINE)
    await bench.ready()


async def test_override_of_a_referred_traveller_is_recorded_before_it_releases(bench: Workbench) -> None:
    bench.verifiers.face_result = FaceResult(0.1, 0.5, 1)
    decided = await (await bench.begin()).decided()
    bench.journal.free.clear()
    override = asyncio.create_task(
        bench.lane.release(
            officer=OFFICER, caller="console/1", request_id="o1", payload_sha256=b"o" * 32, reason="looked at both"
        )
    )
    await bench.until(lambda: "OVERRIDE" in bench.journal.asked)
    assert "release" not in bench.lock.commands
    bench.journal.free.set()
    crossing, result = await override
    assert (crossing, result) == (decided.crossing, ReleaseResult.ACKNOWLEDGED)
    bench.sensors.walk_through()
    assert (await _ended(bench))["outcome"] == Outcome.PASSED
    bodies = [body for kind, body in await bench.entries() if kind == "OVERRIDE"]
    assert bodies[0]["officer"] == "anna"


async def test_override_retried_releases_once(bench: Workbench) -> None:
    async def release() -> tuple[str, ReleaseResult]:
        return await bench.lane.release(
            officer=OFFICER, caller="console/1", request_id="o1", payload_sha256=b"o" * 32, reason="staff"
        )

    first = await release()
    bench.sensors.show(OCCUPIED)
    bench.sensors.walk_through()
    await _ended(bench)
    await bench.until(lambda: bench.journal.asked[-1] == "OUTCOME")
    assert await release() == first
    assert bench.lock.commands.count("release") == 1


async def test_override_during_a_crossing_is_refused(bench: Workbench) -> None:
    bench.journal.free.clear()
    handle = await bench.begin()
    with pytest.raises(LaneRefused) as refusal:
        await bench.lane.release(
            officer=OFFICER, caller="console/1", request_id="o1", payload_sha256=b"o" * 32, reason="hurry"
        )
    assert refusal.value.code == "LANE_NOT_OVERRIDABLE"
    bench.journal.free.set()
    await handle.decided()


async def test_officers_secure_refers_what_is_under_way_and_hold_keeps_the_lane_closed(bench: Workbench) -> None:
    bench.journal.free.clear()
    handle = await bench.begin()
    await bench.until(lambda: "DECISION" in bench.journal.asked)
    holding = asyncio.create_task(
        bench.lane.secure(officer=OFFICER, caller="console/1", request_id="h1", hold=True, reason="search")
    )
    await bench.until(lambda: bench.lane.snapshot.held)
    bench.journal.free.set()
    assert await holding
    decided = await handle.decided()
    assert decided.decision.verdict is Verdict.REFER
    assert "release" not in bench.lock.commands
    bench.sensors.show(EMPTY)
    await _ended(bench)
    with pytest.raises(LaneRefused) as refusal:
        await bench.begin("r2")
    assert refusal.value.code == "LANE_HELD"
    bench.sensors.show(EMPTY)
    await bench.lane.secure(officer=OFFICER, caller="console/1", request_id="h2", hold=False, reason="done")
    await bench.ready()


async def test_watchers_see_the_present_first_then_each_change_and_can_resume(bench: Workbench) -> None:
    changes = bench.hall.watch(frozenset({LaneId("lane-1")}), "")
    snapshot, token = await anext(changes)
    assert snapshot.phase is LanePhase.READY
    handle = await bench.begin()
    await handle.decided()
    bench.sensors.walk_through()
    await _ended(bench)
    await bench.ready()
    phases: list[LanePhase] = []
    resumed = bench.hall.watch(frozenset(), token)
    while not phases or phases[-1] is not LanePhase.READY or LanePhase.RELEASED not in phases:
        phases.append((await anext(resumed))[0].phase)
    assert LanePhase.RELEASING in phases
    first_again, _ = await anext(bench.hall.watch(frozenset(), "of-another-run-7"))
    assert first_again == bench.lane.snapshot


async def test_repr_of_what_a_crossing_holds_shows_nothing(bench: Workbench) -> None:
    handle = await bench.begin()
    visit = bench.lane._performer._visit
    assert visit is not None
    shown = repr(visit) + repr(handle)
    for secret in ("L1", "L2", "b'face'", "b'finger'", "b'p'"):
        assert secret not in shown
    await handle.decided()


async def test_frame_taken_while_the_zone_was_empty_is_never_compared(bench: Workbench) -> None:
    """Otherwise the holder's face, shown before, admits whoever steps in."""
    handle = await bench.lane.begin(
        caller="gate/1", request_id="r1", payload_sha256=b"d" * 32, document=DOCUMENT, streaming=True
    )
    handle.face(b"of the holder")
    bench.sensors.show(OCCUPIED)
    handle.face(b"of who came")
    handle.finger(EncodedFinger(b"finger"))
    await handle.decided()
    assert bench.verifiers.compared == [b"of who came"]


async def test_person_who_leaves_and_another_who_comes_does_not_pass(bench: Workbench) -> None:
    await (await bench.begin()).decided()
    bench.sensors.show(SensorLevels(False, 0, 0))
    bench.sensors.show(SensorLevels(False, 1, 0))
    outcome = await _ended(bench)
    assert outcome["outcome"] == Outcome.FAILED
    assert bench.lock.commands[-1] == "secure"


async def test_person_who_goes_back_has_not_passed(bench: Workbench) -> None:
    await (await bench.begin()).decided()
    bench.sensors.show(EMPTY)
    assert (await _ended(bench))["outcome"] == Outcome.NOT_PASSED
    assert bench.lock.commands[-1] == "secure"


async def test_old_sensor_reading_releases_nobody(bench: Workbench) -> None:
    bench.sensors.age_s = 2.0
    decided = await (await bench.begin()).decided()
    assert decided.decision.verdict is Verdict.REFER
    assert "release" not in bench.lock.commands


async def test_somebody_through_the_exit_before_the_release_refers(bench: Workbench) -> None:
    bench.journal.free.clear()
    handle = await bench.begin()
    await bench.until(lambda: "DECISION" in bench.journal.asked)
    bench.sensors.show(SensorLevels(True, 1, 1))
    bench.journal.free.set()
    assert (await handle.decided()).decision.verdict is Verdict.REFER
    assert "release" not in bench.lock.commands


async def test_bolt_withdrawn_in_an_idle_or_held_lane_is_secured(bench: Workbench) -> None:
    await bench.lane.secure(officer=OFFICER, caller="console/1", request_id="h1", hold=True, reason="search")
    bench.lock.commands.clear()
    bench.lock.lock_state = LockState.RELEASED
    await bench.until(lambda: "secure" in bench.lock.commands)


async def test_lane_waits_until_who_was_referred_is_gone(bench: Workbench) -> None:
    bench.verifiers.bug = RuntimeError("bug")
    handle = await bench.begin()
    with pytest.raises(EgateError):
        await handle.decided()
    await _ended(bench)
    assert bench.lane.snapshot.phase is LanePhase.OUT_OF_SERVICE
    assert ReasonDetail(Reason.ZONE_OCCUPIED) in bench.lane.snapshot.reasons
    bench.sensors.show(EMPTY)
    await bench.ready()


async def test_outcome_does_not_depend_on_images(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(samples: object) -> None:
        raise ValueError("empty crop")

    monkeypatch.setattr("egate.lane.recorder.build_dossier", broken)
    bench.verifiers.face_result = FaceResult(0.1, 0.5, 1)
    decided = await (await bench.begin()).decided()
    assert decided.case is not None
    case = await bench.cases.get(decided.case, SystemClock().now())
    assert case is not None
    assert case.dossier_missing
    bench.sensors.show(EMPTY)
    assert (await _ended(bench))["outcome"] == Outcome.REFERRED


async def test_journal_that_fails_again_and_again_leaves_one_case_and_one_dossier(
    bench: Workbench, tmp_path: Path
) -> None:
    bench.verifiers.face_result = FaceResult(0.1, 0.5, 1)
    bench.journal.free.clear()
    handle = await bench.begin()
    await bench.until(lambda: "DECISION" in bench.journal.asked)
    bench.journal.broken = True
    bench.journal.free.set()
    with pytest.raises(JournalError):
        await handle.decided()
    await bench.until(lambda: bench.journal.asked.count("OUTCOME") >= 2)
    bench.journal.broken = False
    outcome = await _ended(bench)
    assert [path.stem for path in (tmp_path / "dossiers").glob("*.bin")] == [outcome["case"]]
    assert [body["case"] for kind, body in await bench.entries() if kind == "CASE"] == [outcome["case"]]


async def test_record_that_never_ends_takes_the_lane_out_of_service(bench: Workbench) -> None:
    bench.lane._policy = bench.lane._performer._policy = replace(POLICY, record_s=0.2, record_retry_s=0.2)
    bench.journal.free.clear()
    handle = await bench.begin()
    with pytest.raises(JournalError):
        await handle.decided()
    assert bench.lane.snapshot.phase is LanePhase.OUT_OF_SERVICE
    assert "release" not in bench.lock.commands
    bench.journal.free.set()
    assert (await _ended(bench))["outcome"] == Outcome.UNKNOWN
    assert "release" not in bench.lock.commands


async def test_late_retry_of_resume_does_not_undo_a_later_hold(bench: Workbench) -> None:
    async def secure(request_id: str, hold: bool) -> bool:
        return await bench.lane.secure(
            officer=OFFICER, caller="console/1", request_id=request_id, hold=hold, reason="why"
        )

    await secure("h1", True)
    await secure("h2", False)
    await bench.ready()
    await secure("h3", True)
    await secure("h2", False)
    await bench.until(lambda: bench.lane.snapshot.held)
    assert bench.lane.snapshot.phase is LanePhase.OUT_OF_SERVICE


async def test_resume_takes_effect_only_once_it_is_recorded(bench: Workbench) -> None:
    await bench.lane.secure(officer=OFFICER, caller="console/1", request_id="h1", hold=True, reason="why")
    bench.journal.broken = True
    with pytest.raises(JournalError):
        await bench.lane.secure(officer=OFFICER, caller="console/1", request_id="h2", hold=False, reason="why")
    assert bench.lane.snapshot.held


async def test_override_may_let_several_people_out(bench: Workbench) -> None:
    bench.sensors.show(SensorLevels(True, 2, 0))
    await bench.lane.release(
        officer=OFFICER, caller="console/1", request_id="o1", payload_sha256=b"o" * 32, reason="a family"
    )
    bench.sensors.show(SensorLevels(False, 2, 0))
    bench.sensors.show(SensorLevels(False, 0, 2))
    bench.sensors.show(SensorLevels(True, 0, 2))
    assert (await _ended(bench))["outcome"] == Outcome.PASSED
