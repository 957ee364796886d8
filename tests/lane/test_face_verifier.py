"""Which frames are compared, and when; never one face's life for another's likeness."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator

import pytest

from egate.crossing.policy import FaceResult
from egate.domain.reason import Reason
from egate.inference.image.budget import ImageBudget
from egate.inference.pool import InferencePool
from egate.lane.face_verifier import CHANGES_MAX, FRAMES_AGAIN, FaceVerifier
from egate.lane.live_face import LiveFace, LiveFrame
from egate.matching.face.quality import FACE_QUALITY_MIN_GOOD, FACE_QUALITY_MIN_USABLE
from tests.lane.face_frames import BenchFaceEngine, BenchPadEngine, Shown, sample

HOLDER, STRANGER = 0, 1
REFERENCE = sample(Shown(HOLDER))
GOOD, POOR = Shown(HOLDER, quality=FACE_QUALITY_MIN_GOOD), Shown(HOLDER, quality=FACE_QUALITY_MIN_USABLE)
assert FACE_QUALITY_MIN_USABLE < FACE_QUALITY_MIN_GOOD


class Camera:
    """Shows a verifier one frame after the other, as a lane does for one crossing."""

    def __init__(self, verifier: FaceVerifier) -> None:
        self.verifier = verifier
        self.view = LiveFace()
        self.time_s = 0.0

    async def show(self, what: Shown | bytes | None, *, last: bool = False) -> FaceResult:
        """10 frames a second; what: None for no frame."""
        self.time_s += 0.1
        image = what.encoded() if isinstance(what, Shown) else what
        frame = None if image is None else LiveFrame(image, self.time_s)
        return (await self.verifier.verify(frame, REFERENCE, self.view, last)).result


@pytest.fixture
async def camera() -> AsyncIterator[Camera]:
    pool = InferencePool(1)
    yield Camera(FaceVerifier(BenchFaceEngine(), BenchPadEngine(), pool, ImageBudget()))
    pool.close()


async def test_the_first_good_frame_is_compared_at_once(camera: Camera) -> None:
    result = await camera.show(GOOD)
    assert result.compared
    assert result.score == pytest.approx(1.0)
    assert result.pad == pytest.approx(5.0)


async def test_poor_frames_are_kept_for_the_end(camera: Camera) -> None:
    for _ in range(4):
        result = await camera.show(POOR)
        assert (result.compared, result.kept) == (False, True)
    result = await camera.show(None, last=True)
    assert result.compared
    assert result.score == pytest.approx(1.0)


async def test_an_unusable_frame_is_compared_only_if_there_is_nothing_else(camera: Camera) -> None:
    worst = Shown(HOLDER, quality=FACE_QUALITY_MIN_USABLE - 1)
    result = await camera.show(worst)
    assert (result.compared, result.kept) == (False, True)
    assert (await camera.show(None, last=True)).score == pytest.approx(1.0)


async def test_an_unusable_frame_is_forgotten_once_there_is_a_better_one(camera: Camera) -> None:
    await camera.show(Shown(STRANGER, quality=FACE_QUALITY_MIN_USABLE - 1, pad=-50.0))
    result = await camera.show(POOR, last=True)
    assert result.score == pytest.approx(1.0)
    assert result.pad == pytest.approx(5.0)


async def test_after_a_non_match_some_new_frames_come_first(camera: Camera) -> None:
    stranger = Shown(STRANGER)
    assert (await camera.show(stranger)).score == pytest.approx(0.0)
    results = [await camera.show(stranger) for _ in range(FRAMES_AGAIN)]
    assert [result.compared for result in results] == [False] * (FRAMES_AGAIN - 1) + [True]


async def test_a_comparison_uses_as_many_frames_as_there_were_comparisons(camera: Camera) -> None:
    """The shares of the false match rate were measured with one, two and three frames fused."""
    first = await camera.show(Shown(STRANGER, pad=1.0))
    later = [await camera.show(Shown(STRANGER, pad=2.0 + number)) for number in range(2 * FRAMES_AGAIN)]
    assert first.pad == pytest.approx(1.0)
    compared = [result for result in later if result.compared]
    # Equal quality: of those the frames that look most like an attack count (egate.matching.face.frames).
    assert [result.pad for result in compared] == [pytest.approx(1.5), pytest.approx(2.0)]


@pytest.mark.parametrize(
    ("what", "reason"),
    [(Shown(None), Reason.FACE_NOT_FOUND), (b"no image", Reason.FACE_UNUSABLE)],
    ids=["nobody", "garbage"],
)
async def test_a_frame_without_a_face_spends_no_attempt_until_the_end(
    camera: Camera, what: Shown | bytes, reason: Reason
) -> None:
    result = await camera.show(what)
    assert (result.compared, result.failure) == (False, reason)
    result = await camera.show(what, last=True)
    assert (result.compared, result.failure) == (True, reason)
    assert math.isnan(result.score)


async def test_nothing_at_the_end_does_not_forget_the_frames_before(camera: Camera) -> None:
    await camera.show(POOR)
    assert (await camera.show(b"no image", last=True)).score == pytest.approx(1.0)


async def test_two_faces_are_compared_only_at_the_end_and_counted(camera: Camera) -> None:
    assert not (await camera.show(Shown(HOLDER, count=2))).compared
    result = await camera.show(None, last=True)
    assert (result.compared, result.face_count) == (True, 2)
    assert result.score == pytest.approx(1.0)


async def test_a_second_face_in_the_last_frame_is_counted(camera: Camera) -> None:
    await camera.show(POOR)
    assert (await camera.show(Shown(HOLDER, count=2), last=True)).face_count == 2


async def test_own_life_and_another_ones_photograph_never_meet(camera: Camera) -> None:
    """The traveller shows his own face, alive, and then the holder's photograph: neither before nor after do both count."""
    alive, photograph = Shown(STRANGER, pad=5.0), Shown(HOLDER, pad=-5.0)
    for _ in range(FRAMES_AGAIN):
        await camera.show(alive)
    results = [await camera.show(photograph) for _ in range(FRAMES_AGAIN)]
    results.append(await camera.show(None, last=True))
    compared = [result for result in results if result.compared]
    assert compared
    for result in compared:
        assert result.score < 0.9 or (result.pad is not None and result.pad < 0.0)


