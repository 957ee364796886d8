"""The trust store as a value: who may have issued a signer, and what revocation and defect lists say about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import permutations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from egate.document.crypto.curves import curves
from egate.document.encoding import der
from egate.document.pki.certificate import Certificate, is_signed_by, parse_certificate
from egate.document.pki.crl import parse_crl
from egate.document.pki.defect import Defect, DocumentTraits
from egate.document.pki.signer_chain import verify_chain, verify_revocation
from egate.document.pki.trust import EMPTY, RevocationStatus, TrustAnchor, TrustedCrl, TrustStore
from egate.domain.evidence import CheckResult
from egate.domain.reason import Reason
from tests.trust.authority import DAY, NOW, Party, core_oid, crl, csca, issue

OLD = csca(common="CSCA 1")
NEW = csca(common="CSCA 2")
LINK = csca(common="CSCA 2", key=NEW.key, issuer=OLD)
FOREIGN = csca("XB")
OLD_SIGNER, NEW_SIGNER = issue(OLD), issue(NEW)
SECP256R1 = next(curve for curve in curves().values() if curve.name == "NIST256p")


def store(*anchors: Party, crls: tuple[tuple[bytes, Party], ...] = (), defects: tuple[Defect, ...] = ()) -> TrustStore:
    return TrustStore(
        anchors=tuple(TrustAnchor(anchor.parsed) for anchor in anchors),
        crls=tuple(TrustedCrl(parse_crl(data), signer.parsed) for data, signer in crls),
        defects=defects,
    )


def status(trust: TrustStore, signer: Party, issuer: Party, at=NOW) -> RevocationStatus:  # type: ignore[no-untyped-def]
    return trust.revocation(signer.parsed, issuer.parsed, at)


def test_candidates_match_by_key_or_by_name() -> None:
    trust = store(OLD, NEW, LINK, FOREIGN)
    assert trust.issuers(OLD_SIGNER.parsed) == (OLD.parsed,)
    assert trust.issuers(NEW_SIGNER.parsed) == (NEW.parsed, LINK.parsed)
    assert trust.issuers(issue(csca("XC")).parsed) == ()
    renamed = csca(common="Csca  1", key=OLD.key)  # case and spaces
    assert store(renamed).issuers(OLD_SIGNER.parsed) == (renamed.parsed,)
    assert store(csca(common="CSCA 1")).issuers(OLD_SIGNER.parsed) != ()  # the name alone: a candidate, not an issuer
    other_name = csca(common="another", key=OLD.key)
    assert store(other_name).issuers(OLD_SIGNER.parsed) == (other_name.parsed,)  # the key identifier alone


def test_document_signers_are_found_by_serial_and_by_key() -> None:
    trust = TrustStore(document_signers=(OLD_SIGNER.parsed, NEW_SIGNER.parsed))
    one = OLD_SIGNER.parsed
    assert trust.signers(one.issuer, one.serial) == (one,)
    assert trust.signers(NEW_SIGNER.parsed.issuer, one.serial) == ()
    assert one.subject_key_id and trust.signers_by_key(one.subject_key_id) == (one,)
    assert trust.signers_by_key(b"") == ()


def test_without_a_list_nothing_is_good() -> None:
    assert status(store(OLD), OLD_SIGNER, OLD) is RevocationStatus.CRL_MISSING
    assert status(EMPTY, OLD_SIGNER, OLD) is RevocationStatus.CRL_MISSING


def test_a_current_list_of_the_issuer_decides() -> None:
    serial = OLD_SIGNER.certificate.serial_number
    assert status(store(OLD, crls=((crl(OLD), OLD),)), OLD_SIGNER, OLD) is RevocationStatus.GOOD
    assert status(store(OLD, crls=((crl(OLD, [serial]), OLD),)), OLD_SIGNER, OLD) is RevocationStatus.REVOKED
    assert status(store(OLD, crls=((crl(OLD, [serial + 1]), OLD),)), OLD_SIGNER, OLD) is RevocationStatus.GOOD


def test_a_stale_list_revokes_but_clears_nobody() -> None:
    serial = OLD_SIGNER.certificate.serial_number
    stale = crl(OLD, this_update=NOW - 90 * DAY, next_update=NOW - DAY)
    assert status(store(OLD, crls=((stale, OLD),)), OLD_SIGNER, OLD) is RevocationStatus.CRL_STALE
    named = crl(OLD, [serial], this_update=NOW - 90 * DAY, next_update=NOW - DAY)
    assert status(store(OLD, crls=((named, OLD),)), OLD_SIGNER, OLD) is RevocationStatus.REVOKED
    future = crl(OLD, this_update=NOW + DAY)
    assert status(store(OLD, crls=((future, OLD),)), OLD_SIGNER, OLD) is RevocationStatus.CRL_STALE
    assert status(store(OLD, crls=((stale, OLD), (crl(OLD), OLD))), OLD_SIGNER, OLD) is RevocationStatus.GOOD


def test_after_a_rollover_the_new_key_speaks_for_old_signers() -> None:
    """The new CSCA has another name; the link certificate says that it took over."""
    serial = OLD_SIGNER.certificate.serial_number
    linked = store(OLD, NEW, LINK, crls=((crl(NEW, [serial]), NEW),))
    assert status(linked, OLD_SIGNER, OLD) is RevocationStatus.REVOKED
    assert status(store(OLD, NEW, LINK, crls=((crl(NEW), NEW),)), OLD_SIGNER, OLD) is RevocationStatus.GOOD
    assert status(store(OLD, NEW, crls=((crl(NEW), NEW),)), OLD_SIGNER, OLD) is RevocationStatus.CRL_MISSING  # no link


def test_the_old_key_does_not_speak_for_new_signers() -> None:
    trust = store(OLD, NEW, LINK, crls=((crl(OLD), OLD),))
    assert status(trust, OLD_SIGNER, OLD) is RevocationStatus.GOOD
    assert status(trust, NEW_SIGNER, NEW) is RevocationStatus.CRL_MISSING
    assert status(trust, NEW_SIGNER, LINK) is RevocationStatus.CRL_MISSING
    serial = NEW_SIGNER.certificate.serial_number
    collided = store(OLD, NEW, LINK, crls=((crl(OLD, [serial]), OLD), (crl(NEW), NEW)))
    assert status(collided, NEW_SIGNER, NEW) is RevocationStatus.GOOD  # a serial number of the old CSCA's own
    named = store(OLD, NEW, LINK, crls=((crl(OLD, [serial], entry_extensions=of_issuer(NEW)), OLD),))
    assert status(named, NEW_SIGNER, NEW) is RevocationStatus.REVOKED


def test_a_list_that_tells_issuers_apart_is_taken_at_its_word() -> None:
    """Serial numbers begin again with a new CSCA. A list that does not tell apart revokes both: rather once too often."""
    serial = OLD_SIGNER.certificate.serial_number
    mixed = parse_crl(crl(NEW, [serial]))
    apart = replace(mixed, revoked={**mixed.revoked, OLD.parsed.subject: frozenset((1,))})
    assert (
        store(OLD, NEW, LINK, crls=((crl(NEW, [serial]), NEW),)).revocation(OLD_SIGNER.parsed, OLD.parsed, NOW)
        is RevocationStatus.REVOKED
    )
    trust = replace(store(OLD, NEW, LINK), crls=(TrustedCrl(apart, NEW.parsed),))
    assert status(trust, OLD_SIGNER, OLD) is RevocationStatus.GOOD
    same_name = csca(common="CSCA 1")
    link = csca(common="CSCA 1", key=same_name.key, issuer=OLD)
    trust = store(OLD, same_name, link, crls=((crl(same_name, [serial]), same_name),))
    assert status(trust, OLD_SIGNER, OLD) is RevocationStatus.REVOKED


def test_an_unlinked_issuer_of_the_same_name_clears_nobody() -> None:
    twin = csca(common="CSCA 1")
    assert status(store(OLD, twin, crls=((crl(twin), twin),)), OLD_SIGNER, OLD) is RevocationStatus.CRL_MISSING
    named = crl(twin, [OLD_SIGNER.certificate.serial_number])
    assert status(store(OLD, twin, crls=((named, twin),)), OLD_SIGNER, OLD) is RevocationStatus.REVOKED


def test_another_states_list_says_nothing() -> None:
    listed = crl(FOREIGN, [OLD_SIGNER.certificate.serial_number])
    assert status(store(OLD, FOREIGN, crls=((listed, FOREIGN),)), OLD_SIGNER, OLD) is RevocationStatus.CRL_MISSING


def of_issuer(authority: Party) -> list[tuple[x509.ExtensionType, bool]]:
    """Extensions of a list's entry that say whose certificate it is about."""
    return [(x509.CertificateIssuer([x509.DirectoryName(authority.certificate.subject)]), True)]


