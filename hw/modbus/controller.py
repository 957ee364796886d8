"""What a Modbus controller has where: values of a register map. `map_file` reads them from TOML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from egate.domain.device import Alarm
from hw.modbus.frame import Table
from hw.sensing.layout import Layout


@dataclass(frozen=True, slots=True)
class Point:
    """inverted: of bits only; a contact that reads 0 when it holds."""

    table: Table
    address: int
    inverted: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """multiple: by the function for several registers."""

    table: Table
    address: int
    value: int
    multiple: bool = False


@dataclass(frozen=True, slots=True)
class Mode:
    """A state of the whole device. Only in one of `normal` can its lock be counted on; in one of `open` anybody passes."""

    point: Point
    normal: tuple[int, ...]
    blocked: tuple[int, ...] = ()
    open: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Pulse:
    """The device switches off by itself after value * step_s."""

    step_s: float
    value_max: int

    def value(self, duration_s: float) -> int:
        """At least duration_s, less than a step more; never above value_max."""
        steps = int(duration_s / self.step_s + 1 - 1e-6)
        return max(1, min(self.value_max, steps))


@dataclass(frozen=True, slots=True)
class TimeRegister:
    """The device takes a release back after a time of its own setting: this register times step_s."""

    point: Point
    step_s: float


@dataclass(frozen=True, slots=True)
class LockMap:
    """state: anything but 0 (or 0, if inverted) is released. timer None: none is known."""

    state: Point
    secure: Write
    release: Write
    mode: Mode | None = None
    timer: Pulse | TimeRegister | None = None

    def at_output(self, output: int) -> LockMap:
        """The same for a further output of the board."""
        return replace(
            self,
            state=replace(self.state, address=self.state.address + output),
            secure=replace(self.secure, address=self.secure.address + output),
            release=replace(self.release, address=self.release.address + output),
        )


@dataclass(frozen=True, slots=True)
class SensorMap:
    """barriers: in order from the entry to the exit, as many as layout has. alarms: contacts."""

    door: Point
    present: Point | None = None
    persons: Point | None = None
    exits: Point | None = None
    barriers: tuple[Point, ...] = ()
    alarms: Mapping[Alarm, Point] = field(default_factory=dict)
    layout: Layout = field(default_factory=Layout)

    @property
    def points(self) -> list[Point]:
        counted = [point for point in (self.present, self.persons, self.exits) if point is not None]
        return [self.door, *counted, *self.barriers, *self.alarms.values()]


@dataclass(frozen=True, slots=True)
class SignalMap:
    """lights: coils by name ("red", "amber", "green"). base: output 0 of a board whose wiring the URL tells; the lights come from there.
    pulse_offset: an output's timed coil lies so much further."""

    lights: Mapping[str, Point]
    buzzer: Point | None = None
    base: Point | None = None
    pulse_offset: int = 0
    pulse: Pulse | None = None

    @property
    def coils(self) -> frozenset[int]:
        """Addresses of all that is written: each output's own coil and its timed one."""
        points = [*self.lights.values(), *([self.buzzer] if self.buzzer is not None else [])]
        return frozenset(address for point in points for address in (point.address, point.address + self.pulse_offset))


@dataclass(frozen=True, slots=True)
class Controller:
    name: str
    outputs: int = 1
    lock: LockMap | None = None
    sensors: SensorMap | None = None
    signal: SignalMap | None = None