async def test_poor_attack_frames_count_though_better_ones_are_compared(camera: Camera) -> None:
    for _ in range(6):
        await camera.show(Shown(HOLDER, quality=FACE_QUALITY_MIN_USABLE, pad=-5.0))
    result = await camera.show(Shown(HOLDER, quality=99.0, pad=1.0))
    assert result.compared
    assert result.pad is not None
    assert result.pad < 0.0


@pytest.mark.parametrize(
    "attack",
    [
        Shown(HOLDER, quality=FACE_QUALITY_MIN_USABLE - 1, pad=-5.0),
        Shown(HOLDER, count=2, pad=-5.0),
    ],
    ids=["too poor", "two faces"],
)
async def test_an_attack_that_is_never_compared_counts(camera: Camera, attack: Shown) -> None:
    await camera.show(POOR)
    for _ in range(6):
        await camera.show(attack)
    result = await camera.show(GOOD)
    assert result.compared
    assert result.pad is not None
    assert result.pad < 0.0


async def test_two_faces_in_what_is_compared_are_counted_whoever_comes_later(camera: Camera) -> None:
    """Two people, then another one so poor that his frame is not compared: the match is not his."""
    await camera.show(Shown(HOLDER, count=2))
    result = await camera.show(Shown(STRANGER, quality=1.0), last=True)
    assert result.score == pytest.approx(1.0)
    assert result.face_count == 2


async def test_the_portrait_told_is_the_one_compared(camera: Camera) -> None:
    await camera.show(Shown(STRANGER, quality=1.0))
    await camera.show(Shown(HOLDER, quality=2.0))
    answer = await camera.verifier.verify(None, REFERENCE, camera.view, True)
    assert answer.result.score == pytest.approx(1.0)
    assert answer.images["live_face"][0, 0, 0] == HOLDER


async def test_a_gate_that_sends_few_frames_does_not_look_like_many_people(camera: Camera) -> None:
    """Each frame has a track of its own then; the face agrees."""
    for _ in range(2 * CHANGES_MAX):
        camera.time_s += 0.4
        result = await camera.show(POOR)
        assert (result.compared, result.kept) == (False, True)


async def test_silent_detection_that_fails_harms_nobody() -> None:
    pool = InferencePool(1)
    silent = Camera(FaceVerifier(BenchFaceEngine(), BenchPadEngine(), pool, ImageBudget(), pad_enforced=False))
    result = await silent.show(Shown(HOLDER, quality=FACE_QUALITY_MIN_GOOD, pad=math.nan))
    pool.close()
    assert result.compared
    assert result.score == pytest.approx(1.0)


async def test_lanes_are_compared_however_many_others_ask(camera: Camera) -> None:
    pool = InferencePool(1, queue_max=1)
    with pool.place():
        busy = Camera(FaceVerifier(BenchFaceEngine(), BenchPadEngine(), pool, ImageBudget()))
        assert (await busy.show(GOOD)).failure is None
    pool.close()


async def test_faces_that_change_again_and_again_spend_attempts(camera: Camera) -> None:
    results = [
        await camera.show(Shown(number % 2, quality=FACE_QUALITY_MIN_USABLE)) for number in range(CHANGES_MAX + 2)
    ]
    assert [result.failure for result in results if result.compared] == [Reason.PRESENCE_BROKEN]


async def test_a_frame_whose_attack_detection_failed_is_not_compared_with_others(camera: Camera) -> None:
    assert not (await camera.show(Shown(HOLDER, pad=math.nan))).compared
    result = await camera.show(GOOD)
    assert result.compared
    assert result.pad == pytest.approx(5.0)


async def test_if_attack_detection_never_works_the_result_says_so(camera: Camera) -> None:
    await camera.show(Shown(HOLDER, pad=math.nan))
    result = await camera.show(None, last=True)
    assert result.compared
    assert result.pad is not None
    assert math.isnan(result.pad)


async def test_without_a_reference_the_reason_is_told(camera: Camera) -> None:
    answer = await camera.verifier.verify(LiveFrame(GOOD.encoded(), 0.0), Reason.PORTRAIT_MISSING, camera.view, False)
    assert (answer.result.compared, answer.result.failure) == (True, Reason.PORTRAIT_MISSING)
    assert "live_face" in answer.images


async def test_a_view_shows_nothing(camera: Camera) -> None:
    await camera.show(GOOD)
    assert "redacted" in repr(camera.view)
