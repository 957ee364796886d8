"""People walk through barriers in virtual time; the zone must never believe in fewer than walked.

Ground truth is the walk itself. Barriers are read every 25 ms, contacts bounce. People leave each barrier clear for GAP_S between them:
what barriers at one height cannot see is said in hw/sensing/layout.py.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from egate.domain.device import Alarm, SensorLevels
from hw.sensing.zone import Inputs, Layout, Zone
from hw.sim.contact import Contact
from hw.sim.walk import Body, Walk, interrupted

LAYOUT = Layout(entry_barriers=2, inside_barriers=1, exit_barriers=2)
PLACES = (0.0, 0.15, 1.0, 2.0, 2.15)  # of the barriers, metres
INSIDE = (0.2, 1.95)  # what the presence sensor sees
SAMPLE_S = 0.025
BOUNCE_S = 0.015
GAP_S = LAYOUT.clear_s + LAYOUT.sample_s_max
AWAY = 4.0
walked = settings(max_examples=settings().max_examples // 2)  # each is some hundred readings


@dataclass(frozen=True)
class Reading:
    at: float
    levels: SensorLevels
    inside: int  # people wholly between the groups
    passed: int  # people who have left the last barrier behind, 0.15 s ago or earlier


def through(speed: float) -> Walk:
    return Walk(((0.0, -1.0),)).then(AWAY, speed)


def turning(place: float, speed: float, pause_s: float) -> Walk:
    """In as far as place, and back."""
    return Walk(((0.0, -1.0),)).then(place, speed).then(-1.0, speed, pause_s)


def staying(place: float, speed: float) -> Walk:
    return Walk(((0.0, -1.0),)).then(place, speed)


def in_turn(people: list[tuple[Body, float]]) -> list[Body]:
    """Each starts as soon as he comes to every barrier GAP_S after all before him have left it for good, plus his own extra wait."""
    free_at = dict.fromkeys(PLACES, 0.0)
    placed: list[Body] = []
    for body, wait_s in people:
        times = {place: covered(body, place) for place in PLACES}
        start = wait_s + max((free_at[place] + GAP_S - first for place, (first, _) in times.items()), default=0.0)
        placed.append(body.goes(body.walk.later(start)))
        free_at |= {place: max(free_at[place], last + start) for place, (_, last) in times.items()}
    return placed


def covered(body: Body, place: float) -> tuple[float, float]:
    """When body covers place first and last; (inf, -inf) if never."""
    first, last = math.inf, -math.inf
    for (start, here), (end, there) in itertools.pairwise(body.walk.knots):
        low, high = max(min(here, there), place), min(max(here, there), place + body.length_m)
        if low <= high and end > start:
            speed = (there - here) / (end - start)
            times = [start + (front - here) / speed if speed else at for front in (low, high) for at in (start, end)]
            first, last = min(first, *times), max(last, *times)
    return first, last


def observe(bodies: list[Body], seed: int, idle_s: float = SAMPLE_S, late_s: float = 0.0) -> list[Reading]:
    """The zone's levels along the way, after it was seen empty. idle_s: between readings while nothing is interrupted for a second.
    late_s: how long the presence sensor takes to notice somebody, and as long to lose him; inf if it is dead."""
    random = Random(seed)
    zone = Zone(LAYOUT)
    contacts = [Contact(random, BOUNCE_S) for _ in PLACES]
    readings: list[Reading] = []
    bodies = [body.goes(body.walk.later(1.0)) for body in bodies]
    end = max((body.walk.end for body in bodies), default=0.0) + 4.0
    now = quiet_since = 0.0
    while now < end:
        now += random.uniform(0.8, 1.2) * (SAMPLE_S if now - quiet_since < 1.0 else idle_s)
        beams = interrupted(bodies, PLACES, now)
        quiet_since = now if any(beams) else quiet_since
        for contact, level in zip(contacts, beams, strict=True):
            contact.set(level, now)
        present = any(body.overlaps(*INSIDE, now - late_s) for body in bodies)
        zone.feed(Inputs(True, present, barriers=tuple(contact.read(now) for contact in contacts)), now)
        inside = sum(PLACES[1] < b.walk.front(now) - b.length_m and b.walk.front(now) < PLACES[-2] for b in bodies)
        passed = sum(b.walk.front(now - 0.15) - b.length_m > PLACES[-1] for b in bodies)
        readings.append(Reading(now, zone.levels, inside, passed))
    return readings


LENGTHS, SPEEDS = st.floats(0.18, 0.4), st.floats(0.5, 2.0)
WALKS = st.one_of(
    st.builds(through, SPEEDS),
    st.builds(turning, st.floats(0.05, 2.3), SPEEDS, st.floats(0.0, 3.0)),
    st.builds(staying, st.floats(0.6, 0.9), SPEEDS),
)
PEOPLE = st.lists(st.tuples(st.builds(Body, WALKS, LENGTHS), st.floats(0.0, 3.0)), max_size=4)


@walked
@given(PEOPLE, st.integers(0, 2**32))
def test_nobody_who_walked_is_left_out(people: list[tuple[Body, float]], seed: int) -> None:
    for reading in observe(in_turn(people), seed):
        count, exits = reading.levels.person_count, reading.levels.exit_count
        assert count is None or count >= reading.inside, reading
        assert exits is None or exits >= reading.passed, reading


@walked
@given(PEOPLE, st.integers(0, 2**32), st.one_of(st.floats(0.0, LAYOUT.presence_late_s), st.just(math.inf)))
def test_nobody_is_left_out_by_a_presence_sensor_that_is_slow_or_dead(
    people: list[tuple[Body, float]], seed: int, late_s: float
) -> None:
    for reading in observe(in_turn(people), seed, late_s=late_s):
        count = reading.levels.person_count
        assert count is None or count >= reading.inside, reading


@walked
@given(st.builds(Body, st.builds(through, st.floats(0.7, 1.8)), LENGTHS), st.integers(0, 2**32))
def test_one_who_walks_through_is_counted_once(body: Body, seed: int) -> None:
    readings = observe([body], seed)
    counts = [reading.levels.person_count for reading in readings if reading.at > 1.0]
    assert set(counts) == {0, 1}
    assert readings[-1].levels == SensorLevels(True, 0, 1)
    assert all(not reading.levels.alarms for reading in readings)


@walked
@given(st.builds(Body, st.builds(through, st.floats(0.7, 1.4)), LENGTHS), st.integers(0, 2**32))
def test_one_whose_coming_is_read_late_is_counted_once(body: Body, seed: int) -> None:
    """An idle zone is read half as often."""
    readings = observe([body], seed, idle_s=2 * SAMPLE_S)
    assert readings[-1].levels == SensorLevels(True, 0, 1)
    assert all(not reading.levels.alarms for reading in readings)


@walked
@given(st.floats(0.7, 1.8), LENGTHS, st.integers(0, 2**32))
def test_one_who_turns_back_inside_has_not_left_by_the_exit(speed: float, length_m: float, seed: int) -> None:
    readings = observe([Body(turning(1.5, speed, 1.0), length_m)], seed)
    assert max(reading.levels.person_count or 0 for reading in readings) == 1
    assert readings[-1].levels == SensorLevels(True, 0, 0)


@walked
@given(st.floats(0.5, 1.2), st.floats(0.35, 0.4), st.floats(0.02, 0.08), st.integers(0, 2**32))
def test_two_who_nearly_touch_are_never_taken_for_one(speed: float, length_m: float, gap_m: float, seed: int) -> None:
    """They merge into a body that is longer than one is; where the gap is seen after all, there are two."""
    first = Body(through(speed), length_m)
    second = Body(through(speed).later((length_m + gap_m) / speed), length_m)
    readings = observe([first, second], seed)
    both_in = next(reading.at for reading in readings if reading.inside == 2)
    inside = [reading.levels for reading in readings if reading.inside == 2 and reading.at > both_in + 0.15]
    assert inside
    assert all(levels.person_count in (None, 2) for levels in inside)
    assert any(levels.person_count is None or Alarm.TAILGATING in levels.alarms for levels in inside)
    assert (readings[-1].levels.exit_count or 0) >= 2


@walked
@given(st.floats(0.8, 1.3), st.floats(0.2, 0.6), st.floats(0.2, 1.2), st.integers(0, 2**32))
def test_two_in_touch_who_change_their_speed_are_never_taken_for_one(
    length_m: float, slow: float, last: float, seed: int
) -> None:
    """Slow as they come, walking through the group, slow or not as they leave it."""
    walk = Walk(((0.0, -1.0),)).then(PLACES[1], slow).then(length_m, 1.2).then(length_m + 0.5, last)
    readings = observe([Body(walk, length_m)], seed)
    inside = [reading.levels for reading in readings if reading.inside]
    assert all(levels.person_count is None and Alarm.TAILGATING in levels.alarms for levels in inside[6:])
