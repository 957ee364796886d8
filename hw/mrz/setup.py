"""The part of a document reader's URL that says how its zones come.

format          native: 3M RTE (hw.mrz.frame), the default; lines: lines of text (hw.mrz.lines)
With lines:     prefix, terminator, line_terminator (hw.barcode.delimiter): none, CR and CR unless given
                trigger, trigger_off, trigger_every_s (hw.barcode.trigger): for imagers that look only when told to
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hw.barcode.delimiter import delimiter
from hw.barcode.trigger import TRIGGER_KEYS, UNTRIGGERED, TriggerCommands, trigger_commands
from hw.mrz.lines import LineDecoder, LineFraming
from hw.mrz.messages import NativeDecoder
from hw.mrz.zone import ZoneDecoder
from hw.url import DeviceUrl

LINE_KEYS = frozenset({"prefix", "terminator", "line_terminator"}) | TRIGGER_KEYS
SETUP_KEYS = LINE_KEYS | {"format"}


@dataclass(frozen=True, slots=True)
class ZoneSource:
    """decoder: a new one for each opening of the port."""

    decoder: Callable[[], ZoneDecoder]
    commands: TriggerCommands = UNTRIGGERED


def zone_source(url: DeviceUrl) -> ZoneSource:
    """Raises ConfigurationError."""
    name = url.text("format", "native")
    if name == "native":
        if LINE_KEYS & url.parameters.keys():
            raise url.error(f"{', '.join(sorted(LINE_KEYS & url.parameters.keys()))} without format=lines")
        return ZoneSource(NativeDecoder)
    if name != "lines":
        raise url.error("format is neither native nor lines")
    try:
        framing = LineFraming(
            prefix=delimiter(url, "prefix", b""),
            separator=delimiter(url, "line_terminator", b"\r"),
            terminator=delimiter(url, "terminator", b"\r"),
        )
    except ValueError as error:
        raise url.error(str(error)) from None
    return ZoneSource(lambda: LineDecoder(framing), trigger_commands(url))
