"""Recorded evidence at the verifier port: the models answer once for each input, every later time what they said is replayed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from egate.document.data import DocumentData
from egate.domain.biometric import EncodedFinger
from egate.domain.document import DocumentRead
from egate.domain.evidence import CheckEvidence
from egate.lane.live_face import LiveFace, LiveFrame
from egate.lane.verifiers import FaceVerification, FingerVerification, References, Verifiers

T = TypeVar("T")
TAIL_BYTES = (
    64  # with the length enough to tell a bench's few inputs apart; hashing whole images would cost what is measured
)
REPLAY_S = {"document": 0.0, "finger": 0.02, "face": 0.03}  # chosen: as far behind the start's record as real evidence


class SessionReferences(References):
    """References that know their document session."""

    def __init__(self, references: References, session: str) -> None:
        super().__init__(references.face, references.finger)
        self.session = session


class RecordedVerifiers:
    """Implements lane.verifiers.Verifiers. on_evidence(document session, seconds): evidence was returned just now."""

    def __init__(self, own: Verifiers, on_evidence: Callable[[str, float], None]) -> None:
        self._own = own
        self._on_evidence = on_evidence
        self._tape: dict[tuple[Any, ...], Any] = {}

    @property
    def versions(self) -> Mapping[str, str]:
        return self._own.versions

    def references(self, read: DocumentRead) -> References:
        key = ("references", _key(read.portrait), *(_key(each.image) for each in read.fingers))
        kept: References | None = self._tape.get(key)
        if kept is None or kept.face.cancelled() or kept.finger.cancelled():
            kept = self._tape[key] = self._own.references(read)
        return SessionReferences(kept, str(read.session))

    async def document(self, read: DocumentRead) -> tuple[tuple[CheckEvidence, ...], DocumentData | None]:
        answer = await self._play("document", read.mrz_lines, lambda: self._own.document(read))
        self._on_evidence(str(read.session), time.monotonic())
        return answer

    async def face(
        self, frame: LiveFrame | None, references: References, view: LiveFace, last: bool
    ) -> FaceVerification:
        answer = await self._play(
            "face", _key(frame.image if frame else None), lambda: self._own.face(frame, references, view, last)
        )
        self._tell(references)
        return answer

    async def finger(self, finger: EncodedFinger, references: References) -> FingerVerification:
        answer = await self._play("finger", _key(finger.image), lambda: self._own.finger(finger, references))
        self._tell(references)
        return answer

    def _tell(self, references: References) -> None:
        assert isinstance(references, SessionReferences)
        self._on_evidence(references.session, time.monotonic())

    async def _play(self, kind: str, key: Any, record: Callable[[], Awaitable[T]]) -> T:
        if (kind, key) not in self._tape:
            self._tape[kind, key] = await record()
        elif REPLAY_S[kind]:
            await asyncio.sleep(REPLAY_S[kind])
        answer: T = self._tape[kind, key]
        return answer


def _key(data: bytes | None) -> tuple[int, bytes]:
    return (0, b"") if data is None else (len(data), data[-TAIL_BYTES:])
