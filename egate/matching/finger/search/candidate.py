"""What a 1:N search finds (ISO/IEC 2382-37: candidate)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class FingerCandidate:
    """One enrolled finger that may be the probe's.

    identity, position: as enrolled; position is an ISO/IEC 19794-2 code, 0 = unknown. score: the best 1:1 score over the finger's
    impressions, on the scale of `minutiae.compare`. impressions: how many of them were compared. fpir: rate at which a search of
    this many impressions for someone not enrolled yields a candidate of this score or more, in [0, 1].
    """

    identity: str
    position: int
    score: float
    impressions: int
    fpir: float

    def __repr__(self) -> str:
        return f"FingerCandidate(score={self.score:.2f}, fpir={self.fpir:.2g}, redacted)"
