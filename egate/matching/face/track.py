"""Faces followed from frame to frame: the identity of a track, not of a person.

A track's id promises that somebody stood there without interruption, so doubt ends a track: the lane starts anew with whoever has the new
id. It does not promise that nobody was exchanged under a cover; embeddings that disagree have to break a track as well.

A face continues a track if its box overlaps where the track should be by now (its last box, moved on as it was moving) and has about its
size. A face that could be either of two tracks, or a track that could be either of two faces, continues neither. After a gap without a
detection the overlap must be closer, and after GAP_S_MAX the track is over: in that time nobody leaves and somebody else takes his place.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

from egate.domain.biometric import FaceBox

# Chosen: a second person is at least a body's depth, 0.4 m, behind and walks no faster than 1.5 m/s. Two frames of 8 a second fit in.
GAP_S_MAX = 0.26
# Chosen: intersection over union with the predicted box; a face that moved by half its width has 0.33.
OVERLAP_MIN = 0.25
OVERLAP_AFTER_GAP_MIN = 0.5  # chosen: a third of a width
SIZE_RATIO_MAX = 1.5  # of widths and of heights from frame to frame; chosen: a walk from 1.5 to 1 m
DOUBT = 0.7  # a second overlap of at least this share of the best is doubt; chosen
SMOOTHING = 0.5  # of the velocity: share of the newest; chosen
SPEED_MAX = 6.0  # widths a second; chosen: 1 m/s for a face of 16 cm. Beyond it a jump of the detector would send the track away
FACES_MAX = 16  # of a frame; faces beyond it are nobody's and begin no track
TRACKS_MAX = 32  # remembered at once, those of this frame and those in a gap


@dataclass(frozen=True, slots=True)
class Track:
    """id: never used again. x_speed, y_speed: of the box's middle, pixels a second.

    seen_s: monotonic. missed: a frame since then had no such face.
    """

    id: int
    box: FaceBox
    x_speed: float
    y_speed: float
    seen_s: float
    missed: bool


@dataclass(frozen=True, slots=True)
class Tracks:
    """What is remembered from frame to frame. Begin with Tracks()."""

    tracks: tuple[Track, ...] = ()
    next_id: int = 1


def step(state: Tracks, faces: tuple[FaceBox, ...], now_s: float) -> tuple[Tracks, tuple[int, ...]]:
    """The state after one more frame, and the track id of each of its faces in order.

    now_s: monotonic time of the frame, seconds. A time that went back or is no number ends all tracks. A face that is no box (not finite,
    no area) or is beyond FACES_MAX has an id that nothing continues.
    """
    alive = tuple(track for track in state.tracks if 0.0 <= now_s - track.seen_s <= GAP_S_MAX)
    usable = {index for index, face in enumerate(faces[:FACES_MAX]) if _is_box(face)}
    owners = _associate(alive, faces, usable, now_s)
    ids: list[int] = []
    current: list[Track] = []
    next_id = state.next_id
    for index, face in enumerate(faces):
        owner = owners.get(index)
        if owner is None:
            owner, next_id = Track(next_id, face, 0.0, 0.0, now_s, False), next_id + 1
        ids.append(owner.id)
        if index in usable:
            current.append(_moved(owner, face, now_s))
    lost = [_missed(track) for track in alive if track.id not in ids]
    kept = (*current, *sorted(lost, key=lambda track: -track.seen_s))[:TRACKS_MAX]
    return Tracks(kept if math.isfinite(now_s) else (), next_id), tuple(ids)


def _associate(
    tracks: tuple[Track, ...], faces: tuple[FaceBox, ...], usable: set[int], now_s: float
) -> dict[int, Track]:
    """The track that each face continues, by the face's index. Each track and each face at most once."""
    overlaps: dict[tuple[int, int], float] = {}
    for number, track in enumerate(tracks):
        expected = _expected(track, now_s)
        for index in usable:
            overlap = _overlap(expected, faces[index])
            minimum = OVERLAP_AFTER_GAP_MIN if track.missed else OVERLAP_MIN
            if overlap >= minimum and _same_size(track.box, faces[index]):
                overlaps[number, index] = overlap
    by_track, by_face = defaultdict[int, list[float]](list), defaultdict[int, list[float]](list)
    for (number, index), overlap in overlaps.items():
        by_track[number].append(overlap)
        by_face[index].append(overlap)
    return {
        index: tracks[number]
        for (number, index), overlap in overlaps.items()
        if _is_alone(overlap, by_track[number]) and _is_alone(overlap, by_face[index])
    }


def _is_alone(overlap: float, rivals: list[float]) -> bool:
    """Whether none of the rivals, of which overlap is one, comes near it."""
    return sum(other >= DOUBT * overlap for other in rivals) == 1


def _expected(track: Track, now_s: float) -> FaceBox:
    """Where the track's face should be by now."""
    elapsed = now_s - track.seen_s
    box = track.box
    x, y = box.x + track.x_speed * elapsed, box.y + track.y_speed * elapsed
    return FaceBox(x, y, box.width, box.height, box.confidence)


def _moved(track: Track, face: FaceBox, now_s: float) -> Track:
    """The track seen at face now."""
    elapsed = now_s - track.seen_s
    if not elapsed > 0.0:
        return Track(track.id, face, track.x_speed, track.y_speed, now_s, False)
    limit = SPEED_MAX * face.width
    box = track.box
    x_move = face.x + face.width / 2 - box.x - box.width / 2
    y_move = face.y + face.height / 2 - box.y - box.height / 2
    x_speed = track.x_speed + SMOOTHING * (x_move / elapsed - track.x_speed)
    y_speed = track.y_speed + SMOOTHING * (y_move / elapsed - track.y_speed)
    return Track(track.id, face, _clipped(x_speed, limit), _clipped(y_speed, limit), now_s, False)


def _missed(track: Track) -> Track:
    return Track(track.id, track.box, track.x_speed, track.y_speed, track.seen_s, True)


def _clipped(value: float, limit: float) -> float:
    return min(max(value, -limit), limit)


def _is_box(face: FaceBox) -> bool:
    values = (face.x, face.y, face.width, face.height)
    return all(math.isfinite(value) for value in values) and face.width > 0.0 and face.height > 0.0


def _same_size(one: FaceBox, other: FaceBox) -> bool:
    widths, heights = sorted((one.width, other.width)), sorted((one.height, other.height))
    return widths[1] <= SIZE_RATIO_MAX * widths[0] and heights[1] <= SIZE_RATIO_MAX * heights[0]


def _overlap(one: FaceBox, other: FaceBox) -> float:
    """Intersection over union, in [0, 1]; NaN where the areas are beyond float."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if not (width > 0.0 and height > 0.0):
        return 0.0
    shared = width * height
    return shared / (one.width * one.height + other.width * other.height - shared)
