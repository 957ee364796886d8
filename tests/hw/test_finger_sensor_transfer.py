"""One image out of damaged passes: it comes out exactly, or not at all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hw.finger.frame import OVERHEAD_SIZE, Decoder, Packet, PacketType, encode
from hw.finger.transfer import SLIP_MAX, Transfer

SIZE, COUNT = 32, 12
IMAGE = bytes(index * 37 % 251 for index in range(SIZE * COUNT))
PARTS = [IMAGE[at : at + SIZE] for at in range(0, len(IMAGE), SIZE)]
PACKETS = [*(Packet(PacketType.DATA, part) for part in PARTS[:-1]), Packet(PacketType.END, PARTS[-1])]
STRIDE = SIZE + OVERHEAD_SIZE
# What a pass suffers: at a byte of it, one bit flips (0), the byte is doubled (-1), or so many are lost. Once in a packet: what two
# errors in one packet do, its sum may miss.
HURTS = st.lists(
    st.tuples(st.integers(0, STRIDE * COUNT - 1), st.sampled_from([-1, 0, 1, 2, 30, STRIDE, 3 * STRIDE])),
    max_size=4,
    unique_by=lambda hurt: hurt[0] // STRIDE,
)


def passed(transfer: Transfer, packets: list[Packet], gap: int = 0) -> bool:
    transfer.begin()
    for packet in packets:
        transfer.take(packet)
    return transfer.end(gap)


def hurt(data: bytearray, hurts: list[tuple[int, int]]) -> bytes:
    for at, how in sorted(hurts, reverse=True):
        if how == 0:
            data[at] ^= 0x10
        elif how < 0:
            data.insert(at, data[at])
        else:
            del data[at : at + how]
    return bytes(data)


def test_sound_pass_is_the_image() -> None:
    transfer = Transfer(len(IMAGE), SIZE)
    assert transfer.content is None
    assert passed(transfer, PACKETS)
    assert transfer.content == IMAGE


def test_end_may_come_alone() -> None:
    transfer = Transfer(len(IMAGE), SIZE)
    data = [Packet(PacketType.DATA, part) for part in PARTS]
    assert passed(transfer, [*data, Packet(PacketType.END, b"")])
    assert transfer.content == IMAGE


def test_pass_that_does_not_add_up_keeps_nothing_even_without_its_end() -> None:
    for packets in (PACKETS[:4] + PACKETS[5:-1], PACKETS[:5] + PACKETS[4:-1] + PACKETS[:1], PACKETS[:-2]):
        transfer = Transfer(len(IMAGE), SIZE)
        assert not passed(transfer, packets)
        assert not transfer._kept


def test_packet_of_another_size_and_an_end_within_keep_nothing() -> None:
    for odd in (
        Packet(PacketType.DATA, PARTS[3][:16]),
        Packet(PacketType.END, PARTS[3]),
        Packet(PacketType.ACK, PARTS[3]),
    ):
        transfer = Transfer(len(IMAGE), SIZE)
        assert not passed(transfer, [*PACKETS[:3], odd, *PACKETS[4:]])
        assert not transfer._kept


def test_place_that_skipped_bytes_do_not_tell_is_no_place() -> None:
    """A gap of a packet and a third: one packet lost, or two, who knows."""
    for off in (SLIP_MAX + 1, STRIDE // 3, -SLIP_MAX - 1):
        transfer = Transfer(len(IMAGE), SIZE)
        after = Packet(PacketType.DATA, PARTS[4], skipped=STRIDE + off)
        assert not passed(transfer, [*PACKETS[:3], after, *PACKETS[5:]])
        assert not transfer._kept
    transfer = Transfer(len(IMAGE), SIZE)
    after = Packet(PacketType.DATA, PARTS[4], skipped=STRIDE - SLIP_MAX)
    assert not passed(transfer, [*PACKETS[:3], after, *PACKETS[5:]])
    assert sorted(transfer._kept) == [index for index in range(COUNT) if index != 3]


def test_passes_that_contradict_each_other_count_for_nothing() -> None:
    transfer = Transfer(len(IMAGE), SIZE)
    hole = Packet(PacketType.DATA, PARTS[4], skipped=STRIDE)
    passed(transfer, [*PACKETS[:3], hole, *PACKETS[5:]])
    other = [Packet(packet.type, packet.payload[::-1]) for packet in PACKETS]
    assert not passed(transfer, other)
    assert transfer.content is None
    assert passed(transfer, PACKETS)
    assert transfer.content == IMAGE


@given(st.lists(HURTS, max_size=4))
def test_whatever_passes_suffer_the_image_is_exact_or_absent(passes: list[list[tuple[int, int]]]) -> None:
    transfer = Transfer(len(IMAGE), SIZE)
    for hurts in passes:
        decoder = Decoder()
        data = hurt(bytearray(b"".join(map(encode, PACKETS))), hurts)
        transfer.begin()
        for packet in decoder.feed(data, 0.0) + decoder.handle_timer(1.0):
            transfer.take(packet)
        transfer.end(decoder.gap)
        assert transfer.content in (None, IMAGE)
