"""The checks that the chip decides: CHIP_ACCESS, PASSIVE_AUTHENTICATION, CHIP_AUTHENTICATION, each a summary of findings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from egate.document.chip_authenticity import verify_access, verify_active_authentication, verify_chip_authentication
from egate.document.passive_authentication import PassiveResult, verify_passive
from egate.document.pki.trust import EMPTY, TrustStore
from egate.document.summary import summarise
from egate.domain.chip import ChipRead
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.inspection import PASSIVE_CHECKS, Finding, InspectionCheck
from egate.domain.reason import Reason


@dataclass(frozen=True, slots=True)
class Rules:
    """What a site demands of a document beyond its policy's mandatory checks.

    crl_required: a signer whose CSCA has no current revocation list is undetermined. store_age_max: an older trust store leaves every
    signature undetermined; None: any age will do.
    """

    crl_required: bool = False
    store_age_max: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom to believe, and by which rules. store: of the moment of the inspection."""

    store: TrustStore = EMPTY
    rules: Rules = Rules()


CLOCK_SLACK = timedelta(days=1)
NO_TRUST = Trust()
_NO_CHIP = ChipRead()
_HIDDEN = ("dg3", "dg14", "dg15")  # what a copy gains by claiming not to have


def verify_chip(chip: ChipRead | None, at: datetime, trust: Trust) -> tuple[CheckEvidence, ...]:
    """The three checks, in the order of Check. chip: None where the document's source has no chip reader. Never raises."""
    asked, chip = chip is not None, chip or _NO_CHIP
    presence = _presence(chip) if asked else Finding(InspectionCheck.CHIP_PRESENCE, CheckResult.NOT_PERFORMED)
    passive = verify_passive(chip.files, trust.store, at, crl_required=trust.rules.crl_required)
    access = verify_access(chip, passive)
    authentication = verify_chip_authentication(chip, passive, trust.store, at, crl_required=trust.rules.crl_required)
    active = verify_active_authentication(chip, passive, proven=authentication.result is CheckResult.PASS)
    return (
        summarise(Check.CHIP_ACCESS, (presence, access), needed=(presence.check, access.check)),
        _passive_evidence(_with_hidden(_told_apart(passive.findings, chip), chip, passive), chip, at, trust),
        _chip_evidence((authentication, active), _terminal(chip, passive)),
    )


def _presence(chip: ChipRead) -> Finding:
    """Every document for a gate has a chip: where the reader found none the traveller is referred.

    So is one whose chip was gone before the session's end: what it still owed, a print or a proof, is what nobody asked again.
    """
    check = InspectionCheck.CHIP_PRESENCE
    if not chip.present:
        return Finding(check, CheckResult.UNDETERMINED, (Reason.CHIP_MISSING,), chip.failures.get("chip", ""))
    if chip.interruption:
        return Finding(check, CheckResult.ABORTED, (Reason.DOCUMENT_READ_FAILED,), chip.interruption)
    return Finding(check, CheckResult.PASS)


def _told_apart(findings: tuple[Finding, ...], chip: ChipRead) -> tuple[Finding, ...]:
    """A chip that was lifted before EF.SOD came is not one that has none: our reading failed, not the document."""
    if not chip.present or "sod" in chip.files or chip.failures.get("sod") == "not_found":
        return findings
    unread = chip.failures.get("sod", chip.failure)
    return tuple(
        replace(item, result=CheckResult.UNDETERMINED, reasons=(Reason.DOCUMENT_READ_FAILED,), detail=unread)
        if Reason.SOD_MISSING in item.reasons
        else item
        for item in findings
    )


def _with_hidden(findings: tuple[Finding, ...], chip: ChipRead, passive: PassiveResult) -> tuple[Finding, ...]:
    """DG_HASHES is open where the chip was asked for a signed group and did not give it: a copy hides what it cannot prove or match.

    But for fingers that it closes as it may. A group that no reader asks for may stay unread.
    """
    check = InspectionCheck.DG_HASHES
    unread = [name for name in _HIDDEN if name in chip.failures and _is_unread(name, chip, passive)]
    hidden = [name for name in unread if not (name == "dg3" and chip.failures[name] == "access_denied")]
    if not hidden or passive.finding(check).result is not CheckResult.PASS:
        return findings
    missing = Finding(check, CheckResult.UNDETERMINED, (Reason.DG_MISSING,), ",".join(hidden))
    return tuple(missing if item.check is check else item for item in findings)


def _is_unread(name: str, chip: ChipRead, passive: PassiveResult) -> bool:
    return int(name.removeprefix("dg")) in passive.hash_list and name not in chip.files


def _passive_evidence(findings: tuple[Finding, ...], chip: ChipRead, at: datetime, trust: Trust) -> CheckEvidence:
    check = Check.PASSIVE_AUTHENTICATION
    if not chip.present:
        untried = tuple(Finding(item, CheckResult.NOT_PERFORMED) for item in PASSIVE_CHECKS)
        return CheckEvidence(check, CheckResult.NOT_PERFORMED, findings=untried)
    optional = {InspectionCheck.EF_COM} | (set() if trust.rules.crl_required else {InspectionCheck.REVOCATION})
    evidence = summarise(check, findings, needed=tuple(item for item in PASSIVE_CHECKS if item not in optional))
    if evidence.result is CheckResult.PASS and _is_stale(trust, at):
        return replace(
            evidence, result=CheckResult.UNDETERMINED, reasons=(Reason.TRUST_STORE_STALE,), detail="trust_store"
        )
    return evidence


def _is_stale(trust: Trust, at: datetime) -> bool:
    age_max, age = trust.rules.store_age_max, trust.store.age(at)
    # A store from the future says that a clock is wrong: then nobody knows its age. A day is left for a slow clock.
    return age_max is not None and (age is None or not -CLOCK_SLACK <= age <= age_max)


def _chip_evidence(proofs: tuple[Finding, ...], terminal: Finding) -> CheckEvidence:
    """One proof that holds is enough; one that does not hold is too many. terminal says something about fingers, not about the chip."""
    passed = tuple(proof.check for proof in proofs if proof.result is CheckResult.PASS)
    evidence = summarise(Check.CHIP_AUTHENTICATION, proofs, needed=passed or tuple(proof.check for proof in proofs))
    return replace(evidence, findings=(*proofs, terminal))


def _terminal(chip: ChipRead, passive: PassiveResult) -> Finding:
    """TERMINAL_AUTHENTICATION. Fingers that are there and that nobody saw are never silent.

    UNDETERMINED: FINGER_ACCESS_DENIED if the chip closed DG3, as it does for a site without a terminal's chain; DG_MISSING if EF.SOD names
    DG3 and did not come for another reason, or a gate sent the files without it. Neither refers by itself: a site that wants fingers makes
    FINGER mandatory, which then has no reference.
    """
    check = InspectionCheck.TERMINAL_AUTHENTICATION
    if chip.failures.get("dg3") == "access_denied":
        cause = chip.failures.get("terminal_authentication", "no_chain")
        return Finding(check, CheckResult.UNDETERMINED, (Reason.FINGER_ACCESS_DENIED,), cause)
    if _is_unread("dg3", chip, passive):
        return Finding(check, CheckResult.UNDETERMINED, (Reason.DG_MISSING,), "dg3")
    return Finding(check, chip.terminal_authentication, (), chip.failures.get("terminal_authentication", ""))
