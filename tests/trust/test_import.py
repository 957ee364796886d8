"""What comes into a store, what does not and why, what a newer list removes. The lists are the tests' own."""

from __future__ import annotations

import base64
import io
import stat
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from egate.document.pki.trust import RevocationStatus
from egate.errors import ConfigurationError, DocumentError
from egate.trust.items import MEMBERS_MAX, items_of
from egate.trust.store import import_files, load_contents, load_trust_store
from tests.trust.authority import (
    DAY,
    DEFECT_LIST,
    DEVIATION_LIST,
    DEVIATION_SIGNING,
    LIST_SIGNING,
    NOW,
    Party,
    crl,
    csca,
    defect_list_content,
    issue,
    master_list,
    signed_list,
)
from tests.trust.site import Site, codes

ROOT = csca()  # pinned, publishes the lists
ALPHA, BETA = csca("XB"), csca("XC")
ALPHA_SIGNER = issue(ALPHA, country="XB")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_pinned_list_brings_its_certificates(site: Site) -> None:
    report = site.take(master_list(ROOT, [ALPHA.der, BETA.der]), pins=[ROOT])
    assert codes(report) == [""]
    assert report.items[0].usable == 2
    assert site.anchors == {ROOT.der, ALPHA.der, BETA.der}
    store = load_trust_store(site.store)
    assert [anchor.certificate.der for anchor in store.anchors if anchor.pinned] == [ROOT.der]
    assert store.updated_at == NOW - DAY  # when the list was signed


@pytest.mark.parametrize("pins", [[], [ALPHA], [csca()]])
def test_a_list_that_is_not_pinned_brings_nothing(site: Site, pins: list[Party]) -> None:
    report = site.take(master_list(ROOT, [ALPHA.der]), pins=pins)
    assert codes(report) == ["LIST_SIGNER_NOT_PINNED"]
    assert (report.added, report.anchors) == ((), 0)
    with pytest.raises(ConfigurationError) as caught:
        load_trust_store(site.store)
    assert caught.value.code == "TRUST_STORE_MISSING"


def test_a_listed_certificate_pins_no_list(site: Site) -> None:
    """An anchor vouches for its own documents, not for other states."""
    site.take(master_list(ROOT, [ALPHA.der]), pins=[ROOT])
    report = site.take(master_list(ALPHA, [BETA.der]))
    assert codes(report) == ["LIST_SIGNER_NOT_PINNED"]
    assert BETA.der not in site.anchors


def test_a_pin_lasts(site: Site) -> None:
    site.take(master_list(ROOT, [ALPHA.der], NOW - 2 * DAY), pins=[ROOT])
    assert codes(site.take(master_list(ROOT, [ALPHA.der, BETA.der]))) == [""]
    assert site.anchors == {ROOT.der, ALPHA.der, BETA.der}


def test_a_newer_list_removes_what_it_no_longer_has(site: Site) -> None:
    """With what hung on it: signers, revocation lists, link certificates that came by themselves."""
    heir = csca("XB", "CSCA 2")
    link = csca("XB", "CSCA 2", key=heir.key, issuer=ALPHA)
    site.take(master_list(ROOT, [ALPHA.der, BETA.der], NOW - 9 * DAY), pins=[ROOT])
    report = site.take(ALPHA_SIGNER.der, crl(ALPHA), heir.der, link.der)
    assert codes(report) == ["", "", "", ""]
    assert (report.anchors, report.document_signers, report.crls) == (5, 1, 1)
    report = site.take(master_list(ROOT, [BETA.der]))
    assert len(report.removed) == 3
    assert (report.anchors, report.document_signers, report.crls) == (2, 0, 0)
    assert site.anchors == {ROOT.der, BETA.der}
    assert len(list((site.store / "certificates").iterdir())) == 2


def test_an_older_list_is_refused_unless_asked_for(site: Site) -> None:
    site.take(master_list(ROOT, [ALPHA.der]), pins=[ROOT])
    older = master_list(ROOT, [BETA.der], NOW - 5 * DAY)
    assert codes(site.take(older)) == ["LIST_OLDER"]
    assert site.anchors == {ROOT.der, ALPHA.der}
    assert codes(site.take(older, allow_older=True)) == [""]
    assert site.anchors == {ROOT.der, BETA.der}


