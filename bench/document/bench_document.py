"""How long does a whole chip read take us: PACE with AES-128, a portrait of 20 kB, passive and chip authentication?

Budget: <= 250 ms of our own time on one core (requirement); passive authentication against a store of 600 certificates <= 10 ms of it.
Our own time is that of terminal and verification. The simulated chip runs in the same thread and is measured and taken off: a real
one computes by itself, and the air between takes its own time (20 kB at 424 kbit/s about 1 s).

Estimate before measuring, curves of 256 bits:
    PACE: two key pairs and agreements, one mapped generator            4 scalar multiplications, 1 ms native, 5 ms portable each: 10 ms
    chip authentication: one key pair, one agreement                    2 ms
    secure messaging: 100 commands of 0.1 ms; 25 kB of AES and CMAC     15 ms
    passive authentication: 2 ECDSA verifications, 3 hashes, parsing    3 ms

    python -m bench.document.bench_document [--reads N]         medians and where the time goes, on one core
    pytest bench/document/bench_document.py --benchmark-only
"""

from __future__ import annotations

import argparse
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from egate.commands.bench.measurement import percentile
from egate.document.chip_checks import Trust
from egate.document.passive_authentication import verify_passive
from egate.document.pki.certificate import parse_certificate
from egate.document.pki.master_list import parse_master_list
from egate.document.pki.signed_list import open_signed_list
from egate.document.pki.trust import TrustAnchor, TrustStore
from egate.document.presentation import present
from egate.document.verify import verify_document
from egate.domain.evidence import Check, CheckResult
from egate.domain.ids import DocumentSessionId
from egate.domain.inspection import PASSIVE_CHECKS
from hw.emrtd.chip.application import ChipApplication
from hw.emrtd.direct import DirectTransport
from hw.emrtd.drive import drive
from hw.emrtd.plan import ReadPlan
from hw.sim.issuer import IssuedDocument, Issuer, invent_holder
from hw.sim.issuer_profile import EXTENDED, Pace, Profile
from hw.sim.pki import SimulatedState

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
STORE_SIZE, PORTRAIT_SIZE = 600, 20_000
READS = 50
CORPUS = Path(os.environ.get("EGATE_CORPUS", Path(__file__).resolve().parents[3] / "shared" / "corpus"))
PKI = CORPUS / "documents" / "pki"
PROFILES = {
    "PACE-GM brainpoolP256r1": Profile(pace=(Pace("ECDH", "GM", "AES128", 13),)),
    "PACE-GM secp256r1": Profile(pace=(Pace("ECDH", "GM", "AES128", 12),), chip_authentication="secp256r1"),
    "PACE-IM brainpoolP256r1": Profile(pace=(Pace("ECDH", "IM", "AES128", 13),)),
    "PACE-CAM brainpoolP256r1": Profile(pace=(Pace("ECDH", "CAM", "AES128", 13),)),
    "PACE-GM, extended length": Profile(pace=(Pace("ECDH", "GM", "AES128", 13),), limits=EXTENDED),
    "PACE-GM DH 2048, extended": Profile(pace=(Pace("DH", "GM", "AES128", 2),), limits=EXTENDED),
    "BAC": Profile(pace=(), chip_suite="TDES"),
}


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of one read: the terminal's session, the verification of what it brought, and the chip's own."""

    session: float
    verification: float
    chip: float

    @property
    def own(self) -> float:
        return self.session + self.verification


def portrait() -> bytes:
    """A JPEG of PORTRAIT_SIZE bytes, filled up behind its end."""
    image = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 255, (480, 360, 3), np.uint8), (0, 0), 3)
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 60])[1].tobytes()
    return data[:PORTRAIT_SIZE].ljust(PORTRAIT_SIZE, b"\0")


def issuer_and_store() -> tuple[Issuer, TrustStore]:
    """A store of STORE_SIZE certificates: real ones from the corpus, simulated states for what is missing."""
    state = SimulatedState(AT)
    anchors = [parse_certificate(item) for item in state.anchors()]
    for path in sorted(PKI.glob("*.ml")):
        anchors += parse_master_list(open_signed_list(path.read_bytes()).content).usable
    for number in range(len(anchors), STORE_SIZE):
        other = SimulatedState(AT, seed=str(number), common_name=f"CSCA of {number}")
        anchors.append(parse_certificate(other.csca.certificate))
    return Issuer.of_state(state, AT), TrustStore(tuple(TrustAnchor(item) for item in anchors), updated_at=AT)


def read(document: IssuedDocument, store: TrustStore) -> Times:
    """Raises AssertionError if the document does not pass: what fails early is no measurement."""
    assert document.personalisation is not None
    chip = ChipApplication(document.personalisation, secrets.token_bytes)
    spent, execute = metered(chip.execute)
    start = time.perf_counter()
    plan = ReadPlan(document.mrz_lines)
    found = drive(plan, DirectTransport(execute, chip.reset), secrets.token_bytes, time.monotonic)
    end = time.perf_counter()
    evidence = verify_document(present(DocumentSessionId("1" * 32), document.mrz_lines, found), AT, Trust(store))
    done = time.perf_counter()
    results = {item.check: item.result for item in evidence}
    for check in (Check.MRZ, Check.CHIP_ACCESS, Check.PASSIVE_AUTHENTICATION, Check.CHIP_AUTHENTICATION):
        assert results[check] is CheckResult.PASS, (check, found)
    return Times((end - start - sum(spent)) * 1e3, (done - end) * 1e3, sum(spent) * 1e3)


def metered(execute: Callable[[bytes], bytes]) -> tuple[list[float], Callable[[bytes], bytes]]:
    """Seconds that each call took, filled as it is called."""
    spent: list[float] = []

    def measured(command: bytes) -> bytes:
        start = time.perf_counter()
        try:
            return execute(command)
        finally:
            spent.append(time.perf_counter() - start)

    return spent, measured


@pytest.fixture(scope="module")
def world() -> tuple[Issuer, TrustStore]:
    return issuer_and_store()


@pytest.mark.parametrize("name", PROFILES)
def test_whole_read(benchmark: BenchmarkFixture, world: tuple[Issuer, TrustStore], name: str) -> None:
    """The chip's time is in it; what is ours stands in extra_info."""
    issuer, store = world
    document = issuer.issue(invent_holder(0, AT.date()), portrait(), profile=PROFILES[name])
    own: list[float] = []
    benchmark.pedantic(lambda: own.append(read(document, store).own), rounds=10, warmup_rounds=2)  # type: ignore[no-untyped-call]
    benchmark.extra_info["own_ms_median"] = percentile(own, 0.5)


