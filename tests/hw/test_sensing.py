"""Inputs become levels: what speaks against a release counts at once, its end only when it lasts, and doubt is never nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.domain.device import Alarm, SensorLevels
from hw.sensing.debounce import Debounced
from hw.sensing.layout import Layout
from hw.sensing.zone import Inputs, Zone

SAMPLE_S = 0.025
GATE = Layout(entry_barriers=2, inside_barriers=1, exit_barriers=2)
CLEAR = (False,) * 5
QUIET = Inputs(True, present=False, barriers=CLEAR)


class Bench:
    """A zone that is read every 25 ms."""

    def __init__(self, layout: Layout) -> None:
        self.zone, self.now = Zone(layout), 100.0

    def hold(self, inputs: Inputs, duration_s: float = SAMPLE_S) -> SensorLevels:
        for _ in range(max(1, round(duration_s / SAMPLE_S))):
            self.now += SAMPLE_S
            self.zone.feed(inputs, self.now)
        return self.zone.levels

    def beams(self, *interrupted: int, present: bool = True, duration_s: float = 0.1, **more: Any) -> SensorLevels:
        """Barriers by number from 1."""
        barriers = tuple(number in interrupted for number in range(1, 6))
        return self.hold(Inputs(more.pop("door_closed", True), present, barriers=barriers, **more), duration_s)

    def walk(self, *numbers: int, door_closed: bool = True) -> SensorLevels:
        """One body over two barriers."""
        first, second = numbers
        for beams in ((first,), (first, second), (second,), ()):
            levels = self.beams(*beams, door_closed=door_closed)
        return levels


@pytest.fixture
def gate() -> Bench:
    bench = Bench(GATE)
    bench.hold(QUIET, 1.0)
    assert bench.zone.levels == SensorLevels(True, 0, 0)
    return bench


@given(st.lists(st.booleans(), max_size=60), st.sampled_from([0.0, 0.05, 0.2]))
def test_level_changes_only_to_what_was_read_for_its_time(raw: list[bool], fall_s: float) -> None:
    sensor, accepted = Debounced(0.0, fall_s), 0
    for index, level in enumerate(raw):
        before = sensor.level
        sensor.feed(level, index * SAMPLE_S)
        needed = 1 if level else round(fall_s / SAMPLE_S) + 1
        stable = raw[max(0, index + 1 - needed) : index + 1] == [level] * needed
        assert sensor.level is (level if stable else before)
        accepted += before is not None and sensor.level is not before
    assert sensor.edges == accepted


def test_door_is_open_at_once_and_closed_when_it_has_been_for_a_while() -> None:
    bench = Bench(Layout())
    assert bench.hold(Inputs(True)).door_closed is None
    assert bench.hold(Inputs(True), 0.05).door_closed is True
    assert bench.hold(Inputs(False)).door_closed is False
    assert bench.hold(Inputs(True)).door_closed is False
    bench.hold(Inputs(False))
    assert bench.hold(Inputs(True), 0.075).door_closed is True
    assert bench.zone.edges["door"] == 2


@pytest.mark.parametrize("alarm", [Alarm.FIRE, Alarm.EMERGENCY, Alarm.TAMPER])
def test_alarm_counts_at_once_and_ends_when_it_stays_off(alarm: Alarm) -> None:
    bench = Bench(Layout())
    on, off = Inputs(True, alarms=frozenset({alarm})), Inputs(True)
    bench.hold(off, 1.0)
    assert bench.hold(on).alarms == {alarm}
    for _ in range(5):
        assert bench.hold(off, 0.9).alarms == {alarm}
        bench.hold(on)
    assert bench.hold(off, 1.1).alarms == frozenset()


def test_alarm_outlasts_blindness() -> None:
    bench = Bench(Layout())
    bench.hold(Inputs(True, alarms=frozenset({Alarm.FIRE})))
    bench.zone.forget()
    assert bench.zone.levels == SensorLevels(alarms=frozenset({Alarm.FIRE}))
    assert bench.hold(Inputs(True)).alarms == {Alarm.FIRE}
    assert bench.hold(Inputs(True), 2.0).alarms == frozenset()


def test_counters_of_the_device_are_taken_as_they_are() -> None:
    bench = Bench(Layout())
    assert bench.hold(Inputs(True, True, persons=2, exits=65_535), 0.1) == SensorLevels(True, 2, 65_535)
    assert bench.hold(Inputs(True, False, persons=0, exits=0)) == SensorLevels(True, 0, 0)


def test_counter_beside_barriers_counts_through_their_doubt_and_never_fewer_than_they(gate: Bench) -> None:
    gate.hold(replace(QUIET, persons=0, exits=0))
    for beams in ((1, 2), (1,), ()):
        levels = gate.beams(*beams, persons=1, exits=0)
    assert levels == SensorLevels(True, 1, 0)
    gate.hold(replace(QUIET, persons=0, exits=0), 2.1)
    for beams in ((1,), (1, 2), (2,), ()):
        levels = gate.beams(*beams, persons=0, exits=0)
    assert levels.person_count == 1


def test_presence_that_contradicts_the_counter_makes_the_count_unknown() -> None:
    bench = Bench(Layout())
    agreed, contradicted = Inputs(True, True, persons=1, exits=7), Inputs(True, False, persons=1, exits=7)
    bench.hold(agreed, 0.1)
    for _ in range(2):  # a person between two questions
        assert bench.hold(contradicted).person_count == 1
        assert bench.zone.consistent
    assert bench.hold(contradicted) == SensorLevels(True, None, 7)
    assert not bench.zone.consistent
    assert bench.hold(agreed).person_count == 1
    assert bench.zone.consistent


def test_contradiction_from_the_start_is_no_count() -> None:
    bench = Bench(Layout())
    assert bench.hold(Inputs(True, False, persons=1, exits=0)).person_count is None
    assert not bench.zone.consistent


def test_one_person_comes_and_goes(gate: Bench) -> None:
    assert gate.walk(1, 2).person_count == 1
    gate.beams(3)
    gate.beams(duration_s=5.0)
    assert gate.walk(4, 5, door_closed=False) == SensorLevels(False, 1, 1)  # presence still reports him
    assert gate.hold(QUIET, 0.6) == SensorLevels(True, 0, 1)


def test_person_counts_once_at_the_inner_barrier_of_the_entry(gate: Bench) -> None:
    assert gate.beams(1, present=False).person_count == 0
    assert gate.beams(1, 2, present=False, duration_s=SAMPLE_S).person_count == 1


def test_who_reaches_in_and_turns_back_is_not_counted(gate: Bench) -> None:
    for beams in ((1,), (1, 2), (1,), (), (1,), ()):
        levels = gate.beams(*beams, present=False)
    assert levels == SensorLevels(True, 0, 0)


def test_who_turns_back_at_the_exit_has_not_left(gate: Bench) -> None:
    gate.walk(1, 2)
    for beams in ((4,), (4, 5), (4,), ()):
        levels = gate.beams(*beams, door_closed=False)
    assert levels == SensorLevels(False, 1, 0)
    assert gate.walk(2, 1).person_count == 1  # presence
    assert gate.hold(QUIET, 1.0) == SensorLevels(True, 0, 0)


def test_second_through_the_exit_before_the_door_closes_is_tailgating(gate: Bench) -> None:
    gate.walk(1, 2)
    gate.beams(duration_s=2.0)
    assert gate.walk(1, 2).person_count == 2
    assert gate.walk(4, 5, door_closed=False).alarms == frozenset()
    levels = gate.walk(4, 5, door_closed=False)
    assert levels.alarms == {Alarm.TAILGATING}
    assert levels.exit_count == 2
    assert gate.hold(QUIET, 0.1).alarms == {Alarm.TAILGATING}  # long enough to be read
    assert gate.hold(QUIET, 1.0).alarms == frozenset()


def test_alarm_in_an_empty_zone_stays_long_enough_to_be_read(gate: Bench) -> None:
    gate.walk(1, 2)
    gate.walk(2, 1)
    gate.hold(QUIET, 1.0)
    for beams in ((4,), (4, 5), (5,), (4, 5), (5,), ()):
        levels = gate.beams(*beams, present=False)
    assert levels.alarms == {Alarm.TAILGATING}
    assert gate.hold(QUIET, 1.8).alarms == {Alarm.TAILGATING}  # he may have come in by the exit, and not be seen yet
    assert gate.hold(QUIET, 0.3).alarms == frozenset()


def test_next_person_after_the_door_closed_is_no_tailgater(gate: Bench) -> None:
    for _ in range(2):
        gate.walk(1, 2)
        gate.beams(duration_s=2.0)
        assert gate.walk(4, 5, door_closed=False).alarms == frozenset()
        gate.beams(duration_s=0.1)


def test_second_at_the_exit_before_the_first_has_left_it_is_tailgating(gate: Bench) -> None:
    gate.walk(1, 2)
    for beams in ((4,), (4, 5), (5,), (4, 5), (5,), ()):
        levels = gate.beams(*beams, door_closed=False)
    assert levels.alarms == {Alarm.TAILGATING}
    assert (levels.person_count, levels.exit_count) == (None, None)
    assert gate.hold(QUIET, 2.1) == SensorLevels(True, 0, 2)


def test_second_close_behind_at_the_entry_is_tailgating(gate: Bench) -> None:
    gate.walk(1, 2)
    levels = gate.walk(1, 2)
    assert (levels.person_count, levels.alarms) == (2, frozenset({Alarm.TAILGATING}))
    assert gate.beams(duration_s=5.0).alarms == {Alarm.TAILGATING}
    for _ in range(2):
        levels = gate.walk(2, 1)
    assert levels.alarms == {Alarm.TAILGATING}
    assert gate.hold(QUIET, 1.0) == SensorLevels(True, 0, 0)


def test_body_longer_than_one_person_is_tailgating(gate: Bench) -> None:
    for beams, duration_s in (((1,), 0.1), ((1, 2), 0.5), ((2,), 0.1), ((), 0.1)):
        levels = gate.beams(*beams, duration_s=duration_s)
    assert (levels.person_count, levels.alarms) == (None, frozenset({Alarm.TAILGATING}))


def test_barrier_that_is_clear_between_two_interrupted_ones_tells_two_bodies() -> None:
    bench = Bench(Layout(entry_barriers=3, exit_barriers=2))
    bench.hold(Inputs(True, False, barriers=CLEAR), 1.0)
    for beams in ((1,), (1, 2), (1, 2, 3), (1, 3), (3,), ()):
        levels = bench.beams(*beams)
    assert (levels.person_count, levels.alarms) == (None, frozenset({Alarm.TAILGATING}))


def test_pattern_without_a_meaning_is_in_doubt_until_empty(gate: Bench) -> None:
    for beams in ((1, 2), (1,), ()):
        levels = gate.beams(*beams)
    assert levels == SensorLevels(True, None, 0)
    assert gate.beams(duration_s=30.0).person_count is None
    assert gate.hold(QUIET, 0.4).person_count is None
    assert gate.hold(QUIET, 0.2).person_count == 0


def test_leaving_an_empty_zone_shows_that_it_was_not(gate: Bench) -> None:
    assert gate.walk(4, 5, door_closed=False).person_count is None


def test_one_who_came_unseen_makes_the_count_unknown_whoever_is_counted_after_him(gate: Bench) -> None:
    assert (gate.beams().person_count, gate.zone.consistent) == (None, True)  # for a moment
    assert (gate.beams(duration_s=2.1).person_count, gate.zone.consistent) == (None, False)
    assert gate.walk(1, 2).person_count is None
    assert (gate.hold(QUIET, 2.1).person_count, gate.zone.consistent) == (0, True)


@pytest.mark.parametrize("late_s", [0.0, 0.2, 0.5, 1.5])
def test_presence_sensor_that_notices_late_counts_nobody_away(gate: Bench, late_s: float) -> None:
    for beams in ((1,), (1, 2), (2,), ()):
        gate.beams(*beams, present=False)
    assert gate.hold(QUIET, max(late_s, SAMPLE_S)).person_count == 1
    assert gate.beams().person_count == 1
    assert gate.walk(1, 2).person_count == 2


def test_dead_presence_sensor_makes_the_count_unknown_and_starts_nothing_anew(gate: Bench) -> None:
    for beams in ((1,), (1, 2), (2,), ()):
        gate.beams(*beams, present=False)
    assert gate.hold(QUIET, 1.5).person_count == 1
    assert gate.hold(QUIET, 0.6).person_count is None
    assert not gate.zone.consistent
    assert gate.hold(QUIET, 3600.0 * SAMPLE_S).person_count is None
    for beams in ((1, 2), (1,), ()):
        gate.beams(*beams, present=False)
    assert gate.hold(QUIET, 60.0).person_count is None  # in doubt, and nobody who could end it
    assert gate.beams().person_count is None
    assert gate.hold(QUIET, 0.6).person_count == 0  # it lives


def test_presence_sensor_that_loses_sight_of_two_does_not_make_one_of_them(gate: Bench) -> None:
    gate.walk(1, 2)
    gate.beams(duration_s=2.0)
    gate.walk(1, 2)
    assert gate.hold(QUIET, 0.6).person_count == 2
    assert gate.beams().person_count == 2
    assert gate.hold(QUIET, 2.5).person_count is None
    assert gate.beams(duration_s=3.0).person_count == 2


def test_presence_sensor_that_saw_him_and_has_not_for_long_is_believed(gate: Bench) -> None:
    """He left by no way the barriers watch; otherwise the lane would stay closed."""
    gate.walk(1, 2)
    gate.beams()
    assert gate.hold(QUIET, 29.0).person_count is None
    assert gate.hold(QUIET, 1.5).person_count == 0
    assert gate.beams().person_count is None  # he stood still after all


def test_one_who_stands_in_the_exit_is_there_though_the_presence_sensor_does_not_reach_it(gate: Bench) -> None:
    gate.walk(1, 2)
    gate.beams(4)
    assert gate.beams(4, 5, present=False, duration_s=5.0, door_closed=False) == SensorLevels(False, 1, 0)
    assert gate.beams(4, present=False, duration_s=5.0, door_closed=False) == SensorLevels(False, 1, 0)
    assert gate.hold(QUIET, 1.9).person_count == 1


def test_doubt_at_the_entry_lasts_until_a_late_presence_sensor_could_have_noticed(gate: Bench) -> None:
    for beams in ((1,), (1, 2), (2,), (1, 2), (2,), ()):
        gate.beams(*beams, present=False)
    assert gate.hold(QUIET, 1.0).person_count is None
    assert gate.beams().person_count is None
    assert gate.hold(QUIET, 0.7).person_count is None  # whom it saw may have gone before
    assert gate.hold(QUIET, 0.3).person_count == 0


def test_reading_that_comes_late_during_a_passage_leaves_it_in_doubt(gate: Bench) -> None:
    gate.beams(1)
    gate.now += 0.07
    for beams in ((1, 2), (2,), ()):
        levels = gate.beams(*beams)
    assert levels.person_count is None


def test_nobody_knows_who_came_while_nothing_was_read(gate: Bench) -> None:
    gate.now += 0.2
    assert gate.hold(QUIET, 0.4) == SensorLevels(True, None, None)
    assert gate.hold(QUIET, 0.2) == SensorLevels(True, 0, 0)  # whoever came through meanwhile would have been seen
    gate.walk(1, 2)
    gate.now += 0.2
    levels = gate.beams()
    assert (levels.person_count, levels.exit_count) == (None, None)


def test_after_blindness_everything_is_unknown_until_the_zone_is_empty(gate: Bench) -> None:
    gate.walk(1, 2)
    gate.zone.forget()
    assert gate.zone.levels == SensorLevels()
    assert gate.beams(duration_s=5.0) == SensorLevels(True, None, None)
    assert gate.hold(QUIET, 1.0) == SensorLevels(True, 0, 0)


def test_object_is_a_barrier_interrupted_in_a_still_empty_zone(gate: Bench) -> None:
    assert gate.beams(3, present=False, duration_s=9.9).alarms == frozenset()
    assert gate.beams(3, present=False, duration_s=0.3).alarms == {Alarm.OBJECT_LEFT}
    assert gate.beams(3, present=False, duration_s=60.0).alarms == {Alarm.OBJECT_LEFT}
    gate.hold(QUIET, 0.1)
    assert gate.hold(QUIET, 1.0).alarms == frozenset()


def test_person_who_stands_in_a_barrier_is_no_object(gate: Bench) -> None:
    gate.walk(1, 2)
    assert gate.beams(3, duration_s=60.0).alarms == frozenset()


def test_device_that_tells_changes_needs_no_readings_between() -> None:
    zone = Zone(GATE)
    zone.feed(QUIET, 0.0)
    assert zone.next_timer() == pytest.approx(0.05)
    for _ in range(9):
        due = zone.next_timer()
        if due is None:
            break
        zone.handle_timer(due)
    assert zone.next_timer() is None
    assert zone.levels == SensorLevels(True, 0, 0)
    zone.handle_timer(1000.0)
    zone.feed(Inputs(True, True, barriers=(True, False, False, False, False)), 1000.0)
    assert zone.levels == SensorLevels(True, 1, 0)


@pytest.mark.parametrize("inputs", [Inputs(True), Inputs(True, barriers=CLEAR, alarms=frozenset({Alarm.TAILGATING}))])
def test_inputs_of_another_layout_are_refused(inputs: Inputs) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Zone(GATE).feed(inputs, 0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"entry_barriers": 1},
        {"exit_barriers": 1},
        {"inside_barriers": -1},
        {"inside_barriers": 33},
        {"clear_s": float("nan")},
        {"door_s": -0.1},
        {"object_s": 0.0},
        {"spacing_m": float("inf")},
    ],
)
def test_what_is_no_layout_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"barrier|time"):
        Layout(**wrong)


def test_counter_at_0_beside_somebody_who_is_seen_is_not_believed_until_both_agree_on_nobody() -> None:
    bench = Bench(Layout())
    bench.hold(Inputs(True, True, persons=2, exits=0), 1.0)
    assert bench.hold(Inputs(True, True, persons=0, exits=0), 2.0).person_count == 0  # they may just have left
    assert bench.hold(Inputs(True, True, persons=0, exits=0), 1.0).person_count is None
    assert not bench.zone.consistent
    assert bench.hold(Inputs(True, True, persons=1, exits=0), 5.0).person_count is None  # a third
    bench.zone.forget()
    assert bench.hold(Inputs(True, True, persons=1, exits=0), 5.0).person_count is None
    assert bench.hold(Inputs(True, False, persons=0, exits=0), 1.2).person_count == 0
    assert bench.hold(Inputs(True, True, persons=1, exits=0)).person_count == 1
    assert bench.zone.consistent


@pytest.mark.parametrize("restarted", [0, 6, 500])
def test_exit_counter_that_starts_anew_is_unknown_once_and_then_goes_on(restarted: int) -> None:
    bench = Bench(Layout())
    bench.hold(Inputs(True, True, persons=2, exits=9), 1.0)
    assert bench.hold(Inputs(True, True, persons=2, exits=restarted)).exit_count is None
    assert bench.hold(Inputs(True, True, persons=1, exits=restarted)) == SensorLevels(True, None, 9)
    bench.hold(Inputs(True, False, persons=0, exits=restarted), 1.2)
    assert bench.hold(Inputs(True, True, persons=1, exits=restarted)) == SensorLevels(True, 1, 9)
    assert bench.hold(Inputs(True, True, persons=0, exits=restarted + 1)) == SensorLevels(True, 0, 10)


def test_exit_counter_that_wraps_or_counts_all_who_were_in_goes_on() -> None:
    bench = Bench(Layout())
    bench.hold(Inputs(True, True, persons=3, exits=65_534), 1.0)
    bench.hold(Inputs(True, True, persons=0, exits=65_534), 0.1)  # the one counter before the other
    assert bench.hold(Inputs(True, True, persons=0, exits=1)).exit_count == 1


def test_device_that_counts_more_than_before_is_believed_through_a_contradiction() -> None:
    bench = Bench(Layout())
    bench.hold(Inputs(True, True, persons=1, exits=0), 0.1)
    assert bench.hold(Inputs(True, False, persons=2, exits=0)).person_count == 2


def test_gap_is_forgetting_even_if_nobody_said_so(gate: Bench) -> None:
    gate.now += 60.0
    assert gate.hold(QUIET) == SensorLevels()
    assert gate.hold(QUIET, 0.4) == SensorLevels(True, None, None)
    assert gate.hold(QUIET, 0.2) == SensorLevels(True, 0, 0)
    gate.now -= 5.0
    assert gate.hold(QUIET) == SensorLevels()


def test_alarms_are_told_though_nothing_else_could_be_read(gate: Bench) -> None:
    gate.zone.feed_alarms({Alarm.FIRE: True}, gate.now)
    assert gate.zone.levels == SensorLevels(alarms=frozenset({Alarm.FIRE}))
    for step in range(50):
        gate.zone.feed_alarms({Alarm.FIRE: False} if step < 30 else {}, gate.now + step * SAMPLE_S)
    assert gate.zone.levels == SensorLevels(alarms=frozenset({Alarm.FIRE}))  # off for less than its time
    gate.zone.feed_alarms({Alarm.FIRE: False}, gate.now + 50 * SAMPLE_S)
    assert gate.zone.levels == SensorLevels()
