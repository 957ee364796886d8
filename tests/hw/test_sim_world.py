"""People at the exit, in virtual time: what each behaviour does to door, zone and counters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.sim.world import LOG_EVENT_COUNT_MAX, Behaviour, Durations, LaneWorld


def world_with(behaviour: Behaviour, persons: int = 1, scale: float = 1.0) -> LaneWorld:
    world = LaneWorld(Durations(scale=scale))
    world.plan(behaviour, 0.0)
    if persons:
        world.enter(persons, 0.0)
    return world


def kinds(world: LaneWorld) -> list[str]:
    return [event.kind for event in world.log]


def test_person_passes_in_the_stated_time() -> None:
    world = world_with(Behaviour.PASS)
    world.bolt(True, 10.0)
    world.step(100.0)
    assert [(event.kind, round(event.at, 3)) for event in world.log][1:] == [
        ("released", 10.0),
        ("door_opened", 10.2),
        ("passed", 10.7),
        ("door_closed", 11.0),
    ]
    assert (world.person_count, world.exit_count, world.door_closed, world.acting) == (0, 1, True, False)


def test_scale_shortens_everything() -> None:
    world = world_with(Behaviour.PASS, scale=0.1)
    world.bolt(True, 0.0)
    world.step(0.11)
    assert kinds(world)[-1] == "door_closed"


def test_secured_door_is_not_opened() -> None:
    world = world_with(Behaviour.PASS)
    world.bolt(True, 0.0)
    world.bolt(False, 0.1)
    world.step(100.0)
    assert kinds(world)[-1] == "door_found_locked"
    assert world.door_closed
    assert world.exit_count == 0
    world.bolt(True, 200.0)
    world.step(300.0)
    assert world.exit_count == 1


def test_bolt_does_not_close_an_open_door() -> None:
    world = world_with(Behaviour.HOLD_DOOR)
    world.bolt(True, 0.0)
    world.step(0.8)
    world.bolt(False, 0.9)
    world.step(10.0)
    assert not world.door_closed
    world.step(0.7 + Durations().hold_s)
    assert world.door_closed


def test_tailgater_is_seen_by_the_zone_and_counted_by_the_exit() -> None:
    world = world_with(Behaviour.TAILGATE)
    world.bolt(True, 0.0)
    world.step(0.25)
    assert world.person_count == 2
    world.step(10.0)
    assert (world.person_count, world.exit_count) == (0, 2)


def test_turning_back_leaves_by_the_entry() -> None:
    world = world_with(Behaviour.TURN_BACK)
    world.bolt(True, 0.0)
    world.step(10.0)
    assert (world.person_count, world.exit_count, world.door_closed) == (0, 0, True)
    assert "door_opened" in kinds(world)


@pytest.mark.parametrize("behaviour", [Behaviour.WAIT])
def test_waiting_is_doing_nothing_until_the_plan_changes(behaviour: Behaviour) -> None:
    world = world_with(behaviour)
    world.bolt(True, 0.0)
    world.step(50.0)
    assert world.door_closed
    world.plan(Behaviour.PASS, 50.0)
    world.step(60.0)
    assert world.exit_count == 1


def test_nobody_there_then_somebody_comes_while_the_bolt_is_out() -> None:
    world = world_with(Behaviour.PASS, persons=0)
    world.bolt(True, 0.0)
    world.step(1.0)
    assert world.exit_count == 0
    world.enter(1, 1.0)
    world.step(3.0)
    assert world.exit_count == 1


def test_second_release_while_somebody_acts_starts_nothing_twice() -> None:
    world = world_with(Behaviour.PASS, persons=2)
    world.bolt(True, 0.0)
    world.bolt(False, 0.3)
    world.bolt(True, 0.4)
    world.step(10.0)
    assert (world.person_count, world.exit_count) == (1, 1)


ACTIONS = st.sampled_from(["enter", "leave", "release", "secure", "open", "close", *Behaviour])


@given(st.lists(st.tuples(ACTIONS, st.floats(0, 2)), max_size=40))
def test_whatever_happens_nobody_appears_or_vanishes(actions: list[tuple[str, float]]) -> None:
    """People in the zone = came in - went out, by the world's own log; the door never opens by itself while secured."""
    world, now = LaneWorld(Durations()), 0.0
    for action, pause in actions:
        now += pause
        world.step(now)
        match action:
            case "enter":
                world.enter(1, now)
            case "leave":
                world.leave(now)
            case "release" | "secure":
                world.bolt(action == "release", now)
            case "open" | "close":
                world.move_door(action == "close", now)
            case _:
                world.plan(Behaviour(action), now)
        assert 0 <= world.person_count <= kinds(world).count("entered") + kinds(world).count("slipped_in")
        assert world.exit_count == kinds(world).count("passed")
    assert [event.sequence for event in world.log] == list(range(1, len(world.log) + 1))
    assert sorted(event.at for event in world.log) == [event.at for event in world.log]


def test_counters_and_log_are_bounded() -> None:
    world = LaneWorld(Durations())
    world.enter(10**9, 0.0)
    assert world.person_count == 100
    for _ in range(LOG_EVENT_COUNT_MAX + 5):
        world.record("x", 0.0)
    assert len(world.log) == LOG_EVENT_COUNT_MAX


def test_door_that_was_just_opened_falls_shut_behind_whoever_turns_away() -> None:
    world = LaneWorld(Durations())
    world.enter(1, 0.0)
    world.plan(Behaviour.PASS, 0.0)
    world.bolt(True, 0.0)
    world.step(0.3)
    assert not world.door_closed
    world.leave(0.3)
    world.step(5.0)
    assert (world.door_closed, world.person_count, world.exit_count, world.acting) == (True, 0, 0, False)
