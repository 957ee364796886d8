"""What a peripheral's command callback gives back to the native module."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hw.osdp.library import native

ACCEPTED = (0, None)
REFUSED = (-1, None)

REPORT_BYTES_MAX = 26  # libosdp 3.2.9: what a key set command has room for after a report's head
ANSWERS_MAX = 4096  # chosen: of eight outputs and eight inputs no more can differ

# (function code, compliance level), OSDP 2.2 annex B
CONTACT_STATUS = (1, 1)
OUTPUT_CONTROL = (2, 3)  # level 3: timed commands
CARD_DATA = (3, 1)  # level 1: as bits
LED_CONTROL = (4, 4)  # level 4: timed, with more than two colours
AUDIBLE_OUTPUT = (5, 2)  # level 2: timed
TEXT_OUTPUT = (6, 2)  # level 2: two rows of 16
READERS = (13, 0)


@dataclass(frozen=True, slots=True)
class Equipment:
    """What hangs on a peripheral, as it tells in osdp_PDCAP. Counts may be 0."""

    outputs: int = 1
    inputs: int = 1
    leds: int = 1
    buzzers: int = 1
    displays: int = 1
    readers: int = 1


@dataclass(frozen=True, slots=True)
class Identity:
    """osdp_PDID. The first three make the cUID that a controller may derive a key from."""

    vendor_code: int = 0x000000
    model: int = 1
    serial_number: int = 1
    version: int = 1
    firmware_version: int = 1


def capabilities(equipment: Equipment) -> list[dict[str, int]]:
    counted = (
        (CONTACT_STATUS, equipment.inputs),
        (OUTPUT_CONTROL, equipment.outputs),
        (CARD_DATA, equipment.readers),
        (LED_CONTROL, equipment.leds),
        (AUDIBLE_OUTPUT, equipment.buzzers),
        (TEXT_OUTPUT, equipment.displays),
        (READERS, equipment.readers),
    )
    return [
        {"function_code": code, "compliance_level": level, "num_items": count}
        for (code, level), count in counted
        if count
    ]


@lru_cache(maxsize=ANSWERS_MAX)
def status_answer(report: bytes) -> tuple[int, object]:
    """The answer to a status command. Cached: the native side forgets a reference to each tuple it is given.

    The native module drops the report of a status answer (3.2.9: only its type is converted) and then copies the command's memory
    as a status report, whichever command came back. A key set command lies over it: its data begins at offset 2, the report's entry
    count at 4, the entries at 8.
    """
    if len(report) > REPORT_BYTES_MAX:
        raise ValueError(f"a report has at most {REPORT_BYTES_MAX} entries")
    head = bytes(2) + len(report).to_bytes(4, "little")
    return (0, {"command": native.CMD_KEYSET, "type": 1, "data": (head + report).ljust(16, b"\0")})


def status_event(kind: int, report: bytes) -> dict[str, Any]:
    """A report sent unasked, with the answer to the next poll. kind: native.STATUS_REPORT_…"""
    return {"event": native.EVENT_STATUS, "type": kind, "report": report}


def card_event(bits: bytes, bit_count: int, *, wiegand: bool, reader: int) -> dict[str, Any]:
    return {
        "event": native.EVENT_CARDREAD,
        "reader_no": reader,
        "format": native.CARD_FMT_RAW_WIEGAND if wiegand else native.CARD_FMT_RAW_UNSPECIFIED,
        "direction": 0,
        "length": bit_count,
        "data": bits,
    }
