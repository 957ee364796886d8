"""How much of a chip read goes into opening the chip and into secure messaging, and which half spends it?

Budget: part of the 250 ms of `bench_document`; opening and reading 20 kB together <= 100 ms of the terminal's, on one core.
Estimate before measuring:
    PACE, curve of 256 bits, each half: 5 multiplications of 0.7 ms, one of them from a table, 0.2 ms      3.5 ms
    PACE, DH 2048/256: 6 powers of 2 ms                                                                    12 ms
    secure messaging of one READ BINARY, each half: 2 MACs of 5 us (3DES: 15), 1 cipher of 8 us, parsing    60 us
    20 kB in answers of 223 bytes: 91 of them                                                               6 ms

    python -m bench.document.bench_chip_access [--rounds N]      both halves apart, median ms of CPU time
    pytest bench/document/bench_chip_access.py --benchmark-only
"""

from __future__ import annotations

import argparse
import os
import secrets
import time
from collections.abc import Callable, Generator
from functools import partial
from typing import TypeVar

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from egate.commands.bench.measurement import percentile
from egate.document.chip.security_info import PaceInfo
from egate.document.chip.security_info_writer import write_security_infos
from egate.document.chip.security_protocol import PACE, oid_of
from egate.domain.chip import AccessProtocol
from hw.emrtd.chip.application import ChipApplication
from hw.emrtd.chip.personalisation import Limits, Personalisation
from hw.emrtd.protocol import bac, pace
from hw.emrtd.protocol.chip_key import ChipKey
from hw.emrtd.protocol.cipher import Suite
from hw.emrtd.protocol.pace import Password
from hw.emrtd.protocol.secure_messaging import SecureMessaging
from hw.emrtd.wire import apdu
from hw.emrtd.wire.apdu import Command, Response
from hw.sim.pki_keys import Algorithm, generate_key

ZONE = b"L898902C<369080619406236"
FILE_SIZE = 20_000
EXTENDED = Limits(1_024, 2_500)
ROUNDS = 30
WAYS = {
    "PACE-GM brainpoolP256r1": ("ECDH", "GM", "AES128", 13),
    "PACE-GM secp256r1": ("ECDH", "GM", "AES128", 12),
    "PACE-GM brainpoolP512r1": ("ECDH", "GM", "AES256", 17),
    "PACE-IM brainpoolP256r1": ("ECDH", "IM", "AES128", 13),
    "PACE-CAM brainpoolP256r1": ("ECDH", "CAM", "AES128", 13),
    "PACE-GM DH 2048/256": ("DH", "GM", "AES128", 2),
    "BAC": None,
}
_Result = TypeVar("_Result")


