"""The devices of one lane."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from egate.domain.device import DeviceHealth, DeviceState, LockState, SensorLevels
from egate.ports import Camera, Device, DocumentReader, FingerSensor, Lock, Sensors, Signal

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Gate:
    """reader None: the document comes with the request. camera, finger_sensor None: the gate sends those captures. finger_dpi: of what the
    gate sends, None where captures or their files tell."""

    lock: Lock
    sensors: Sensors
    reader: DocumentReader | None = None
    finger_dpi: float | None = None
    camera: Camera | None = None
    finger_sensor: FingerSensor | None = None
    signal: Signal | None = None

    @property
    def names(self) -> frozenset[str]:
        """Of the devices without which the lane can't serve. A traveller finds his way without a light."""
        return frozenset(self._devices) - {"signal"}

    @property
    def states(self) -> dict[str, DeviceState]:
        return {name: device.state for name, device in self._devices.items()}

    @property
    def health(self) -> Mapping[str, DeviceHealth]:
        return {name: device.health for name, device in self._devices.items()}

    async def start(
        self,
        on_device: Callable[[str, DeviceState], None],
        on_levels: Callable[[SensorLevels], None],
        on_lock: Callable[[LockState], None],
    ) -> None:
        self.sensors.on_levels(on_levels)
        self.lock.on_lock(on_lock)
        for name, device in self._devices.items():
            try:
                await device.start(lambda state, name=name: on_device(name, state))  # type: ignore[misc]
            except Exception:
                if name in self.names:
                    raise
                _log.exception("device not started", device=name)

    async def close(self) -> None:
        """Lets go of all ports, whichever of them fails to."""
        await asyncio.gather(*(device.close() for device in self._devices.values()), return_exceptions=True)

    @property
    def _devices(self) -> dict[str, Device]:
        found: dict[str, Device | None] = {
            "lock": self.lock,
            "sensors": self.sensors,
            "reader": self.reader,
            "camera": self.camera,
            "finger_sensor": self.finger_sensor,
            "signal": self.signal,
        }
        return {name: device for name, device in found.items() if device is not None}
