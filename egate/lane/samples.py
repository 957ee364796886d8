"""What a crossing holds in memory and nowhere else: its document, captures and crops. Forgotten when it ends."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from egate.domain.biometric import Image
from egate.domain.document import DocumentRead
from egate.lane.verifiers import References


@dataclass(slots=True, repr=False)
class Samples:
    """faces, fingers: captures not compared yet, oldest first; the oldest is dropped beyond captures_max, which is the
    number of comparisons the policy allows. images: crops and prints for the dossier by name."""

    captures_max: int
    document: DocumentRead | None = None
    references: References | None = None
    holder: dict[str, str] = field(default_factory=dict)
    pseudonym: str = ""
    images: dict[str, Image] = field(default_factory=dict)
    faces: deque[bytes] = field(init=False)
    fingers: deque[tuple[bytes, int]] = field(init=False)

    def __post_init__(self) -> None:
        self.faces = deque(maxlen=self.captures_max)
        self.fingers = deque(maxlen=self.captures_max)

    def __repr__(self) -> str:
        return "Samples(redacted)"

    def forget(self) -> None:
        if self.references is not None:
            self.references.cancel()
        self.document = self.references = None
        self.holder, self.images, self.pseudonym = {}, {}, ""
        self.faces.clear()
        self.fingers.clear()
