"""What admits and what refers, by evidence alone."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.crossing.policy import (
    ALWAYS_MANDATORY,
    PRODUCTION_MANDATORY,
    FaceResult,
    FingerResult,
    PadMode,
    Policy,
    decide,
    judge_face,
    judge_finger,
)
from egate.domain.decision import ReasonDetail, Verdict
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.reason import Reason

POLICY = Policy("test", ALWAYS_MANDATORY | {Check.FINGER}, face_threshold=1.0, finger_threshold=2.0, finger_fmr=1e-3)
ALL_PASS = {check: CheckEvidence(check, CheckResult.PASS) for check in POLICY.mandatory}


def test_all_mandatory_checks_passed_admits_and_lists_what_was_not_performed() -> None:
    decision = decide(ALL_PASS, POLICY)
    assert decision.verdict is Verdict.ADMIT
    assert decision.reasons == ()
    assert set(decision.not_performed) == set(Check) - POLICY.mandatory
    assert [item.check for item in decision.checks] == list(Check)


@given(
    st.sampled_from(sorted(POLICY.mandatory)), st.sampled_from([r for r in CheckResult if r is not CheckResult.PASS])
)
def test_only_pass_satisfies_a_mandatory_check(check: Check, result: CheckResult) -> None:
    decision = decide({**ALL_PASS, check: CheckEvidence(check, result)}, POLICY)
    assert decision.verdict is Verdict.REFER
    assert ReasonDetail(Reason.CHECK_MISSING, check.value) in decision.reasons


@given(st.sampled_from(sorted(set(Check) - POLICY.mandatory)), st.sampled_from([CheckResult.FAIL, CheckResult.ABORTED]))
def test_a_failed_check_refers_even_if_it_is_not_mandatory(check: Check, result: CheckResult) -> None:
    assert decide({**ALL_PASS, check: CheckEvidence(check, result)}, POLICY).verdict is Verdict.REFER


@pytest.mark.parametrize(("result", "verdict"), [("UNDETERMINED", Verdict.REFER), ("NOT_PERFORMED", Verdict.ADMIT)])
def test_a_chip_that_could_be_proven_must_be_whatever_the_policy_names(result: str, verdict: Verdict) -> None:
    """A clone of a document whose key's algorithm we lack; a document without a key cannot prove anything."""
    reasons = (Reason.ALGORITHM_UNSUPPORTED,) if result == "UNDETERMINED" else ()
    open_ = CheckEvidence(Check.CHIP_AUTHENTICATION, CheckResult(result), reasons)
    assert Check.CHIP_AUTHENTICATION not in POLICY.mandatory
    decision = decide({**ALL_PASS, Check.CHIP_AUTHENTICATION: open_}, POLICY)
    assert decision.verdict is verdict
    assert decision.reasons == tuple(ReasonDetail(reason) for reason in reasons)


def test_missing_evidence_refers() -> None:
    for check in POLICY.mandatory:
        evidence = {key: value for key, value in ALL_PASS.items() if key is not check}
        assert decide(evidence, POLICY).verdict is Verdict.REFER


def test_reasons_name_the_field_and_not_what_was_never_tried() -> None:
    mrz = CheckEvidence(Check.MRZ, CheckResult.FAIL, (Reason.MRZ_CHECK_DIGIT,), detail="date_of_birth")
    assert decide({Check.MRZ: mrz}, POLICY).reasons == (ReasonDetail(Reason.MRZ_CHECK_DIGIT, "date_of_birth"),)


def test_a_reason_from_no_check_refers() -> None:
    lost = ReasonDetail(Reason.DEVICE_LOST, "lock")
    decision = decide(ALL_PASS, POLICY, (lost,))
    assert decision.verdict is Verdict.REFER
    assert decision.reasons == (lost,)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_face_passes_exactly_at_or_above_its_threshold(score: float) -> None:
    face, one, *_ = judge_face(FaceResult(score, 0.0, 1), POLICY)
    assert (face.result is CheckResult.PASS) == (score >= 1.0)
    assert one.result is CheckResult.PASS


def test_nan_refuses() -> None:
    assert judge_face(FaceResult(math.nan, math.nan, 1), POLICY)[0].result is CheckResult.FAIL
    assert judge_finger(FingerResult(math.nan, math.nan), POLICY).result is CheckResult.FAIL


@pytest.mark.parametrize(("faces", "result"), [(0, "UNDETERMINED"), (1, "PASS"), (2, "FAIL"), (9, "FAIL")])
def test_exactly_one_face_is_one_person(faces: int, result: str) -> None:
    assert judge_face(FaceResult(9.0, 0.0, faces), POLICY)[1].result == result


