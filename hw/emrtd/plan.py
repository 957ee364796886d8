"""What a session with a chip shall read, how it may open it, and what it tells while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from egate.domain.chip import DATA_GROUPS
from hw.emrtd.protocol.terminal_chain import TerminalChain

# DG3 is last of those a gate decides on: without a chain it is the one that is refused.
GROUPS = ("dg1", "dg2", "dg3", "dg7", "dg11", "dg12")


@dataclass(frozen=True, slots=True, repr=False)
class ReadPlan:
    """mrz_lines: the zone as printed, () if none was read. can: card access number, "" if unknown; used before the zone.

    groups: data groups to read, in this order, if the document has them; DG14 and DG15 are read in any case. terminal: None where
    no chain is configured: DG3 is then read only from a chip that asks for none.
    """

    mrz_lines: tuple[str, ...] = ()
    can: str = ""
    groups: tuple[str, ...] = GROUPS
    terminal: TerminalChain | None = None

    def __post_init__(self) -> None:
        if not set(self.groups) <= set(DATA_GROUPS):
            raise ValueError("not a data group")

    def __repr__(self) -> str:
        return f"ReadPlan(groups={self.groups}, redacted)"


@dataclass(frozen=True, slots=True)
class Progress:
    """name: of the file being read, as in ChipRead.files. size: bytes read of size_total."""

    name: str
    size: int
    size_total: int


OnProgress = Callable[[Progress], None]


def ignore_progress(_: Progress) -> None:
    """Of a caller who only wants the result."""
