"""Starts the simulated gate in a process of its own and tells it what happens.

    with spawn(Path("/tmp/gate"), lanes=2, seed=1) as gate:
        config = gate.urls("lane-1")             # {"lock": "osdp+pty://…", "sensors": …, "document_reader": …}
        gate.enter("lane-1")
        gate.present_document("lane-1", document)
        gate.log("lane-1")

Synchronous; one Simulator belongs to one thread. Errors of the simulator are SimulatorError.
"""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egate.domain.captured import Symbology
from egate.domain.device import Alarm, DeviceRole
from hw.emrtd.chip.personalisation import Personalisation
from hw.finger.pd import Placement
from hw.sim import wire
from hw.sim.control import RECEIVE_SIZE, socket_address
from hw.sim.issuer import IssuedDocument
from hw.sim.outfit import DEFAULT_ROLES, LockKind, Sensing
from hw.sim.people import Kind
from hw.sim.world import Behaviour, Event

START_S_MAX = 20.0
ANSWER_S_MAX = 10.0
END_S_MAX = 5.0
POLL_S = 0.01


class SimulatorError(Exception):
    """The simulator refused a command, did not answer or did not start."""


@dataclass(frozen=True, slots=True)
class LaneState:
    """The world's truth about one lane, not what sensors report."""

    door_closed: bool
    released: bool
    person_count: int
    exit_count: int
    acting: bool
    lock_online: bool
    document_present: bool
    alarms: list[str]


class Simulator:
    """A running simulator, reached through its folder. lane: "lane-1", "lane-2", ..."""

    def __init__(self, directory: Path) -> None:
        """Raises SimulatorError if none runs there."""
        self.directory = directory
        self._buffer = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(ANSWER_S_MAX)
        try:
            with socket_address(directory) as address:
                self._socket.connect(address)
        except OSError as error:
            self._socket.close()
            raise SimulatorError(f"no simulator: {error.strerror}") from None

    def lanes(self) -> list[str]:
        return list(self._call("lanes"))

    def urls(self, lane: str) -> dict[str, str]:
        """Device URLs of a lane by role (egate.domain.device.DeviceRole)."""
        return dict(self._call("urls", lane=lane))

    def enter(self, lane: str, count: int = 1, kind: Kind = Kind.ADULT) -> None:
        """count people come into the zone by the entry."""
        self._call("enter", lane=lane, count=count, kind=kind.value)

    def leave(self, lane: str) -> None:
        """Everybody in the zone goes back out by the entry."""
        self._call("leave", lane=lane)

    def plan(self, lane: str, behaviour: Behaviour) -> None:
        """What the next people at the exit will do, until changed."""
        self._call("plan", lane=lane, behaviour=behaviour.value)

    def move_door(self, lane: str, *, closed: bool) -> None:
        """By force, whatever the lock says."""
        self._call("move_door", lane=lane, closed=closed)

    def set_alarm(self, lane: str, alarm: Alarm, *, active: bool) -> None:
        """A contact: FIRE, EMERGENCY or TAMPER. The first two withdraw the bolt by wire, whatever the lock says."""
        self._call("set_alarm", lane=lane, alarm=alarm.value, active=active)

    def clear_away(self, lane: str) -> None:
        """Officers take away what was left behind."""
        self._call("clear_away", lane=lane)

    def present_document(
        self,
        lane: str,
        document: IssuedDocument,
        *,
        repeat_s: float = 0.0,
        denied: tuple[str, ...] = (),
        chip_stall_s: float = 0.0,
        stall_after_size: int = 0,
        pulled_after_size: int | None = None,
    ) -> None:
        """Lays a document on the reader; see hw.sim.reader.Presentation. denied: files that its chip refuses whatever happens."""
        self._call(
            "present_document",
            lane=lane,
            mrz_lines=list(document.mrz_lines),
            chip=_encoded(document, denied),
            repeat_s=repeat_s,
            chip_stall_s=chip_stall_s,
            stall_after_size=stall_after_size,
            pulled_after_size=pulled_after_size,
        )

    def swap_chip(self, lane: str, document: IssuedDocument) -> None:
        """Another document's chip takes the place of the one in the field; its zone is not seen."""
        self._call("swap_chip", lane=lane, chip=_encoded(document))

    def remove_document(self, lane: str) -> None:
        self._call("remove_document", lane=lane)

    def lay_finger(self, lane: str, picture: NDArray[np.uint8], placement: Placement = Placement.GOOD) -> None:
        """picture: (h, w) of 500 dpi, dark ridges; what is beyond the sensor's window is not seen."""
        height, width = picture.shape
        pixels = base64.b64encode(picture.tobytes()).decode("ascii")
        self._call("lay_finger", lane=lane, pixels=pixels, height=height, width=width, placement=placement.name)

    def lift_finger(self, lane: str) -> None:
        self._call("lift_finger", lane=lane)

    def show_barcode(self, lane: str, content: bytes, symbology: Symbology = Symbology.PDF417) -> None:
        """Holds it before the reader until `remove_barcode`."""
        text = base64.b64encode(content).decode("ascii")
        self._call("show_barcode", lane=lane, content=text, symbology=symbology.value)

    def remove_barcode(self, lane: str) -> None:
        self._call("remove_barcode", lane=lane)

    def present_card(self, lane: str, bits: bytes, bit_count: int) -> bool:
        """False if no controller listened: the card is not kept for later."""
        return bool(self._call("present_card", lane=lane, bits=bits.hex(), bit_count=bit_count))

    def fault(self, lane: str, device: str, kind: str, **parameters: float | int | bool | None) -> None:
        """device: a port, "lock", "sensors", "mrz", "chip", "finger" or "barcode". kind and its parameters: see hw.sim.lane."""
        self._call("fault", lane=lane, device=device, kind=kind, parameters=parameters)

    def state(self, lane: str) -> LaneState:
        return LaneState(**self._call("state", lane=lane))

    def log(self, lane: str, after: int = 0) -> list[Event]:
        """What happened on the lane since event number `after`; times are CLOCK_MONOTONIC seconds of this machine."""
        return [Event(*event) for event in self._call("log", lane=lane, after=after)]

    def reset(self, lane: str) -> None:
        """Empty zone, closed door, no document, no faults, behaviour PASS. The log and the exit count go on."""
        self._call("reset", lane=lane)

    def wait_until(self, lane: str, holds: Callable[[LaneState], bool], timeout_s: float) -> LaneState:
        """The first state that holds. Raises SimulatorError with the last state if none did in time."""
        deadline = time.monotonic() + timeout_s
        while not holds(state := self.state(lane)):
            if time.monotonic() > deadline:
                raise SimulatorError(f"{lane} did not come to the awaited state: {state}")
            time.sleep(POLL_S)
        return state

    def quit(self) -> None:
        """Ends the simulator. Its folder is left without sockets and ports."""
        with contextlib.suppress(SimulatorError):
            self._call("quit")
        self.close()

    def close(self) -> None:
        """Lets go of the connection; the simulator goes on."""
        self._socket.close()

    def _call(self, command: str, **arguments: object) -> Any:
        request = json.dumps({"command": command, **arguments}).encode() + b"\n"
        try:
            self._socket.sendall(request)
            answer = json.loads(self._read_line())
        except OSError as error:
            raise SimulatorError(f"simulator does not answer: {type(error).__name__}") from None
        if not answer["ok"]:
            raise SimulatorError(f"{command}: {answer['error']}")
        return answer["result"]

    def _read_line(self) -> bytes:
        while b"\n" not in self._buffer:
            data = self._socket.recv(RECEIVE_SIZE)
            if not data:
                raise ConnectionResetError
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line


