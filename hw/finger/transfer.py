"""One image out of data packets that may be damaged: whole packets are kept, the holes are filled when the sensor sends it again.

An image is 144 to 1152 packets. On a line that spoils one byte in 5,000 no pass is ever without fault, so a pass is not all or nothing.
But packets bear no number, so where one belongs follows from what came before it:

    whole packet         the next place
    n skipped bytes      as many places as packets would take n bytes, give or take SLIP_MAX bytes lost or doubled in each
    end packet, silence  the pass counts only if all places, and no more, have gone by; otherwise nothing of it is kept

A packet that vanished without a trace shows in that count. Two passes that differ in a place contradict each other: neither is kept.
Nothing shows: two whole packets that changed places (no line does that), and errors within one packet that its sum misses.
"""

from __future__ import annotations

from hw.finger.frame import OVERHEAD_SIZE, Packet, PacketType

SLIP_MAX = 4  # chosen: bytes lost or doubled in one packet; more would be another fault than noise


class Transfer:
    """Of one content of the image buffer, which must not change between its passes."""

    def __init__(self, image_size: int, packet_size: int) -> None:
        self._packet_size = packet_size
        self._count = image_size // packet_size
        self._kept: dict[int, bytes] = {}
        self._placed: dict[int, bytes] = {}
        self._place = 0
        self._lost = False

    @property
    def content(self) -> bytes | None:
        """The image, once it is whole."""
        if len(self._kept) < self._count:
            return None
        return b"".join(self._kept[place] for place in range(self._count))

    def begin(self) -> None:
        """A pass begins."""
        self._placed, self._place, self._lost = {}, 0, False

    def take(self, packet: Packet) -> None:
        """The pass's next packet."""
        self._skip(packet.skipped)
        if packet.type is PacketType.END and not packet.payload:
            return  # some send the end alone
        self._lost = self._lost or not self._fits(packet)
        if not self._lost and self._place < self._count:
            self._placed[self._place] = packet.payload
        self._place += 1

    def end(self, gap: int) -> bool:
        """The pass is over; gap: bytes that belonged to no packet since the last one. True if it was without fault."""
        self._skip(gap)
        placed, sound = self._placed, not self._lost and self._place == self._count
        self.begin()
        if not sound:
            return False
        if any(self._kept.get(place, payload) != payload for place, payload in placed.items()):
            self._kept.clear()
            return False
        self._kept.update(placed)
        return len(placed) == self._count

    def _fits(self, packet: Packet) -> bool:
        if len(packet.payload) != self._packet_size:
            return False
        return packet.type is PacketType.DATA or (packet.type is PacketType.END and self._place == self._count - 1)

    def _skip(self, gap: int) -> None:
        size = self._packet_size + OVERHEAD_SIZE
        packets = (gap + size // 2) // size
        self._place += packets
        if abs(gap - packets * size) > min(SLIP_MAX * max(packets, 1), size // 3):
            self._lost = True
