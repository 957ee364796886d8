"""OSDP's check bytes and secure channel written down from the standard (OSDP 2.2, annexes C and D), for tests alone: the oracle for what
libosdp puts on the wire.

    [FF] 53 address length(2) control [block length, type, data] command data [MAC(4)] CRC(2) or checksum(1)
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB

BLOCK = 16
MAC_BYTES = 4
CRC_USED, SECURITY_BLOCK = 0x04, 0x08  # control byte
SCS_15, SCS_16, SCS_17, SCS_18 = 0x15, 0x16, 0x17, 0x18  # no data (command, reply), data (command, reply)


def crc16(data: bytes) -> bytes:
    """Annex C: polynomial 0x1021, start 0x1D0F; low byte first on the wire."""
    crc = 0x1D0F
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc.to_bytes(2, "little")


def checksum(data: bytes) -> bytes:
    return bytes([-sum(data) & 0xFF])


@dataclass(frozen=True, slots=True)
class Keys:
    s_enc: bytes
    s_mac1: bytes
    s_mac2: bytes


def session_keys(scbk: bytes, rnd_a: bytes) -> Keys:
    """D.4.1: AES of a constant and the first six bytes of the controller's challenge."""
    return Keys(*(_encrypt(scbk, bytes([1, code]) + rnd_a[:6] + bytes(8)) for code in (0x82, 0x01, 0x02)))


def client_cryptogram(keys: Keys, rnd_a: bytes, rnd_b: bytes) -> bytes:
    return _encrypt(keys.s_enc, rnd_a + rnd_b)


def server_cryptogram(keys: Keys, rnd_a: bytes, rnd_b: bytes) -> bytes:
    return _encrypt(keys.s_enc, rnd_b + rnd_a)


def initial_rmac(keys: Keys, cryptogram: bytes) -> bytes:
    return _encrypt(keys.s_mac2, _encrypt(keys.s_mac1, cryptogram))


class Session:
    """Both ends of one secure channel: the MAC of each message starts from that of the message before it, the other way's."""

    def __init__(self, keys: Keys, rmac: bytes) -> None:
        self._keys = keys
        self._mac = rmac

    def protect(self, head: bytes, data: bytes) -> bytes:
        """head: from SOM to the command, its length already that of the whole. Returns data and MAC; head's block type says whether
        data is encrypted."""
        body = self._cipher(data) if data else b""
        return body + self._next_mac(head + body)[:MAC_BYTES]

    def open(self, frame: bytes) -> tuple[int, bytes]:
        """(command or reply code, plain data) of a frame without mark. Raises ValueError if its MAC is wrong."""
        unchecked = frame[: -2 if frame[4] & CRC_USED else -1]
        message, mac = unchecked[:-MAC_BYTES], unchecked[-MAC_BYTES:]
        at = 5 + message[5]
        data = message[at + 1 :]
        plain = _unpad(_cbc(self._keys.s_enc, _inverted(self._mac)).decryptor().update(data)) if data else b""
        if self._next_mac(message)[:MAC_BYTES] != mac:
            raise ValueError("wrong MAC")
        return message[at], plain

    def _cipher(self, data: bytes) -> bytes:
        return _cbc(self._keys.s_enc, _inverted(self._mac)).encryptor().update(_padded(data + b"\x80"))

    def _next_mac(self, message: bytes) -> bytes:
        """D.5: CBC over the message; all blocks but the last under S-MAC1, the last under S-MAC2."""
        padded = message if len(message) % BLOCK == 0 else _padded(message + b"\x80")
        before, last = padded[:-BLOCK], padded[-BLOCK:]
        chained = _cbc(self._keys.s_mac1, self._mac).encryptor().update(before)[-BLOCK:] if before else self._mac
        self._mac = _cbc(self._keys.s_mac2, chained).encryptor().update(last)
        return self._mac


def frame(address: int, control: int, command: int, data: bytes, session: Session | None = None) -> bytes:
    """A command as it goes over the wire, with mark."""
    block = b"" if session is None else bytes([2, SCS_17 if data else SCS_15])
    control |= SECURITY_BLOCK if session is not None else 0
    tail = (2 if control & CRC_USED else 1) + (MAC_BYTES if session is not None else 0)
    body_length = len(_padded(data + b"\x80")) if session is not None and data else len(data)
    length = 5 + len(block) + 1 + body_length + tail
    head = bytes([0x53, address]) + length.to_bytes(2, "little") + bytes([control]) + block + bytes([command])
    message = head + (data if session is None else session.protect(head, data))
    return b"\xff" + message + (crc16(message) if control & CRC_USED else checksum(message))


def _encrypt(key: bytes, block: bytes) -> bytes:
    return Cipher(AES(key), ECB()).encryptor().update(block)


def _cbc(key: bytes, vector: bytes) -> Cipher[CBC]:
    return Cipher(AES(key), CBC(vector))


def _inverted(block: bytes) -> bytes:
    return bytes(byte ^ 0xFF for byte in block)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def _unpad(data: bytes) -> bytes:
    return data.rstrip(b"\0")[:-1]
