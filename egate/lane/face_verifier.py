"""The live face against the document's, over a stream of frames.

The first good frame is compared at once and a match ends it. Otherwise the next comparison waits until frames came that add
something, and uses the best ones together. A poor frame is kept for the end, when no better one will come.
Attack detection and comparison always speak of the same frames (egate.matching.face.frames).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from egate.crossing.policy import FaceResult
from egate.domain.biometric import FaceCapture, FaceSample, FaceTemplate, Guidance, Image
from egate.domain.reason import Reason
from egate.errors import EgateError, ImageError
from egate.inference.image.budget import ImageBudget
from egate.inference.pool import InferencePool
from egate.lane.live_face import LiveFace, LiveFrame
from egate.matching.face.frames import SAME_PERSON_FMR, Frame, fused, keep, pad_scores, witness
from egate.matching.face.morph import morph_score
from egate.matching.face.quality import FACE_QUALITY_MIN_GOOD, FACE_QUALITY_MIN_USABLE
from egate.matching.face.track import step
from egate.ports import FaceEngine, PadEngine

NAN = math.nan
FRAMES_AGAIN = (
    3  # chosen: usable frames between two comparisons; at 10 frames/s a third of a second of another expression
)
CHANGES_MAX = 3  # chosen: a traveller who looks away and back; each further change of face spends an attempt


@dataclass(frozen=True, slots=True, repr=False)
class FaceVerification:
    """images: "live_face" and "document_face" crops, where there are any."""

    result: FaceResult
    guidance: tuple[Guidance, ...] = ()
    images: Mapping[str, Image] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class _Seen:
    """One frame: what it shows and how it scored in attack detection (None: not performed)."""

    capture: FaceCapture
    pad: float | None


class FaceVerifier:
    """Thread-safe but for the views, each of which belongs to one crossing."""

    def __init__(
        self,
        engine: FaceEngine,
        pad: PadEngine | None,
        pool: InferencePool,
        images: ImageBudget,
        pad_enforced: bool = True,
    ) -> None:
        """pad_enforced: a frame without a number from attack detection is compared only if there is nothing else."""
        self._engine = engine
        self._pad = pad
        self._pool = pool
        self._images = images
        self._pad_enforced = pad_enforced

    async def verify(
        self, frame: LiveFrame | None, reference: FaceSample | Reason, view: LiveFace, last: bool
    ) -> FaceVerification:
        """Looks at the frame, if there is one, and compares if it is worth it. last: no better frame will come.

        reference: or why there is none. Raises only what is a bug.
        """
        try:
            return await self._verify(frame, reference, view, last)
        except EgateError:
            return _told(view, reference, FaceResult(NAN, NAN, view.face_count, Reason.VERIFIER_FAILED))

    async def _verify(
        self, frame: LiveFrame | None, reference: FaceSample | Reason, view: LiveFace, last: bool
    ) -> FaceVerification:
        missing = Reason.FACE_NOT_FOUND
        guidance: tuple[Guidance, ...] = ()
        if frame is not None:
            try:
                seen = await self._pool.run(self._look, frame.image)
            except ImageError:
                missing = Reason.FACE_UNUSABLE
            else:
                guidance = seen.capture.guidance
                self._take(seen, frame.arrived_s, view)
        if isinstance(reference, Reason):
            return _told(view, reference, FaceResult(NAN, NAN, view.face_count, reference), guidance)
        if view.frames.changes > CHANGES_MAX:
            return _told(view, reference, FaceResult(NAN, NAN, view.face_count, Reason.PRESENCE_BROKEN), guidance)
        if last and not view.frames.kept and view.poorest is not None:
            view.frames = keep(view.frames, view.poorest, self._same_person)
        if not view.frames.kept:
            waits = view.poorest is not None and not last
            reason = Reason.FACE_UNUSABLE if waits else missing
            result = FaceResult(NAN, NAN, view.face_count, reason, compared=last, kept=waits)
            return _told(view, reference, result, guidance)
        if not (last or _worth_it(view)):
            result = FaceResult(NAN, NAN, view.face_count, Reason.FACE_UNUSABLE, compared=False, kept=True)
            return _told(view, reference, result, guidance)
        result = await self._pool.run(self._compare, reference.template, view)
        view.compared, view.fresh = view.compared + 1, 0
        return _told(view, reference, result, guidance)

    def _look(self, image: bytes) -> _Seen:
        return self._images.look(image, self._see)

    def _see(self, pixels: Image) -> _Seen:
        capture = self._engine.capture(pixels)
        if self._pad is None or capture.face is None:
            return _Seen(capture, None)
        try:
            return _Seen(capture, self._pad.score(pixels, capture.face))
        except EgateError:
            return _Seen(capture, NAN)  # it refuses where detection is enforced, and is on record where it is silent

    def _take(self, seen: _Seen, arrived_s: float, view: LiveFace) -> None:
        """Keeps the frame if it may be compared; of those that may not, the best, for the case that there is nothing else."""
        capture, face = seen.capture, seen.capture.face
        view.tracks, tracks = step(view.tracks, capture.faces, arrived_s)
        if capture.face_count:
            view.face_count = capture.face_count
        if face is None:
            return
        kept = Frame(tracks[0], face.template, face.quality.unified, face.box, seen.pad, capture.face_count, face.crop)
        detected = seen.pad is None or math.isfinite(seen.pad) or not self._pad_enforced
        if kept.quality >= FACE_QUALITY_MIN_USABLE and detected and kept.face_count == 1:
            view.frames = keep(view.frames, kept, self._same_person)
            view.fresh += 1
            return
        view.frames = witness(view.frames, kept.track, seen.pad)
        if view.poorest is None or not view.poorest.quality >= kept.quality:
            view.poorest = kept

    def _same_person(self, one: FaceTemplate, other: FaceTemplate) -> bool:
        return self._engine.compare(one, other).value >= self._engine.threshold(SAME_PERSON_FMR)

    def _compare(self, reference: FaceTemplate, view: LiveFace) -> FaceResult:
        # As many frames as comparisons: the thresholds of later comparisons (attempt_fmr) were measured so.
        used = replace(view.frames, kept=view.frames.kept[: view.compared + 1])
        score = self._engine.compare(fused(used), reference)
        scores = pad_scores(used)
        pad = self._pad.combine(scores).value if self._pad is not None and scores else None
        morph = morph_score(score).value
        # One person in every frame that was compared, and in the newest.
        count = max(view.face_count, *(frame.face_count for frame in used.kept))
        return FaceResult(score.value, score.fmr, count, pad=pad, morph=morph)


def _worth_it(view: LiveFace) -> bool:
    """One good frame of one person, or, after a comparison that did not match, as many new ones as could change it."""
    good = view.frames.kept[0].quality >= FACE_QUALITY_MIN_GOOD
    return good and view.face_count == 1 and (view.compared == 0 or view.fresh >= FRAMES_AGAIN)


def _told(
    view: LiveFace, reference: FaceSample | Reason, result: FaceResult, guidance: tuple[Guidance, ...] = ()
) -> FaceVerification:
    images = {} if isinstance(reference, Reason) else {"document_face": reference.crop}
    best = view.frames.kept[0] if view.frames.kept else view.poorest
    if best is not None and best.crop is not None:
        images["live_face"] = best.crop
    return FaceVerification(result, guidance, images)
