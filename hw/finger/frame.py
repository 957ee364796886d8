"""Packets of the R30x/ZFM fingerprint sensors, both directions.

    EF 01  address 4  type 1  length 2  payload 0..256  sum 2

length counts payload and sum, high byte first. sum: type, both bytes of length and the payload, added up modulo 65536, high byte first.
Source: user manuals of GROW R307 (V1.20), R503 (V1.1) and ZhianTec ZFM-20, "data package's format".

On the wire: noise before, between and inside packets; a packet cut short; bytes lost or doubled; packets of another address; the single
55 that a sensor says when it gets power. A candidate that turns out to be none costs one byte; one that stays incomplete for
INTER_CHARACTER_S is discarded, and what came behind its first byte is searched again. The sum is weak: two errors that cancel each
other in one packet pass, and packets bear no number (see `transfer`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

START = b"\xef\x01"
ADDRESS_SIZE = 4
ADDRESS_DEFAULT = b"\xff\xff\xff\xff"
PAYLOAD_SIZE_MAX = 256  # manuals: the largest data packet
OVERHEAD_SIZE = len(START) + ADDRESS_SIZE + 1 + 2 + 2
PACKET_SIZE_MAX = OVERHEAD_SIZE + PAYLOAD_SIZE_MAX
# Chosen: a byte takes 1 ms at 9600 baud and a USB adapter holds bytes back for 16 ms; sensors send a packet without pausing.
INTER_CHARACTER_S = 0.1

_HEAD_SIZE = len(START) + ADDRESS_SIZE
_TYPE_AT = _HEAD_SIZE
_PAYLOAD_AT = _HEAD_SIZE + 3
_SUM_SIZE = 2


class PacketType(IntEnum):
    COMMAND = 0x01
    DATA = 0x02
    ACK = 0x07
    END = 0x08  # the last data packet


@dataclass(frozen=True, slots=True, repr=False)
class Packet:
    """skipped: how many bytes that belonged to no packet came directly before it."""

    type: PacketType
    payload: bytes
    skipped: int = 0

    def __repr__(self) -> str:
        return f"Packet({self.type.name}, {len(self.payload)} bytes, redacted)"


class Decoder:
    """Bytes -> packets of one address. Holds at most one packet.

    skipped_count: bytes that belonged to no packet. gap: those of them since the last packet.
    """

    def __init__(self, address: bytes = ADDRESS_DEFAULT) -> None:
        self._head = START + address
        self._buffer = bytearray()
        self._last = 0.0
        self.skipped_count = 0
        self.gap = 0

    def feed(self, data: bytes, now: float) -> list[Packet]:
        """Packets completed by data, in order. now: seconds, monotonic."""
        packets = self.handle_timer(now)
        self._last = now
        self._buffer += data
        return packets + self._scan()

    def next_timer(self) -> float | None:
        """When handle_timer is due; None while nothing is pending."""
        return self._last + INTER_CHARACTER_S if self._buffer else None

    def handle_timer(self, now: float) -> list[Packet]:
        """Discards a start that has waited too long; packets that it had hidden come out. Harmless when not due."""
        timer = self.next_timer()
        packets: list[Packet] = []
        while timer is not None and now >= timer and self._buffer:
            self._skip(1)
            packets += self._scan()
        return packets

    def _scan(self) -> list[Packet]:
        packets: list[Packet] = []
        while self._buffer:
            start = self._buffer.find(self._head)
            if start < 0:
                self._skip(len(self._buffer) - self._begun())
                break
            self._skip(start)
            size = _packet_size(self._buffer)
            if size is None:
                self._skip(1)
                continue
            if len(self._buffer) < size:
                break
            packet = _parse(bytes(self._buffer[:size]), self.gap)
            if packet is None:
                self._skip(1)
                continue
            packets.append(packet)
            self.gap = 0
            del self._buffer[:size]
        return packets

    def _begun(self) -> int:
        """How many bytes at the buffer's end may begin a head."""
        longest = min(_HEAD_SIZE - 1, len(self._buffer))
        return next((size for size in range(longest, 0, -1) if self._buffer.endswith(self._head[:size])), 0)

    def _skip(self, count: int) -> None:
        self.skipped_count += count
        self.gap += count
        del self._buffer[:count]


def encode(packet: Packet, address: bytes = ADDRESS_DEFAULT) -> bytes:
    """Raises ValueError if the payload is too long."""
    if len(packet.payload) > PAYLOAD_SIZE_MAX:
        raise ValueError(f"a packet holds at most {PAYLOAD_SIZE_MAX} bytes")
    body = bytes([packet.type]) + (len(packet.payload) + _SUM_SIZE).to_bytes(2, "big") + packet.payload
    return START + address + body + _sum(body)


def _packet_size(buffer: bytearray) -> int | None:
    """The size of the packet that starts the buffer, as far as can be seen; None if there is none."""
    if len(buffer) < _PAYLOAD_AT:
        return _PAYLOAD_AT
    length = int.from_bytes(buffer[_TYPE_AT + 1 : _PAYLOAD_AT], "big")
    if buffer[_TYPE_AT] not in _TYPES or not _SUM_SIZE <= length <= _SUM_SIZE + PAYLOAD_SIZE_MAX:
        return None
    return _PAYLOAD_AT + length


def _parse(data: bytes, skipped: int) -> Packet | None:
    body, total = data[_TYPE_AT:-_SUM_SIZE], data[-_SUM_SIZE:]
    if _sum(body) != total:
        return None
    return Packet(PacketType(body[0]), body[3:], skipped)


def _sum(body: bytes) -> bytes:
    return (sum(body) & 0xFFFF).to_bytes(_SUM_SIZE, "big")


_TYPES = frozenset(PacketType)
