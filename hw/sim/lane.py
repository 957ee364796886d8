"""One simulated lane: the world, its devices on pseudo terminals, and the faults planted in them.

    DIR/lane-1.lock     OSDP peripheral or Modbus relay board, with lights  DIR/lane-1.scbk      OSDP: its secure channel key
    DIR/lane-1.sensors  Modbus sensor block                                 DIR/lane-1.map.toml  its register map, if it has barriers
    DIR/lane-1.mrz      MRZ reader             DIR/lane-1.chip   chip reader
    DIR/lane-1.finger   R30x finger sensor     DIR/lane-1.barcode  bar code reader

Faults, by `fault(device, kind, parameters)`:
    silence  start_in_s, duration_s    bytes of both directions are lost
    unplug, replug                     the port disappears and comes back under the same path
    garbage  size, seed                random bytes to the host as fast as it takes them, logged as garbage_sent at their end
    bytes    ...                       a hw.link.fault.FaultPlan: drop, duplicate, flip, split_bytes_max, stall, delay_s, echo, ...
    baud_mismatch  host_baud           the host speaks at another speed than the device
    host_echo  active                  the host hears what it writes; echo in bytes: the device does
    clear                              ends silence, bytes, mismatch and echo, replugs
    timer_fault  active                lock: a timed release never ends
    stuck  active                      lock: the output cannot be switched (OSDP: it is on)
    replies_lost  count                lock, sensors: so many requests are executed and not answered
    power_cycle                        lock: replaced by another one with the same key; finger: as after a loss of power
    silent  active                     sensors, finger, lock on Modbus: requests are ignored
    bounce  bounce_s, noise            sensors: contacts bounce so long; probability of a wrong reading of a barrier
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from egate.domain.device import Alarm, DeviceRole
from hw.link.fault import NO_FAULTS, FaultLink, FaultPlan
from hw.link.pty import PtyMaster, open_pty_master
from hw.link.pump import Pump
from hw.sim.control import CommandRefused
from hw.sim.host_echo import HostEcho
from hw.sim.lane_lock import OsdpBoard, RelayBoard
from hw.sim.lane_reader import DocumentDevice
from hw.sim.lane_sensors import SensorBlock
from hw.sim.outfit import BAUDS, LockKind, Outfit, SimulatedDevice
from hw.sim.people import Kind
from hw.sim.world import PERSON_COUNT_MAX, Behaviour, Durations, LaneWorld

GARBAGE_SIZE_MAX = 16 * 1024 * 1024
GARBAGE_PORTION = 8192
SEEDS_PER_LANE = 4  # two further ports share seeds with the next lane's: other bytes, other faults

Parameters = dict[str, Any]


class SimulatedLane:
    """Commands come from one thread (`step` and the public methods); each device runs in a thread of its own."""

    def __init__(self, directory: Path, name: str, seed: int, durations: Durations, outfit: Outfit) -> None:
        self.name = name
        self._directory, self._outfit = directory, outfit
        self._lock = threading.Lock()  # guards the world
        self.world = LaneWorld(durations, outfit.entry_door)
        self._ports: dict[str, PtyMaster] = {
            port: open_pty_master(self._path(port), baud=BAUDS[port] if outfit.paced else None) for port in outfit.ports
        }
        self._echoes = {port: HostEcho(self._ports[port]) for port in outfit.ports}
        self._links = {port: FaultLink(self._echoes[port], self._seed(seed, port)) for port in outfit.ports}
        self._devices = self._make_devices(seed)
        polls = {port: poll for device in self._devices.values() for port, poll in device.polls.items()}
        self._pumps = [Pump(f"{name} {port}", polls[port]) for port in outfit.ports]

    def _make_devices(self, seed: int) -> dict[str, SimulatedDevice]:
        """By the ports they are on."""
        made: dict[str, SimulatedDevice] = {}
        links, roles = self._links, self._outfit.roles
        if "lock" in links:
            board: type[OsdpBoard | RelayBoard] = OsdpBoard if self._outfit.lock is LockKind.OSDP else RelayBoard
            made["lock"] = board(links["lock"], self._path("lock"), roles, self._bolt_moved, self._record)
        if "sensors" in links:
            made["sensors"] = SensorBlock(
                links["sensors"], self._path("sensors"), self._outfit.sensing, self.world, self._lock, seed
            )
        if "mrz" in links:
            paths = self._path("mrz"), self._path("chip")
            reader = DocumentDevice(links["mrz"], links["chip"], paths, self._outfit, self._record)
            made["mrz"] = made["chip"] = reader
        if links.keys() & {"finger", "barcode"}:
            # A hall without them need not wait for what they take to import.
            from hw.sim.lane_capture import BarcodeDevice, FingerDevice

            if "finger" in links:
                made["finger"] = FingerDevice(links["finger"], self._path("finger"), self._record)
            if "barcode" in links:
                made["barcode"] = BarcodeDevice(links["barcode"], self._path("barcode"), self._record)
        return made

    def close(self) -> None:
        """Ends all devices and removes their files. Raises what ended a device's thread, if anything did."""
        try:
            for pump in self._pumps:
                pump.close()
        finally:
            for device in self._devices.values():
                device.close()
            for port in self._ports.values():
                port.close()

    def step(self, now: float) -> None:
        with self._lock:
            self.world.step(now)

    def next_due(self) -> float | None:
        with self._lock:
            return self.world.next_due()

    def urls(self) -> dict[str, str]:
        """By names of egate.domain.device.DeviceRole."""
        urls = {role: url for device in self._devices.values() for role, url in device.urls().items()}
        if DeviceRole.CAMERA in self._outfit.roles:
            urls[DeviceRole.CAMERA] = "camera+synthetic://moving"
        return {role.value: urls[role] for role in DeviceRole if role in urls}

    # What people do.

    def enter(self, count: int, kind: str = Kind.ADULT) -> None:
        if not 0 < count <= PERSON_COUNT_MAX:
            raise CommandRefused("count out of range")
        with self._lock:
            self.world.enter(count, time.monotonic(), Kind(kind))

    def leave(self) -> None:
        with self._lock:
            self.world.leave(time.monotonic())

    def plan(self, behaviour: str) -> None:
        with self._lock:
            self.world.plan(Behaviour(behaviour), time.monotonic())

    def move_door(self, closed: bool) -> None:
        with self._lock:
            self.world.move_door(closed, time.monotonic())

    def set_alarm(self, alarm: str, active: bool) -> None:
        with self._lock:
            self.world.set_alarm(Alarm(alarm), bool(active), time.monotonic())

    def clear_away(self) -> None:
        with self._lock:
            self.world.clear_away(time.monotonic())

    def use(self, command: str, arguments: Parameters) -> Any:
        """Lays something on a device or shows it. Raises CommandRefused, KeyError, TypeError, ValueError."""
        for device in self._devices.values():
            if command in device.commands:
                return device.commands[command](**arguments)
        raise CommandRefused("this lane has no device for it")

    # What is seen, and what goes wrong.

    def state(self) -> dict[str, Any]:
        board, reader = self._devices.get("lock"), self._devices.get("mrz")
        with self._lock:
            world = self.world
            return {
                "door_closed": world.door_closed,
                "released": world.released,
                "person_count": world.person_count,
                "exit_count": world.exit_count,
                "acting": world.acting,
                "lock_online": isinstance(board, OsdpBoard | RelayBoard) and board.online,
                "document_present": isinstance(reader, DocumentDevice) and reader.occupied,
                "alarms": sorted(world.alarms),
            }

    def log(self, after: int) -> list[tuple[int, float, str]]:
        with self._lock:
            return [(event.sequence, event.at, event.kind) for event in self.world.log if event.sequence > after]

    def reset(self) -> None:
        for port in self._ports:
            self.fault(port, "clear", {})
        for device in self._devices.values():
            device.reset()
        with self._lock:
            now = time.monotonic()
            self.world.behaviour = Behaviour.PASS
            for alarm in self.world.alarms:
                self.world.set_alarm(alarm, False, now)
            self.world.leave(now)
            self.world.people.clear_away()
            self.world.move_door(True, now)
            self.world.record("reset", now)

    def fault(self, device: str, kind: str, parameters: Parameters) -> None:
        """device: a port's name. Raises CommandRefused, TypeError, ValueError."""
        if device not in self._ports:
            raise CommandRefused("unknown device")
        faults: dict[str, Callable[..., None]] = {
            "silence": self._links[device].silence,
            "unplug": self._ports[device].unplug,
            "replug": self._ports[device].replug,
            "garbage": lambda size, seed=0: self._send_garbage(device, size, seed),
            "bytes": lambda **plan: self._links[device].set_plan(FaultPlan(**plan)),
            "baud_mismatch": lambda host_baud: self._links[device].set_plan(_mismatch(device, host_baud)),
            "host_echo": lambda active: setattr(self._echoes[device], "active", bool(active)),
            "clear": lambda: self._clear(device),
            **self._devices[device].faults(device),
        }
        if kind not in faults:
            raise CommandRefused(f"unknown fault of {device}")
        faults[kind](**parameters)
        self._record(f"fault_{device}_{kind}")

    def _clear(self, device: str) -> None:
        self._links[device].set_plan(NO_FAULTS)
        self._links[device].silence(0.0, 0.0)
        self._echoes[device].active = False
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

    def _record(self, kind: str) -> None:
        with self._lock:
            self.world.record(kind, time.monotonic())

    def _path(self, suffix: str) -> Path:
        return self._directory / f"{self.name}.{suffix}"

    def _seed(self, seed: int, port: str) -> int:
        return seed * SEEDS_PER_LANE + list(BAUDS).index(port)


def _mismatch(device: str, host_baud: int) -> FaultPlan:
    if not 50 <= host_baud <= 4_000_000:
        raise CommandRefused("no such speed")
    return FaultPlan(baud=BAUDS[device], peer_baud=host_baud)
