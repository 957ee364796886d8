"""The devices of one lane."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from egate.domain.device import DeviceState, LockState, SensorLevels
from egate.ports import Device, DocumentReader, Lock, Sensors


@dataclass(frozen=True, slots=True)
class Gate:
    """reader None: the document comes with the request. finger_dpi: of the finger sensor, None where captures or their files tell."""

    lock: Lock
    sensors: Sensors
    reader: DocumentReader | None = None
    finger_dpi: float | None = None

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._devices)

    @property
    def states(self) -> dict[str, DeviceState]:
        return {name: device.state for name, device in self._devices.items()}

    async def start(
        self,
        on_device: Callable[[str, DeviceState], None],
        on_levels: Callable[[SensorLevels], None],
        on_lock: Callable[[LockState], None],
    ) -> None:
        self.sensors.on_levels(on_levels)
        self.lock.on_lock(on_lock)
        for name, device in self._devices.items():
            await device.start(lambda state, name=name: on_device(name, state))  # type: ignore[misc]

    async def close(self) -> None:
        """Lets go of all ports, whichever of them fails to."""
        await asyncio.gather(*(device.close() for device in self._devices.values()), return_exceptions=True)

    @property
    def _devices(self) -> dict[str, Device]:
        devices: dict[str, Device] = {"lock": self.lock, "sensors": self.sensors}
        if self.reader is not None:
            devices["reader"] = self.reader
        return devices