def test_a_failure_outweighs_a_score() -> None:
    """A verifier that failed must not pass by a score it left behind."""
    face, *_ = judge_face(FaceResult(9.0, 0.0, 1, Reason.VERIFIER_FAILED), POLICY)
    assert face.result is CheckResult.UNDETERMINED
    assert decide({**ALL_PASS, Check.FACE: face}, POLICY).verdict is Verdict.REFER


ENFORCED = replace(
    POLICY, mandatory=POLICY.mandatory | {Check.PRESENTATION_ATTACK_DETECTION}, pad=PadMode.ENFORCED, pad_threshold=1.0
)


@given(st.none() | st.floats(allow_nan=True, allow_infinity=True))
def test_attack_detection_passes_exactly_at_or_above_its_threshold(score: float | None) -> None:
    _, _, attack, _ = judge_face(FaceResult(9.0, 0.0, 1, pad=score), ENFORCED)
    assert (attack.result is CheckResult.PASS) == (score is not None and score >= 1.0)
    admits = decide({**ALL_PASS, attack.check: attack}, ENFORCED).verdict is Verdict.ADMIT
    assert admits == (attack.result is CheckResult.PASS)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_silent_attack_detection_is_on_record_and_decides_nothing(score: float) -> None:
    silent = replace(POLICY, pad=PadMode.SILENT, pad_threshold=1.0)
    _, _, attack, _ = judge_face(FaceResult(9.0, 0.0, 1, pad=score), silent)
    assert attack.result is CheckResult.UNDETERMINED
    assert attack.threshold == 1.0
    assert decide({**ALL_PASS, attack.check: attack}, silent).verdict is Verdict.ADMIT


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_morphing_score_decides_nothing(score: float) -> None:
    *_, morph = judge_face(FaceResult(9.0, 0.0, 1, morph=score), POLICY)
    assert morph.result is CheckResult.UNDETERMINED
    assert decide({**ALL_PASS, morph.check: morph}, POLICY).verdict is Verdict.ADMIT


def test_a_frame_that_was_only_looked_at_never_passes() -> None:
    face, *_ = judge_face(FaceResult(9.0, 0.0, 1, compared=False), POLICY)
    assert face.result is CheckResult.UNDETERMINED


@pytest.mark.parametrize(("pad", "mandatory"), [(PadMode.ENFORCED, False), (PadMode.SILENT, True), (PadMode.OFF, True)])
def test_attack_detection_is_mandatory_exactly_if_it_is_enforced(pad: PadMode, mandatory: bool) -> None:
    checks = POLICY.mandatory | ({Check.PRESENTATION_ATTACK_DETECTION} if mandatory else set())
    with pytest.raises(ValueError, match="exactly if"):
        replace(POLICY, mandatory=checks, pad=pad, pad_threshold=1.0)


def test_later_comparisons_of_faces_must_reach_more() -> None:
    """Each is another chance for an impostor; all together have to stay within the target."""
    stricter = replace(POLICY, face_again=(2.0, 3.0))
    passed = [
        judge_face(FaceResult(2.0, 0.0, 1), stricter, attempt)[0].result is CheckResult.PASS for attempt in (1, 2, 3, 4)
    ]
    assert passed == [True, True, False, False]
    with pytest.raises(ValueError, match="easier"):
        replace(POLICY, face_again=(0.9,))
    with pytest.raises(ValueError, match="not a number"):
        replace(POLICY, face_again=(math.nan,))


def test_a_finger_found_among_several_must_hold_for_all_that_were_tried() -> None:
    """Each finger tried is another chance for an impostor: the score of one alone is not enough."""
    passed = [judge_finger(FingerResult(2.0, fmr), POLICY).result is CheckResult.PASS for fmr in (1e-3, 2e-3, math.nan)]
    assert passed == [True, False, False]
    assert judge_finger(FingerResult(1.9, 1e-4), POLICY).reasons == (Reason.FINGER_NON_MATCH,)
    for fmr in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="finger_fmr"):
            replace(POLICY, finger_fmr=fmr)


def test_attack_detection_without_a_threshold_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        replace(POLICY, pad=PadMode.SILENT)


def test_no_policy_drops_what_is_always_mandatory() -> None:
    for check in ALWAYS_MANDATORY:
        with pytest.raises(ValueError, match=check.value):
            replace(POLICY, mandatory=POLICY.mandatory - {check})


def test_production_needs_authenticity_attack_detection_and_lists() -> None:
    assert {Check.PASSIVE_AUTHENTICATION, Check.PRESENTATION_ATTACK_DETECTION, Check.LISTS} <= PRODUCTION_MANDATORY


def test_a_threshold_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        replace(POLICY, face_threshold=math.nan)
    with pytest.raises(ValueError, match="not a number"):
        replace(POLICY, finger_threshold=math.nan)
