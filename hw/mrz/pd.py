"""The reader's half of the zone's port: set-ups of simulated MRZ readers, by name.

Not modelled: misreads of single characters, menu commands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hw.barcode.trigger import UNTRIGGERED, TriggerCommands
from hw.mrz.lines import LineFraming
from hw.mrz.lines import encode as encode_lines
from hw.mrz.messages import block

HONEYWELL = TriggerCommands(b"\x16T\r", b"\x16U\r")  # User Manual, "Trigger Commands": SYN T CR, SYN U CR
STX_ETX = LineFraming(b"\x02", b"\r", b"\x03")


@dataclass(frozen=True, slots=True)
class ReaderSetup:
    """parameters: what the URL of a reader set up like this has besides link and speed. encode: lines -> what it sends."""

    parameters: str
    encode: Callable[[Sequence[str]], bytes]
    commands: TriggerCommands = UNTRIGGERED


READER_SETUPS: Mapping[str, ReaderSetup] = {
    "native": ReaderSetup("", block),
    "lines": ReaderSetup("&format=lines", lambda lines: encode_lines(lines, LineFraming())),
    "imager": ReaderSetup(
        "&format=lines&prefix=STX&terminator=ETX&trigger=hex:16540d&trigger_off=hex:16550d",
        lambda lines: encode_lines(lines, STX_ETX),
        HONEYWELL,
    ),
}