@contextlib.contextmanager
def spawn(
    directory: Path,
    lanes: int = 1,
    seed: int = 0,
    *,
    scale: float = 1.0,
    paced: bool = True,
    chip_protocol: str = "pn532",
    zone_setup: str = "native",
    devices: Collection[DeviceRole] = DEFAULT_ROLES,
    lock: LockKind = LockKind.OSDP,
    sensing: Sensing = Sensing.COUNTERS,
    entry_door: bool = False,
) -> Iterator[Simulator]:
    """Runs a simulator for the length of the block; it also ends when this process dies.

    directory is made if missing. scale: factor on how long people take. paced: bytes take as long as at the ports' baud rates.
    chip_protocol: of hw.sim.field.PROTOCOLS. zone_setup: of hw.mrz.pd.READER_SETUPS. devices: what each lane has; every port
    costs a thread. entry_door: one that lets people in one at a time.
    Raises SimulatorError if it does not come up; its own words are then on standard error.
    """
    directory.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "hw.sim", "--dir", str(directory), "--lanes", str(lanes), "--seed", str(seed)]
    command += ["--chip-protocol", chip_protocol, "--zone-setup", zone_setup, "--lock", lock, "--sensing", sensing]
    command += ["--devices", ",".join(sorted(devices))] + (["--entry-door"] if entry_door else [])
    command += ["--scale", str(scale), "--until-stdin-closes"] + ([] if paced else ["--unpaced"])
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    try:
        simulator = _connect(directory, process)
        try:
            yield simulator
        finally:
            simulator.quit()
    finally:
        if process.stdin is not None:
            process.stdin.close()
        _end(process)


def _encoded(document: IssuedDocument, denied: Collection[str] = ()) -> dict[str, Any] | None:
    """The chip for the control socket, None without one. A document without a chip's behaviour has one that anybody may read."""
    if not document.files:
        return None
    chip = document.personalisation or Personalisation(document.files)
    return wire.encode(replace(chip, files=document.files, denied=chip.denied | frozenset(denied)))


def _connect(directory: Path, process: subprocess.Popen[bytes]) -> Simulator:
    deadline = time.monotonic() + START_S_MAX
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(SimulatorError):
            return Simulator(directory)
        time.sleep(POLL_S)
    raise SimulatorError("simulator did not start")


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(END_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
