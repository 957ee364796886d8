"""Hosts that no one here wrote, on the simulated sensor: pyfingerprint and Adafruit's library fetch its image bit by bit."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from egate.inference.image.decoder import decode_grey
from hw.finger.messages import PASSWORD_DEFAULT
from hw.finger.pd import FingerPeripheral, FingerPort
from hw.finger.picture import R30X, R503, Model, pack
from hw.link.pty import open_pty_master
from hw.link.pump import Pump

from .finger_sensor_bench import picture, quantised

pytestmark = pytest.mark.peer
PEER_S_MAX = 60.0
PASSWORD = bytes.fromhex("0badcafe")
MODULES = {"pyfingerprint": "pyfingerprint", "adafruit": "adafruit_fingerprint"}


class Port:
    """A simulated sensor on a pseudo terminal."""

    def __init__(self, path: Path, model: Model) -> None:
        self.path, self.sensor = path, FingerPeripheral(model, PASSWORD)
        self._master = open_pty_master(path)
        self._pump = Pump("finger-peripheral", FingerPort(self.sensor, self._master, time.monotonic).poll)

    def run(self, peer: str, password: bytes = PASSWORD) -> dict[str, object]:
        if importlib.util.find_spec(MODULES[peer]) is None:
            pytest.skip(f"{MODULES[peer]} is not there (extra peer)")
        script = Path(__file__).with_name(f"finger_peer_{peer}.py")
        done = subprocess.run(
            [sys.executable, str(script), str(self.path), password.hex(), str(self.path.parent)],
            capture_output=True,
            text=True,
            timeout=PEER_S_MAX,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        told: dict[str, object] = json.loads(done.stdout)
        return told

    def close(self) -> None:
        self._pump.close()
        self._master.close()


@pytest.fixture
def port(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Port]:
    opened = Port(tmp_path / "finger", getattr(request, "param", R30X))
    yield opened
    opened.close()


def test_pyfingerprint_reads_parameters_and_the_image_exactly(port: Port) -> None:
    port.sensor.lay(picture())
    assert port.run("pyfingerprint") == {
        "password": True,
        "parameters": [0, 9, 1000, 3, 0xFFFFFFFF, 2, 6],
        "packet": 128,
        "baud": 57_600,
        "packet_set": True,
        "finger": True,
        "features": True,
    }
    image = decode_grey((port.path.parent / "image.bmp").read_bytes()).pixels
    assert (image == quantised(picture())).all()
    assert np.unique(image).size == 16
    assert port.sensor.packet_size == 64


@pytest.mark.parametrize("port", [R503], indirect=True, ids=["r503"])
def test_adafruit_reads_parameters_and_the_image_exactly(port: Port) -> None:
    port.sensor.lay(picture(1, R503))
    assert port.run("adafruit") == {
        "password": True,
        "echo": True,
        "library": 1000,
        "packet_code": 2,
        "baud_code": 6,
        "packet_set": 0,
        "light": 0,
        "finger": 0,
        "features": 0,
    }
    assert (port.path.parent / "image.bin").read_bytes() == pack(picture(1, R503), R503)
    assert port.sensor.lit


def test_adafruit_fetches_the_larger_image(port: Port) -> None:
    port.sensor.lay(picture())
    port.run("adafruit")
    assert (port.path.parent / "image.bin").read_bytes() == pack(picture(), R30X)


@pytest.mark.parametrize("peer", MODULES)
def test_peers_see_no_finger_and_a_wrong_password(port: Port, peer: str) -> None:
    assert port.run(peer)["finger"] in (False, 2)
    assert port.run(peer, PASSWORD_DEFAULT)["password"] is False
