"""A lane's sensor block and what polls it, through our Modbus codec in memory: question, frame, answer, reading, watch."""

from __future__ import annotations

from random import Random

from egate.domain.device import SensorLevels
from hw.modbus.frame import Answer, Framing, Garbled, Question, Refused
from hw.modbus.map_file import parse
from hw.modbus.reading import Reading
from hw.modbus.request import RequestDecoder
from hw.modbus.server import Peripheral
from hw.modbus.watch import Condition, Watch
from hw.sensing.zone import Zone
from hw.sim.lane_sensors import register_map
from hw.sim.outfit import Sensing
from hw.sim.senses import Senses
from hw.sim.world import LaneWorld

UNIT = 1
BOUNCE_S = 0.015
POLL_S, IDLE_POLL_S = 0.025, 0.05  # as the adapter polls a zone with barriers
ANSWER_S = 0.25  # how long it waits for an answer


class VirtualSensors:
    """flip: probability per byte, both ways."""

    def __init__(self, world: LaneWorld, seed: int, *, counters: bool, flip: float) -> None:
        controller = parse(register_map(Sensing.FULL if counters else Sensing.BARRIERS), "virtual")
        assert controller.sensors is not None
        self._random, self._flip = Random(seed), flip
        self._world = world
        self._senses = Senses(world, seed, bounce_s=BOUNCE_S, counters=counters)
        self._block = Peripheral(controller, UNIT)
        self._reading = Reading(controller.sensors, UNIT)
        self._watch = Watch(Zone(controller.sensors.layout))
        self.answer_count = self.failure_count = 0

    @property
    def levels(self) -> SensorLevels:
        return self._watch.levels

    @property
    def lost(self) -> bool:
        return self._watch.condition is Condition.LOST

    def age_s(self, now: float) -> float:
        return float("inf") if self._watch.read_at is None else now - self._watch.read_at

    def poll(self, now: float, *, silent: bool) -> float:
        """One poll; returns how long until the next. The world was stepped to now."""
        self._sense(now)
        self._block.silent = silent
        decoder, answers = RequestDecoder(Framing.RTU), []
        for question in self._reading.questions:
            answer = self._ask(decoder, question, now)
            if answer is None:
                self.failure_count += 1
                self._watch.on_failure(now + ANSWER_S)
                return ANSWER_S + POLL_S
            answers.append(answer)
        self.answer_count += 1
        self._watch.on_reading(self._reading.inputs(answers), now)
        wait_s = POLL_S if self._watch.lively(now) else IDLE_POLL_S
        return wait_s * self._random.uniform(0.9, 1.4)

    def _ask(self, decoder: RequestDecoder, question: Question, now: float) -> bytes | None:
        answer = Answer(question, Framing.RTU)
        for request in decoder.feed(self._line(question.frame(Framing.RTU))):
            frame = self._block.answer(request, Framing.RTU, now)
            try:
                return answer.feed(self._line(frame)) if frame is not None else None
            except (Garbled, Refused):
                return None
        return None

    def _line(self, data: bytes) -> bytes:
        if not self._flip:
            return data
        return bytes(
            byte ^ (1 << self._random.randrange(8)) if self._random.random() < self._flip else byte for byte in data
        )

    def _sense(self, now: float) -> None:
        inputs, block = self._senses.read(now), self._block
        block.door_closed, block.present, block.alarms = inputs.door_closed, inputs.present, inputs.alarms
        block.person_count, block.exit_count = self._world.person_count, self._world.exit_count
        block.barriers = list(inputs.barriers)
