"""The simulated lock of a lane with what hangs on its board: lights, display, buzzer, card reader.

What the traveller is shown goes into the lane's log: light_red, light_dark, text_shown, text_gone, sound.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from egate.domain.device import DeviceRole
from hw.link.base import Link
from hw.modbus.map_file import shipped
from hw.modbus.server import Line, Peripheral
from hw.osdp.keys import write_new_key
from hw.osdp.pd import LockPeripheral
from hw.osdp.pd_reader import Color
from hw.sim.outfit import BAUDS

OSDP_ADDRESS = 1
RELAY_UNIT = 2
RELAY_MAP = "waveshare_relay"
LIGHTS = ("red", "amber", "green", "buzzer")  # outputs 1 to 4 of the relay board
HEARD_S = 1.0  # chosen: somebody asks a lock more often

OnMove = Callable[[bool, float], None]
OnEvent = Callable[[str], None]


class OsdpBoard:
    """An OSDP peripheral. path: of its port; its key lies beside, and stays there when it loses its power."""

    def __init__(
        self, link: Link, path: Path, roles: frozenset[DeviceRole], on_move: OnMove, on_event: OnEvent
    ) -> None:
        self._path, self._roles = path, roles
        self._key_path = path.with_suffix(".scbk")
        if not self._key_path.exists():
            write_new_key(self._key_path)
        key = bytes.fromhex(self._key_path.read_text(encoding="ascii"))
        self._peripheral = LockPeripheral(link, key, time.monotonic, OSDP_ADDRESS)
        self._peripheral.on_change = on_move
        if DeviceRole.SIGNAL in roles:
            self._peripheral.on_light = lambda _, color, at: on_event(f"light_{_name(color)}")
            self._peripheral.on_text = lambda text, at: on_event("text_shown" if text.strip() else "text_gone")
            self._peripheral.on_buzzer = lambda sounding, at: on_event("sound") if sounding else None
        self.polls: Mapping[str, Callable[[], None]] = {"lock": self._peripheral.poll}
        reads_cards = DeviceRole.CARD_READER in roles
        self.commands: Mapping[str, Callable[..., Any]] = {"present_card": self._present_card} if reads_cards else {}

    @property
    def online(self) -> bool:
        return self._peripheral.online

    def _present_card(self, bits: str, bit_count: int) -> bool:
        """bits: hexadecimal. False if nobody listened. Raises ValueError."""
        return self._peripheral.present_card(bytes.fromhex(bits), bit_count)

    def urls(self) -> dict[DeviceRole, str]:
        url = f"osdp+pty://{self._path}?address={OSDP_ADDRESS}&baud={BAUDS['lock']}&key=file:{self._key_path}"
        return dict.fromkeys(self._roles & {DeviceRole.LOCK, DeviceRole.SIGNAL, DeviceRole.CARD_READER}, url)

    def faults(self, port: str) -> dict[str, Callable[..., Any]]:
        bolt = self._peripheral
        return {
            "timer_fault": lambda active: setattr(bolt, "timer_fault", bool(active)),
            "stuck": lambda active: setattr(bolt, "stuck", bool(active)),
            "replies_lost": lambda count: setattr(bolt, "replies_lost", int(count)),
            "power_cycle": bolt.power_cycle,
        }

    def reset(self) -> None:
        self._peripheral.timer_fault = self._peripheral.stuck = False
        self._peripheral.replies_lost = 0

    def close(self) -> None:
        self._peripheral.close()
        self._key_path.unlink(missing_ok=True)


class RelayBoard:
    """A Modbus relay board: relay 0 is the lock, relays 1 to 4 are lights and buzzer."""

    def __init__(
        self, link: Link, path: Path, roles: frozenset[DeviceRole], on_move: OnMove, on_event: OnEvent
    ) -> None:
        self._path, self._roles, self._on_event = path, roles, on_event
        self._board = Peripheral(shipped(RELAY_MAP), RELAY_UNIT)
        self._board.on_change = on_move
        self._line = Line(link, time.monotonic, [self._board])
        self._request_count, self._heard_at = 0, float("-inf")
        self._shown = [0] * len(LIGHTS)
        self.polls: Mapping[str, Callable[[], None]] = {"lock": self._poll}
        self.commands: Mapping[str, Callable[..., Any]] = {}

    @property
    def online(self) -> bool:
        return time.monotonic() - self._heard_at < HEARD_S

    def urls(self) -> dict[DeviceRole, str]:
        url = f"modbus+pty://{self._path}?unit={RELAY_UNIT}&map={RELAY_MAP}&baud={BAUDS['lock']}"
        wiring = "".join(f"&{name}={output}" for output, name in enumerate(LIGHTS, 1))
        urls = {DeviceRole.LOCK: url, DeviceRole.SIGNAL: url + wiring}
        return {role: urls[role] for role in urls.keys() & self._roles}

    def faults(self, port: str) -> dict[str, Callable[..., Any]]:
        board = self._board
        return {
            "timer_fault": lambda active: setattr(board, "timer_fault", bool(active)),
            "stuck": lambda active: setattr(board, "stuck", bool(active)),
            "silent": lambda active: setattr(board, "silent", bool(active)),
            "replies_lost": lambda count: setattr(board, "replies_lost", int(count)),
            "power_cycle": lambda: board.power_cycle(time.monotonic()),
        }

    def reset(self) -> None:
        self._board.timer_fault = self._board.stuck = self._board.silent = False
        self._board.replies_lost = 0

    def close(self) -> None:
        pass  # the port's owner closes it

    def _poll(self) -> None:
        self._line.poll()
        if self._board.request_count != self._request_count:
            self._request_count, self._heard_at = self._board.request_count, time.monotonic()
        shown = [int(bool(level)) for level in self._board.outputs[1 : 1 + len(LIGHTS)]]
        for name, before, now in zip(LIGHTS, self._shown, shown, strict=True):
            if now > before:
                self._on_event("sound" if name == "buzzer" else f"light_{name}")
        if any(self._shown[:-1]) and not any(shown[:-1]):
            self._on_event("light_dark")
        self._shown = shown


def _name(color: int) -> str:
    return "dark" if color == Color.NONE else Color(color).name.lower()
