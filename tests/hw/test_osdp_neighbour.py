"""What a lock that does not obey, or whose output refuses, does to its neighbours: next to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hw.osdp.library import lend, native
from hw.osdp.lock import LockDuty
from hw.osdp.pd_answer import REFUSED
from hw.osdp.peripheral import Peripheral
from hw.osdp.release import REFUSED_AGAIN_S, Contact, Fate
from tests.hw.line_bench import TRANSIT_S, Workbench, two_online


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    """Without polls: libosdp's own clock does not know how late it is here."""
    monkeypatch.setattr("hw.osdp.peripheral.POLL_IDLE_S", 1e6)
    with two_online() as one:
        yield one


def ends(bench: Workbench) -> dict[int, list[str]]:
    """Why connections are given up from now on, by address."""
    told: dict[int, list[str]] = {}
    for peripheral in bench.line.peripherals:
        told[peripheral.address] = []
        note(peripheral, told[peripheral.address])
    return told


def note(peripheral: Peripheral, told: list[str]) -> None:
    abandon = peripheral.abandon

    def noting(diagnosis: str, now: float) -> None:
        told.append(diagnosis)
        abandon(diagnosis, now)

    peripheral.abandon = noting  # type: ignore[method-assign]


def slow(bench: Workbench, delay_s: float) -> None:
    """Answers arrive so late; the line brings one after the other."""
    read = bench.wire.read
    coming: list[tuple[float, bytes]] = []

    def late(size_max: int, timeout_s: float) -> bytes:
        if data := read(size_max, timeout_s):
            coming.append((bench.time + delay_s, data))
        return coming.pop(0)[1] if coming and coming[0][0] <= bench.time else b""

    bench.wire.read = late  # type: ignore[method-assign]


def test_output_that_does_not_obey_leaves_slow_neighbours_their_connection(bench: Workbench) -> None:
    slow(bench, 0.12)
    bench.run(1.0)  # how long they take is known
    ended = ends(bench)
    bench.simulated[1].stuck = True
    bench.simulated[1].come_on()
    bench.run_until(lambda: bench.locks[1].contact is Contact.SECURING, 10.0)
    bench.run(4.0)
    assert ended == {1: [], 2: []}
    assert bench.locks[2].contact is Contact.READY


def test_two_slow_locks_are_released_at_once(bench: Workbench) -> None:
    slow(bench, 0.1)
    bench.run(2.0)
    bench.run_until(lambda: bench.ready(1, 2), 10.0)
    ended = ends(bench)
    bench.release(1, 0.2, 1.5)
    bench.release(2, 0.2, 1.5)
    bench.run_until(lambda: len(bench.fates) == 2)
    assert [fate for _, fate in bench.fates] == [Fate.ACKNOWLEDGED] * 2
    assert ended == {1: [], 2: []}


def refuse(bench: Workbench, output: int) -> None:
    peripheral = bench.simulated[1]
    carry_out = peripheral._on_command

    def refusing(command: dict[str, Any]) -> Any:
        refused = command["command"] == native.CMD_OUTPUT and command["output_no"] == output
        return lend(REFUSED) if refused else carry_out(command)

    peripheral._context.set_command_callback(refusing)


def test_output_that_refuses_is_let_be_and_its_sibling_serves(bench: Workbench) -> None:
    peripheral = bench.line.peripherals[0]
    refuse(bench, 1)
    bad = LockDuty(peripheral, 1, TRANSIT_S)
    peripheral.add(bad, bench.time)
    bench.run_until(lambda: not bad.trusted)
    bench.run_until(lambda: bench.ready(1, 2))
    ended = ends(bench)
    bench.run(3.0)
    secured: list[bool] = []
    bad.secure(bench.time, bench.time + 1.0, secured.append)
    bench.release(1, 0.2, 0.5)
    bench.run_until(lambda: bool(bench.fates) and bool(secured))
    assert bench.fates[0][1] is Fate.ACKNOWLEDGED
    assert secured == [False]
    assert ended == {1: [], 2: []}
    assert bad.contact is not Contact.READY
    assert "refuses" in bad.diagnosis
    fates: list[Fate] = []
    bad.release(0.2, bench.time + 1.0, fates.append)
    assert fates == [Fate.NOT_SENT]


def test_output_that_refused_is_tried_again_and_serves_once_it_obeys(bench: Workbench) -> None:
    peripheral = bench.simulated[1]
    refuse(bench, 0)
    bench.locks[1].secure(bench.time, bench.time + 1.0, lambda done: None)
    bench.run_until(lambda: not bench.locks[1].trusted)
    peripheral._context.set_command_callback(peripheral._on_command)
    bench.time += REFUSED_AGAIN_S
    bench.run_until(lambda: bench.ready(1) and bench.locks[1].trusted)
    assert bench.locks[1].diagnosis == ""
