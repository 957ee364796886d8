"""Families whose content is somebody's: the kind of each frame and its size, nothing else.

pn532   [00] 00 FF length LCS TFI code data DCS 00     NXP UM0701-02, 6.2.1; extended frames FF FF length(2) LCS
r30x    EF 01 address(4) type length(2) code data sum(2)
"""

from __future__ import annotations

from hw.link.trace.record import Cutter, Told

_PN532_COMMANDS = {
    0x02: "GetFirmwareVersion", 0x04: "GetGeneralStatus", 0x10: "SetSerialBaudRate", 0x12: "SetParameters", 0x14: "SAMConfiguration",
    0x32: "RFConfiguration", 0x40: "InDataExchange", 0x42: "InCommunicateThru", 0x44: "InDeselect", 0x4A: "InListPassiveTarget",
    0x52: "InRelease",
}  # fmt: skip
_TFI = {0xD4: 0, 0xD5: 1}  # to and from the controller; an answer's code is the command's plus this
_R30X_TYPES = {1: "command", 2: "data", 7: "acknowledgement", 8: "end of data"}
_R30X_HEADER_BYTES = 9
_R30X_LENGTH_MAX = 258  # 256 bytes of data and the sum


def pn532() -> Cutter:
    return Cutter(_measure_pn532, _tell_pn532)


def r30x() -> Cutter:
    return Cutter(_measure_r30x, _tell_r30x)


def _measure_pn532(data: bytes) -> int | None:
    if not (b"\x00\x00\xff".startswith(data[:3]) or data[:3] == b"\x00\x00\xff"):
        return 0
    if len(data) < 6:
        return None
    if data[3:5] in (b"\x00\xff", b"\xff\x00"):
        return 6  # ACK, NACK
    if data[3:5] == b"\xff\xff":
        if len(data) < 8:
            return None
        start, length, fits = 8, int.from_bytes(data[5:7], "big"), sum(data[5:8]) & 0xFF == 0
    else:
        start, length, fits = 5, data[3], sum(data[3:5]) & 0xFF == 0
    end = start + length + 1
    if not fits or length == 0:
        return 0
    if len(data) <= end:
        return None
    return end + 1 if sum(data[start:end]) & 0xFF == 0 else 0


def _tell_pn532(frame: bytes) -> Told:
    if frame[3:5] in (b"\x00\xff", b"\xff\x00"):
        return Told(len(frame), "ACK" if frame[3] == 0 else "NACK")
    start = 8 if frame[3:5] == b"\xff\xff" else 5
    shift = _TFI.get(frame[start])
    if shift is None or len(frame) < start + 4:
        return Told(len(frame), "frame")
    name = _PN532_COMMANDS.get(frame[start + 1] - shift, "another command")
    return Told(len(frame), f"answer to {name}" if shift else name)


def _measure_r30x(data: bytes) -> int | None:
    if not (b"\xef\x01".startswith(data[:2]) or data[:2] == b"\xef\x01"):
        return 0
    if len(data) < _R30X_HEADER_BYTES:
        return None
    length = int.from_bytes(data[7:9], "big")
    end = _R30X_HEADER_BYTES + length
    if not 2 <= length <= _R30X_LENGTH_MAX or data[6] not in _R30X_TYPES:
        return 0
    if len(data) < end:
        return None
    return end if sum(data[6 : end - 2]) & 0xFFFF == int.from_bytes(data[end - 2 : end], "big") else 0


def _tell_r30x(frame: bytes) -> Told:
    name = _R30X_TYPES[frame[6]]
    if name in ("command", "acknowledgement") and len(frame) > _R30X_HEADER_BYTES + 2:
        name += f" {frame[_R30X_HEADER_BYTES]:#04x}"
    return Told(len(frame), name)
