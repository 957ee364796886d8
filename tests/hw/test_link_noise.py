"""Noise is told from silence, from single bad bytes and from messages; in virtual time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hw.link.noise import SIZE_MIN, WINDOW_S, Noise

# Seconds since the event before, bytes skipped; -1: a message.
EVENTS = st.lists(st.tuples(st.sampled_from([0.0, 0.25, 1.0, 1.75, 2.0, 5.0]), st.integers(-1, SIZE_MIN)), max_size=40)


def noisy_at(now: float) -> Noise:
    noise = Noise()
    noise.skipped(SIZE_MIN, now)
    assert noise.noisy(now)
    return noise


def test_a_line_starts_sound_and_a_few_bad_bytes_leave_it_so() -> None:
    noise = Noise()
    assert not noise.noisy(0.0)
    noise.skipped(SIZE_MIN - 1, 1.0)
    assert not noise.noisy(1.0)
    noise.skipped(1, 1.5)
    assert noise.noisy(1.5)


def test_an_hour_of_single_bad_bytes_is_no_noise() -> None:
    noise = Noise()
    for second in range(3600):
        noise.skipped(1, float(second))
        assert not noise.noisy(float(second))


def test_noise_at_a_slow_port_is_told_within_the_window() -> None:
    noise = Noise()
    for index in range(SIZE_MIN):
        noise.skipped(1, index / 33)  # 330 baud
    assert noise.noisy(WINDOW_S)


def test_silence_makes_it_sound_and_a_trickle_does_not() -> None:
    noise = noisy_at(10.0)
    for quarter in range(1, 400):
        noise.skipped(1, 10.0 + quarter / 4)
        assert noise.noisy(10.0 + quarter / 4)
    end = 10.0 + 399 / 4
    assert noise.noisy(end + WINDOW_S - 0.01)
    assert not noise.noisy(end + WINDOW_S)
    noise.skipped(1, end + WINDOW_S)
    assert not noise.noisy(end + WINDOW_S)  # counting starts anew


def test_a_message_makes_it_sound_and_counting_starts_anew() -> None:
    noise = noisy_at(0.0)
    noise.valid()
    assert not noise.noisy(0.0)
    noise.skipped(SIZE_MIN - 1, 0.1)
    noise.valid()
    noise.skipped(SIZE_MIN - 1, 0.2)
    assert not noise.noisy(0.2)


def test_each_change_is_told_once() -> None:
    noise = Noise()
    assert not noise.changed(0.0)
    noise.skipped(SIZE_MIN, 1.0)
    assert [noise.changed(1.0), noise.changed(1.0), noise.changed(2.9)] == [True, False, False]
    assert [noise.changed(1.0 + WINDOW_S), noise.changed(9.0)] == [True, False]
    noise.skipped(SIZE_MIN, 10.0)
    noise.valid()
    assert not noise.changed(10.0)  # over before anybody looked


@given(EVENTS)
def test_it_equals_a_plain_count_of_everything_and_stays_small(events: list[tuple[float, int]]) -> None:
    noise, now, told = Noise(), 0.0, False
    skipped: list[tuple[float, int]] = []  # since the last message or return
    for pause_s, count in events:
        now += pause_s
        if told and now - skipped[-1][0] >= WINDOW_S:
            told, skipped = False, []
        if count < 0:
            noise.valid()
            told, skipped = False, []
        elif count > 0:
            noise.skipped(count, now)
            skipped.append((now, count))
            told = told or sum(size for at, size in skipped if at > now - WINDOW_S) >= SIZE_MIN
        assert noise.noisy(now) is told
        assert len(noise._recent) < SIZE_MIN