def test_another_state_revokes_nobody_even_by_name() -> None:
    serial = OLD_SIGNER.certificate.serial_number
    listed = crl(FOREIGN, [serial], entry_extensions=of_issuer(OLD))
    trust = store(OLD, FOREIGN, crls=((listed, FOREIGN), (crl(OLD), OLD)))
    assert status(trust, OLD_SIGNER, OLD) is RevocationStatus.GOOD
    own = crl(NEW, [serial], entry_extensions=of_issuer(OLD))
    assert status(store(OLD, NEW, crls=((own, NEW), (crl(OLD), OLD))), OLD_SIGNER, OLD) is RevocationStatus.REVOKED


def test_a_cross_certificate_of_another_state_links_nothing() -> None:
    cross = csca("XB", key=FOREIGN.key, issuer=OLD)
    trust = store(OLD, FOREIGN, cross, crls=((crl(FOREIGN), FOREIGN),))
    assert status(trust, OLD_SIGNER, OLD) is RevocationStatus.CRL_MISSING


def test_no_link_leads_through_another_state() -> None:
    out = csca("XB", key=FOREIGN.key, issuer=OLD)
    back = csca(common="CSCA 2", key=NEW.key, issuer=FOREIGN)
    trust = store(OLD, FOREIGN, NEW, out, back, crls=((crl(NEW), NEW),))
    assert status(trust, OLD_SIGNER, OLD) is RevocationStatus.CRL_MISSING