def test_the_same_list_again_changes_nothing(site: Site) -> None:
    data = master_list(ROOT, [ALPHA.der])
    site.take(data, pins=[ROOT])
    before = load_contents(site.store)
    report = site.take(data, now=NOW + DAY)
    assert (codes(report), report.added, report.removed) == ([""], (), ())
    assert load_trust_store(site.store).updated_at == before.updated_at == NOW - DAY


def test_a_store_is_as_old_as_what_is_signed_in_it(site: Site) -> None:
    """Whoever hands in what is known, or certificates, which say nothing of when, makes it no fresher."""
    site.take(ALPHA.der, pins=[ALPHA])
    assert load_trust_store(site.store).updated_at is None
    old = crl(ALPHA, this_update=NOW - 200 * DAY, next_update=NOW - 110 * DAY)
    site.take(old, now=NOW - 199 * DAY)
    assert load_trust_store(site.store).updated_at == NOW - 200 * DAY
    site.take(ALPHA.der, ALPHA_SIGNER.der, old, pins=[ALPHA])
    assert load_trust_store(site.store).is_stale(NOW)
    site.take(crl(ALPHA))
    assert load_trust_store(site.store).updated_at == NOW - DAY
    site.take(old, allow_older=True)
    assert load_trust_store(site.store).updated_at == NOW - 200 * DAY


def test_lists_of_two_states_stand_side_by_side(site: Site) -> None:
    site.take(
        master_list(ROOT, [ALPHA.der]), master_list(BETA, [ALPHA.der, BETA.der], NOW - 50 * DAY), pins=[ROOT, BETA]
    )
    assert site.anchors == {ROOT.der, ALPHA.der, BETA.der}
    site.take(master_list(ROOT, [ROOT.der]), now=NOW)
    assert ALPHA.der in site.anchors  # the other list still vouches


def test_a_list_of_the_future_is_refused(site: Site) -> None:
    assert codes(site.take(master_list(ROOT, [ALPHA.der], NOW + 2 * DAY), pins=[ROOT])) == ["LIST_FROM_FUTURE"]


def test_a_list_signer_can_be_revoked(site: Site) -> None:
    signer = issue(ROOT, usage=LIST_SIGNING)
    from tests.trust.authority import MASTER_LIST, master_list_content

    data = signed_list(MASTER_LIST, master_list_content([ALPHA.der]), signer)
    report = site.take(data, crl(ROOT, [signer.certificate.serial_number]), pins=[ROOT])
    assert codes(report) == ["LIST_SIGNER_REVOKED", ""]
    assert site.anchors == {ROOT.der}


def test_the_pinned_cscas_successor_signs_the_next_list(site: Site) -> None:
    heir = csca(common="CSCA 2")
    link = csca(common="CSCA 2", key=heir.key, issuer=ROOT)
    site.take(master_list(ROOT, [ALPHA.der], NOW - 9 * DAY), pins=[ROOT])
    assert codes(site.take(master_list(heir, [BETA.der]))) == ["LIST_SIGNER_NOT_PINNED"]
    assert codes(site.take(master_list(heir, [BETA.der]), heir.der, link.der)) == ["", "", ""]
    assert site.anchors == {ROOT.der, heir.der, link.der, BETA.der}


def test_another_states_csca_vouches_for_no_list(site: Site) -> None:
    """Two states are pinned; one of them certified a key of the other's state. That key publishes nothing for anybody."""
    crossed = csca("XC", "CSCA 2", issuer=ROOT)
    site.take(master_list(ROOT, [crossed.der]), pins=[ROOT, BETA])
    assert crossed.der in site.anchors
    assert codes(site.take(master_list(crossed, [ALPHA.der]))) == ["LIST_SIGNER_NOT_PINNED"]


@pytest.mark.parametrize("link_first", [False, True])
def test_what_a_list_removes_vouches_for_nothing_of_the_same_import(site: Site, link_first: bool) -> None:
    heir = csca("XB", "CSCA 2")
    link = csca("XB", "CSCA 2", key=heir.key, issuer=ALPHA)
    site.take(master_list(ROOT, [ALPHA.der], NOW - 9 * DAY), pins=[ROOT])
    newer = master_list(ROOT, [BETA.der])
    report = site.take(*((link.der, newer) if link_first else (newer, link.der)))
    assert sorted(codes(report)) == ["", "CERTIFICATE_NOT_VOUCHED"]
    assert site.anchors == {ROOT.der, BETA.der}


