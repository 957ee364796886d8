"""A lane under a virtual clock: the simulated world, bouncing contacts, our Modbus and MRZ codecs, hw/sensing and the crossing machine.

No thread, no port, no real time: hours of a hall's life take seconds, and the same seed gives the same life. What a daemon does between
machine and devices is done here in a few lines: effects are answered after a while, changed levels are told at once. Faults, all
seeded: zones that arrive garbled, releases that are not sent or whose answer is lost, sensors that are not heard for a while.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random

from egate.crossing import effects as fx
from egate.crossing import events as ev
from egate.crossing.machine import step
from egate.crossing.policy import ALWAYS_MANDATORY, FaceResult, FingerResult, Policy
from egate.crossing.state import Phase, State, initial
from egate.domain.decision import Outcome
from egate.domain.device import Alarm, DeviceState, LockState, ReleaseResult
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.ids import CrossingId, Token
from hw.mrz.messages import NativeDecoder, block
from hw.sim.people import Kind
from hw.sim.world import Behaviour, Durations, LaneWorld
from tests.hw.virtual_sensors import VirtualSensors

SAMPLE_S = 0.025
ZONE = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
POLICY = Policy("virtual", ALWAYS_MANDATORY, face_threshold=0.5, finger_threshold=0.5, finger_fmr=1e-3)
PATIENCE_S = 60.0
COMPANION_S = 2.5  # too late to be a tailgater to the entry's barriers


@dataclass(frozen=True, slots=True)
class Traveller:
    kind: Kind = Kind.ADULT
    behaviour: Behaviour = Behaviour.PASS
    eligible: bool = True  # the document is his
    alarm: Alarm | None = None  # goes off while he is in the zone
    companion: bool = False  # somebody else comes in while he is being checked


@dataclass(frozen=True, slots=True)
class Faults:
    flip: float = 0.0  # per byte of a zone
    not_sent: float = 0.0  # per release
    answer_lost: float = 0.0  # per release
    blind: float = 0.0  # per traveller: the sensors are not heard for 0.1 to 3 s
    line_flip: float = 0.0  # per byte between sensors and us


@dataclass(frozen=True, slots=True)
class Journey:
    traveller: Traveller
    outcome: Outcome | None  # None: no crossing came about
    faulty: bool  # a fault was planted


@dataclass
class VirtualHall:
    seed: int
    counters: bool = False
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.world = LaneWorld(Durations())
        self.sensors = VirtualSensors(self.world, self.seed, counters=self.counters, flip=self.faults.line_flip)
        self.decoder = NativeDecoder()
        self.state: State = initial(frozenset({"lock", "sensors", "reader"}))
        self.now = 100.0
        self.journeys: list[Journey] = []
        self.releases = 0
        self.wrong_releases: list[tuple[float, str]] = []
        self.wrong_zones = 0
        self.counted: Counter[str] = Counter()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._captures = itertools.count(1)
        self._traveller = Traveller()
        self._outcome: Outcome | None = None
        self._faulty = False
        self._genuine = True
        self._raised_at = self.now
        self._blind_until = 0.0
        self._next_sample = self.now
        for device in ("lock", "reader"):
            self._tell(ev.DeviceChanged(device, DeviceState.ONLINE))
        self._tell(ev.LockChanged(LockState.SECURED))
        self.run(2.0)

    def run(self, duration_s: float) -> None:
        end = self.now + duration_s
        while self.now < end:
            due = min([end, self._next_sample, *(item[0] for item in self._agenda[:1])])
            moves = self.world.next_due()
            self.now = max(self.now, due if moves is None else min(due, moves))
            self.world.step(self.now)
            while self._agenda and self._agenda[0][0] <= self.now:
                heapq.heappop(self._agenda)[2]()
            if self.now >= self._next_sample:
                self._sample()

    def receive(self, traveller: Traveller) -> Journey:
        """Everything from his coming to an empty zone."""
        self._traveller, self._outcome, self._faulty = traveller, None, False
        self.world.plan(traveller.behaviour, self.now)
        self.world.enter(1, self.now, traveller.kind)
        if traveller.companion:
            self._after(COMPANION_S, lambda: self.world.enter(1, self.now))
        if self.random.random() < self.faults.blind:
            self._faulty = True
            self._after(self.random.uniform(0.0, 12.0), self._go_blind)
        if traveller.alarm is not None:
            self._after(self.random.uniform(0.0, 6.0), partial(self._raise, traveller.alarm))
        self._after(3.0, partial(self._ask, len(self.journeys)))
        given_up_at = self.now + PATIENCE_S
        while self._outcome is None and self.now < given_up_at:
            self.run(0.5)
        journey = Journey(traveller, self._outcome, self._faulty)
        self.journeys.append(journey)
        self._leave()
        return journey

    def _leave(self) -> None:
        """Whoever is left goes, officers put things right."""
        self.run(2.0)
        for alarm in self.world.alarms:
            self.world.set_alarm(alarm, False, self.now)
        if self.world.person_count:
            self.world.leave(self.now)
        self.world.plan(Behaviour.PASS, self.now)
        self.world.move_door(True, self.now)
        self.run(5.0)
        self.world.clear_away(self.now)
        self.run(self.random.uniform(2.0, 20.0))

    # The gate and the traveller.

    def _raise(self, alarm: Alarm) -> None:
        self._raised_at = self.now
        self.world.set_alarm(alarm, True, self.now)

    def _ask(self, number: int) -> None:
        if number == len(self.journeys) and self._outcome is None and self.state.crossing is None:
            crossing = CrossingId(f"crossing-{len(self.journeys)}")
            self._tell(ev.Start(crossing, device=True, document_given=False, streaming=True))
            self._after(2.0, partial(self._ask, number))  # if it was refused

    def _lay_document(self, token: Token) -> None:
        if self.state.pending.document != token:
            return
        noise = bytes(
            byte ^ (1 << self.random.randrange(8)) if self.random.random() < self.faults.flip else byte
            for byte in block(ZONE)
        )
        for start in range(0, len(noise), 7):
            for zone in self.decoder.feed(noise[start : start + 7], self.now):
                self._genuine = zone.lines == ZONE
                self.wrong_zones += not self._genuine
                self._faulty = self._faulty or not self._genuine
                self._tell(ev.DocumentCompleted(token))
        self._after(1.5, lambda: self._lay_document(token))

    def _capture(self) -> None:
        if self.state.phase is Phase.VERIFYING:
            self._tell(ev.FaceCaptured(next(self._captures)))
            self._tell(ev.FingerCaptured(next(self._captures)))
            self._after(0.3, self._capture)

    # The machine.

    def _tell(self, event: ev.Event) -> None:
        self.state, effects = step(self.state, event, self.now, POLICY)
        for effect in effects:
            self._do(effect)

    def _do(self, effect: fx.Effect) -> None:
        score = 0.9 if self._traveller.eligible else 0.1
        match effect:
            case fx.Secure():
                self._after(0.01, lambda: self._move_bolt(False))
            case fx.SetTimer(token, delay_s):
                self._later(delay_s, ev.TimerElapsed(token))
            case fx.ReadDocument(token):
                self._after(1.0, lambda: self._lay_document(token))
            case fx.VerifyDocument(token):
                # What a flipped bit made of a zone, the chip's own tells: two flips of one bit pass the block's exclusive-or.
                session = CheckResult.PASS if self._genuine else CheckResult.FAIL
                checks = (
                    CheckEvidence(Check.MRZ, CheckResult.PASS),
                    CheckEvidence(Check.DOCUMENT_VALIDITY, CheckResult.PASS),
                    CheckEvidence(Check.DOCUMENT_SESSION, session),
                )
                self._later(0.2, ev.DocumentVerified(token, checks))
                self._after(0.5, self._capture)
            case fx.VerifyFace(token):
                self._later(0.15, ev.FaceCompleted(token, FaceResult(score, 1e-5, 1)))
            case fx.VerifyFinger(token):
                self._later(0.15, ev.FingerCompleted(token, FingerResult(score, 1e-5)))
            case fx.RecordStart(token) | fx.RecordDecision(token) | fx.RecordOverride(token) | fx.RecordOutcome(token):
                self._later(0.005, ev.Recorded(token))
            case fx.Look(token):
                self._later(0.002, ev.Looked(token, self.sensors.age_s(self.now)))
            case fx.Release(token, duration_s, deadline_s):
                self._release(token, duration_s, deadline_s)
            case fx.End(_, outcome):
                self._outcome = outcome
            case _:
                self.counted[type(effect).__name__] += 1

    def _release(self, token: Token, duration_s: float, deadline_s: float) -> None:
        self.releases += 1
        self._judge()
        fate = self.random.random() - self.faults.not_sent
        if fate < 0:
            self._faulty = True
            self._later(deadline_s, ev.ReleaseCompleted(token, ReleaseResult.NOT_SENT))
            return
        self._after(0.01, lambda: self._move_bolt(True))
        self._after(0.01 + duration_s, lambda: self._move_bolt(False))
        if fate < self.faults.answer_lost:
            self._faulty = True
            self._later(deadline_s, ev.ReleaseCompleted(token, ReleaseResult.UNKNOWN))
        else:
            self._later(0.02, ev.ReleaseCompleted(token, ReleaseResult.ACKNOWLEDGED))

    def _judge(self) -> None:
        """By the world, not by what sensors told."""
        world = self.world
        problems = {
            "not eligible": not (self._traveller.eligible and self._genuine),
            f"{world.person_count} people": world.person_count != 1,
            "door open": not world.door_closed,
            # The newest reading may be as old as the policy lets it.
            "alarm": bool(world.alarms) and self.now - self._raised_at > POLICY.levels_age_s + SAMPLE_S,
        }
        self.wrong_releases += [(self.now, what) for what, wrong in problems.items() if wrong]

    # The devices.

    def _move_bolt(self, released: bool) -> None:
        if self.world.released is not released:
            self.world.bolt(released, self.now)
            self._later(0.005, ev.LockChanged(LockState.RELEASED if released else LockState.SECURED))

    def _go_blind(self) -> None:
        self._blind_until = self.now + self.random.uniform(0.1, 3.0)

    def _sample(self) -> None:
        sensors, before = self.sensors, self.sensors.levels
        self._next_sample = self.now + sensors.poll(self.now, silent=self.now < self._blind_until)
        if sensors.lost is not ("sensors" in self.state.lost):
            self._tell(ev.DeviceChanged("sensors", DeviceState.LOST if sensors.lost else DeviceState.ONLINE))
        if sensors.levels != before:
            self._tell(ev.LevelsChanged(sensors.levels))

    def _later(self, delay_s: float, event: ev.Event) -> None:
        self._after(delay_s, lambda: self._tell(event))

    def _after(self, delay_s: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self.now + delay_s, next(self._order), action))
