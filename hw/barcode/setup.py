"""The part of a bar code reader's URL that says how the reader is set up.

prefix, terminator   byte strings (hw.barcode.delimiter); the terminator is CR unless given
aim                  1: the reader sends AIM identifiers
length               decimal digits in front of the content that declare its size (1 to 6); needed for binary content
size_min             content shorter than this is noise (8)
trigger…             hw.barcode.trigger
"""

from __future__ import annotations

from hw.barcode.delimiter import delimiter
from hw.barcode.frame import CONTENT_SIZE_MIN, LENGTH_DIGITS_MAX, Framing
from hw.barcode.trigger import TRIGGER_KEYS
from hw.url import DeviceUrl

BAUD_MAX = 4_000_000
SIZE_MIN_MAX = 64
SETUP_KEYS = frozenset({"prefix", "terminator", "aim", "length", "size_min"}) | TRIGGER_KEYS


def framing_of(url: DeviceUrl) -> Framing:
    """Raises ConfigurationError."""
    try:
        return Framing(
            prefix=delimiter(url, "prefix", b""),
            terminator=delimiter(url, "terminator", b"\r"),
            aim=url.flag("aim"),
            length_digits=url.integer("length", 0, 1, LENGTH_DIGITS_MAX),
            size_min=url.integer("size_min", CONTENT_SIZE_MIN, 1, SIZE_MIN_MAX),
        )
    except ValueError as error:
        raise url.error(str(error)) from None