def test_passive_authentication(benchmark: BenchmarkFixture, world: tuple[Issuer, TrustStore]) -> None:
    issuer, store = world
    document = issuer.issue(invent_holder(0, AT.date()), portrait())
    found = benchmark(verify_passive, document.files, store, AT)
    passed = [finding.check for finding in found.findings if finding.result is CheckResult.PASS]
    assert len(store.anchors) >= STORE_SIZE and len(passed) >= len(PASSIVE_CHECKS) - 1  # there is no revocation list


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.document.bench_document")
    parser.add_argument("--reads", type=int, default=READS, metavar="N")
    reads = parser.parse_args().reads
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    issuer, store = issuer_and_store()
    print(
        f"{reads} reads each, portrait {PORTRAIT_SIZE} bytes, {len(store.anchors)} certificates, one core; median ms (p95)"
    )
    print(f"{'':26} {'own':>14} {'session':>9} {'verify':>9} {'chip':>9}")
    for name, profile in PROFILES.items():
        document = issuer.issue(invent_holder(0, AT.date()), portrait(), profile=profile)
        read(document, store)
        times = [read(document, store) for _ in range(reads)]
        own = [item.own for item in times]
        parts = [
            percentile([getattr(item, part) for item in times], 0.5) for part in ("session", "verification", "chip")
        ]
        print(
            f"{name:26} {percentile(own, 0.5):6.1f} ({percentile(own, 0.95):5.1f})"
            + "".join(f" {part:9.1f}" for part in parts)
        )
    document = issuer.issue(invent_holder(0, AT.date()), portrait())
    passive = [_passive_ms(document, store) for _ in range(reads)]
    print(f"passive authentication alone: {percentile(passive, 0.5):.2f} ({percentile(passive, 0.95):.2f})")
    return 0


def _passive_ms(document: IssuedDocument, store: TrustStore) -> float:
    start = time.perf_counter()
    verify_passive(document.files, store, AT)
    return (time.perf_counter() - start) * 1e3


if __name__ == "__main__":
    raise SystemExit(main())
