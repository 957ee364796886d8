"""One seeded plan of faults: losses depend on seed and bytes alone, portions and stalls change only when they come."""

from __future__ import annotations

from hw.link import memory
from hw.link.fault import ROUGH_LINE, FaultLink, FaultPlan
from tests.hw.test_link import read_all


def _through(seed: int, plan: FaultPlan, data: bytes, portion: int = 0) -> bytes:
    near, far = memory.pair()
    link = FaultLink(near, seed, plan)
    for start in range(0, len(data), portion or len(data)):
        link.write(data[start : start + (portion or len(data))])
    return far.read(len(data) * 2, 0)


def test_losses_depend_on_seed_and_bytes_not_on_portions_or_the_other_direction() -> None:
    plan = FaultPlan(drop=0.05, flip=0.05, duplicate=0.05)
    whole = _through(1, plan, bytes(2000))
    assert whole == _through(1, plan, bytes(2000), portion=7)
    assert whole == _through(1, FaultPlan(0.05, 0.05, 0.05, split_bytes_max=3), bytes(2000))
    assert whole != _through(2, plan, bytes(2000))
    near, far = memory.pair()
    link = FaultLink(near, 1, plan)
    far.write(bytes(500))
    assert link.read(1000, 0) != bytes(500)
    assert link.read(10, 0) == b""
    link.write(bytes(2000))
    assert far.read(4000, 0) == whole


def test_rough_line_has_the_rates_it_says() -> None:
    """200,000 bytes: 40 expected of each; four standard deviations are 25."""
    size = 200_000
    near, far = memory.pair()
    plan = FaultPlan(drop=ROUGH_LINE.drop, flip=ROUGH_LINE.flip)
    link = FaultLink(near, 3, plan)
    flipped = 0
    for _ in range(size // 1000):
        link.write(bytes(1000))
        flipped += sum(map(bool, far.read(1000, 0)))
    assert 15 <= link.bytes_lost <= 65
    assert 15 <= flipped <= 65
    assert ROUGH_LINE.split == 0.05 and ROUGH_LINE.stall_s == 0.05


def test_only_the_planned_share_of_reads_is_split() -> None:
    near, far = memory.pair()
    link = FaultLink(near, 5, FaultPlan(split=0.05, split_bytes_max=6))
    split = 0
    for _ in range(1000):
        far.write(bytes(10))
        first = link.read(10, 0)
        split += len(first) < 10
        assert first + read_all(link, 10 - len(first)) == bytes(10)
    assert 20 <= split <= 90


def test_stalled_portions_come_late_and_whole() -> None:
    near, far = memory.pair()
    link = FaultLink(near, 5, FaultPlan(stall=1.0, stall_s=0.02))
    far.write(b"one")
    assert link.read(10, 0.0) == b"one"  # held back 20 ms by the link itself, never lost
    waits: list[float] = []
    link = FaultLink(near, 5, FaultPlan(stall=0.1, stall_s=0.05), sleep=waits.append)
    for _ in range(1000):
        link.write(b"x")
    assert set(waits) == {0.05} and 60 <= len(waits) <= 140
