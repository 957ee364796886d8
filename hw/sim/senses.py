"""What a lane's contacts show of the world: levels that bounce, now and then wrong. Seeded; `now` is an argument."""

from __future__ import annotations

from random import Random

from egate.domain.device import Alarm
from hw.sensing.zone import Inputs
from hw.sim.contact import Contact
from hw.sim.people import BARRIERS_M
from hw.sim.world import LaneWorld

CONTACT_ALARMS = (Alarm.FIRE, Alarm.EMERGENCY, Alarm.TAMPER)


class Senses:
    """bounce_s: of every contact after each change. noise: probability that one reading of one barrier is wrong.

    counters: the device counts people and exits by itself, as a ceiling sensor does; otherwise only barriers and presence tell.
    """

    def __init__(
        self, world: LaneWorld, seed: int, *, bounce_s: float = 0.0, noise: float = 0.0, counters: bool = True
    ) -> None:
        random = Random(seed)
        self._world, self._counters = world, counters
        self._door, self._presence = Contact(random, bounce_s), Contact(random, bounce_s)
        self._barriers = [Contact(random, bounce_s, noise) for _ in BARRIERS_M]
        self._alarms = {alarm: Contact(random, bounce_s) for alarm in CONTACT_ALARMS}

    def set_bounce(self, bounce_s: float, noise: float) -> None:
        for contact in (self._door, self._presence, *self._barriers, *self._alarms.values()):
            contact.bounce_s = bounce_s
        for barrier in self._barriers:
            barrier.noise = noise

    def read(self, now: float) -> Inputs:
        """One reading, of the world as it was stepped to now."""
        world = self._world
        self._door.set(world.door_closed, now)
        # A ceiling sensor that counts sees whom it counts; else it is the floor between the barriers that is watched.
        self._presence.set(world.person_count > 0 if self._counters else world.people.present(now), now)
        for contact, level in zip(self._barriers, world.people.interrupted(now), strict=True):
            contact.set(level, now)
        for alarm, contact in self._alarms.items():
            contact.set(alarm in world.alarms, now)
        return Inputs(
            door_closed=self._door.read(now),
            present=self._presence.read(now),
            persons=world.person_count if self._counters else None,
            exits=world.exit_count if self._counters else None,
            barriers=tuple(contact.read(now) for contact in self._barriers),
            alarms=frozenset(alarm for alarm, contact in self._alarms.items() if contact.read(now)),
        )
