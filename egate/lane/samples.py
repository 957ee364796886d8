"""What a crossing holds in memory and nowhere else: its document, captures and crops. Forgotten when it ends."""

from __future__ import annotations

from dataclasses import dataclass, field

from egate.domain.biometric import EncodedFinger, Image
from egate.domain.document import DocumentRead
from egate.lane.live_face import LiveFace, LiveFrame
from egate.lane.verifiers import References

STAGED_MAX = 16  # captures the machine has not judged yet or has not compared yet; beyond, a new one is dropped


@dataclass(slots=True, repr=False)
class Samples:
    """faces, fingers: captures by number, until they are compared or the machine discards them. images: crops and prints for the
    dossier by name. pseudonym: the document in the journal."""

    document: DocumentRead | None = None
    references: References | None = None
    holder: dict[str, str] = field(default_factory=dict)
    pseudonym: str = ""
    images: dict[str, Image] = field(default_factory=dict)
    faces: dict[int, LiveFrame] = field(default_factory=dict)
    fingers: dict[int, EncodedFinger] = field(default_factory=dict)
    view: LiveFace = field(default_factory=LiveFace)
    _number: int = 0

    def __repr__(self) -> str:
        return "Samples(redacted)"

    def stage_face(self, frame: LiveFrame) -> int | None:
        """The frame's number; None if too many wait already."""
        if len(self.faces) >= STAGED_MAX:
            return None
        self._number += 1
        self.faces[self._number] = frame
        return self._number

    def stage_finger(self, finger: EncodedFinger) -> int | None:
        """The impression's number; None if too many wait already."""
        if len(self.fingers) >= STAGED_MAX:
            return None
        self._number += 1
        self.fingers[self._number] = finger
        return self._number

    def discard(self, capture: int) -> None:
        self.faces.pop(capture, None)
        self.fingers.pop(capture, None)

    def forget(self) -> None:
        if self.references is not None:
            self.references.cancel()
        self.document = self.references = None
        self.holder, self.images, self.pseudonym = {}, {}, ""
        self.faces, self.fingers, self.view = {}, {}, LiveFace()
