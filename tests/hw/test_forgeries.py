"""No forgery passes, no genuine document is refused.

Each document is read from a simulated chip by the session that reads real ones, over secure messaging, and inspected with the trust
store of its office. Access protocols, curves, hashes, signers and versions vary with the seed. Here a slice; `make soak` runs 14 x 50
forgeries and 700 genuine documents and prints what caught which.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest

from egate.document.pki.trust import TrustStore
from egate.domain.document import DocumentRead
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.inspection import Finding, InspectionCheck
from egate.domain.reason import Reason
from hw.emrtd.direct import DirectTransport
from hw.emrtd.protocol.terminal_chain import TerminalChain, parse_terminal_chain
from hw.emrtd.wire import apdu
from hw.sim.forgery import Forgery, ForgeryClass, forge
from hw.sim.issuer_office import Office
from hw.sim.issuer_profile import Profile
from tests.hw.document_reading import (
    against,
    findings,
    inspect,
    passes,
    read_document,
    seeded_entropy,
    transport_of,
)

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
SLICE_FORGERIES, SLICE_GENUINE = 5, 70
SOAK_FORGERIES, SOAK_GENUINE = 50, 700
NOISE = np.random.default_rng(2).integers(0, 255, (4, 60, 48, 3), dtype=np.uint8)
PORTRAITS = [cv2.imencode(".jpg", image)[1].tobytes() for image in NOISE]
FINGERS = [cv2.imencode(".png", image[:, :, 0])[1].tobytes() for image in NOISE]
# The one check that stands between the forger and the gate, where there is only one: a gate without it would open. The other classes
# meet several: an unknown signer has no CSCA to be valid or of the right state, a shortened list differs from EF.COM, and a security
# object of another document leaves the chip's key unsigned.
ONE_CHECK = {
    ForgeryClass.CHANGED_PORTRAIT: InspectionCheck.DG_HASHES,
    ForgeryClass.ANOTHER_PERSON: InspectionCheck.DG_HASHES,
    ForgeryClass.FINGERS_SWAPPED: InspectionCheck.DG_HASHES,
    ForgeryClass.SIGNER_OF_ANOTHER_STATE: InspectionCheck.ISSUER_STATE,
    ForgeryClass.EXPIRED_SIGNER: InspectionCheck.VALIDITY,
    ForgeryClass.REVOKED_SIGNER: InspectionCheck.REVOCATION,
    ForgeryClass.BROKEN_SIGNATURE: InspectionCheck.SOD_SIGNATURE,
    ForgeryClass.ACCESS_DOWNGRADED: InspectionCheck.CHIP_ACCESS,
}
FILES = {InspectionCheck.DG_HASHES, InspectionCheck.EF_COM}
PROOFS = {InspectionCheck.CHIP_AUTHENTICATION, InspectionCheck.ACTIVE_AUTHENTICATION}


@pytest.fixture(scope="module")
def office() -> Office:
    return Office(AT, PORTRAITS, FINGERS)


@pytest.fixture(scope="module")
def store(office: Office) -> TrustStore:
    return office.trust_store()


def terminal_of(office: Office) -> TerminalChain:
    return parse_terminal_chain(office.terminal.certificates, office.terminal.key)


def judge_forgery(
    kind: ForgeryClass, office: Office, store: TrustStore, seed: int
) -> tuple[Forgery, list[InspectionCheck]]:
    """The forgery and the checks that spoke against it. Fails if it passes or is refused for another reason than its own."""
    forgery = forge(kind, office, seed)
    evidence = inspect(read_document(forgery.document, seeded_entropy(seed), terminal_of(office)), store, AT)
    found = findings(evidence)
    assert not passes(evidence), f"{kind} {seed} {forgery.variant}: passed"
    reasons = [(item.check, reason) for item in found for reason in item.reasons]
    assert (forgery.check, forgery.reason) in reasons, f"{kind} {seed} {forgery.variant}: {against(found)}"
    return forgery, [item.check for item in against(found)]


def judge_genuine(office: Office, store: TrustStore, number: int) -> dict[Check, CheckEvidence]:
    """Fails unless it passes and every part of it was read."""
    document = office.issue(number)
    read = read_document(document, seeded_entropy(number), terminal_of(office))
    evidence = inspect(read, store, AT)
    wrong = against(findings(evidence))
    assert passes(evidence) and not wrong, f"{number} {office.profile_of(number)}: {wrong} {read.chip}"
    assert read.chip is not None and not set(document.files) - {"card_security"} - set(read.chip.files)
    assert read.portrait == PORTRAITS[number % len(PORTRAITS)] and [each.image for each in read.fingers] == [
        FINGERS[number % len(FINGERS)]
    ]
    assert not read.chip.failures and read.failure == ""
    profile = office.profile_of(number)
    proofs = [
        (InspectionCheck.CHIP_AUTHENTICATION, bool(profile.chip_authentication)),
        (InspectionCheck.ACTIVE_AUTHENTICATION, bool(profile.active_authentication)),
        (InspectionCheck.TERMINAL_AUTHENTICATION, bool(profile.cvca)),
    ]
    assert proven(evidence) == [check for check, expected in proofs if expected]
    return evidence


def proven(evidence: dict[Check, CheckEvidence]) -> list[InspectionCheck]:
    return [item.check for item in evidence[Check.CHIP_AUTHENTICATION].findings if item.result is CheckResult.PASS]


@pytest.mark.parametrize("kind", ForgeryClass)
def test_no_forgery_passes(kind: ForgeryClass, office: Office, store: TrustStore) -> None:
    for seed in range(SLICE_FORGERIES):
        judge_forgery(kind, office, store, seed)


def test_genuine_documents_pass(office: Office, store: TrustStore) -> None:
    for number in range(SLICE_GENUINE):
        judge_genuine(office, store, number)


@pytest.mark.soak
def test_forgeries_soak(office: Office, store: TrustStore, capsys: pytest.CaptureFixture[str]) -> None:
    lines = []
    for kind in ForgeryClass:
        caught: Counter[str] = Counter()
        for seed in range(SOAK_FORGERIES):
            forgery, checks = judge_forgery(kind, office, store, seed)
            caught[" ".join(sorted(set(checks))) + (f" ({forgery.variant})" if forgery.variant else "")] += 1
        lines += [f"{kind:26} {count:3}  {what}" for what, count in sorted(caught.items())]
    with capsys.disabled():
        print(f"\n{len(ForgeryClass)} classes x {SOAK_FORGERIES} forgeries: 0 passed; what spoke against them")
        print("\n".join(lines))


@pytest.mark.soak
def test_genuine_documents_soak(office: Office, store: TrustStore, capsys: pytest.CaptureFixture[str]) -> None:
    access: Counter[str] = Counter()
    for number in range(SOAK_GENUINE):
        evidence = judge_genuine(office, store, number)
        proofs = [
            item.check for item in evidence[Check.CHIP_AUTHENTICATION].findings if item.result is CheckResult.PASS
        ]
        access[f"{_way_in(office, number)} + {', '.join(proofs) or 'no proof'}"] += 1
    with capsys.disabled():
        print(f"\n{SOAK_GENUINE} genuine documents: 0 refused")
        print("\n".join(f"{count:4}  {what}" for what, count in access.most_common()))


def _way_in(office: Office, number: int) -> str:
    offers = office.profile_of(number).pace
    return f"PACE {offers[0].agreement}-{offers[0].mapping}" if offers else "BAC"


@pytest.mark.parametrize("kind", ONE_CHECK)
def test_without_its_check_a_class_passes(
    kind: ForgeryClass, office: Office, store: TrustStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The campaign can fail: with the check planted to say PASS always, the forgery goes through."""
    reads = [read_forgery(kind, office, seed) for seed in range(3)]
    assert not any(passes(inspect(read, store, AT)) for read in reads)
    plant(monkeypatch, {ONE_CHECK[kind]})
    assert all(passes(inspect(read, store, AT)) for read in reads)


