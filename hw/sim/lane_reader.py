"""The simulated document reader as one of a lane's devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from egate.domain.device import DeviceRole
from hw.link.base import Link
from hw.mrz.pd import READER_SETUPS
from hw.sim import wire
from hw.sim.field import make_field
from hw.sim.outfit import BAUDS, Outfit
from hw.sim.reader import Presentation, SimulatedReader


class DocumentDevice:
    def __init__(
        self, mrz: Link, chip: Link, paths: tuple[Path, Path], outfit: Outfit, on_event: Callable[[str], None]
    ) -> None:
        """paths: of the zone's port and the chip's."""
        self._paths, self._outfit = paths, outfit
        self._setup = READER_SETUPS[outfit.zone_setup]
        self._reader = SimulatedReader(mrz, chip, make_field(outfit.chip_protocol), on_event, self._setup)
        self.polls: Mapping[str, Callable[[], None]] = {"mrz": self._reader.poll_mrz, "chip": self._reader.poll_chip}
        self.commands: Mapping[str, Callable[..., Any]] = {
            "present_document": self._present,
            "swap_chip": lambda chip: self._reader.swap_chip(wire.decode(chip)),
            "remove_document": self._reader.remove,
        }

    @property
    def occupied(self) -> bool:
        return self._reader.occupied

    def urls(self) -> dict[DeviceRole, str]:
        mrz, chip = self._paths
        url = f"mrz+pty://{mrz}?baud={BAUDS['mrz']}{self._setup.parameters}&chip={chip}&chip_baud={BAUDS['chip']}"
        return {DeviceRole.DOCUMENT_READER: f"{url}&chip_protocol={self._outfit.chip_protocol}"}

    def faults(self, port: str) -> dict[str, Callable[..., Any]]:
        return {}

    def reset(self) -> None:
        self._reader.remove()

    def close(self) -> None:
        pass

    def _present(self, mrz_lines: list[str], chip: dict[str, Any] | None, **options: Any) -> None:
        if not 0 < len(mrz_lines) <= 3:
            raise ValueError("not one to three lines")
        personalisation = None if chip is None else wire.decode(chip)
        self._reader.present(Presentation(tuple(mrz_lines), personalisation, **options))
