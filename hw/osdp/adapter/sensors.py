"""The inputs of an OSDP peripheral as `egate.ports.Sensors`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from egate.domain.device import DeviceState, SensorLevels
from hw.osdp.adapter.device import OsdpDevice
from hw.osdp.adapter.place import Place, place
from hw.osdp.duty import Duty
from hw.osdp.inputs import KEYS, Wiring, wiring
from hw.osdp.peripheral import Peripheral
from hw.osdp.sensing import SensorsDuty
from hw.url import DeviceUrl


def open_sensors(url: DeviceUrl, base: Path) -> OsdpSensors:
    """The sensors of url, not started. Raises ConfigurationError."""
    where = place(url, base, "sensors", f"door {url.text('door', '')}", KEYS)
    try:
        return OsdpSensors(where, wiring(url.parameters))
    except ValueError as error:
        raise url.error(str(error)) from None


class OsdpSensors(OsdpDevice):
    """Implements egate.ports.Sensors."""

    def __init__(self, where: Place, wired: Wiring) -> None:
        super().__init__(where)
        self._wiring = wired
        self._duty: SensorsDuty | None = None
        self._on_levels: list[Callable[[SensorLevels], None]] = []
        self._told_levels = SensorLevels()
        self._fault = ""

    @property
    def levels(self) -> SensorLevels:
        return SensorLevels() if self._duty is None else self._duty.levels

    @property
    def read_at(self) -> float | None:
        return None if self._duty is None else self._duty.read_at

    @property
    def diagnosis(self) -> str:
        """Why the sensors are not ONLINE, for the operator; "" if they are."""
        return "not connected" if self._duty is None else self._duty.fault

    def on_levels(self, callback: Callable[[SensorLevels], None]) -> None:
        self._on_levels.append(callback)

    # From here on: the bus's owner thread.

    def join(self, peripheral: Peripheral) -> Duty:
        self._duty = SensorsDuty(peripheral, self._wiring)
        return self.watched(self._duty, peripheral)

    def closed(self, why: str) -> None:
        super().closed(why)
        self._forget(why)

    def left(self) -> None:
        self._forget("closed")
        super().left()

    def _forget(self, why: str) -> None:
        if self._duty is not None:
            self._duty.forget(why)

    def connected_state(self) -> DeviceState | None:
        if self._duty is None or not self._duty.connected_now:
            return None
        return DeviceState.DEGRADED if self._duty.fault else DeviceState.ONLINE

    def publish_more(self) -> None:
        if self._duty is not None and self._duty.fault != self._fault:
            self._fault = self._duty.fault
            if self._fault and self._duty.connected_now:
                self._health.error(self._fault)
        if (levels := self.levels) != self._told_levels:
            self._told_levels = levels
            self._call_soon(self._change_levels, levels)

    # From here on: the event loop.

    def _change_levels(self, levels: SensorLevels) -> None:
        for callback in self._on_levels:
            callback(levels)
