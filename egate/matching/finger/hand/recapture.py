"""Which fingers to capture again, and how."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from egate.domain.biometric import FingerSample, Guidance
from egate.domain.finger import EnrolmentFinding, EnrolmentFindingKind, FingerPosition, Recapture


def to_recapture(
    findings: Sequence[EnrolmentFinding], samples: Sequence[FingerSample], but: Collection[FingerPosition]
) -> tuple[Recapture, ...]:
    """The fingers with findings, except those of which there is enough or will never be. An unknown position is no finger to ask for."""
    positions = {finding.position for finding in findings} - {FingerPosition.UNKNOWN, *but}
    return tuple(_recapture(position, findings, samples) for position in sorted(positions))


def _recapture(
    position: FingerPosition, findings: Sequence[EnrolmentFinding], samples: Sequence[FingerSample]
) -> Recapture:
    mine = [finding for finding in findings if finding.position is position]
    guidance = dict.fromkeys(code for finding in mine for code in _guidance(finding, samples))
    return Recapture(position, tuple(dict.fromkeys(finding.kind for finding in mine)), tuple(guidance))


def _guidance(finding: EnrolmentFinding, samples: Sequence[FingerSample]) -> tuple[Guidance, ...]:
    """What the impression's own quality asks for; a finger that is wrong or was not there has to be put there."""
    if finding.kind is EnrolmentFindingKind.LOW_QUALITY and finding.impression is not None:
        return samples[finding.impression].guidance or (Guidance.PRESS_HARDER,)
    return (Guidance.PLACE_FINGER,)