def test_links_in_a_circle_end() -> None:
    back = csca(common="CSCA 1", key=OLD.key, issuer=NEW)
    trust = store(OLD, NEW, LINK, back, crls=((crl(NEW), NEW),))
    assert status(trust, OLD_SIGNER, OLD) is RevocationStatus.GOOD


@pytest.mark.parametrize("anchors", list(permutations((OLD, NEW, LINK))))
def test_a_key_is_revoked_by_any_of_its_certificates(anchors: tuple[Party, ...]) -> None:
    """The link is revoked; the new CSCA's own certificate is on no list, and its thief says that all is well."""
    revoking = crl(OLD, [LINK.certificate.serial_number])
    trust = store(*anchors, crls=((revoking, OLD), (crl(NEW), NEW)))
    assert trust.is_csca_revoked(NEW.parsed) and trust.is_csca_revoked(LINK.parsed)
    assert not trust.is_csca_revoked(OLD.parsed)
    chain = verify_chain(NEW_SIGNER.parsed, trust, NOW)
    finding = verify_revocation(NEW_SIGNER.parsed, chain, trust, NOW)
    assert (finding.result, finding.reasons) == (CheckResult.FAIL, (Reason.CSCA_REVOKED,))
    stale = crl(OLD, [LINK.certificate.serial_number], this_update=NOW - 90 * DAY, next_update=NOW - DAY)
    trust = store(*anchors, crls=((stale, OLD), (crl(NEW), NEW)))
    assert status(trust, OLD_SIGNER, OLD) is RevocationStatus.CRL_STALE  # a revoked key clears nobody


def test_a_key_is_known_however_it_is_written() -> None:
    """Its link certificate is on the list and spells the curve out; the self-signed certificate names it."""
    spelled = replace(LINK.parsed, spki=explicit_spki(NEW))
    revoking = parse_crl(crl(OLD, [LINK.certificate.serial_number]))
    anchors = tuple(TrustAnchor(one) for one in (OLD.parsed, NEW.parsed, spelled))
    assert TrustStore(anchors, crls=(TrustedCrl(revoking, OLD.parsed),)).is_csca_revoked(NEW.parsed)


