"""The two questions' verifiers as the lane calls them: bytes in, evidence out, on the inference pool."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from egate.crossing.policy import FingerResult
from egate.document.chip_checks import NO_TRUST, Trust
from egate.document.data import DocumentData
from egate.document.verify import document_data, verify_document
from egate.domain.biometric import FaceSample, FingerSample, Guidance, Image
from egate.domain.document import DocumentRead
from egate.domain.evidence import CheckEvidence, CheckResult
from egate.domain.inspection import Finding, InspectionCheck
from egate.domain.reason import Reason
from egate.errors import EgateError, ImageError
from egate.inference.image.budget import ImageBudget
from egate.inference.image.decoder import DOCUMENT_PIXELS_MAX, decode_grey
from egate.inference.pool import InferencePool
from egate.lane.face_verifier import FaceVerification as FaceVerification
from egate.lane.face_verifier import FaceVerifier
from egate.lane.live_face import LiveFace, LiveFrame
from egate.ports import FaceEngine, FingerEngine, OpticalInspector, PadEngine

NAN = math.nan
# Measured (models/finger-minutiae/CARD.md): parts of prints reach up to four times the FMR the score stands for, and below this quality a
# third of the mated comparisons fail anyway. Such an impression is taken again instead of compared.
FINGER_QUALITY_MIN = 25.0


@dataclass(frozen=True, slots=True)
class Unusable:
    """The reference could not be had, and why."""

    reason: Reason


class References:
    """The document's face and finger, extracted while the traveller walks in."""

    def __init__(
        self, face: asyncio.Task[FaceSample | Unusable], finger: asyncio.Task[FingerSample | Unusable]
    ) -> None:
        self.face = face
        self.finger = finger

    def cancel(self) -> None:
        self.face.cancel()
        self.finger.cancel()


@dataclass(frozen=True, slots=True, repr=False)
class FingerVerification:
    result: FingerResult
    guidance: tuple[Guidance, ...] = ()
    images: Mapping[str, Image] = field(default_factory=dict)


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

    async def finger(self, image: bytes, position: int, references: References) -> FingerVerification: ...


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
        self._finger = finger
        self._pool = pool
        self._versions = versions
        self._at = at
        self._trust = trust
        self._optical = optical

    @property
    def versions(self) -> Mapping[str, str]:
        return self._versions

    def references(self, read: DocumentRead) -> References:
        return References(
            asyncio.create_task(self._face_reference(read.portrait)),
            asyncio.create_task(self._finger_reference(read)),
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
        reference = await asyncio.shield(references.face)
        known = reference.reason if isinstance(reference, Unusable) else reference
        return await self._live_face.verify(frame, known, view, last)

    async def finger(self, image: bytes, position: int, references: References) -> FingerVerification:
        reference = await asyncio.shield(references.finger)
        if isinstance(reference, Unusable):
            return FingerVerification(FingerResult(NAN, NAN, reference.reason))
        document_finger = {"document_finger": reference.image}
        try:
            probe = await self._pool.run(lambda: self._finger.capture(decode_grey(image).pixels, position))
            if not probe.quality.unified >= FINGER_QUALITY_MIN:
                images = {**document_finger, "live_finger": probe.image}
                result = FingerResult(NAN, NAN, Reason.FINGER_UNUSABLE)
                return FingerVerification(result, probe.guidance or (Guidance.PRESS_HARDER,), images)
            score = await self._pool.run(lambda: self._finger.compare(probe.template, reference.template))
        except ImageError:
            return FingerVerification(FingerResult(NAN, NAN, Reason.FINGER_UNUSABLE), (), document_finger)
        except EgateError:
            return FingerVerification(FingerResult(NAN, NAN, Reason.VERIFIER_FAILED), (), document_finger)
        images = {**document_finger, "live_finger": probe.image}
        return FingerVerification(FingerResult(score.value, score.fmr), probe.guidance, images)

    async def _face_reference(self, portrait: bytes | None) -> FaceSample | Unusable:
        if portrait is None:
            return Unusable(Reason.PORTRAIT_MISSING)
        try:
            capture = await self._pool.run(
                lambda: self._images.look(portrait, self._face.capture, pixels_max=DOCUMENT_PIXELS_MAX)
            )
        except EgateError:
            return Unusable(Reason.PORTRAIT_UNUSABLE)
        # A portrait with two people has no holder.
        if capture.face is None or capture.face_count != 1:
            return Unusable(Reason.PORTRAIT_UNUSABLE)
        return capture.face

    async def _finger_reference(self, read: DocumentRead) -> FingerSample | Unusable:
        finger, position = read.finger, read.finger_position
        if finger is None:
            denied = read.chip is not None and read.chip.failures.get("dg3") == "access_denied"
            return Unusable(Reason.FINGER_ACCESS_DENIED if denied else Reason.FINGER_REFERENCE_MISSING)
        try:
            return await self._pool.run(
                lambda: self._finger.capture(decode_grey(finger, pixels_max=DOCUMENT_PIXELS_MAX).pixels, position)
            )
        except EgateError:
            return Unusable(Reason.FINGER_REFERENCE_UNUSABLE)
