"""Goal: a track's id stays with one face as long as it is seen without interruption, and never passes to another."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.domain.biometric import FaceBox
from egate.matching.face.track import FACES_MAX, GAP_S_MAX, TRACKS_MAX, Tracks, step

FRAME_S = 1 / 15


def face(x: float, y: float = 100.0, width: float = 80.0) -> FaceBox:
    return FaceBox(x - width / 2, y - width * 0.65, width, width * 1.3, 0.9)


def run(
    frames: Iterable[tuple[FaceBox, ...]], state: Tracks | None = None, start_s: float = 0.0
) -> list[tuple[int, ...]]:
    state = state or Tracks()
    ids = []
    for number, faces in enumerate(frames):
        state, found = step(state, faces, start_s + number * FRAME_S)
        ids.append(found)
    return ids


def test_one_person_walking_up_keeps_the_id() -> None:
    frames = [(face(200 + 4 * n, 200 - n, 60 + 2 * n),) for n in range(60)]
    assert set(run(frames)) == {(1,)}


def test_order_of_the_faces_does_not_matter() -> None:
    frames = [(face(100 + n), face(400 - n)) if n % 2 else (face(400 - n), face(100 + n)) for n in range(20)]
    assert all(set(ids) == {1, 2} for ids in run(frames))
    assert run(frames)[0] != run(frames)[1]


def test_missed_detection_is_bridged() -> None:
    frames = [(face(200 + 3 * n),) if n not in (5, 6, 12) else () for n in range(20)]
    assert {ids for ids in run(frames) if ids} == {(1,)}


@pytest.mark.parametrize("gap_s", [0.3, 1.0, 3600.0])
def test_somebody_in_the_same_place_after_a_gap_is_somebody_new(gap_s: float) -> None:
    state, first = step(Tracks(), (face(200),), 10.0)
    state, _ = step(state, (), 10.1)
    _, second = step(state, (face(200),), 10.0 + gap_s)
    assert second != first


def test_camera_that_stood_still_ends_the_track_without_a_frame_between() -> None:
    state, first = step(Tracks(), (face(200),), 10.0)
    _, second = step(state, (face(200),), 10.0 + GAP_S_MAX + 0.01)
    assert second != first


def test_one_leaves_and_another_enters_where_he_was() -> None:
    leaving = [(face(200 + 24 * n),) for n in range(8)]  # at 368 in the end, off the frame next
    ids = run([*leaving, (), (face(300),)])
    assert len(set(ids[:8])) == 1
    assert ids[-1] != ids[0]


def test_newcomer_who_replaces_at_once_elsewhere_is_new() -> None:
    ids = run([(face(200),)] * 5 + [(face(290),)] * 5)
    assert ids[4] != ids[5] == ids[9]


def test_face_of_another_size_in_the_same_place_is_another() -> None:
    ids = run([(face(200, width=80),)] * 3 + [(face(200, width=130),)] * 3)
    assert ids[2] != ids[3]


def test_two_people_crossing_do_not_exchange_their_ids() -> None:
    """In front of each other only the nearer one is seen; who comes out behind him is new."""
    frames = []
    for n in range(40):
        near, far = face(100 + 10 * n, 120, 90), face(490 - 10 * n, 100, 70)
        hidden = abs(near.x + near.width / 2 - far.x - far.width / 2) < 60
        frames.append((near,) if hidden else (near, far))
    ids = run(frames)
    assert {found[0] for found in ids} == {1}
    before, after = ids[0][1], ids[-1][1]
    assert before == 2
    assert 1 not in {found[1] for found in ids if len(found) > 1}
    assert after != 1


def test_after_a_gap_only_a_close_overlap_goes_on() -> None:
    near = run([(face(200),)] * 3 + [(), (face(210),)])
    far = run([(face(200),)] * 3 + [(), (face(235),)])
    without_gap = run([(face(200),)] * 3 + [(face(235),)])
    assert near[0] == near[-1]
    assert without_gap[0] == without_gap[-1]
    assert far[0] != far[-1]


def test_running_person_is_expected_ahead() -> None:
    x, state, found = 100.0, Tracks(), set()
    for number in range(14):
        x += 5 * number  # 65 of 80 px a frame in the end: without the motion hardly any overlap
        state, ids = step(state, (face(x),), number / 8)
        found |= set(ids)
    assert found == {1}


def test_one_overlap_must_be_clearly_the_best() -> None:
    state, first = step(Tracks(), (face(200), face(262)), 0.0)
    _, second = step(state, (face(228),), FRAME_S)  # 0.48 with the one, 0.40 with the other
    assert not set(first) & set(second)


def test_face_that_could_be_either_of_two_is_neither() -> None:
    state, first = step(Tracks(), (face(200), face(260)), 0.0)
    _, second = step(state, (face(230),), FRAME_S)
    assert not set(first) & set(second)


def test_track_that_could_be_either_of_two_faces_is_neither() -> None:
    state, first = step(Tracks(), (face(230),), 0.0)
    _, second = step(state, (face(200), face(260)), FRAME_S)
    assert not set(first) & set(second)


@pytest.mark.parametrize("now_s", [9.0, math.nan, math.inf, -math.inf])
def test_time_that_goes_back_or_is_no_number_ends_all_tracks(now_s: float) -> None:
    state, first = step(Tracks(), (face(200),), 10.0)
    state, second = step(state, (face(200),), now_s)
    assert first != second
    _, third = step(state, (face(200),), 10.1)
    assert first != third


numbers = st.floats(allow_nan=True, allow_infinity=True) | st.floats(-100, 900)
boxes = st.builds(FaceBox, numbers, numbers, numbers, numbers, st.floats(0, 1))


@given(frames=st.lists(st.tuples(st.lists(boxes, max_size=24), st.floats(-0.1, 0.5) | st.just(math.nan)), max_size=12))
def test_ids_are_unique_and_the_state_bounded_whatever_comes(frames: list[tuple[list[FaceBox], float]]) -> None:
    state, now_s, ended = Tracks(), 0.0, set[int]()
    previous = set[int]()
    for faces, elapsed in frames:
        now_s += elapsed
        state, ids = step(state, tuple(faces), now_s)
        assert len(ids) == len(faces) == len(set(ids))
        assert len(state.tracks) <= TRACKS_MAX
        assert not ended & set(ids)  # an id that is forgotten never comes back
        known = {track.id for track in state.tracks}
        ended |= (previous | set(ids)) - known
        previous = known


def test_faces_beyond_the_limit_begin_no_track() -> None:
    crowd = tuple(face(100.0 * n) for n in range(FACES_MAX + 3))
    state, first = step(Tracks(), crowd, 0.0)
    _, second = step(state, crowd, FRAME_S)
    assert first[:FACES_MAX] == second[:FACES_MAX]
    assert not set(first[FACES_MAX:]) & set(second[FACES_MAX:])


@pytest.mark.parametrize("seed", range(40))
def test_random_walks_never_hand_an_id_to_another_person(seed: int) -> None:
    """Three people at different places walk, are missed now and then, leave and are replaced: an id belongs to one of them only."""
    rng = random.Random(seed)
    state, now_s = Tracks(), 0.0
    people = {number: [120.0 + 240 * number, 100.0, 0.0, 0.0] for number in range(3)}
    absent_until = dict.fromkeys(people, -1.0)
    name = dict(enumerate(range(3)))
    owner: dict[int, int] = {}
    kept = frames = 0
    last: dict[int, int] = {}
    for _ in range(300):
        now_s += rng.uniform(0.05, 0.12)
        seen: list[int] = []
        for number, place in people.items():
            place[2] = 0.8 * place[2] + rng.gauss(0, 2)
            place[3] = 0.8 * place[3] + rng.gauss(0, 2)
            home = 120.0 + 240 * number
            place[0] += place[2] + 0.05 * (home - place[0])
            place[1] += place[3] + 0.05 * (100.0 - place[1])
            if absent_until[number] < now_s and rng.random() < 0.02:
                absent_until[number] = now_s + rng.uniform(0.4, 1.0)
                name[number] = max(name.values()) + 1  # who comes back is somebody else
            if absent_until[number] < now_s and rng.random() < 0.95:
                seen.append(number)
        state, ids = step(state, tuple(face(people[n][0], people[n][1]) for n in seen), now_s)
        for number, id in zip(seen, ids, strict=True):
            assert owner.setdefault(id, name[number]) == name[number]
            frames += 1
            kept += last.get(name[number]) == id
            last[name[number]] = id
    assert kept > 0.85 * frames  # an id that changed at every frame would be safe and useless
