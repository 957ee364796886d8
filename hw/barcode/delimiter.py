"""Byte strings in a device URL: what a reader's setup sheet calls prefix, suffix, terminator and trigger command.

terminator=CRLF      a name of NAMES
prefix=hex:0242      hexadecimal digits, for bytes beyond ASCII and for text that is also a name
prefix=%02BC:        anything else: the text itself, percent-encoded, ASCII
"""

from __future__ import annotations

import re

from hw.url import DeviceUrl

NAMES = {"CR": b"\r", "LF": b"\n", "CRLF": b"\r\n", "ETX": b"\x03", "STX": b"\x02", "TAB": b"\t"}
SIZE_MAX = 32  # chosen: setup sheets allow a dozen characters
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_HEX_MARK = "hex:"


def delimiter(url: DeviceUrl, key: str, default: bytes) -> bytes:
    """The bytes of parameter key, default if it is not given. Raises ConfigurationError."""
    value = url.parameters.get(key)
    if value is None:
        return default
    if value in NAMES:
        return NAMES[value]
    if value.startswith(_HEX_MARK):
        digits = value.removeprefix(_HEX_MARK)
        if not _HEX.fullmatch(digits):
            raise url.error(f"{key} has no hexadecimal digits in pairs behind {_HEX_MARK}")
        found = bytes.fromhex(digits)
    elif value.isascii():
        found = value.encode("ascii")
    else:
        raise url.error(f"{key} is not ASCII; give such bytes as {_HEX_MARK}…")
    if len(found) > SIZE_MAX:
        raise url.error(f"{key} is longer than {SIZE_MAX} bytes")
    return found
