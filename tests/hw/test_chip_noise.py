"""Ten megabytes of noise on a chip reader's line: nothing is kept, nothing is lost, and the next document is read."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable

import pytest

from egate.domain.chip import ChipRead
from hw.emrtd.chip.application import Chip
from hw.emrtd.chip.personalisation import Personalisation
from hw.emrtd.drive import drive
from hw.emrtd.session import SESSION_S_MAX
from hw.emrtd.transport import CardTransport, VpcdTransport
from hw.link.base import Link
from hw.pn532.pd import Controller
from hw.pn532.transport import Pn532Transport

from .chip_bench import PLAN, zeros
from .field_bench import FieldChip
from .test_emrtd_session import FILES

SIZE = 10_000_000
MEMORY_MAX = 512 * 1024
READ_S = 0.0005  # of the clock, for each portion that is read


class NoisyLink:
    """A line to answer(data, now) on which noise_size bytes of noise are waiting, ahead of every answer."""

    def __init__(self, answer: Callable[[bytes, float], bytes], seed: int) -> None:
        self.now = 0.0
        self.noise_size = 0
        self._answer, self._random = answer, random.Random(seed)
        self._arrived = b""

    def read(self, size_max: int, timeout_s: float) -> bytes:
        if self.noise_size > 0:
            self.now += READ_S
            size = min(size_max, self.noise_size, self._random.randrange(1, 8192))
            self.noise_size -= size
            return self._random.randbytes(size)
        if not self._arrived:
            self.now += timeout_s
        data, self._arrived = self._arrived[:size_max], self._arrived[size_max:]
        return data

    def write(self, data: bytes) -> None:
        self._arrived += self._answer(data, self.now)
        self.now += 0.001

    def close(self) -> None:
        pass


def answers(protocol: str) -> Callable[[bytes, float], bytes]:
    if protocol == "apdu":
        chip = Chip(zeros)
        chip.insert(Personalisation(FILES))
        return chip.receive
    controller = Controller()
    controller.insert(FieldChip(FILES))
    return controller.receive


def made(protocol: str, link: Link, clock: Callable[[], float]) -> CardTransport:
    return VpcdTransport(link, clock) if protocol == "apdu" else Pn532Transport(link, clock)


@pytest.mark.parametrize("protocol", ["apdu", "pn532"])
def test_noise_while_no_document_is_there(protocol: str) -> None:
    link = NoisyLink(answers(protocol), seed=1)
    transport = made(protocol, link, lambda: link.now)
    link.noise_size, count = SIZE, 0
    tracemalloc.start()
    while link.noise_size:
        count += transport.idle(0.02)
    assert tracemalloc.get_traced_memory()[1] < MEMORY_MAX
    tracemalloc.stop()
    assert count > 0.9 * SIZE  # a PN532's preambles, as noise makes them too, are no noise
    assert drive(PLAN, transport, zeros, lambda: link.now) == ChipRead(present=True, files=FILES)


@pytest.mark.parametrize("protocol", ["apdu", "pn532"])
@pytest.mark.parametrize("place", [3, 40, 150])
def test_noise_in_the_middle_of_a_session(protocol: str, place: int) -> None:
    sound, count = answers(protocol), 0

    def answer(data: bytes, now: float) -> bytes:
        nonlocal count
        count += 1
        if count == place + 5:
            link.noise_size = SIZE
        return sound(data, now)

    link = NoisyLink(answer, seed=2)
    transport = made(protocol, link, lambda: link.now)
    began = link.now
    tracemalloc.start()
    result = drive(PLAN, transport, zeros, lambda: link.now)
    assert tracemalloc.get_traced_memory()[1] < MEMORY_MAX + 3 * sum(map(len, FILES.values()))
    tracemalloc.stop()
    assert link.now - began < SESSION_S_MAX + 2.0
    assert result.files.items() <= FILES.items()
    assert result.failure or result.files == FILES
    while link.noise_size:
        transport.idle(0.02)
    assert drive(PLAN, transport, zeros, lambda: link.now) == ChipRead(present=True, files=FILES)
