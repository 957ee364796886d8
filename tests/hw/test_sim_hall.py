"""Hours of a hall's life in seconds: nobody is let through who must not be, and who may is not kept."""

from __future__ import annotations

from random import Random

import pytest

from egate.domain.decision import Outcome
from egate.domain.device import Alarm
from hw.sim.people import Kind
from hw.sim.world import Behaviour
from tests.hw.virtual_hall import Faults, Traveller, VirtualHall

# What barriers at one height can tell apart; two who come as one are for a sensor that counts heads.
SEEN_BY_BARRIERS = tuple(behaviour for behaviour in Behaviour if behaviour is not Behaviour.TAILGATE_CLOSE)
MUST_NOT_PASS = (
    Traveller(companion=True),
    Traveller(eligible=False),
    Traveller(alarm=Alarm.FIRE),
    Traveller(alarm=Alarm.TAMPER),
)
FAULTY = Faults(flip=0.002, not_sent=0.03, answer_lost=0.03, blind=0.2)


def drawn(random: Random, behaviours: tuple[Behaviour, ...]) -> Traveller:
    """Two of three are ordinary; the others are what the hall has to cope with."""
    if random.random() < 0.66:
        return Traveller(random.choice([Kind.ADULT, Kind.ADULT, Kind.CHILD]))
    alarm = random.choice([None, None, None, Alarm.FIRE, Alarm.EMERGENCY, Alarm.TAMPER])
    return Traveller(random.choice(list(Kind)), random.choice(behaviours), random.random() < 0.6, alarm)


def live(hall: VirtualHall, count: int, behaviours: tuple[Behaviour, ...]) -> None:
    random = Random(hall.seed)
    for traveller in (*MUST_NOT_PASS, *(drawn(random, behaviours) for _ in range(count))):
        hall.receive(traveller)


def check(hall: VirtualHall) -> None:
    assert hall.wrong_releases == []
    ordinary = [
        journey.outcome
        for journey in hall.journeys
        if journey.traveller in (Traveller(), Traveller(Kind.CHILD)) and not journey.faulty
    ]
    assert len(ordinary) > 5
    assert ordinary.count(Outcome.PASSED) >= 0.97 * len(ordinary)
    strangers = [journey.outcome for journey in hall.journeys if not journey.traveller.eligible]
    assert Outcome.PASSED not in strangers


@pytest.mark.parametrize("counters", [False, True], ids=["barriers", "counters"])
def test_ten_minutes_of_all_sorts_of_people(counters: bool) -> None:
    hall = VirtualHall(seed=7, counters=counters)
    live(hall, 16, tuple(Behaviour) if counters else SEEN_BY_BARRIERS)
    check(hall)
    assert hall.now > 500
    assert hall.releases > 8


def test_ten_minutes_with_devices_that_fail() -> None:
    hall = VirtualHall(seed=3, faults=FAULTY)
    live(hall, 16, SEEN_BY_BARRIERS)
    check(hall)
    assert any(journey.faulty for journey in hall.journeys)


def test_ten_minutes_with_lines_that_spoil_bytes() -> None:
    """One of 5,000 bytes: a reading that is spoilt is not believed, and one that is missing costs a counting sensor nothing."""
    hall = VirtualHall(seed=11, counters=True, faults=Faults(flip=0.0002, line_flip=0.0002))
    live(hall, 16, tuple(Behaviour))
    check(hall)
    assert hall.sensors.failure_count > 20


def test_same_seed_is_the_same_life() -> None:
    halls = [VirtualHall(seed=5, faults=FAULTY) for _ in range(2)]
    for hall in halls:
        live(hall, 2, SEEN_BY_BARRIERS)
    assert halls[0].journeys == halls[1].journeys
    assert list(halls[0].world.log) == list(halls[1].world.log)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3))
def test_hours_of_the_hall(seed: int) -> None:
    for counters in (False, True):
        hall = VirtualHall(seed, counters, FAULTY)
        live(hall, 200, tuple(Behaviour) if counters else SEEN_BY_BARRIERS)
        check(hall)