def test_another_states_certificate_of_a_key_revokes_it_not() -> None:
    cross = csca("XB", key=NEW.key, issuer=FOREIGN)
    revoking = crl(FOREIGN, [cross.certificate.serial_number])
    trust = store(OLD, NEW, FOREIGN, cross, crls=((revoking, FOREIGN),))
    assert trust.is_csca_revoked(cross.parsed) and not trust.is_csca_revoked(NEW.parsed)


def test_a_defect_list_revokes_a_csca_too() -> None:
    known = Defect("certificate_revoked", "XB", subject_key_id=LINK.parsed.subject_key_id)
    assert store(OLD, NEW, LINK, defects=(known,)).is_csca_revoked(NEW.parsed)


def test_a_defect_list_revokes_as_well() -> None:
    one = OLD_SIGNER.parsed
    revoked = Defect("certificate_revoked", "XA", issuer=one.issuer, serial=one.serial)
    trust = store(OLD, crls=((crl(OLD), OLD),), defects=(revoked,))
    assert status(trust, OLD_SIGNER, OLD) is RevocationStatus.REVOKED
    assert status(trust, issue(OLD), OLD) is RevocationStatus.GOOD


@pytest.mark.parametrize("by", ["serial", "key", "hash"])
def test_defects_are_found_however_they_name_the_signer(by: str) -> None:
    one = OLD_SIGNER.parsed
    defect = {
        "serial": Defect("sod_invalid", "XA", issuer=one.issuer, serial=one.serial),
        "key": Defect("sod_invalid", "XA", subject_key_id=one.subject_key_id),
        "hash": Defect("sod_invalid", "XA", certificate_hash=("sha256", bytes.fromhex(one.sha256))),
    }[by]
    trust = store(OLD, defects=(defect,))
    assert trust.defects_of(one) == (defect,)
    assert trust.defects_of(issue(OLD).parsed) == ()


def explicit_spki(party: Party) -> bytes:
    """Its public key with the curve's parameters in place of its name."""
    key, curve = party.key.public_key().public_numbers(), SECP256R1

    def octets(number: int) -> bytes:
        return der.encode(der.OCTET_STRING, number.to_bytes(32, "big"))

    def number(value: int) -> bytes:
        return der.encode(der.INTEGER, value.to_bytes(33, "big"))

    field = der.encode(der.SEQUENCE, core_oid("1.2.840.10045.1.1") + number(curve.p))
    generator = b"\x04" + curve.x.to_bytes(32, "big") + curve.y.to_bytes(32, "big")
    shape = der.encode(der.SEQUENCE, octets(curve.a) + octets(curve.b))
    parameters = number(1) + field + shape + der.encode(der.OCTET_STRING, generator) + number(curve.n)
    algorithm = der.encode(der.SEQUENCE, core_oid("1.2.840.10045.2.1") + der.encode(der.SEQUENCE, parameters))
    point = b"\0\x04" + key.x.to_bytes(32, "big") + key.y.to_bytes(32, "big")
    return der.encode(der.SEQUENCE, algorithm + der.encode(der.BIT_STRING, point))


def altered(one: Certificate, how: str) -> Certificate:
    """As whoever holds a certificate can write it: its issuer signed the same."""
    tbs, identifier, signature = der.read(one.der, der.SEQUENCE).children()
    if how == "length":
        body = tbs.raw + identifier.raw + signature.raw
        return parse_certificate(b"\x30\x83" + len(body).to_bytes(3, "big") + body)
    r, s = decode_dss_signature(one.signature)
    flipped = der.encode(der.BIT_STRING, b"\0" + encode_dss_signature(r, SECP256R1.n - s))
    return parse_certificate(der.encode(der.SEQUENCE, tbs.raw + identifier.raw + flipped))


