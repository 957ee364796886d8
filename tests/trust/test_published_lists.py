"""The German master list of May 2026 and Indonesia's CSCAs, as published (measurement corpus)."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from egate.document.pki.certificate import Certificate, is_signed_by, parse_certificate
from egate.document.pki.master_list import MasterList, parse_master_list
from egate.document.pki.signed_list import SignedList, open_signed_list, require_signer
from egate.errors import DocumentError
from egate.trust.store import import_files, load_trust_store
from tests.document.corpus import corpus_file

pytestmark = pytest.mark.corpus
NOW = datetime(2026, 6, 1, tzinfo=UTC)  # the list is of 28 May
POSITIONS = 200
STRIDE = (
    7  # of the octets outside the list's content one in seven; bench/document/bench_trust.py takes each bit of each
)
LOAD_S_MAX = 0.5  # of processor time: the machine may be busy with something else


@pytest.fixture(scope="module")
def published() -> bytes:
    return corpus_file("pki", "DE_ML_2026-05-28-08-28-45.ml").read_bytes()


@pytest.fixture(scope="module")
def pin() -> Certificate:
    return parse_certificate(corpus_file("pki", "DE_ROOT_CA_CSCA07.cer").read_bytes())


@pytest.fixture(scope="module")
def signed(published: bytes) -> SignedList:
    return open_signed_list(published)


@pytest.fixture(scope="module")
def members(signed: SignedList) -> MasterList:
    return parse_master_list(signed.content)


def test_the_list_is_signed_by_whom_the_pinned_csca_issued(signed: SignedList, pin: Certificate) -> None:
    assert require_signer(signed, [pin], NOW) == pin
    assert signed.signed_at == datetime(2026, 5, 28, 6, 28, 45, tzinfo=UTC)


def test_nearly_every_certificate_is_usable(members: MasterList) -> None:
    total = len(members.usable) + len(members.unusable)
    print(f"{len(members.usable)} of {total} usable, {len({one.country for one in members.usable})} states")
    for one in (*members.unusable, *members.doubtful):
        print(one)
    assert total == 588
    assert len(members.usable) >= 0.98 * total
    assert all(one.reason for one in members.unusable)


def test_nearly_every_self_signature_verifies(members: MasterList) -> None:
    own = [one for one in members.usable if one.self_issued and one.authority_key_id in (None, one.subject_key_id)]
    verified = sum(is_signed_by(one, one) for one in own)
    print(f"{verified} of {len(own)} self-signatures verify")
    assert len(own) > 300
    assert verified >= 0.97 * len(own)
    assert len(members.doubtful) == len(own) - verified  # the rest is named


def test_links_verify_where_their_issuer_is_listed(members: MasterList) -> None:
    """Both names and keys are tried; what remains names a predecessor that the list no longer has."""
    others = [
        one for one in members.usable if not (one.self_issued and one.authority_key_id in (None, one.subject_key_id))
    ]
    keys = {one.subject_key_id for one in members.usable}
    orphans = [one for one in others if one.authority_key_id not in keys]
    known = [one for one in others if one.authority_key_id in keys]
    linked = [
        one
        for one in known
        if any(_signed(one, other) for other in members.usable if other.subject_key_id == one.authority_key_id)
    ]
    print(f"{len(others)} link certificates, {len(orphans)} of unlisted issuers, {len(linked)} verify")
    assert len(linked) >= 0.97 * len(known)


def _signed(one: Certificate, other: Certificate) -> bool:
    try:
        return is_signed_by(one, other)
    except DocumentError:
        return False


def test_a_flipped_bit_anywhere_is_noticed(published: bytes, signed: SignedList, pin: Certificate) -> None:
    generator = random.Random(20260528)
    start = published.index(signed.content)
    end = start + len(signed.content)
    structure = [*range(start + 8), *range(end, len(published))]
    positions = generator.choices(range(len(published)), k=POSITIONS) + structure[generator.randrange(STRIDE) :: STRIDE]
    for position in positions:
        flipped = bytearray(published)
        flipped[position] ^= 1 << generator.randrange(8)
        with pytest.raises(DocumentError):
            require_signer(open_signed_list(bytes(flipped)), [pin], NOW)


def test_a_flipped_bit_imports_nothing(tmp_path: Path, published: bytes) -> None:
    flipped = bytearray(published)
    flipped[len(published) // 2] ^= 1
    (tmp_path / "list.ml").write_bytes(flipped)
    report = import_files(
        tmp_path / "store", [corpus_file("pki", "DE_ROOT_CA_CSCA07.cer")], [tmp_path / "list.ml"], NOW
    )
    assert [item.code for item in report.items] == ["LIST_SIGNATURE_INVALID"]
    assert not (tmp_path / "store" / "index.json").exists()


def test_import_and_a_fast_load(tmp_path: Path) -> None:
    files = [corpus_file("pki", "DE_ML_2026-05-28-08-28-45.ml")]
    assert import_files(tmp_path, [], files, NOW).items[0].code == "LIST_SIGNER_NOT_PINNED"
    report = import_files(tmp_path, [corpus_file("pki", "DE_ROOT_CA_CSCA07.cer")], files, NOW)
    assert not report.refused and report.anchors >= 576
    took = []
    for _ in range(3):
        started = time.process_time()
        store = load_trust_store(tmp_path)
        took.append(time.process_time() - started)
    print(f"load {min(took):.3f} s")
    assert min(took) < LOAD_S_MAX
    assert len(store.anchors) == report.anchors and not store.simulated


def test_germanys_other_csca_pins_nothing(signed: SignedList, members: MasterList, pin: Certificate) -> None:
    others = [one for one in members.usable if one.country == "DE" and one.spki != pin.spki]
    assert len(others) > 3
    with pytest.raises(DocumentError) as caught:
        require_signer(signed, others, NOW)
    assert caught.value.code == "LIST_SIGNER_NOT_PINNED"


def test_indonesias_links_lead_from_the_first_csca_to_the_last(tmp_path: Path) -> None:
    names = ("2016-01_CSCA.cer", "2016-01_CSCA_LINK.cer", "2020-10_CSCA.cer", "2020-10_CSCA_LINK.cer")
    files = [corpus_file("pki", "idn", name) for name in names]
    report = import_files(tmp_path / "first", [corpus_file("pki", "idn", "2010-12_CSCA.cer")], files, NOW)
    assert not report.refused and report.anchors == 5
    report = import_files(tmp_path / "gap", [corpus_file("pki", "idn", "2010-12_CSCA.cer")], files[2:], NOW)
    assert [item.code for item in report.items] == ["CERTIFICATE_NOT_VOUCHED"] * 2
    report = import_files(tmp_path / "back", [corpus_file("pki", "idn", "2020-10_CSCA.cer")], files[:2], NOW)
    assert [item.code for item in report.items] == [
        "CERTIFICATE_NOT_VOUCHED"
    ] * 2  # a successor vouches for nobody before it


def test_signers_of_unknown_cscas_stay_outside(tmp_path: Path) -> None:
    signers = sorted(corpus_file("pki", "pymrtd").glob("*.cer"))
    report = import_files(tmp_path, [corpus_file("pki", "DE_ROOT_CA_CSCA07.cer")], signers, NOW)
    assert {item.code for item in report.items} == {"SIGNER_UNKNOWN"}
