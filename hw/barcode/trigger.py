"""The command that makes an imager look, while somebody waits for what it sees.

    trigger=hex:16540d&trigger_off=hex:16550d     Honeywell and compatible: SYN T CR, SYN U CR (User Manual, "Trigger Commands";
                                                  the imager must be in manual trigger mode)

An imager stops by itself after a read or its own read time-out, so the command is repeated after what was not waited for, and
every trigger_every_s.
"""

from __future__ import annotations

from dataclasses import dataclass

from hw.barcode.delimiter import delimiter
from hw.url import DeviceUrl

TRIGGER_KEYS = frozenset({"trigger", "trigger_off", "trigger_every_s"})
EVERY_S_DEFAULT = 10  # chosen: below the 30 s that such imagers look by default
EVERY_S_MAX = 300
AGAIN_S = 0.25  # chosen: a code that stays is looked at four times a second, another one is not kept waiting


@dataclass(frozen=True, slots=True)
class TriggerCommands:
    """on empty: the reader needs no trigger. every_s: seconds between two repetitions."""

    on: bytes = b""
    off: bytes = b""
    every_s: float = EVERY_S_DEFAULT


UNTRIGGERED = TriggerCommands()


class Trigger:
    """What to send when. Belongs to one opening of a port: whether the imager looks is not known then, so it is told."""

    def __init__(self, commands: TriggerCommands) -> None:
        self._commands = commands
        self._due_s: float | None = None  # when to send it again; None: withdrawn, or never sent
        self._told = False

    def read(self, now: float) -> None:
        """Something was read, so the imager has stopped; whoever still waits wants something else."""
        if self._due_s is not None:
            self._due_s = min(self._due_s, now + AGAIN_S)

    def data_to_send(self, wanted: bool, now: float) -> bytes:
        """Bytes to write now, b"" if nothing is due. wanted: somebody waits. now: seconds, monotonic."""
        if not self._commands.on:
            return b""
        if not wanted:
            due = self._due_s is not None or not self._told
            self._due_s, self._told = None, True
            return self._commands.off if due else b""
        if self._due_s is not None and now < self._due_s:
            return b""
        self._due_s, self._told = now + self._commands.every_s, True
        return self._commands.on


def trigger_commands(url: DeviceUrl) -> TriggerCommands:
    """Raises ConfigurationError."""
    if "trigger" not in url.parameters and TRIGGER_KEYS & url.parameters.keys():
        raise url.error("trigger_off or trigger_every_s without trigger")
    return TriggerCommands(
        delimiter(url, "trigger", b""),
        delimiter(url, "trigger_off", b""),
        url.integer("trigger_every_s", EVERY_S_DEFAULT, 1, EVERY_S_MAX),
    )