def test_a_plain_csca_needs_a_pin_or_a_link(site: Site) -> None:
    assert codes(site.take(ALPHA.der, pins=[ROOT])) == ["CERTIFICATE_NOT_VOUCHED"]
    assert codes(site.take(ALPHA.der, pins=[ALPHA])) == [""]
    stranger = csca("XB")  # the name of an anchor, another key
    assert codes(site.take(stranger.der)) == ["CERTIFICATE_NOT_VOUCHED"]
    foreign_link = csca("XC", issuer=ALPHA)  # an anchor certified another state's key
    assert codes(site.take(foreign_link.der)) == ["CERTIFICATE_NOT_VOUCHED"]
    forged = csca("XB", "CSCA 2", issuer=stranger)
    assert codes(site.take(forged.der)) == ["CERTIFICATE_NOT_VOUCHED"]
    assert site.anchors == {ALPHA.der}


def test_links_are_followed_in_any_order(site: Site) -> None:
    heirs = [csca("XB", f"CSCA {index}") for index in range(4)]
    links = [
        csca("XB", f"CSCA {index}", key=heir.key, issuer=heirs[index - 1]) for index, heir in enumerate(heirs) if index
    ]
    report = site.take(*(one.der for one in (*reversed(links), *heirs[1:])), pins=[heirs[0]])
    assert not report.refused
    assert len(site.anchors) == 7


def test_pins_alone_are_imported(site: Site) -> None:
    report = site.take(pins=[ROOT, ALPHA])
    assert (report.anchors, len(report.added)) == (2, 2)
    assert site.anchors == {ROOT.der, ALPHA.der}


def test_what_cannot_anchor_cannot_be_pinned(site: Site) -> None:
    with pytest.raises(DocumentError) as caught:
        site.take(pins=[ALPHA_SIGNER])
    assert caught.value.code == "ANCHOR_NO_CA"


def test_a_document_signer_needs_its_csca(site: Site) -> None:
    assert codes(site.take(ALPHA_SIGNER.der, pins=[ROOT])) == ["SIGNER_UNKNOWN"]
    impostor = issue(csca("XB"), country="XB")
    assert codes(site.take(ALPHA_SIGNER.der, impostor.der, pins=[ALPHA])) == ["", "SIGNER_CHAIN_BROKEN"]
    foreign = issue(ALPHA, country="XC")
    assert codes(site.take(foreign.der)) == ["SIGNER_UNKNOWN"]
    store = load_trust_store(site.store)
    assert [one.der for one in store.document_signers] == [ALPHA_SIGNER.der]


def test_a_crl_needs_its_csca(site: Site) -> None:
    assert codes(site.take(crl(ALPHA), pins=[ROOT])) == ["CRL_SIGNER_UNKNOWN"]
    assert codes(site.take(crl(csca("XB")), pins=[ALPHA])) == ["CRL_SIGNATURE_INVALID"]  # the name, another key
    assert codes(site.take(crl(ALPHA, this_update=NOW + 3 * DAY), pins=[ALPHA])) == ["CRL_FROM_FUTURE"]
    borrowed = crl(BETA, issuer=ALPHA.certificate.subject)
    assert codes(site.take(borrowed, pins=[ALPHA, BETA])) == ["CRL_SIGNATURE_INVALID"]


def test_a_newer_crl_takes_the_place_of_the_older(site: Site) -> None:
    serial = ALPHA_SIGNER.certificate.serial_number
    site.take(crl(ALPHA, this_update=NOW - 9 * DAY), ALPHA_SIGNER.der, pins=[ALPHA])
    one, csca_ = ALPHA_SIGNER.parsed, ALPHA.parsed
    assert load_trust_store(site.store).revocation(one, csca_, NOW) is RevocationStatus.GOOD
    site.take(crl(ALPHA, [serial]))
    assert load_trust_store(site.store).revocation(one, csca_, NOW) is RevocationStatus.REVOKED
    assert codes(site.take(crl(ALPHA, this_update=NOW - 5 * DAY))) == ["CRL_OLDER"]
    assert load_trust_store(site.store).revocation(one, csca_, NOW) is RevocationStatus.REVOKED
    assert len(load_trust_store(site.store).crls) == 1
    stale = load_trust_store(site.store).revocation(issue(ALPHA, country="XB").parsed, csca_, NOW + 60 * DAY)
    assert stale is RevocationStatus.CRL_STALE


