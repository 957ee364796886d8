"""One simulated lane: the world, its four devices on pseudo terminals, and the faults planted in them.

    DIR/lane-1.lock     OSDP peripheral        DIR/lane-1.scbk   its secure channel key
    DIR/lane-1.sensors  Modbus RTU server
    DIR/lane-1.mrz      MRZ reader             DIR/lane-1.chip   chip reader

Faults, by `fault(device, kind, parameters)`:
    silence  start_in_s, duration_s    bytes of both directions are lost
    unplug, replug                     the port disappears and comes back under the same path
    garbage  size, seed                random bytes to the host as fast as it takes them, logged as garbage_sent at their end
    bytes    drop, duplicate, flip     probabilities per byte; split_bytes_max, delay_s
    clear                              ends silence and bytes, replugs
    timer_fault  active                lock: a timed release never ends
    replies_lost  count                lock, sensors: so many requests are executed and not answered
    power_cycle                        lock: replaced by another one with the same key
    silent  active                     sensors: requests are ignored
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from hw.link.fault import NO_FAULTS, FaultLink, FaultPlan
from hw.link.pty import PtyMaster, open_pty_master
from hw.link.pump import Pump
from hw.modbus.points import Points
from hw.modbus.server import SensorPeripheral
from hw.mrz.pd import READER_SETUPS
from hw.osdp.keys import write_new_key
from hw.osdp.pd import LockPeripheral
from hw.sim import wire
from hw.sim.control import CommandRefused
from hw.sim.field import make_field
from hw.sim.reader import Presentation, SimulatedReader
from hw.sim.world import PERSON_COUNT_MAX, Behaviour, Durations, LaneWorld

# Chosen: usual speeds of such devices; the lock's is the fastest that OSDP 2.2, 5.2 names for all.
BAUDS = {"lock": 115_200, "sensors": 115_200, "mrz": 9_600, "chip": 921_600}
OSDP_ADDRESS = 1
MODBUS_UNIT = 1
GARBAGE_SIZE_MAX = 16 * 1024 * 1024
GARBAGE_PORTION = 8192

Parameters = dict[str, Any]


class SimulatedLane:
    """Commands come from one thread (`step` and the public methods); each device runs in a thread of its own."""

    def __init__(
        self,
        directory: Path,
        name: str,
        seed: int,
        durations: Durations,
        *,
        paced: bool,
        chip_protocol: str = "pn532",
        zone_setup: str = "native",
    ) -> None:
        """chip_protocol: of hw.sim.field.PROTOCOLS. zone_setup: of hw.mrz.pd.READER_SETUPS."""
        self._zone_setup = READER_SETUPS[zone_setup]
        self.name, self._chip_protocol = name, chip_protocol
        self._directory, self._paced = directory, paced
        self._lock = threading.Lock()  # guards the world
        self.world = LaneWorld(durations)
        self._ports: dict[str, PtyMaster] = {
            device: open_pty_master(self._path(device), baud=baud if paced else None) for device, baud in BAUDS.items()
        }
        self._links = {
            device: FaultLink(port, seed * len(BAUDS) + index)
            for index, (device, port) in enumerate(self._ports.items())
        }
        key_path = self._path("scbk")
        if not key_path.exists():  # a lock that lost its power keeps its key
            write_new_key(key_path)
        key = bytes.fromhex(key_path.read_text(encoding="ascii"))
        self._bolt = LockPeripheral(self._links["lock"], key, time.monotonic, OSDP_ADDRESS)
        self._bolt.on_change = self._bolt_moved
        self._sensors = SensorPeripheral(self._links["sensors"], time.monotonic, Points(MODBUS_UNIT))
        self.world.on_change = self._sense
        self._reader = SimulatedReader(
            self._links["mrz"], self._links["chip"], make_field(chip_protocol), self._record, self._zone_setup
        )
        self._pumps = [
            Pump(f"{name} {device}", poll)
            for device, poll in (
                ("lock", self._bolt.poll),
                ("sensors", self._sensors.poll),
                ("mrz", self._reader.poll_mrz),
                ("chip", self._reader.poll_chip),
            )
        ]

    def close(self) -> None:
        """Ends all devices and removes their files. Raises what ended a device's thread, if anything did."""
        try:
            for pump in self._pumps:
                pump.close()
        finally:
            self._bolt.close()
            for port in self._ports.values():
                port.close()
            self._path("scbk").unlink(missing_ok=True)

    def step(self, now: float) -> None:
        with self._lock:
            self.world.step(now)

    def next_due(self) -> float | None:
        with self._lock:
            return self.world.next_due()

    def urls(self) -> dict[str, str]:
        mrz = f"mrz+pty://{self._path('mrz')}?baud={BAUDS['mrz']}{self._zone_setup.parameters}"
        return {
            "lock": f"osdp+pty://{self._path('lock')}?address={OSDP_ADDRESS}&baud={BAUDS['lock']}"
            f"&key=file:{self._path('scbk')}",
            "sensors": f"modbus+pty://{self._path('sensors')}?unit={MODBUS_UNIT}&baud={BAUDS['sensors']}",
            "document_reader": f"{mrz}&chip={self._path('chip')}&chip_baud={BAUDS['chip']}"
            f"&chip_protocol={self._chip_protocol}",
        }

    def enter(self, count: int) -> None:
        if not 0 < count <= PERSON_COUNT_MAX:
            raise CommandRefused("count out of range")
        with self._lock:
            self.world.enter(count, time.monotonic())

    def leave(self) -> None:
        with self._lock:
            self.world.leave(time.monotonic())

    def plan(self, behaviour: str) -> None:
        with self._lock:
            self.world.plan(Behaviour(behaviour), time.monotonic())

    def move_door(self, closed: bool) -> None:
        with self._lock:
            self.world.move_door(closed, time.monotonic())

    def present_document(self, mrz_lines: list[str], chip: Parameters | None, **options: Any) -> None:
        if not 0 < len(mrz_lines) <= 3:
            raise CommandRefused("not one to three lines")
        personalisation = None if chip is None else wire.decode(chip)
        self._reader.present(Presentation(tuple(mrz_lines), personalisation, **options))

    def swap_chip(self, chip: Parameters) -> None:
        self._reader.swap_chip(wire.decode(chip))

    def remove_document(self) -> None:
        self._reader.remove()

    def state(self) -> dict[str, Any]:
        with self._lock:
            world = self.world
            return {
                "door_closed": world.door_closed,
                "released": world.released,
                "person_count": world.person_count,
                "exit_count": world.exit_count,
                "acting": world.acting,
                "lock_online": self._bolt.online,
                "document_present": self._reader.occupied,
            }

    def log(self, after: int) -> list[tuple[int, float, str]]:
        with self._lock:
            return [(event.sequence, event.at, event.kind) for event in self.world.log if event.sequence > after]

    def reset(self) -> None:
        for device in BAUDS:
            self.fault(device, "clear", {})
        self._bolt.timer_fault = False
        self._bolt.replies_lost = self._sensors.replies_lost = 0
        self._sensors.silent = False
        self._reader.remove()
        with self._lock:
            now = time.monotonic()
            self.world.behaviour = Behaviour.PASS
            self.world.leave(now)
            self.world.move_door(True, now)
            self.world.record("reset", now)

    def fault(self, device: str, kind: str, parameters: Parameters) -> None:
        if device not in BAUDS:
            raise CommandRefused("unknown device")
        faults: dict[str, Callable[..., None]] = {
            "silence": self._links[device].silence,
            "unplug": self._ports[device].unplug,
            "replug": self._ports[device].replug,
            "garbage": lambda size, seed=0: self._send_garbage(device, size, seed),
            "bytes": lambda **plan: self._links[device].set_plan(FaultPlan(**plan)),
            "clear": lambda: self._clear(device),
        }
        if device == "lock":
            faults["timer_fault"] = lambda active: setattr(self._bolt, "timer_fault", bool(active))
            faults["replies_lost"] = lambda count: setattr(self._bolt, "replies_lost", int(count))
            faults["power_cycle"] = self._bolt.power_cycle
        if device == "sensors":
            faults["silent"] = lambda active: setattr(self._sensors, "silent", bool(active))
            faults["replies_lost"] = lambda count: setattr(self._sensors, "replies_lost", int(count))
        if kind not in faults:
            raise CommandRefused(f"unknown fault of {device}")
        faults[kind](**parameters)
        self._record(f"fault_{device}_{kind}")

    def _clear(self, device: str) -> None:
        self._links[device].set_plan(NO_FAULTS)
        self._links[device].silence(0.0, 0.0)
        self._ports[device].replug()

    def _send_garbage(self, device: str, size: int, seed: int) -> None:
        if not 0 < size <= GARBAGE_SIZE_MAX:
            raise CommandRefused("size out of range")
        threading.Thread(target=self._pour, args=(device, size, seed), daemon=True).start()

    def _pour(self, device: str, size: int, seed: int) -> None:
        """A thread of its own: at 9600 baud it may take minutes. Whatever the owner of the port writes mixes in."""
        random, port = Random(seed), self._ports[device]
        for start in range(0, size, GARBAGE_PORTION):
            port.write(random.randbytes(min(GARBAGE_PORTION, size - start)))
        self._record("garbage_sent")

    def _bolt_moved(self, released: bool, at: float) -> None:
        """Lock thread."""
        with self._lock:
            self.world.bolt(released, at)

    def _sense(self) -> None:
        """The world changed: whoever holds the lock tells the sensors."""
        self._sensors.door_closed = self.world.door_closed
        self._sensors.person_count = self.world.person_count
        self._sensors.exit_count = self.world.exit_count

    def _record(self, kind: str) -> None:
        with self._lock:
            self.world.record(kind, time.monotonic())

    def _path(self, suffix: str) -> Path:
        return self._directory / f"{self.name}.{suffix}"
