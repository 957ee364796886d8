"""What a CSCA vouches for by its links, what is none, and what goes when a link is revoked."""

from __future__ import annotations

from pathlib import Path

import pytest

from egate.document.pki.trust import TrustStore
from egate.trust.store import load_trust_store
from tests.trust.authority import (
    DAY,
    LIST_SIGNING,
    MASTER_LIST,
    NOW,
    Party,
    crl,
    csca,
    issue,
    master_list,
    master_list_content,
    signed_list,
)
from tests.trust.site import Site, codes

ROOT, HEIR, ABROAD = csca(), csca(common="CSCA 2"), csca("XB")
LINK = csca(common="CSCA 2", key=HEIR.key, issuer=ROOT)
REVOKING = crl(ROOT, [LINK.certificate.serial_number])
TLS = "1.3.6.1.5.5.7.3.1"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def trusts(store: TrustStore, party: Party) -> bool:
    return store.is_anchor(party.parsed) and not store.is_csca_revoked(party.parsed)


@pytest.mark.parametrize(
    "other",
    [
        csca(
            common="CSCA 2", key=HEIR.key, issuer=ROOT, signs=True
        ),  # a document signer that may sign certificates too
        csca(common="CSCA 2", key=HEIR.key, issuer=ROOT, usage=TLS),
        csca(common="CSCA 2", key=HEIR.key, issuer=ROOT, usage=LIST_SIGNING),
        csca(common="CSCA 2", key=HEIR.key, issuer=ROOT, path_length=None),  # below a CSCA that has none below it
        csca(common="CSCA 2", key=HEIR.key, issuer=ROOT, path_length=1),
    ],
)
def test_a_certificate_for_something_else_is_no_link(site: Site, other: Party) -> None:
    report = site.take(other.der, HEIR.der, pins=[ROOT])
    assert codes(report) == ["CERTIFICATE_NOT_VOUCHED"] * 2
    assert codes(site.take(LINK.der, HEIR.der, pins=[ROOT])) == ["", ""]


def test_a_link_is_for_the_key_of_a_csca(site: Site) -> None:
    """Without the self-signed certificate it may be for any key: a document signer's, a web server's authority."""
    assert codes(site.take(LINK.der, pins=[ROOT])) == ["CERTIFICATE_NOT_VOUCHED"]
    named_otherwise = csca(common="CSCA 3", key=HEIR.key)
    assert codes(site.take(LINK.der, named_otherwise.der, pins=[ROOT])) == ["CERTIFICATE_NOT_VOUCHED"] * 2
    assert codes(site.take(LINK.der, pins=[ROOT, HEIR])) == [""]


@pytest.mark.parametrize(
    "other", [csca(common="sub", issuer=ROOT, signs=True), csca(common="sub", issuer=ROOT, usage=TLS)]
)
def test_a_listed_certificate_that_is_no_link_signs_no_list(site: Site, other: Party) -> None:
    """It is an anchor by the list's word. Its own state's list it is not."""
    site.take(master_list(ROOT, [other.der]), pins=[ROOT])
    data = signed_list(MASTER_LIST, master_list_content([ABROAD.der]), other)
    assert codes(site.take(data)) == ["LIST_SIGNER_NOT_FOR_LISTS"]
    assert codes(site.take(master_list(other, [ABROAD.der], NOW))) == ["LIST_SIGNER_NOT_PINNED"]
    assert ABROAD.der not in site.anchors


def test_a_pinned_certificate_for_something_else_signs_no_list(site: Site) -> None:
    other = csca(usage=TLS)
    data = signed_list(MASTER_LIST, master_list_content([ABROAD.der]), other)
    assert codes(site.take(data, pins=[other])) == ["LIST_SIGNER_NOT_FOR_LISTS"]


def test_a_revoked_link_vouches_for_nothing_more(site: Site) -> None:
    later = csca(common="CSCA 3")
    further = csca(common="CSCA 3", key=later.key, issuer=HEIR)
    assert not site.take(LINK.der, HEIR.der, further.der, later.der, pins=[ROOT]).refused
    report = site.take(REVOKING)
    assert len(report.removed) == 3
    store = load_trust_store(site.store)
    assert [one for one in (ROOT, LINK, HEIR, further, later) if trusts(store, one)] == [ROOT]
    assert store.is_csca_revoked(HEIR.parsed)
    assert codes(site.take(HEIR.der, further.der, later.der)) == ["CERTIFICATE_NOT_VOUCHED"] * 3


def test_what_is_vouched_for_otherwise_stays(site: Site) -> None:
    """The new CSCA is listed as well: it stays, with the link that says its key is revoked."""
    site.take(LINK.der, master_list(ROOT, [HEIR.der, ABROAD.der]), pins=[ROOT])
    assert not site.take(REVOKING).removed
    store = load_trust_store(site.store)
    assert store.is_csca_revoked(HEIR.parsed) and trusts(store, ABROAD)


def test_a_revoked_link_of_a_held_key_comes_in_to_say_so(site: Site) -> None:
    site.take(master_list(ROOT, [HEIR.der]), REVOKING, pins=[ROOT])
    assert trusts(load_trust_store(site.store), HEIR)
    assert codes(site.take(LINK.der)) == [""]
    assert load_trust_store(site.store).is_csca_revoked(HEIR.parsed)


def test_a_revoked_link_of_another_key_stays_out(site: Site) -> None:
    assert codes(site.take(REVOKING, LINK.der, HEIR.der, pins=[ROOT])) == [
        "",
        "CERTIFICATE_REVOKED",
        "CERTIFICATE_NOT_VOUCHED",
    ]


@pytest.mark.parametrize("pins", [[ROOT], [ROOT, HEIR]])
def test_a_revoked_csca_publishes_no_list(site: Site, pins: list[Party]) -> None:
    site.take(LINK.der, HEIR.der, REVOKING, pins=pins)
    assert codes(site.take(master_list(HEIR, [ABROAD.der]))) == ["LIST_SIGNER_NOT_PINNED"]
    assert ABROAD.der not in site.anchors


def test_the_master_list_of_a_csca_goes_with_it(site: Site) -> None:
    """Its thief may have written it."""
    site.take(LINK.der, HEIR.der, master_list(ROOT, [csca("XC").der], NOW - 9 * DAY), pins=[ROOT])
    assert codes(site.take(master_list(HEIR, [ABROAD.der]))) == [""]
    assert ABROAD.der in site.anchors
    site.take(REVOKING)
    assert site.anchors == {ROOT.der, LINK.der}


def test_a_csca_may_sign_its_list_itself_and_its_heir_too(site: Site) -> None:
    data = signed_list(MASTER_LIST, master_list_content([ABROAD.der]), HEIR)
    assert codes(site.take(data, LINK.der, HEIR.der, pins=[ROOT])) == ["", "", ""]
    assert issue(ROOT).der not in site.anchors
