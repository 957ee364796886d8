"""The two questions' verifiers as the lane calls them: bytes in, evidence out, on the inference pool."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from egate.document.chip_checks import NO_TRUST, Trust
from egate.document.data import DocumentData
from egate.document.verify import document_data, verify_document
from egate.domain.biometric import EncodedFinger, FaceSample
from egate.domain.document import DocumentRead
from egate.domain.evidence import CheckEvidence, CheckResult
from egate.domain.inspection import Finding, InspectionCheck
from egate.domain.reason import Reason
from egate.errors import EgateError
from egate.inference.image.budget import ImageBudget
from egate.inference.image.decoder import DOCUMENT_PIXELS_MAX
from egate.inference.pool import InferencePool
from egate.lane.face_verifier import FaceVerification as FaceVerification
from egate.lane.face_verifier import FaceVerifier
from egate.lane.finger_verifier import FingerReferences, FingerVerifier
from egate.lane.finger_verifier import FingerVerification as FingerVerification
from egate.lane.live_face import LiveFace, LiveFrame
from egate.ports import FaceEngine, FingerEngine, OpticalInspector, PadEngine

FaceReference = FaceSample | Reason  # the document's face, or why there is none


class References:
    """The document's face and fingers, extracted while the traveller walks in."""

    def __init__(self, face: asyncio.Task[FaceReference], finger: asyncio.Task[FingerReferences]) -> None:
        self.face = face
        self.finger = finger

    def cancel(self) -> None:
        self.face.cancel()
        self.finger.cancel()


class Verifiers(Protocol):
    """What a lane asks. A negative verdict or an unusable sample is a value; only bugs raise."""

    @property
    def versions(self) -> Mapping[str, str]:
        """Model and calibration names with the hashes in use, for the record."""

    def references(self, read: DocumentRead) -> References:
        """Begins to extract both references; returns at once."""

    async def document(self, read: DocumentRead) -> tuple[tuple[CheckEvidence, ...], DocumentData | None]: ...

    async def face(
        self, frame: LiveFrame | None, references: References, view: LiveFace, last: bool
    ) -> FaceVerification:
        """One more live frame, None to compare what the view holds. last: no better one will come."""

    async def finger(self, finger: EncodedFinger, references: References) -> FingerVerification: ...


class EngineVerifiers:
    """Implements Verifiers with the models, on the inference pool."""

    def __init__(
        self,
        face: FaceEngine,
        finger: FingerEngine,
        pool: InferencePool,
        versions: Mapping[str, str],
        at: Callable[[], datetime],
        trust: Callable[[], Trust] = lambda: NO_TRUST,
        optical: OpticalInspector | None = None,
        pad: PadEngine | None = None,
        images: ImageBudget | None = None,
        pad_enforced: bool = True,
    ) -> None:
        """at: the time at the place of inspection, with its time zone. trust: asked in a thread, once a document.

        pad: None where attack detection is off. images: what may be decoded at once, shared with whoever else decodes.
        """
        self._images = images or ImageBudget()
        self._face = face
        self._live_face = FaceVerifier(face, pad, pool, self._images, pad_enforced)
        self._live_finger = FingerVerifier(finger, pool, self._images)
        self._pool = pool
        self._versions = versions
        self._at = at
        self._trust = trust
        self._optical = optical

    @property
    def versions(self) -> Mapping[str, str]:
        return self._versions

    def references(self, read: DocumentRead) -> References:
        denied = read.chip is not None and read.chip.failures.get("dg3") == "access_denied"
        return References(
            asyncio.create_task(self._face_reference(read.portrait)),
            asyncio.create_task(self._live_finger.references(read.fingers, denied)),
        )

    async def document(self, read: DocumentRead) -> tuple[tuple[CheckEvidence, ...], DocumentData | None]:
        return await self._pool.run(lambda: self._document(read, self._at()))

    def _document(self, read: DocumentRead, at: datetime) -> tuple[tuple[CheckEvidence, ...], DocumentData | None]:
        return verify_document(read, at, self._trust(), self._pages(read)), document_data(read, at)

    def _pages(self, read: DocumentRead) -> tuple[Finding, ...]:
        """What the optical routines say; nothing without a page reader or without routines."""
        if self._optical is None or read.pages is None:
            return ()
        try:
            return self._optical.inspect(read.pages, read.mrz_lines)
        except EgateError as error:
            failed = (InspectionCheck.OPTICAL_VIS, InspectionCheck.OPTICAL_IR, InspectionCheck.OPTICAL_UV)
            return tuple(
                Finding(check, CheckResult.UNDETERMINED, (Reason.VERIFIER_FAILED,), error.code.lower())
                for check in failed
            )

    async def face(
        self, frame: LiveFrame | None, references: References, view: LiveFace, last: bool
    ) -> FaceVerification:
        return await self._live_face.verify(frame, await asyncio.shield(references.face), view, last)

    async def finger(self, finger: EncodedFinger, references: References) -> FingerVerification:
        return await self._live_finger.verify(finger, await asyncio.shield(references.finger))

    async def _face_reference(self, portrait: bytes | None) -> FaceReference:
        if portrait is None:
            return Reason.PORTRAIT_MISSING
        try:
            capture = await self._pool.run(
                lambda: self._images.look(portrait, self._face.capture, pixels_max=DOCUMENT_PIXELS_MAX)
            )
        except EgateError:
            return Reason.PORTRAIT_UNUSABLE
        # A portrait with two people has no holder.
        if capture.face is None or capture.face_count != 1:
            return Reason.PORTRAIT_UNUSABLE
        return capture.face
