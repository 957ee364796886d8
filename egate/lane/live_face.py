"""What one crossing has seen of its traveller's face. Held in memory, forgotten with the crossing."""

from __future__ import annotations

from dataclasses import dataclass, field

from egate.matching.face.frames import Frame, Frames
from egate.matching.face.track import Tracks


@dataclass(frozen=True, slots=True, repr=False)
class LiveFrame:
    """A frame as the gate sent it, encoded. arrived_s: monotonic; what is done with it may take longer than the way to the next one."""

    image: bytes
    arrived_s: float

    def __repr__(self) -> str:
        return "LiveFrame(redacted)"


@dataclass(slots=True, repr=False)
class LiveFace:
    """frames: those a comparison would use now. tracks: what moves where. poorest: best of the frames that are compared only if there is
    nothing else. fresh: usable frames since the last comparison. compared: comparisons so far.

    face_count: of the newest frame that showed any.
    """

    frames: Frames = field(default_factory=Frames)
    tracks: Tracks = field(default_factory=Tracks)
    poorest: Frame | None = None
    fresh: int = 0
    compared: int = 0
    face_count: int = 0

    def __repr__(self) -> str:
        return f"LiveFace(kept={len(self.frames.kept)}, redacted)"
