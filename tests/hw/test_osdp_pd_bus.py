"""Several simulated peripherals on one line, and faults of one of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hw.link import memory
from hw.link.fault import FaultLink
from hw.osdp.library import native
from hw.osdp.pd import LockPeripheral
from hw.osdp.pd_bus import HELD_BYTES_MAX, PeripheralBus, Tap
from hw.osdp.pd_output import ON_TIMED
from tests.hw.osdp_peer_panel import Panel

ADDRESSES = [1, 2, 5, 126]


class Line:
    def __init__(self) -> None:
        self.now = 0.0
        near, far = memory.pair()
        self.bus = PeripheralBus(far)
        self.faults = [FaultLink(self.bus.tap(), number) for number in range(len(ADDRESSES))]
        keys = [bytes([address] * 16) for address in ADDRESSES]
        self.peripherals = [
            LockPeripheral(fault, key, lambda: self.now, address)
            for fault, key, address in zip(self.faults, keys, ADDRESSES, strict=True)
        ]
        self.bus.join(self.peripherals)
        self.panel = Panel(near, ADDRESSES, keys)
        self.panel.polled.append(lambda: self.bus.poll(0.0))

    def all_online(self) -> bool:
        return all(self.panel.online(index) for index in range(len(ADDRESSES)))


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    line.panel.step_until(line.all_online)
    yield line
    line.panel.close()
    line.bus.close()


def test_each_answers_to_its_address_alone(line: Line) -> None:
    assert line.panel.command(
        {"command": native.CMD_OUTPUT, "output_no": 0, "control_code": ON_TIMED, "timer_count": 20}, 2
    )
    assert [one.released for one in line.peripherals] == [False, False, True, False]
    replies = [frame for sent, frame in line.panel.channel.frames if not sent]
    addresses = {frame[frame.index(0x53) + 1] & 0x7F for frame in replies}
    assert addresses == set(ADDRESSES)
    assert line.panel.ask(native.STATUS_REPORT_OUTPUT, 2) == b"\1"
    assert line.panel.ask(native.STATUS_REPORT_OUTPUT, 1) == b"\0"


def test_silence_of_one_leaves_the_others_online(line: Line) -> None:
    line.faults[1].silence(0.0, 60.0)
    del line.panel.channel.frames[:]
    for _ in range(5):
        for index in (0, 2, 3):
            assert line.panel.ask(native.STATUS_REPORT_OUTPUT, index) == b"\0"
    line.panel.step_until(lambda: line.faults[1].bytes_lost > 0)  # it was spoken to
    replies = [frame for sent, frame in line.panel.channel.frames if not sent]
    assert not [frame for frame in replies if frame[frame.index(0x53) + 1] & 0x7F == ADDRESSES[1]]


def test_unplugged_one_is_left_out_until_it_is_back(line: Line) -> None:
    line.faults[0].unplug()
    assert line.panel.ask(native.STATUS_REPORT_OUTPUT, 1) == b"\0"
    line.faults[0].replug()
    line.peripherals[0].power_cycle()
    line.panel.step()
    assert line.panel.ask(native.STATUS_REPORT_OUTPUT, 1) == b"\0"


def test_one_that_does_not_listen_holds_no_memory() -> None:
    near, _ = memory.pair()
    tap = Tap(near)
    for _ in range(100):
        tap.hear(bytes(1000))
    assert len(tap.read(1_000_000, 0.0)) == HELD_BYTES_MAX
