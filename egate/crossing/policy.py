"""From evidence to a decision. The only place that says what admits a traveller.

Two questions, never mixed: is the document genuine (DOCUMENT_CHECKS), is the traveller its holder (HOLDER_CHECKS).
Rules are written so that NaN refuses.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from egate.domain.decision import Decision, ReasonDetail, Verdict
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.reason import Reason

# Without these nobody is admitted anywhere, the demo environment included; a site's policy only adds to them.
ALWAYS_MANDATORY = frozenset({Check.MRZ, Check.DOCUMENT_VALIDITY, Check.FACE, Check.ONE_PERSON, Check.PRESENCE})

# Outside the demo environment the daemon refuses to start on a policy without these.
PRODUCTION_MANDATORY = ALWAYS_MANDATORY | {
    Check.DOCUMENT_SESSION,
    Check.CHIP_ACCESS,
    Check.PASSIVE_AUTHENTICATION,
    Check.PRESENTATION_ATTACK_DETECTION,
    Check.LISTS,
}

# What these leave open refers although a policy does not name them. CHIP_AUTHENTICATION is NOT_PERFORMED for a document that cannot prove
# its chip; UNDETERMINED is one that can, by a proof nobody could judge: a copy of it looks the same.
NEVER_OPEN = frozenset({Check.CHIP_AUTHENTICATION})


SILENT = "silent"  # detail of evidence that is on record and decides nothing


class PadMode(StrEnum):
    """Presentation attack detection: not performed, on record only, or an attack refers."""

    OFF = "off"
    SILENT = "silent"
    ENFORCED = "enforced"


@dataclass(frozen=True, slots=True)
class Policy:
    """A site's rules. Thresholds come from FMR targets through each model's calibration; times in seconds.

    attempts_max: comparisons per modality and crossing; each further attempt multiplies the transaction's false accept
    rate, so it stays small. face_again: thresholds of the second comparison of faces and of those after it, higher than the first so that
    all together stay within the target; empty: face_threshold for all. finger_fmr: the target behind finger_threshold; where several
    fingers were tried, their joint false match rate must not exceed it either.
    decision_age_s: a decision older than this at the moment of release refers.
    release_deadline_s: after it a release must never start to execute. release_s: the device-timed release.
    record_s: how long a record may take before the lane counts its journal as failed; it tries again after record_retry_s.
    pad_threshold: score from which on a presentation is taken for bona fide; needed unless pad is OFF.
    frames_queued_max: frames that wait to be looked at; as many as one request may bring.
    last_look_s: how long a comparison of the best frames kept may take once the time for captures is over.
    levels_age_s: sensor readings older than this say nothing about who is in the zone; a person takes 0.3 s through a door.
    """

    version: str
    mandatory: frozenset[Check]
    face_threshold: float
    finger_threshold: float
    finger_fmr: float
    attempts_max: int = 3
    document_s: float = 20.0
    capture_s: float = 20.0
    decision_age_s: float = 5.0
    release_s: float = 5.0
    release_deadline_s: float = 1.5
    passage_s: float = 12.0
    referral_s: float = 60.0
    record_s: float = 5.0
    record_retry_s: float = 1.0
    levels_age_s: float = 0.3
    last_look_s: float = 2.0
    frames_queued_max: int = 8
    pad: PadMode = PadMode.OFF
    pad_threshold: float = math.nan
    face_again: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        missing = ALWAYS_MANDATORY - self.mandatory
        if missing:
            raise ValueError(f"policy without {', '.join(sorted(missing))}")
        # A NaN threshold compares false with everything and would refuse all; better not to start.
        if not all(value > float("-inf") for value in (self.face_threshold, self.finger_threshold, *self.face_again)):
            raise ValueError("policy threshold is not a number")
        if not 0.0 < self.finger_fmr < 1.0:
            raise ValueError("policy finger_fmr is not between 0 and 1")
        if self.pad is not PadMode.OFF and not self.pad_threshold > float("-inf"):
            raise ValueError("policy threshold of attack detection is not a number")
        # Mandatory without being enforced refers everybody; enforced without being mandatory admits where it failed to run.
        if (self.pad is PadMode.ENFORCED) != (Check.PRESENTATION_ATTACK_DETECTION in self.mandatory):
            raise ValueError("PRESENTATION_ATTACK_DETECTION is mandatory exactly if attack detection is enforced")
        if min(self.face_again, default=self.face_threshold) < self.face_threshold:
            raise ValueError("a later comparison must not be easier than the first")

    def face_threshold_of(self, attempt: int) -> float:
        """Score that the attempt-th comparison of faces must reach, from 1."""
        if attempt <= 1 or not self.face_again:
            return self.face_threshold
        return self.face_again[min(attempt - 2, len(self.face_again) - 1)]


@dataclass(frozen=True, slots=True)
class FaceResult:
    """One comparison of the live face with the document's. score NaN with failure set where none was possible.

    face_count: faces of comparable size in the frame. compared: False if the frame was only looked at, since a better one may come: no
    attempt was spent. kept: it could be compared later, if no better one comes.
    pad: log-likelihood ratio of bona fide against attack over the frames compared; NaN if it failed, None if not performed.
    morph: see egate.domain.biometric.MorphScore; None if not performed.
    """

    score: float
    fmr: float
    face_count: int
    failure: Reason | None = None
    compared: bool = True
    kept: bool = False
    pad: float | None = None
    morph: float | None = None


@dataclass(frozen=True, slots=True)
class FingerResult:
    """A live impression against the document's. score: of the finger most alike. fmr: the chance that a stranger reaches it with any of
    the fingers that were tried; NaN like the score where none could be."""

    score: float
    fmr: float
    failure: Reason | None = None


def judge_face(result: FaceResult, policy: Policy, attempt: int = 1) -> tuple[CheckEvidence, ...]:
    """Evidence of one comparison: FACE, ONE_PERSON, PRESENTATION_ATTACK_DETECTION, MORPHING_ATTACK_DETECTION, in this order.

    attempt: which comparison of this crossing it is, from 1. All four speak of the same frames: a score of one face and the attack
    detection of another must never meet.
    """
    return (
        _face(result, policy.face_threshold_of(attempt)),
        _one_face(result),
        _attack(result.pad, policy),
        _morph(result.morph),
    )


def judge_finger(result: FingerResult, policy: Policy) -> CheckEvidence:
    """Evidence of FINGER for one impression."""
    # A chance of one in two thousand a finger is one in two hundred over ten.
    found = _comparison(
        Check.FINGER, result.score, result.fmr, policy.finger_threshold, result.failure, Reason.FINGER_NON_MATCH
    )
    if found.result is CheckResult.PASS and not result.fmr <= policy.finger_fmr:
        return replace(found, result=CheckResult.FAIL, reasons=(Reason.FINGER_NON_MATCH,))
    return found


def decide(evidence: Mapping[Check, CheckEvidence], policy: Policy, against: tuple[ReasonDetail, ...] = ()) -> Decision:
    """ADMIT only if every mandatory check is PASS, no check at all is FAIL or ABORTED, none of NEVER_OPEN is UNDETERMINED, and nothing
    speaks against it.

    against: reasons that come from no check, e.g. a lost device.
    """
    checks = tuple(evidence.get(check) or CheckEvidence(check, CheckResult.NOT_PERFORMED) for check in Check)
    reasons = list(against)
    missing: list[ReasonDetail] = []
    for item in (each for each in checks if _refers(each, policy)):
        reasons += [ReasonDetail(reason, item.detail) for reason in item.reasons]
        missing.append(ReasonDetail(Reason.CHECK_MISSING, item.check.value))
    # What was never tried because something else failed first is no reason of its own: it is in not_performed.
    reasons = reasons or missing
    return Decision(
        verdict=Verdict.REFER if reasons else Verdict.ADMIT,
        reasons=tuple(dict.fromkeys(reasons)),
        checks=checks,
        not_performed=tuple(item.check for item in checks if item.result is CheckResult.NOT_PERFORMED),
        policy_version=policy.version,
    )


def _refers(item: CheckEvidence, policy: Policy) -> bool:
    if item.result in (CheckResult.FAIL, CheckResult.ABORTED):
        return True
    if item.result is CheckResult.UNDETERMINED and item.check in NEVER_OPEN:
        return True
    return item.check in policy.mandatory and item.result is not CheckResult.PASS


def _face(result: FaceResult, threshold: float) -> CheckEvidence:
    # What was only looked at never passes, whatever score stands in it.
    failure = result.failure if result.compared else result.failure or Reason.FACE_UNUSABLE
    return _comparison(Check.FACE, result.score, result.fmr, threshold, failure, Reason.FACE_NON_MATCH)


def _one_face(result: FaceResult) -> CheckEvidence:
    if result.face_count == 1:
        return CheckEvidence(Check.ONE_PERSON, CheckResult.PASS)
    if result.face_count > 1:
        return CheckEvidence(Check.ONE_PERSON, CheckResult.FAIL, (Reason.MULTIPLE_PERSONS,))
    return CheckEvidence(Check.ONE_PERSON, CheckResult.UNDETERMINED, (Reason.FACE_NOT_FOUND,))


def _attack(score: float | None, policy: Policy) -> CheckEvidence:
    check = Check.PRESENTATION_ATTACK_DETECTION
    if policy.pad is PadMode.OFF or score is None:
        return CheckEvidence(check, CheckResult.NOT_PERFORMED)
    if policy.pad is PadMode.SILENT:
        return CheckEvidence(check, CheckResult.UNDETERMINED, (), score, policy.pad_threshold, detail=SILENT)
    if math.isnan(score):
        return CheckEvidence(check, CheckResult.UNDETERMINED, (Reason.PAD_FAILED,), score, policy.pad_threshold)
    if not score >= policy.pad_threshold:
        return CheckEvidence(check, CheckResult.FAIL, (Reason.PRESENTATION_ATTACK,), score, policy.pad_threshold)
    return CheckEvidence(check, CheckResult.PASS, (), score, policy.pad_threshold)


def _morph(score: float | None) -> CheckEvidence:
    """Never PASS, never FAIL: the measure is too weak to decide about anybody, and an officer may want to see it."""
    check = Check.MORPHING_ATTACK_DETECTION
    if score is None:
        return CheckEvidence(check, CheckResult.NOT_PERFORMED)
    return CheckEvidence(check, CheckResult.UNDETERMINED, (), score, detail=SILENT)


def _comparison(
    check: Check, score: float, fmr: float, threshold: float, failure: Reason | None, non_match: Reason
) -> CheckEvidence:
    if failure is not None:
        return CheckEvidence(check, CheckResult.UNDETERMINED, (failure,), score, threshold, fmr)
    # NaN compares false: it refuses.
    if not score >= threshold:
        return CheckEvidence(check, CheckResult.FAIL, (non_match,), score, threshold, fmr)
    return CheckEvidence(check, CheckResult.PASS, (), score, threshold, fmr)