@pytest.mark.parametrize("how", ["length", "signature"])
@pytest.mark.parametrize("by", ["serial", "key", "hash"])
def test_a_certificate_written_otherwise_is_the_same_to_a_defect_list(by: str, how: str) -> None:
    """A hash beside serial number or key says nothing more: who holds a revoked certificate chooses what its hash is."""
    one, other = OLD_SIGNER.parsed, altered(OLD_SIGNER.parsed, how)
    assert is_signed_by(other, OLD.parsed) and other.sha256 != one.sha256
    revoked = Defect("certificate_revoked", "XA", certificate_hash=("sha256", bytes.fromhex(one.sha256)))
    if by == "serial":
        revoked = replace(revoked, issuer=one.issuer, serial=one.serial)
    if by == "key":
        revoked = replace(revoked, subject_key_id=one.subject_key_id)
    trust = store(OLD, crls=((crl(OLD), OLD),), defects=(revoked,))
    assert trust.revocation(one, OLD.parsed, NOW) is RevocationStatus.REVOKED
    assert trust.revocation(other, OLD.parsed, NOW) is RevocationStatus.REVOKED
    assert status(trust, issue(OLD), OLD) is RevocationStatus.GOOD


def test_a_defect_names_a_negative_serial_number_by_its_octets() -> None:
    negative = replace(OLD_SIGNER.parsed, serial=-(1 << 62) - 5)
    revoked = Defect("certificate_revoked", "XA", issuer=negative.issuer, serial=negative.serial + (1 << 64))
    assert store(OLD, defects=(revoked,)).revocation(negative, OLD.parsed, NOW) is RevocationStatus.REVOKED


def test_a_hash_of_an_unusual_encoding_is_found_by_the_stored_certificate() -> None:
    published = altered(OLD_SIGNER.parsed, "length")
    known = Defect("certificate_revoked", "XA", certificate_hash=("sha256", bytes.fromhex(published.sha256)))
    trust = replace(store(OLD, defects=(known,)), document_signers=(published,))
    assert status(trust, OLD_SIGNER, OLD) is RevocationStatus.REVOKED


def test_an_anchor_is_known_however_it_is_written() -> None:
    trust = store(OLD)
    assert trust.is_anchor(altered(OLD.parsed, "signature")) and trust.is_anchor(altered(OLD.parsed, "length"))
    assert not trust.is_anchor(csca(common="CSCA 1", key=OLD.key).parsed)


def test_a_deviation_of_single_documents_needs_the_document() -> None:
    defect = Defect(
        "dg_hash_wrong",
        "XA",
        frozenset((12,)),
        document_type="C",
        issued_from=NOW - 10 * DAY,
        issued_until=NOW,
        document_numbers=frozenset(("CA00000AL",)),
    )
    trust, one = store(OLD, defects=(defect,)), OLD_SIGNER.parsed
    assert trust.defects_of(one) == ()
    assert trust.defects_of(one, DocumentTraits("C", "CA00000AL", date(2026, 5, 30))) == (defect,)
    assert trust.defects_of(one, DocumentTraits("C", "CA00000AL")) == (defect,)
    assert trust.defects_of(one, DocumentTraits("C", "CA00001AL", date(2026, 5, 30))) == ()
    assert trust.defects_of(one, DocumentTraits("P", "CA00000AL", date(2026, 5, 30))) == ()
    assert trust.defects_of(one, DocumentTraits("C", "CA00000AL", date(2026, 6, 2))) == ()
    assert trust.defects_of(issue(FOREIGN, country="XB").parsed, DocumentTraits("C", "CA00000AL")) == ()


def test_age_and_staleness() -> None:
    assert EMPTY.is_stale(NOW) and EMPTY.age(NOW) is None
    fresh = TrustStore(updated_at=NOW - 7 * DAY)
    assert not fresh.is_stale(NOW) and fresh.age(NOW) == 7 * DAY
    assert TrustStore(updated_at=NOW - 8 * DAY).is_stale(NOW)
    assert TrustStore(updated_at=NOW + 2 * DAY).is_stale(NOW)


def test_a_simulated_issuer_marks_the_store() -> None:
    from hw.sim.pki import SimulatedState

    simulated = parse_certificate(SimulatedState(NOW).csca.certificate)
    assert TrustStore(anchors=(TrustAnchor(simulated),)).simulated
    assert not store(OLD, NEW).simulated


def test_repr_shows_no_document() -> None:
    assert "CA00000AL" not in repr(DocumentTraits("C", "CA00000AL"))
    assert "CA00000AL" not in repr(Defect("chip", "XA", document_numbers=frozenset(("CA00000AL",))))