def test_a_crl_stays_when_its_csca_is_issued_again(site: Site) -> None:
    """The same key and name in a new certificate: what the key revoked is revoked."""
    again = csca("XB", key=ALPHA.key, end=NOW + 9000 * DAY)
    site.take(master_list(ROOT, [ALPHA.der], NOW - 9 * DAY), pins=[ROOT])
    site.take(crl(ALPHA, [ALPHA_SIGNER.certificate.serial_number]))
    site.take(master_list(ROOT, [again.der]))
    assert site.anchors == {ROOT.der, again.der}
    store = load_trust_store(site.store)
    assert store.revocation(ALPHA_SIGNER.parsed, again.parsed, NOW) is RevocationStatus.REVOKED
    assert store.revocation(issue(ALPHA, country="XB").parsed, again.parsed, NOW) is RevocationStatus.GOOD
    assert codes(site.take(crl(ALPHA, this_update=NOW - 2 * DAY))) == ["CRL_OLDER"]


@pytest.mark.parametrize("left", ["name", "link"])
def test_a_crl_stays_while_it_may_name_a_certificate(site: Site, left: str) -> None:
    """Its key is gone, its name is not. It revokes; it clears nobody."""
    heir = csca("XB") if left == "name" else csca("XB", "CSCA 2")
    other = heir if left == "name" else csca("XB", "CSCA 2", key=heir.key, issuer=ALPHA)
    signer = issue(other, country="XB")
    site.take(master_list(ROOT, [ALPHA.der, heir.der, other.der], NOW - 9 * DAY), pins=[ROOT])
    site.take(crl(ALPHA, [signer.certificate.serial_number, other.certificate.serial_number]))
    site.take(master_list(ROOT, [heir.der, other.der]))
    store = load_trust_store(site.store)
    assert len(store.crls) == 1 and store.is_csca_revoked(heir.parsed)
    if left == "name":
        assert store.revocation(signer.parsed, heir.parsed, NOW) is RevocationStatus.REVOKED
    unlisted = issue(heir, country="XB").parsed
    assert store.revocation(unlisted, heir.parsed, NOW) is RevocationStatus.CRL_MISSING


def test_defect_and_deviation_lists(site: Site) -> None:
    list_signer = issue(ROOT, usage=DEVIATION_SIGNING)
    one = ALPHA_SIGNER.parsed
    content = defect_list_content(ALPHA_SIGNER, "0.4.0.127.0.7.3.1.5.1.1")
    data = signed_list(DEFECT_LIST, content, list_signer)
    assert codes(site.take(data, pins=[ALPHA])) == ["LIST_SIGNER_NOT_PINNED"]
    assert codes(site.take(data, pins=[ROOT, ALPHA])) == [""]
    store = load_trust_store(site.store)
    assert store.revocation(one, ALPHA.parsed, NOW) is RevocationStatus.REVOKED
    wrong_signer = issue(ROOT, usage=LIST_SIGNING)
    assert codes(site.take(signed_list(DEVIATION_LIST, content, wrong_signer))) == ["LIST_SIGNER_NOT_FOR_LISTS"]
    newer = signed_list(
        DEFECT_LIST, defect_list_content(ALPHA_SIGNER, "0.4.0.127.0.7.3.1.5.2.2"), list_signer, signed_at=NOW
    )
    site.take(newer)
    store = load_trust_store(site.store)
    assert [defect.kind for defect in store.defects] == ["sod_invalid"]
    assert store.revocation(one, ALPHA.parsed, NOW) is RevocationStatus.CRL_MISSING
    assert len(list((site.store / "lists").iterdir())) == 1


