"""The chip's half of ISO/IEC 14443-4: APDUs in blocks, for hosts that do the block protocol themselves (InCommunicateThru).

    E0 parameter   RATS, answered by the ATS
    02/03 INF      I-block, 12/13 with more to come; block number in the last bit
    A2/A3, B2/B3   acknowledgement and its refusal            C2  deselect, answered by C2

Sums are the controller's. Not modelled: node addresses, waiting time extensions, speeds above 106 kbit/s.
"""

from __future__ import annotations

from collections.abc import Callable

RATS = 0xE0
# FSDI, 5.1: bytes of a frame the host takes, with PCB and two bytes of CRC
FRAME_SIZES = (16, 24, 32, 40, 48, 64, 96, 128, 256)
FRAME_OVERHEAD = 3
APDU_SIZE_MAX = 65_544  # ISO/IEC 7816-4: a command with extended length fields
_I, _R, _S = 0x02, 0xA2, 0xC2
_CHAIN, _NAK, _CID, _NAD = 0x10, 0x10, 0x08, 0x04


class Picc:
    """One activation. execute: an APDU to its answer; None if the chip stays silent."""

    def __init__(self, ats: bytes, execute: Callable[[bytes], bytes | None]) -> None:
        self._ats, self._execute = ats, execute
        self._frame_size = FRAME_SIZES[-1]
        self._number = 1  # 7.5.3.2, rule C
        self._command = bytearray()
        self._answer = b""
        self._last: bytes | None = None
        self.active = False

    def receive(self, block: bytes) -> bytes | None:
        """The chip's block; None for silence."""
        if not self.active:
            if len(block) != 2 or block[0] != RATS:
                return None
            self.active = True
            self._frame_size = FRAME_SIZES[min(block[1] >> 4, len(FRAME_SIZES) - 1)]
            return self._ats
        if not block:
            return None
        pcb, cid = block[0], block[1:2] if block[0] & _CID else b""
        if pcb & 0xE2 == _I and not pcb & _NAD:
            return self._sent(self._information(pcb, block[1 + len(cid) :], cid))
        if pcb & 0xE6 == _R:
            return self._sent(self._acknowledged(pcb, cid))
        if pcb & 0xF7 == _S:
            self.active = False
            return block
        return None

    def _sent(self, block: bytes | None) -> bytes | None:
        self._last = block
        return block

    def _information(self, pcb: int, content: bytes, cid: bytes) -> bytes | None:
        self._number ^= 1  # rule D
        self._command += content
        if len(self._command) > APDU_SIZE_MAX:
            self._command.clear()
            return None
        if pcb & _CHAIN:
            return bytes([_R | self._number | (_CID if cid else 0)]) + cid  # rule 10
        command = bytes(self._command)
        self._command.clear()
        answer = self._execute(command)
        if answer is None:
            return None
        self._answer = answer
        return self._next(cid)

    def _acknowledged(self, pcb: int, cid: bytes) -> bytes | None:
        if pcb & 1 == self._number:
            return self._last  # rule 11
        if pcb & _NAK:
            return bytes([_R | self._number | (_CID if cid else 0)]) + cid  # rule 12
        self._number ^= 1  # rule E
        return self._next(cid)  # rule 13

    def _next(self, cid: bytes) -> bytes:
        size = self._frame_size - FRAME_OVERHEAD - len(cid)
        part, self._answer = self._answer[:size], self._answer[size:]
        chain = _CHAIN if self._answer else 0
        return bytes([_I | self._number | chain | (_CID if cid else 0)]) + cid + part
