"""What supervision says of a camera, under a virtual clock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from egate.domain.device import DeviceState
from hw.camera.look import CLIPPED_MIN, DARK_MAX, TOO_BRIGHT, TOO_DARK, Look, look
from hw.camera.pace import LATE_S_MAX, Pace
from hw.camera.source import PIXELS_MAX, SIDE_MAX, Time, Unusable, fits, plausible_fps, rgb
from hw.camera.supervision import (
    EXPOSURE_S,
    FROZEN,
    LOSS_S,
    RATE_WINDOW_S,
    TOO_FEW,
    UNUSABLE,
    UNUSABLE_S,
    Supervision,
)
from hw.camera.synthetic import Mode, picture

GOOD = Look(120.0, 0.1, 0.01, 0)
NAN = float("nan")
ONLINE, DEGRADED, LOST = DeviceState.ONLINE, DeviceState.DEGRADED, DeviceState.LOST


@dataclass
class Camera:
    """Plays pictures to a supervision; time stands still otherwise."""

    supervision: Supervision
    now: float = 100.0
    number: int = 0
    states: list[DeviceState] = field(default_factory=list)

    def play(self, seconds: float, fps: float, seen: Look | None = GOOD, *, same: bool = False) -> None:
        """seen None: no picture can be decoded."""
        for _ in range(round(seconds * fps)):
            self.now += 1 / fps
            self.number += 0 if same else 1
            self.supervision.grabbed(self.now)
            if seen is not None and self.supervision.look_due(self.now):
                self.supervision.looked(replace(seen, digest=self.number), self.now)
            self._note()

    def silent(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self._note()

    def _note(self) -> None:
        state = self.supervision.state(self.now)
        if not self.states or state is not self.states[-1]:
            self.states.append(state)

    @property
    def faults(self) -> tuple[str, ...]:
        return self.supervision.faults(self.now)


def camera(fps: float | None = 15, frozen_s: float | None = 5) -> Camera:
    made = Camera(Supervision(fps, frozen_s))
    made.supervision.opened(made.now, None)
    return made


def test_online_with_the_first_picture_and_stays_so() -> None:
    one = camera()
    assert one.supervision.state(one.now) is LOST
    one.play(60, 15)
    assert one.states == [ONLINE]


def test_silence_is_a_loss_within_five_seconds_told_once() -> None:
    one = camera()
    one.play(10, 15)
    since = one.now
    while one.supervision.state(one.now) is not LOST:
        one.silent(0.1)
    assert one.now - since <= LOSS_S + 0.2 < 5
    one.silent(60)
    assert one.states.count(LOST) == 1
    assert one.faults != ()  # what was found before is still in the words
    one.play(10, 15)
    assert one.states[-1] is ONLINE


def test_a_source_that_was_lost_starts_anew() -> None:
    one = camera()
    one.play(10, 15, Look(2.0, 1.0, 0.0, 0))
    one.supervision.lost()
    assert one.supervision.state(one.now) is LOST and one.faults == ()
    one.supervision.opened(one.now, None)
    assert one.supervision.state(one.now) is LOST
    one.play(1, 15)
    assert one.supervision.state(one.now) is ONLINE


@pytest.mark.parametrize(
    ("wrong", "words"), [(Look(10.0, 0.95, 0.0, 0), TOO_DARK), (Look(240.0, 0, 0.8, 0), TOO_BRIGHT)]
)
def test_exposure_counts_when_it_stays_and_ends_with_one_good_look(wrong: Look, words: str) -> None:
    one = camera()
    one.play(10, 15)
    one.play(EXPOSURE_S - 1, 15, wrong)
    one.play(3, 15)
    assert one.states == [ONLINE]  # automatic exposure settles
    one.play(EXPOSURE_S + 2, 15, wrong)
    assert one.states == [ONLINE, DEGRADED] and one.faults == (words,)
    one.play(2, 15)
    assert one.states == [ONLINE, DEGRADED, ONLINE]


def test_first_pictures_of_a_camera_may_be_dark() -> None:
    one = camera()
    one.play(1, 15, Look(1.0, 1.0, 0.0, 0))
    one.play(5, 15)
    assert one.states == [ONLINE]


def test_half_the_rate_is_fine_a_third_is_not_and_the_state_does_not_flicker() -> None:
    one = camera()
    one.play(10, 15)
    one.play(20, 7.5)
    assert one.states == [ONLINE]
    one.play(RATE_WINDOW_S + 1, 5)
    assert one.states == [ONLINE, DEGRADED] and one.faults == (TOO_FEW,)
    one.play(20, 7.5)  # above the lower limit, below the upper one
    assert one.states == [ONLINE, DEGRADED]
    one.play(20, 15)
    assert one.states == [ONLINE, DEGRADED, ONLINE]


def test_rate_is_not_judged_where_nothing_is_expected() -> None:
    one = camera(fps=None)
    one.play(30, 1)
    assert one.states == [ONLINE]


@pytest.mark.parametrize("fps", [1, 2, 30, 240])
def test_any_rate_that_is_kept_is_fine(fps: int) -> None:
    one = camera(fps)
    one.play(20, fps)
    assert one.states == [ONLINE]


def test_same_picture_is_frozen_after_its_time_and_only_then() -> None:
    one = camera()
    one.play(4, 15)
    one.play(4, 15, same=True)
    assert one.states == [ONLINE]
    one.play(4, 15, same=True)
    assert one.states == [ONLINE, DEGRADED] and one.faults == (FROZEN,)
    one.play(2, 15)
    assert one.states == [ONLINE, DEGRADED, ONLINE]


def test_scene_that_stands_still_by_nature() -> None:
    one = camera(frozen_s=None)
    one.play(60, 15, same=True)
    assert one.states == [ONLINE]


@pytest.mark.parametrize("length", [2, 10, 15, 30])
def test_short_recording_that_is_looped_is_not_frozen(length: int) -> None:
    one = camera()
    for _ in range(60 * 15):
        one.number = one.number % length
        one.play(1 / 15, 15)
    assert one.states == [ONLINE]


def test_pictures_that_cannot_be_decoded_are_told() -> None:
    one = camera()
    one.play(5, 15)
    one.play(UNUSABLE_S + 2, 15, None)
    assert one.states == [ONLINE, DEGRADED] and one.faults == (UNUSABLE,)


def test_none_that_can_be_decoded_from_the_start_is_no_camera() -> None:
    one = camera()
    one.play(60, 15, None)
    assert one.states == [LOST]


def test_looks_are_rare() -> None:
    one = camera()
    looks = 0
    for _ in range(600):
        looks += one.supervision.look_due(one.now + 1 / 15)
        one.play(1 / 15, 15)
    assert looks <= 45


def flat(level: int) -> Look:
    return look(np.full((480, 640, 3), level, np.uint8))


def test_exposure_of_pictures() -> None:
    assert flat(DARK_MAX).exposure == flat(0).exposure == TOO_DARK
    assert flat(CLIPPED_MIN).exposure == flat(255).exposure == TOO_BRIGHT
    assert flat(128).exposure == ""
    half = np.full((480, 640, 3), 60, np.uint8)
    half[:, :360] = 255  # a lamp in more than half of the picture
    assert look(half).exposure == TOO_BRIGHT
    for unknown in (Look(NAN, 0, 0, 0), Look(120, NAN, 0, 0), Look(120, 0, NAN, 0)):
        assert unknown.exposure  # what is not known is not fine


def test_made_pictures_are_what_their_mode_says() -> None:
    assert {mode: look(picture(mode, 3, 5, 64, 48)).exposure for mode in Mode} == {
        Mode.MOVING: "",
        Mode.FROZEN: "",
        Mode.DARK: TOO_DARK,
        Mode.BRIGHT: TOO_BRIGHT,
    }
    digests = {look(picture(Mode.MOVING, 3, number, 64, 48)).digest for number in range(50)}
    assert len(digests) == 50
    assert len({look(picture(Mode.FROZEN, 3, number, 64, 48)).digest for number in range(50)}) == 1
    assert look(picture(Mode.MOVING, 4, 0, 64, 48)).digest not in digests
    assert picture(Mode.MOVING, 1, 1, 16, 16).shape == (16, 16, 3)


def test_what_opencv_gives_becomes_rgb() -> None:
    blue = np.zeros((4, 6, 3), np.uint8)
    blue[:, :, 0] = 200
    assert rgb(blue)[0, 0].tolist() == [0, 0, 200]
    assert rgb(np.full((4, 6), 7, np.uint8)).shape == rgb(np.zeros((4, 6, 4), np.uint8)).shape == (4, 6, 3)
    assert rgb(blue[:, ::-1]).flags.c_contiguous


@pytest.mark.parametrize(
    "bad",
    [
        None,
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.uint16),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((4, 4, 3, 1), np.uint8),
        np.zeros((1, SIDE_MAX + 1, 3), np.uint8),
    ],
    ids=["none", "empty", "16 bit", "2 channels", "4 axes", "too wide"],
)
def test_what_is_no_picture_is_refused(bad: object) -> None:
    with pytest.raises(Unusable):
        rgb(bad)  # type: ignore[arg-type]


def test_sizes_and_rates_that_are_taken() -> None:
    assert fits(1, 1) and fits(4000, 4000) and not fits(PIXELS_MAX, 1) and not fits(0, 9) and not fits(8000, 8000)
    assert plausible_fps(30.0) == 30.0
    assert [plausible_fps(fps) for fps in (0.0, -1.0, 90_000.0, float("nan"))] == [None] * 4


def test_pace_keeps_the_rate_and_does_not_hurry_after_a_stop() -> None:
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    pace = Pace(10, Time(lambda: now, sleep))
    for _ in range(101):
        pace.wait()
    assert now == pytest.approx(10.0)
    now += LATE_S_MAX + 2.0
    stopped_until = now
    for _ in range(11):
        pace.wait()
    assert now == pytest.approx(stopped_until + 1.0)