def zip_of(names: Sequence[str], compression: int = zipfile.ZIP_STORED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for one in names:
            archive.writestr(one, ROOT.der)
    return packed.getvalue()


def refusal_of(data: bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        items_of("x.zip", data)
    return caught.value.code


def test_zip_member_without_a_name_is_refused() -> None:
    packed = zip_of(["a"])
    entry, end = packed.index(b"PK\x01\x02"), packed.index(b"PK\x05\x06")
    (size,) = struct.unpack_from("<I", packed, end + 12)  # of the central directory
    nameless = packed[: entry + 28] + b"\0\0" + packed[entry + 30 : entry + 46] + packed[entry + 47 : end + 12]
    nameless += struct.pack("<I", size - 1) + packed[end + 16 :]
    with zipfile.ZipFile(io.BytesIO(nameless)) as archive:
        assert [info.filename for info in archive.infolist()] == [""]
    assert refusal_of(nameless) == "FILE_UNKNOWN"


def test_zip_with_too_many_members_is_refused_before_they_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = zip_of([str(index) for index in range(MEMBERS_MAX + 1)])
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert refusal_of(packed) == "FILE_TOO_LONG"


def test_zip_with_as_many_members_as_allowed_is_read() -> None:
    assert len(items_of("x.zip", zip_of([str(index) for index in range(MEMBERS_MAX)]))) == MEMBERS_MAX


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_spoilt_zip_is_read_or_named(compression: int) -> None:
    sound = zip_of(["a.cer"], compression)
    for at in range(4, len(sound)):
        for value in (0, 0xFF, sound[at] ^ 1):
            try:
                items_of("x.zip", sound[:at] + bytes([value]) + sound[at + 1 :])
            except DocumentError as error:
                assert error.code in ("FILE_UNKNOWN", "FILE_TOO_LONG")


def test_zip_ldif_pem_and_base64(site: Site) -> None:
    data = master_list(ROOT, [ALPHA.der])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("NL.ml", data)
        archive.writestr("readme.txt", b"hello")
    assert codes(site.take(packed.getvalue(), pins=[ROOT])) == [""]
    text = base64.encodebytes(ALPHA_SIGNER.der).decode().replace("\n", "\n ").strip()
    ldif = f"version: 1\n\ndn: c=XB\nc: XB\nuserCertificate;binary:: {text}\nsn: 1\n\ndn: o=crl\n"
    ldif += f"certificateRevocationList;binary:: {base64.b64encode(crl(ALPHA)).decode()}\n"
    assert codes(site.take(ldif.encode())) == ["", ""]
    listed = f"dn: c=XA\npkdMasterListContent:: {base64.b64encode(data).decode()}\n"
    assert codes(site.take(listed.encode())) == [""]
    assert codes(site.take(ROOT.pem + ALPHA.pem)) == ["", ""]
    assert codes(site.take(base64.b64encode(data))) == [""]
    assert site.anchors == {ROOT.der, ALPHA.der}


def test_one_bad_item_does_not_spoil_the_others(site: Site) -> None:
    text = "\n".join(
        f"dn: {index}\nuserCertificate;binary:: {base64.b64encode(data).decode()}\n"
        for index, data in enumerate((b"garbage", ALPHA_SIGNER.der, ALPHA_SIGNER.der[:100]))
    )
    assert codes(site.take(text.encode(), pins=[ALPHA])) == ["FILE_UNKNOWN", "", "FILE_UNKNOWN"]


@pytest.mark.parametrize("data", [b"", b"hello", b"\x30\x03\x02\x01\x00", b"PK\x03\x04garbage", b"-----BEGIN X-----"])
def test_a_file_of_something_else_is_refused(site: Site, data: bytes) -> None:
    report = site.take(data, pins=[ROOT])
    assert [code in ("FILE_UNKNOWN", "PEM_MALFORMED") for code in codes(report)] == [True]
    assert not (site.store / "index.json").exists()


def test_a_file_that_is_not_there_is_refused(site: Site) -> None:
    report = import_files(site.store, [], [site.folder / "absent"], NOW)
    assert codes(report) == ["FILE_UNREADABLE"]


def test_only_the_owner_reads_and_writes(site: Site) -> None:
    site.take(master_list(ROOT, [ALPHA.der]), pins=[ROOT])
    for path in [site.store, *site.store.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_what_the_index_says_of_a_source(site: Site) -> None:
    site.take(master_list(ROOT, [ALPHA.der, ALPHA_SIGNER.der]), pins=[ROOT])
    (source,) = [one for one in load_contents(site.store).sources.values() if one.kind == "master_list"]
    assert (source.file, source.publisher, source.signed_at, source.imported_at) == ("file0", "XA", NOW - DAY, NOW)
    assert [one.reason for one in source.unusable] == ["ANCHOR_NO_CA"]
    assert "list signer" in source.signer
