"""OSDP against what no one here wrote: the pure-Python control panel `osdp` before our simulated peripheral, libosdp's peripheral
behind our lock adapter.

The panel lives in a folder of its own (EGATE_OSDP_PEER, else var/peers/osdp); tests say so if it is absent:
    python -m pip install --target var/peers/osdp osdp==1.6
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from egate.domain.device import DeviceState, LockState, ReleaseResult
from hw.link.pty import PtyMaster
from hw.link.pump import Pump
from hw.osdp.adapter import open_lock
from hw.osdp.keys import write_new_key
from hw.osdp.pd import Equipment, Identity, LockPeripheral
from hw.osdp.pd_output import ON_TIMED
from hw.osdp.pd_reader import Color
from hw.url import parse
from tests.hw.lock_bench import until

pytestmark = pytest.mark.peer

ROOT = Path(__file__).parents[2]
PEER = Path(os.environ.get("EGATE_OSDP_PEER", ROOT / "var" / "peers" / "osdp"))
SCRIPT = Path(__file__).with_name("osdp_peer.py")
ADDRESS = 5
WITHIN_S = 15.0


class Peer:
    """The panel's process, a peripheral that still has the install key, and the line between them."""

    def __init__(self, folder: Path) -> None:
        self.port = PtyMaster(folder / "reader")
        self.peripheral = LockPeripheral(
            self.port,
            None,
            time.monotonic,
            ADDRESS,
            Equipment(outputs=2, inputs=3),
            Identity(vendor_code=0x0A0B0C, model=7, serial_number=4711),
        )
        self.pump = Pump("peripheral", self.peripheral.poll)
        self._process = subprocess.Popen(
            [sys.executable, SCRIPT, folder / "reader", "115200", str(ADDRESS), os.urandom(16).hex()],
            env={**os.environ, "PYTHONPATH": str(PEER)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answers: queue.Queue[Any] = queue.Queue()
        self.events: list[dict[str, Any]] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def ask(self, what: str, **more: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **more}) + "\n")
        self._process.stdin.flush()
        return self._answers.get(timeout=WITHIN_S)

    def wait_secure(self) -> None:
        self.wait(lambda: self.ask("online") == {"online": True, "secure": True, "install_key": False})

    def wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not condition():
            assert time.monotonic() < deadline, (self.ask("online"), self.events)
            time.sleep(0.01)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(WITHIN_S)
        self.pump.close()
        self.peripheral.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            if "answer" in said:
                self._answers.put(said["answer"])
            else:
                self.events.append(said)


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    if not (PEER / "osdp" / "_control_panel.py").exists():
        pytest.skip(f"no osdp control panel in {PEER}")
    peer = Peer(tmp_path_factory.mktemp("osdp"))
    yield peer
    peer.close()


def test_peer_gives_the_first_key_and_comes_back_with_it(peer: Peer) -> None:
    peer.wait_secure()
    key = peer.peripheral.key
    assert key is not None, "no key was set"
    peer.peripheral.power_cycle()
    peer.wait(lambda: not peer.peripheral.online)
    peer.ask("reconnect")
    peer.wait_secure()
    assert peer.peripheral.online
    assert peer.peripheral.key == key


def test_peer_reads_identity_and_capabilities(peer: Peer) -> None:
    peer.wait_secure()
    assert peer.ask("identity") == {"model": 7, "serial": 4711}
    told = peer.ask("capabilities")
    assert told["OutputControl"] == [3, 2], "timed commands; two outputs"
    assert told["ContactStatusMonitoring"] == [1, 3]
    assert told["ReaderLEDControl"] == [4, 1]
    assert told["CommunicationSecurity"][0] == 1


def test_peer_releases_for_a_time_and_sees_it_end(peer: Peer) -> None:
    peer.wait_secure()
    assert peer.ask("output", number=0, code=ON_TIMED, timer=4) is True
    assert peer.ask("outputs") == [True, False]
    peer.wait(lambda: not peer.peripheral.released)
    assert peer.ask("outputs") == [False, False]
    unlock = peer.peripheral.unlocks[-1]
    assert unlock.end is not None
    assert unlock.end - unlock.start >= 0.4, "the timer is the peripheral's"


def test_peer_sees_inputs_tamper_and_power(peer: Peer) -> None:
    peer.wait_secure()
    peer.peripheral.set_input(1, True)
    peer.wait(lambda: {"event": "inputs", "levels": [False, True, False]} in peer.events)
    assert peer.ask("inputs") == [False, True, False]
    peer.peripheral.set_local(tampered=True, power_failed=False)
    peer.wait(lambda: {"event": "local", "tamper": True, "power": False} in peer.events)
    peer.peripheral.set_local(tampered=False, power_failed=True)
    assert peer.ask("local") == {"tamper": False, "power": True}


def test_peer_reads_a_card(peer: Peer) -> None:
    peer.wait_secure()
    assert peer.peripheral.present_card(b"\xa5\x5a\xff\x40", 26)
    card = {"event": "card", "bit_count": 26, "data": "a55aff40", "format": "Wiegand", "reader": 0}
    peer.wait(lambda: card in peer.events)


def test_peer_lights_sounds_and_writes(peer: Peer) -> None:
    peer.wait_secure()
    lights: list[int] = []
    peer.peripheral.on_light = lambda led, color, at: lights.append(color)
    assert peer.ask("light", color="Green", timer=5) is True
    assert peer.ask("text", text="Please wait") is True
    assert peer.ask("buzzer", on_time=1, off_time=1, count=1) is True
    assert peer.peripheral.display.text(time.monotonic()) == "Please wait"
    assert peer.peripheral.buzzer.count == 1
    peer.wait(lambda: lights == [Color.GREEN, Color.NONE])


async def test_our_lock_against_libosdps_peripheral(tmp_path: Path) -> None:
    """All tests of the lock run against it; this one says so. `LockPeripheral` hands every frame to libosdp's peripheral side."""
    write_new_key(tmp_path / "lane.scbk")
    key = bytes.fromhex((tmp_path / "lane.scbk").read_text())
    port = PtyMaster(tmp_path / "lock")
    peripheral = LockPeripheral(port, key, time.monotonic)
    pump = Pump("peripheral", peripheral.poll)
    lock = open_lock(parse(f"osdp+pty://{tmp_path}/lock?address=1&key=file:lane.scbk&baud=115200"), tmp_path)
    await lock.start(lambda state: None)
    try:
        await until(lambda: lock.state is DeviceState.ONLINE and lock.lock_state is LockState.SECURED, 10.0)
        assert await lock.release(0.3, 1.5) is ReleaseResult.ACKNOWLEDGED
        await until(lambda: bool(peripheral.unlocks and peripheral.unlocks[-1].end), 2.0)
    finally:
        await lock.close()
        pump.close()
        peripheral.close()
