"""OSDP frames by name. Cards, key presses, texts, keys and everything encrypted are told by their size.

[FF] 53 address length(2) control [block length, type, ...] code data ... CRC(2)            OSDP 2.2, 5.9 and annex D
mark SOM  |               |
          bit 7: reply    bits 0-1 sequence, bit 2 CRC (else one byte of sum), bit 3 security block
"""

from __future__ import annotations

import binascii

from hw.link.trace.record import Cutter, Told

_MARK, _START = 0xFF, 0x53
_HEADER_BYTES = 5
_FRAME_BYTES_MAX = 1440  # OSDP 2.2, 5.9
_REPLY, _BROADCAST = 0x80, 0x7F
_CRC, _BLOCK = 0x04, 0x08
_ENCRYPTED = frozenset({0x17, 0x18})  # annex D: SCS_17, SCS_18
_BLOCK_BYTES_MAX = 3  # annex D: its length, its type, and which key is used
_SESSION = frozenset({0x15, 0x16}) | _ENCRYPTED

# OSDP 2.2, tables of commands and replies.
COMMANDS = {
    0x60: "POLL", 0x61: "ID", 0x62: "CAP", 0x64: "LSTAT", 0x65: "ISTAT", 0x66: "OSTAT", 0x67: "RSTAT", 0x68: "OUT", 0x69: "LED",
    0x6A: "BUZ", 0x6B: "TEXT", 0x6E: "COMSET", 0x73: "BIOREAD", 0x74: "BIOMATCH", 0x75: "KEYSET", 0x76: "CHLNG", 0x77: "SCRYPT",
    0x7B: "ACURXSIZE", 0x7C: "FILETRANSFER", 0x80: "MFG", 0xA1: "XWR", 0xA2: "ABORT", 0xA3: "PIVDATA", 0xA4: "GENAUTH", 0xA5: "CRAUTH",
    0xA7: "KEEPACTIVE",
}  # fmt: skip
REPLIES = {
    0x40: "ACK", 0x41: "NAK", 0x45: "PDID", 0x46: "PDCAP", 0x48: "LSTATR", 0x49: "ISTATR", 0x4A: "OSTATR", 0x4B: "RSTATR", 0x50: "RAW",
    0x51: "FMT", 0x53: "KEYPAD", 0x54: "COM", 0x57: "BIOREADR", 0x58: "BIOMATCHR", 0x76: "CCRYPT", 0x78: "RMAC_I", 0x79: "BUSY",
    0x7A: "FTSTAT", 0x80: "PIVDATAR", 0x81: "GENAUTHR", 0x82: "CRAUTHR", 0x83: "MFGSTATR", 0x84: "MFGERRR", 0x90: "MFGREP", 0xB1: "XRD",
}  # fmt: skip
# What may be seen, and up to how many bytes of data: outputs, inputs, lamps and the device's own description.
_SHOWN_COMMANDS = {0x60: 0, 0x61: 1, 0x62: 1, 0x64: 0, 0x65: 0, 0x66: 0, 0x67: 0, 0x68: 32, 0x69: 112, 0x6A: 5, 0x6E: 5}
_SHOWN_REPLIES = {0x40: 0, 0x41: 2, 0x45: 12, 0x46: 96, 0x48: 2, 0x49: 64, 0x4A: 64, 0x4B: 8, 0x54: 5, 0x79: 0}


def reader() -> Cutter:
    return Cutter(_measure, _tell)


def _measure(data: bytes) -> int | None:
    mark = data[0] == _MARK
    if len(data) < mark + 4:
        return None if data[mark : mark + 1] in (b"", bytes([_START])) else 0
    length = int.from_bytes(data[mark + 2 : mark + 4], "little")
    if data[mark] != _START or not _HEADER_BYTES + 2 <= length <= _FRAME_BYTES_MAX:
        return 0
    if len(data) < mark + length:
        return None
    return mark + length if _is_intact(data[mark : mark + length]) else 0


def _is_intact(frame: bytes) -> bool:
    # Without this a flipped bit could make a card's frame look like one that may be seen.
    if frame[4] & _CRC:
        return _crc(frame[:-2]) == int.from_bytes(frame[-2:], "little")
    return sum(frame) & 0xFF == 0


def _crc(data: bytes) -> int:
    """CRC-16 with polynomial 1021 and start 1D0F, OSDP 2.2, annex C."""
    return binascii.crc_hqx(data, 0x1D0F)


def _tell(frame: bytes) -> Told:
    body = frame[1:] if frame[0] == _MARK else frame
    control = body[4]
    block = body[_HEADER_BYTES] if control & _BLOCK else 0
    kind = body[_HEADER_BYTES + 1] if block >= 2 else 0
    end = len(body) - (2 if control & _CRC else 1) - (4 if kind in _SESSION else 0)  # 4: MAC, annex D
    at = _HEADER_BYTES + block
    if at >= end:
        return Told(len(frame), "frame without a code")
    code, is_reply = body[at], bool(body[1] & _REPLY)
    names, shown = (REPLIES, _SHOWN_REPLIES) if is_reply else (COMMANDS, _SHOWN_COMMANDS)
    words = [names.get(code, f"{'reply' if is_reply else 'command'} {code:#04x}"), f"address {body[1] & _BROADCAST}"]
    words += [f"sequence {control & 3}", "secure" if kind in _SESSION else "not secure"]
    plain = (
        kind not in _ENCRYPTED and block <= _BLOCK_BYTES_MAX and bool(control & _CRC)
    )  # one byte of sum proves little
    may_be_seen = plain and end - at - 1 <= shown.get(code, -1)
    return Told(len(frame), ", ".join(words), frame if may_be_seen else b"")
