"""The simulated finger sensor and bar code reader of a lane, and what travellers lay on them or show them."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from egate.domain.captured import Symbology
from egate.domain.device import DeviceRole
from hw.barcode.frame import CONTENT_SIZE_MAX, Framing, encode
from hw.barcode.pd import SimulatedImager
from hw.finger.pd import FingerPeripheral, FingerPort, Placement
from hw.link.base import Link
from hw.sim.outfit import BAUDS

FINGER_PIXELS_MAX = 1_000_000  # chosen: some ten times what the sensor sees
BARCODE_FRAMING = Framing(aim=True, length_digits=4)
REPEAT_S = 0.5  # chosen: how often a reader in presentation mode sends what it still sees


class FingerDevice:
    def __init__(self, link: Link, path: Path, on_event: Callable[[str], None]) -> None:
        self._path, self._on_event = path, on_event
        self._sensor = FingerPeripheral()
        self.commands: Mapping[str, Callable[..., Any]] = {"lay_finger": self._lay, "lift_finger": self._lift}
        self.polls: Mapping[str, Callable[[], None]] = {"finger": FingerPort(self._sensor, link, time.monotonic).poll}

    def _lay(self, pixels: str, height: int, width: int, placement: str = Placement.GOOD.name) -> None:
        """pixels: base64 of height * width bytes, rows from the top, dark ridges. placement: a name of hw.finger.pd.Placement.

        Raises KeyError, ValueError.
        """
        if not (height > 0 and width > 0 and height * width <= FINGER_PIXELS_MAX):
            raise ValueError("no picture of a finger")
        data = base64.b64decode(pixels, validate=True)
        if len(data) != height * width:
            raise ValueError("picture of another size")
        self._sensor.lay(np.frombuffer(data, np.uint8).reshape(height, width), Placement[placement])
        self._on_event("finger_laid")

    def _lift(self) -> None:
        self._sensor.lift()
        self._on_event("finger_lifted")

    def urls(self) -> dict[DeviceRole, str]:
        return {DeviceRole.FINGER_SENSOR: f"r30x+pty://{self._path}?baud={BAUDS['finger']}&default_password=1"}

    def faults(self, port: str) -> dict[str, Callable[..., Any]]:
        return {
            "silent": lambda active: setattr(self._sensor, "silent", bool(active)),
            "power_cycle": self._sensor.restart,
        }

    def reset(self) -> None:
        self._sensor.silent = False
        self._sensor.lift()

    def close(self) -> None:
        pass


class BarcodeDevice:
    def __init__(self, link: Link, path: Path, on_event: Callable[[str], None]) -> None:
        self._path, self._on_event = path, on_event
        self._imager = SimulatedImager(link, time.monotonic, repeat_s=REPEAT_S, on_sent=lambda: on_event("code_sent"))
        self.polls: Mapping[str, Callable[[], None]] = {"barcode": self._imager.poll}
        self.commands: Mapping[str, Callable[..., Any]] = {
            "show_barcode": self._show,
            "remove_barcode": self._imager.remove,
        }

    def _show(self, content: str, symbology: str) -> None:
        """content: base64. Raises ValueError."""
        try:
            data = base64.b64decode(content, validate=True)
        except binascii.Error:
            raise ValueError("not base64") from None
        if not 0 < len(data) <= CONTENT_SIZE_MAX:
            raise ValueError("no bar code holds that much")
        self._imager.present(encode(data, BARCODE_FRAMING, Symbology(symbology)))
        self._on_event("code_shown")

    def urls(self) -> dict[DeviceRole, str]:
        url = f"barcode+pty://{self._path}?baud={BAUDS['barcode']}&aim=1&length={BARCODE_FRAMING.length_digits}"
        return {DeviceRole.BARCODE_READER: url}

    def faults(self, port: str) -> dict[str, Callable[..., Any]]:
        return {}

    def reset(self) -> None:
        self._imager.remove()

    def close(self) -> None:
        pass
