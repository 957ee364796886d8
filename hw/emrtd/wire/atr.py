"""What a chip says of itself when it is reset: answer to reset, answer to select, EF.ATR/INFO (ISO/IEC 7816-3 and -4, 14443-4)."""

from __future__ import annotations

from egate.document.encoding.tlv import elements
from egate.errors import DocumentError

_STATUS_INDICATOR_LAST, _STATUS_INDICATOR_DATA = 0x00, 0x80  # 7816-4, 12.1.1.2: category indicator byte
_CARD_CAPABILITIES = 0x7
_EXTENDED_LENGTH = 0x40  # third byte of the capabilities, 7816-4, table 119
_EXTENDED_LENGTH_TAG = 0x7F66  # in EF.ATR/INFO: two integers, the most bytes of a command and of a response
_INTEGER = 0x02
_INTERFACE_GROUP_MAX = 8  # groups of interface bytes; chosen, cards have at most four


def historical_bytes(atr: bytes) -> bytes:
    """Those of an answer to reset (7816-3, 8.2); b"" if it is malformed."""
    if len(atr) < 2:
        return b""
    count, present, position = atr[1] & 0x0F, atr[1] >> 4, 2
    for _ in range(_INTERFACE_GROUP_MAX):
        following = position + (present & 7).bit_count()  # TA, TB, TC
        if not present & 8:  # no TD
            return atr[following : following + count] if len(atr) >= following + count else b""
        if following >= len(atr):
            return b""
        present, position = atr[following] >> 4, following + 1
    return b""


def historical_bytes_of_ats(ats: bytes) -> bytes:
    """Those of an answer to select (14443-4, 5.2), which starts with its own length; b"" if it is malformed."""
    if len(ats) < 2 or ats[0] != len(ats):
        return b""
    start = 2 + (ats[1] >> 4 & 7).bit_count()  # T0, then TA, TB, TC as it says
    return ats[start:]


def announces_extended_length(historical: bytes) -> bool:
    """Whether the card capabilities among the historical bytes promise extended length fields."""
    if not historical or historical[0] not in (_STATUS_INDICATOR_LAST, _STATUS_INDICATOR_DATA):
        return False
    content = historical[1:-3] if historical[0] == _STATUS_INDICATOR_LAST else historical[1:]
    position = 0
    while position < len(content):  # compact TLV: tag and length in one byte, so this ends
        tag, size = content[position] >> 4, content[position] & 0x0F
        value = content[position + 1 : position + 1 + size]
        if tag == _CARD_CAPABILITIES and size == 3 and len(value) == 3:
            return bool(value[2] & _EXTENDED_LENGTH)
        position += 1 + size
    return False


def response_size_max(ef_atr: bytes) -> int:
    """The most bytes a response may have, as EF.ATR/INFO states it; 0 if it states nothing of the kind."""
    try:
        for tag, value in elements(ef_atr):
            if tag == _EXTENDED_LENGTH_TAG:
                sizes = [int.from_bytes(size, "big") for kind, size in elements(value) if kind == _INTEGER]
                return sizes[1] if len(sizes) == 2 else 0
    except DocumentError:
        pass
    return 0
