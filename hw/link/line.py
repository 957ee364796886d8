"""The settings of a serial line as device URLs give them, wherever the port is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from hw.url import DeviceUrl

BAUD_DEFAULT = 9600
BAUD_MAX = 4_000_000
PARITIES = ("N", "E", "O")
TURNAROUND_MS_MAX = 100  # chosen: OSDP 2.2 wants an answer to begin within 200 ms
MODEM_LINES = ("rts", "dtr")
LINE_KEYS = frozenset({"baud", "parity", "stop_bits", "turnaround_ms", *MODEM_LINES})


@dataclass(frozen=True, slots=True)
class LineSettings:
    """Eight data bits, no flow control. lines: levels of "rts" and "dtr" where they matter, True = on.

    turnaround_s: silence kept between what was heard last and what we send: a two-wire device must first let go of the line.
    """

    baud: int = BAUD_DEFAULT
    parity: str = "N"
    stop_bits: int = 1
    lines: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    turnaround_s: float = 0.0


def line_settings(url: DeviceUrl) -> LineSettings:
    """Raises ConfigurationError."""
    parity = url.text("parity", "N")
    if parity not in PARITIES:
        raise url.error(f"parity is none of {', '.join(PARITIES)}")
    return LineSettings(
        url.integer("baud", BAUD_DEFAULT, 50, BAUD_MAX),
        parity,
        url.integer("stop_bits", 1, 1, 2),
        MappingProxyType({name: url.flag(name) for name in MODEM_LINES if name in url.parameters}),
        url.integer("turnaround_ms", 0, 0, TURNAROUND_MS_MAX) / 1000,
    )