@pytest.mark.parametrize("variant", ["wrong_key", "own_key", "silent", "withheld", "card_security"])
def test_without_the_chips_proofs_a_clone_passes(
    variant: str, office: Office, store: TrustStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    clones = [forge(ForgeryClass.CLONED_CHIP, office, seed) for seed in range(24)]
    documents = [clone.document for clone in clones if clone.variant == variant and clone.check in PROOFS]
    reads = [read_document(document, seeded_entropy(0), terminal_of(office)) for document in documents[:3]]
    assert reads and not any(passes(inspect(read, store, AT)) for read in reads)
    plant(monkeypatch, PROOFS | FILES)  # what he put in or took away differs from EF.SOD and EF.COM as well
    assert any(passes(inspect(read, store, AT)) for read in reads)


def test_without_the_comparison_another_printed_zone_passes(office: Office, store: TrustStore) -> None:
    read = read_forgery(ForgeryClass.PRINTED_ZONE_DIFFERS, office, 0)
    assert not passes(inspect(read, store, AT))
    assert passes(inspect(replace(read, chip_mrz="".join(read.mrz_lines)), store, AT))


@pytest.mark.parametrize("sw", [0x6A82, 0x6F00, 0x6A80, 0x6985])
def test_fingers_that_a_copy_hides_refuse_it(sw: int, office: Office, store: TrustStore) -> None:
    """A document that nothing protects from copying, and a holder whose fingers are others: the copy says that it has none."""
    document = office.issue(4, profile=Profile(pace=(), bac=False, plain=True, chip_authentication=""))
    chip = transport_of(document, seeded_entropy(1))

    def hiding(command: bytes) -> bytes:
        dg3 = command[1] == apdu.SELECT and command.endswith(apdu.FILE_IDENTIFIERS["dg3"].to_bytes(2, "big"))
        return sw.to_bytes(2, "big") if dg3 else chip.transmit(command, 1.0)

    assert passes(inspect(read_document(document, seeded_entropy(1)), store, AT))
    read = read_document(document, seeded_entropy(1), transport=DirectTransport(hiding, lambda: None))
    evidence = inspect(read, store, AT)
    assert not read.fingers
    assert not passes(evidence)
    assert evidence[Check.PASSIVE_AUTHENTICATION].reasons == (Reason.DG_MISSING,)


def read_forgery(kind: ForgeryClass, office: Office, seed: int) -> DocumentRead:
    return read_document(forge(kind, office, seed).document, seeded_entropy(seed), terminal_of(office))


def plant(monkeypatch: pytest.MonkeyPatch, checks: Collection[InspectionCheck]) -> None:
    """These checks find nothing any more."""

    def finding(
        check: InspectionCheck, result: CheckResult, reasons: tuple[Reason, ...] = (), detail: str = ""
    ) -> Finding:
        return Finding(check, CheckResult.PASS) if check in checks else Finding(check, result, reasons, detail)

    for name, module in list(sys.modules.items()):
        if name.startswith("egate.document.") and getattr(module, "Finding", None) is Finding:
            monkeypatch.setattr(module, "Finding", finding)


def test_expired_document_of_a_good_issuer_is_refused(office: Office, store: TrustStore) -> None:
    """The campaign's own measure refuses what it should: the same document, inspected when it is no longer valid."""
    read = read_document(office.issue(0), seeded_entropy(0), terminal_of(office))
    late = inspect(read, store, AT.replace(year=AT.year + 6))
    assert not passes(late)
    assert Reason.DOCUMENT_EXPIRED in late[Check.DOCUMENT_VALIDITY].reasons
