"""What a lane keeps of a stream of frames of one traveller: the best ones, and the attack detection of all.

Whoever stands in the lane chooses what the camera sees. Three selections must not help him:

- His own living face for the attack detection and somebody's photograph for the comparison. Every kept frame gives both its
  embeddings and its PAD score. A frame of another track, or that does not agree with each kept one and with the first of the
  track (so that a face cannot drift into another), throws away everything before it.
- Attack frames made poor on purpose, so that quality drops them and their PAD scores with them. The scores of dropped frames
  count: the mean that is reported is the lower one of the kept frames and of all frames of the track. The mean, not the worst,
  because the worst of n falls with n for a bona fide presentation too; the lower of both, because good scores on frames that were
  dropped would otherwise hide bad ones on those compared.
- Starting anew until chance is kind. `changes` counts how often everything was thrown away; the lane limits it.

Measured by `python -m bench.face.bench_frames` (bench/baseline/frames.json).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from egate.domain.biometric import FaceTemplate, Image
from egate.errors import TemplateError
from egate.matching.face.comparison import normalised
from egate.matching.pad.combination import LLR_MAX

FRAMES_MAX = 3  # measured: a third frame still lowers FNMR at FMR 1e-4; for more the corpus has too few people
QUALITY_MAX = 100.0  # ISO/IEC 29794-1
# Weight of quality 0, so that the best frame counts at most twice. Measured: with the quality itself as weight two frames gain less.
WEIGHT_LEAST = 100.0

# Frame against frame. Measured: no live frames of one NUAA sequence disagree at it, nor at 1e-4; of two photographs of one person of
# LFW, taken on different days, 1 % do. Not stricter: each disagreement makes an honest traveller start anew.
SAME_PERSON_FMR = 1e-3
# Shares of the FMR target that the comparisons with one, two and three frames may use. A fused template scores higher against
# everybody (measured: two and three frames have 2.1 and 2.7 times the false matches at the threshold of 1e-4), and each comparison is
# another try (3.3 times in all). With these shares the whole sequence has 0.64 and 0.90 of the target at 1e-3 and 1e-4.
ATTEMPT_SHARES = (0.5, 0.15, 0.1)

SamePerson = Callable[[FaceTemplate, FaceTemplate], bool]


@dataclass(frozen=True, slots=True, repr=False)
class Frame:
    """One frame's face. track: identity of the track, not of the person. quality: unified, 0-100. box: x, y, width, height in pixels.

    pad: log-likelihood ratio of bona fide against attack of this frame, None if not performed. face_count: faces of comparable size in it.
    crop: portrait for the dossier.
    """

    track: int
    template: FaceTemplate
    quality: float
    box: tuple[float, float, float, float]
    pad: float | None
    face_count: int = 1
    crop: Image | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Frames:
    """kept: best first, at most FRAMES_MAX, all of one track and person. changes: how often everything was thrown away.

    first: template that began the track, whether or not it is still kept. pad_count, pad_sum: over all frames since then.
    """

    kept: tuple[Frame, ...] = ()
    changes: int = 0
    first: FaceTemplate | None = None
    pad_count: int = 0
    pad_sum: float = 0.0


def keep(frames: Frames, frame: Frame, same_person: SamePerson) -> Frames:
    """frames with one more. The order of frames of one person does not matter to what is kept.

    A frame whose quality or template is not a number could be anybody's: it is not kept, and nothing before it is.
    same_person: comparison at SAME_PERSON_FMR; asked only about usable templates; NaN must be False. What it raises passes.
    """
    if not _usable(frame):
        return Frames(changes=frames.changes + bool(frames.kept))
    if frames.kept and not _continues(frames, frame, same_person):
        # Another track of the same face is no change: a gate that sends two frames a second has a track for each.
        known = frames.first or frames.kept[0].template
        frames = Frames(changes=frames.changes + (not same_person(frame.template, known)))
    return Frames(
        kept=tuple(sorted((*frames.kept, frame), key=_rank)[:FRAMES_MAX]),
        changes=frames.changes,
        first=frames.first or frame.template,
        pad_count=frames.pad_count + (frame.pad is not None),
        pad_sum=frames.pad_sum + _evidence(frame.pad),
    )


def witness(frames: Frames, track: int, pad: float | None) -> Frames:
    """frames after one more of the same track that is not kept, whatever is wrong with it: what attack detection said of it counts.

    A score that is not finite does not: the detector has none for a face that leaves the picture, and such a frame is never compared.
    """
    if not frames.kept or frames.kept[0].track != track or pad is None or not math.isfinite(pad):
        return frames
    return replace(frames, pad_count=frames.pad_count + 1, pad_sum=frames.pad_sum + _evidence(pad))


def fused(frames: Frames) -> FaceTemplate:
    """Quality-weighted mean of the kept embeddings by model, of length 1 again. To be compared at attempt_fmr().

    Raises ValueError if nothing is kept, TemplateError if the frames hold different models.
    """
    if not frames.kept:
        raise ValueError("no frame is kept")
    models = frames.kept[0].template.embeddings.keys()
    if any(frame.template.embeddings.keys() != models for frame in frames.kept):
        raise TemplateError("face templates of one stream hold different models")
    weights = np.array([WEIGHT_LEAST + frame.quality for frame in frames.kept], np.float64)
    rows = {model: np.stack([frame.template.embeddings[model] for frame in frames.kept]) for model in models}
    return FaceTemplate({model: normalised((weights @ values).astype(np.float32)) for model, values in rows.items()})


def pad_scores(frames: Frames) -> tuple[float, ...]:
    """PAD score of each kept frame, lowered together so that their mean is not above that of all frames of the track.

    Empty if no frame of the track had one. NaN for a kept frame without one where others have; all NaN if any of the track is
    not finite: whoever makes the detection fail on some frames gains nothing.
    """
    if frames.pad_count == 0:
        return ()
    scores = [math.nan if frame.pad is None else frame.pad for frame in frames.kept]
    excess = sum(scores) / len(scores) - frames.pad_sum / frames.pad_count
    lowered = 0.0 if excess <= 0.0 else excess  # NaN lowers to NaN
    return tuple(score - lowered for score in scores)


def attempt_fmr(fmr: float, attempt: int) -> float:
    """FMR whose threshold the attempt-th comparison of a crossing has to reach, so that all of them together stay within fmr.

    attempt: from 1, counted over all tracks and changes of the crossing. Raises ValueError beyond len(ATTEMPT_SHARES): then an
    officer looks.
    """
    if not 1 <= attempt <= len(ATTEMPT_SHARES):
        raise ValueError(f"a crossing has {len(ATTEMPT_SHARES)} comparisons of faces, not {attempt}")
    return fmr * ATTEMPT_SHARES[attempt - 1]


def _usable(frame: Frame) -> bool:
    embeddings = frame.template.embeddings
    return 0.0 <= frame.quality <= QUALITY_MAX and all(
        bool(np.isfinite(values).all()) for values in embeddings.values()
    )


def _evidence(pad: float | None) -> float:
    """What is added to the sum of a track: no more than one frame can count for it in the verdict. NaN for what is not finite."""
    if pad is None:
        return 0.0
    return min(pad, LLR_MAX) if math.isfinite(pad) else math.nan


def _continues(frames: Frames, frame: Frame, same_person: SamePerson) -> bool:
    """Whether frame is of the track and the face of all that is kept, and of the one that began it."""
    if frame.track != frames.kept[0].track or frames.first is None:
        return False
    known = (frames.first, *(kept.template for kept in frames.kept))
    return all(same_person(frame.template, template) for template in known)


def _rank(frame: Frame) -> tuple[float, float, bytes]:
    """Sorts the best first; among equals the one that looks more like an attack, then by embedding, never by arrival."""
    pad = -math.inf if frame.pad is None or math.isnan(frame.pad) else frame.pad
    embeddings = frame.template.embeddings
    return -frame.quality, pad, b"".join(embeddings[model].tobytes() for model in sorted(embeddings))