class Bench:
    """A chip, and the seconds it has taken."""

    def __init__(self, way: str, limits: Limits = EXTENDED) -> None:
        self.names = WAYS[way]
        files = {"dg2": b"\x75\x82" + (FILE_SIZE - 4).to_bytes(2, "big") + bytes(FILE_SIZE - 4)}
        key = None
        if self.names is not None:
            agreement, mapping, suite, number = self.names
            self.info = PaceInfo(
                oid_of(PACE, agreement, mapping, suite), *PACE[oid_of(PACE, agreement, mapping, suite)], 2, number
            )
            files["card_access"] = write_security_infos([self.info])
            made = generate_key(Algorithm("brainpoolP256r1", "sha256"))
            key = ChipKey(made.spki(), made.scalar())
        access = frozenset({AccessProtocol.BAC if self.names is None else AccessProtocol.PACE})
        chip = Personalisation(files, ZONE, access=access, mapping_key=key, limits=limits)
        self.chip = ChipApplication(chip, secrets.token_bytes)
        self.chip_s = 0.0

    def open(self) -> SecureMessaging:
        self.chip.reset()
        if self.names is None:
            self.say(apdu.select_application())
            return self.run(bac.authenticate(ZONE, secrets.token_bytes))
        return self.run(pace.authenticate(self.info, Password.of_mrz(ZONE), secrets.token_bytes)).messaging

    def read(self, messaging: SecureMessaging) -> int:
        """Bytes of the file. Raises AssertionError if not all come."""
        size, room = 0, messaging.content_max(max(apdu.LE_MAX, self.chip.personalisation.limits.le_max))
        for command in (apdu.select_application(), apdu.select_file(apdu.FILE_IDENTIFIERS["dg2"])):
            assert messaging.unwrap(self.say(messaging.wrap(command))).sw == apdu.SW_OK
        while size < FILE_SIZE:
            size += len(messaging.unwrap(self.say(messaging.wrap(apdu.read_binary(size, room)))).data)
        assert size == FILE_SIZE
        return size

    def say(self, command: Command) -> Response:
        message = command.encode()
        start = time.thread_time()
        answer = self.chip.execute(message)
        self.chip_s += time.thread_time() - start
        response = apdu.parse_response(answer)
        assert response is not None
        return response

    def run(self, step: Generator[Command, Response, _Result]) -> _Result:
        try:
            command = next(step)
            while True:
                command = step.send(self.say(command))
        except StopIteration as stop:
            result: _Result = stop.value
            return result


@pytest.mark.parametrize("way", WAYS)
def test_open(benchmark: BenchmarkFixture, way: str) -> None:
    """Both halves."""
    bench = Bench(way)
    assert not benchmark(bench.open).closed


@pytest.mark.parametrize("limits", [Limits(), EXTENDED], ids=["short", "extended"])
@pytest.mark.parametrize("way", ["PACE-GM brainpoolP256r1", "BAC"], ids=["AES128", "TDES"])
def test_read_20_kb(benchmark: BenchmarkFixture, way: str, limits: Limits) -> None:
    """Both halves."""
    bench = Bench(way, limits)
    messaging = bench.open()
    assert benchmark(bench.read, messaging) == FILE_SIZE


@pytest.mark.parametrize("suite", Suite)
def test_one_answer(benchmark: BenchmarkFixture, suite: Suite) -> None:
    """One READ BINARY of 223 bytes through both halves' secure messaging, without the chip behind it."""
    terminal, chip = (SecureMessaging(suite, bytes(range(suite.key_size)), bytes(suite.key_size)) for _ in "tc")
    command, answer = apdu.read_binary(0, 223), Response(bytes(223), apdu.SW_OK)

    def exchange() -> Response:
        chip.unwrap_command(terminal.wrap(command))
        return terminal.unwrap(chip.wrap_response(answer))

    assert benchmark(exchange) == answer


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.document.bench_chip_access")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    rounds = parser.parse_args().rounds
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"{rounds} rounds each, one core; median ms of CPU time (p95)\n{'':34} {'terminal':>16} {'chip':>16}")
    for way in WAYS:
        bench = Bench(way)
        print(row(f"open  {way}", bench, bench.open, rounds))
    for way in ("PACE-GM brainpoolP256r1", "BAC"):
        for name, limits in (("short", Limits()), ("extended", EXTENDED)):
            bench = Bench(way, limits)
            messaging = bench.open()
            print(row(f"20 kB {way}, {name}"[:34], bench, partial(bench.read, messaging), rounds))
    return 0


def row(name: str, bench: Bench, act: Callable[[], object], rounds: int) -> str:
    act()
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        bench.chip_s, start = 0.0, time.thread_time()
        act()
        total = time.thread_time() - start
        ours.append((total - bench.chip_s) * 1e3)
        theirs.append(bench.chip_s * 1e3)
    parts = [f"{percentile(values, 0.5):8.2f} ({percentile(values, 0.95):5.2f})" for values in (ours, theirs)]
    return f"{name:34} {parts[0]} {parts[1]}"


if __name__ == "__main__":
    raise SystemExit(main())
