"""What can be said to a peripheral and what it says, as far as libosdp's native module (3.2.9) really carries it.

Not carried: osdp_FMT (libosdp drops formatted card data), supervised contacts' detail beyond the report's byte, timers beyond 8 bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

# OSDP 2.2, 6.10 osdp_OUT: control codes
OFF_AND_STOP_TIMER = 1
ON_FOR_A_TIME = 5
TIMER_UNIT_S = 0.1
# The command's field has 16 bits; the native module keeps the low 8 of ours (read in its sources): 30 s would become 4.4 s.
TIMER_TENTHS_MAX = 255


class Status(Enum):
    """Which status report: osdp_OSTAT, osdp_ISTAT, osdp_LSTAT."""

    OUTPUT = "OUTPUT"
    INPUT = "INPUT"
    LOCAL = "LOCAL"


class Capability(IntEnum):
    """Function codes of osdp_PDCAP, OSDP 2.2 annex B."""

    INPUTS = 1
    OUTPUTS = 2
    LED = 4
    BUZZER = 5
    TEXT = 6


class Colour(IntEnum):
    """OSDP 2.2, 6.11 osdp_LED."""

    BLACK = 0
    RED = 1
    GREEN = 2
    AMBER = 3


@dataclass(frozen=True, slots=True)
class Output:
    """tenths: of a second, 0 to TIMER_TENTHS_MAX, for a timed control code."""

    output: int
    control_code: int
    tenths: int = 0


@dataclass(frozen=True, slots=True)
class Ask:
    status: Status


@dataclass(frozen=True, slots=True)
class Led:
    """on_tenths lit, off_tenths dark, repeated; off_tenths 0: steady. for_tenths None: the permanent setting, else a temporary one."""

    colour: Colour
    on_tenths: int = 10
    off_tenths: int = 0
    for_tenths: int | None = None
    reader: int = 0
    led: int = 0


@dataclass(frozen=True, slots=True)
class Buzzer:
    """count tones of on_tenths with pauses of off_tenths; the peripheral ends it by itself."""

    on_tenths: int
    off_tenths: int
    count: int
    reader: int = 0


@dataclass(frozen=True, slots=True)
class Text:
    """text: printable ASCII, at most TEXT_CHARACTERS_MAX. for_s None: permanent, else temporary, 1 to 255 s."""

    text: str
    for_s: int | None = None
    reader: int = 0


TEXT_CHARACTERS_MAX = 32  # of one command, native module

Order = Output | Ask | Led | Buzzer | Text


@dataclass(frozen=True, slots=True)
class Completed:
    """An order was answered (ok) or failed; failed says nothing about whether it was executed."""

    order: Order
    ok: bool


@dataclass(frozen=True, slots=True)
class Report:
    """entries: one byte each, 0 = inactive (local: tamper, power failure). asked: the answer to our question; otherwise sent by itself,
    and possibly old."""

    status: Status
    entries: tuple[int, ...]
    asked: bool


@dataclass(frozen=True, slots=True, repr=False)
class Card:
    """osdp_RAW: bits most significant first."""

    bits: bytes
    bit_count: int
    reader: int

    def __repr__(self) -> str:
        return f"Card({self.bit_count} bits, redacted)"


Answer = Completed | Report | Card
