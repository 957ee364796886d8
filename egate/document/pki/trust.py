"""What an inspection trusts: CSCA certificates, document signers, revocation lists, known defects. A value; it reads no file.

Whatever is in a store was vouched for when it was put there (egate.trust): nothing here verifies a signature. Whether a CSCA really
signed a document signer is the caller's to verify (egate.document.pki.certificate.is_signed_by), for every candidate `issuers` names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import TypeVar

from egate.document.crypto.public_key import RsaKey
from egate.document.pki.certificate import Certificate
from egate.document.pki.crl import Crl
from egate.document.pki.defect import Defect, DocumentTraits
from egate.document.pki.equivalents import encodings, serial_numbers
from egate.errors import DocumentError

STALE_DAYS = 7  # a store that got nothing new for a week warns
# Subject organisation of the simulated issuer's CSCA (hw/sim): production refuses a store that trusts one.
SIMULATED_ORGANISATION = "egate simulated issuer"
SUCCESSORS_MAX = 64  # link certificates followed from one CSCA; chosen, the longest published line has about ten


class RevocationStatus(StrEnum):
    GOOD = "GOOD"  # a current list of the issuer's authority does not name it
    REVOKED = "REVOKED"
    CRL_MISSING = "CRL_MISSING"  # no list speaks for this issuer's key
    CRL_STALE = "CRL_STALE"  # the lists that do are past their next update, have none, or are of the future


@dataclass(frozen=True, slots=True)
class TrustAnchor:
    """A CSCA or link certificate. pinned: by an operator, by hand. sources: names of the files or lists that vouch for it."""

    certificate: Certificate
    pinned: bool = False
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrustedCrl:
    """A revocation list and the certificate whose key verified its signature: an anchor, or one that was. Then it clears nobody."""

    crl: Crl
    signer: Certificate


@dataclass(frozen=True, repr=False)
class TrustStore:
    """Immutable. Threads: safe. Look-ups are dictionary reads; the indexes are made on first use.

    updated_at: when the newest list or revocation list in it was signed (aware UTC), None if it has none.
    """

    anchors: tuple[TrustAnchor, ...] = ()
    document_signers: tuple[Certificate, ...] = ()
    crls: tuple[TrustedCrl, ...] = ()
    defects: tuple[Defect, ...] = ()
    updated_at: datetime | None = None

    def issuers(self, certificate: Certificate) -> tuple[Certificate, ...]:
        """Anchors that may have signed it: those its authority key identifier names first, then those its issuer name names.

        Either is enough, as published certificates disagree in one or the other (Doc 9303-12, 7.1.1). Link certificates included.
        A candidate is not an issuer: verify the signature. () if nothing matches.
        """
        found: dict[str, Certificate] = {}
        if certificate.authority_key_id:
            for anchor in self._anchors_by_key.get(certificate.authority_key_id, ()):
                found[anchor.sha256] = anchor
        for anchor in self._anchors_by_name.get(certificate.issuer, ()):
            found[anchor.sha256] = anchor
        return tuple(found.values())

    def is_anchor(self, certificate: Certificate) -> bool:
        """By what is signed of it: it may be written otherwise."""
        return any(one.tbs == certificate.tbs for one in self._anchors_by_name.get(certificate.subject, ()))

    def signers(self, issuer: bytes, serial: int) -> tuple[Certificate, ...]:
        """Document signers of the store by normalised issuer name and serial number, for a security object without certificate."""
        return self._signers_by_serial.get((issuer, serial), ())

    def signers_by_key(self, subject_key_id: bytes) -> tuple[Certificate, ...]:
        """Document signers of the store by subject key identifier."""
        return self._signers_by_key.get(subject_key_id, ())

    def signers_by_subject(self, country: str, common_name: str, serial: int) -> tuple[Certificate, ...]:
        """Signers of the store by what a visible digital seal says of its own (Doc 9303-13, 2.2.1). Case does not count."""
        wanted = f"CN={common_name}".upper()
        return tuple(
            signer
            for signer in self._signers_by_number.get(serial, ())
            if signer.country == country.upper() and wanted in signer.subject_text.upper().split(",")
        )

    def revocation(self, certificate: Certificate, issuer: Certificate, at: datetime) -> RevocationStatus:
        """What the lists say at a time. issuer: the anchor that verified the certificate's signature.

        REVOKED: any list of its state names it by issuer and serial number, or a list of the issuer's successors by a serial number that
        may be its own, however old the list; or a defect list says so.
        GOOD: a list signed by the issuer's key or by one that succeeds it (link certificates) does not, and `at` lies between its
        two updates: a CSCA's list covers what its earlier keys signed (Doc 9303-12, 7.1.4), never what later ones did.
        """
        if self._is_listed(certificate, (issuer,)):
            return RevocationStatus.REVOKED
        successors = self._successors(issuer)
        status = RevocationStatus.CRL_MISSING
        for trusted in self._crls_of(certificate.issuer_country, issuer.country):
            if trusted.signer.spki in successors and not self.is_csca_revoked(trusted.signer):
                if trusted.crl.is_current(at):
                    status = RevocationStatus.GOOD
                elif status is RevocationStatus.CRL_MISSING:
                    status = RevocationStatus.CRL_STALE
        return status

    def is_csca_revoked(self, csca: Certificate) -> bool:
        """Whether any certificate of its key is revoked, self-signed or link: whoever stole a key does not care which one is looked at.

        However it is written, as anchors of one key name its curve or spell it out. Other states' certificates of the key do not count.
        """
        revoked = self._revoked_keys.get(csca.country, frozenset())
        return bool(revoked) and _key(csca) in revoked

    def defects_of(self, signer: Certificate, document: DocumentTraits | None = None) -> tuple[Defect, ...]:
        """Published defects of this signer's documents. Without document traits only those that concern every one of them."""
        named = (
            *(
                one
                for number in serial_numbers(signer.serial)
                for one in self._defects_by_name.get((signer.issuer, number), ())
            ),
            *(self._defects_by_key.get(signer.subject_key_id, ()) if signer.subject_key_id else ()),
            *self._defects_otherwise,
        )
        written = self._encodings(signer) if self._defects_otherwise else ()
        return tuple(
            defect for defect in dict.fromkeys(named) if defect.names(signer, written) and defect.concerns(document)
        )

    def age(self, now: datetime) -> timedelta | None:
        """Since the newest list was signed; None if there is none."""
        return None if self.updated_at is None else now - self.updated_at

    def is_stale(self, now: datetime) -> bool:
        """Its newest list was signed more than STALE_DAYS ago, or in the future (then a clock is wrong), or there is none."""
        age = self.age(now)
        return age is None or not timedelta(days=-1) <= age <= timedelta(days=STALE_DAYS)

    @property
    def simulated(self) -> bool:
        """Whether it trusts a simulated issuer. Looks for the organisation anywhere in a certificate: rather once too often."""
        mark = SIMULATED_ORGANISATION.encode()
        return any(mark in anchor.certificate.der.lower() for anchor in self.anchors)

    def __repr__(self) -> str:
        counts = f"{len(self.anchors)} anchors, {len(self.document_signers)} signers, {len(self.crls)} lists"
        return f"TrustStore({counts}, {len(self.defects)} defects)"

    def _is_listed(self, certificate: Certificate, issuers: Sequence[Certificate]) -> bool:
        """On a defect list, or on a revocation list of its state. issuers: candidates.

        No key says by a mere serial number that it was never certified: that number is another certificate's.
        """
        if any(defect.revokes for defect in self.defects_of(certificate)):
            return True
        lists = self._crls_of(certificate.issuer_country, *(issuer.country for issuer in issuers))
        if not lists:
            return False
        successors = frozenset[bytes]().union(*map(self._successors, issuers)) - {certificate.spki}
        return any(
            one.crl.names(certificate.issuer, certificate.serial, any_issuer=one.signer.spki in successors)
            for one in lists
        )

    def _crls_of(self, *countries: str) -> list[TrustedCrl]:
        """A state's lists speak of its own certificates, whatever issuers their entries name."""
        return [trusted for country in dict.fromkeys(countries) for trusted in self._crls_by_country.get(country, ())]

    def _encodings(self, certificate: Certificate) -> frozenset[bytes]:
        """Under which it may have been published: as it is stored, and the usual ones."""
        stored = (
            *self._anchors_by_name.get(certificate.subject, ()),
            *self.signers(certificate.issuer, certificate.serial),
        )
        return encodings(certificate, self.issuers(certificate)) | {
            one.der for one in stored if one.tbs == certificate.tbs
        }

    def _successors(self, issuer: Certificate) -> frozenset[bytes]:
        """Public keys: the issuer's, and those of every anchor with its key or a key it certified by link certificates.

        Doc 9303-12, 3.2: key rollover.
        """
        keys = [issuer.subject_key_id] if issuer.subject_key_id else []
        for key in keys:
            if len(keys) < SUCCESSORS_MAX:
                keys.extend(dict.fromkeys(other for other in self._links_by_key.get(key, ()) if other not in keys))
        reached = (anchor for key in keys for anchor in self._anchors_by_key.get(key, ()))
        return frozenset({issuer.spki, *(anchor.spki for anchor in reached if anchor.country == issuer.country)})

    @cached_property
    def _anchors_by_key(self) -> Mapping[bytes, tuple[Certificate, ...]]:
        return _grouped((anchor.certificate.subject_key_id, anchor.certificate) for anchor in self.anchors)

    @cached_property
    def _anchors_by_name(self) -> Mapping[bytes, tuple[Certificate, ...]]:
        return _grouped((anchor.certificate.subject, anchor.certificate) for anchor in self.anchors)

    @cached_property
    def _links_by_key(self) -> Mapping[bytes, tuple[bytes, ...]]:
        """The keys each key certified by link certificates. Cross-certificates of two states link nothing."""
        certificates = (anchor.certificate for anchor in self.anchors)
        return _grouped(
            (link.authority_key_id, link.subject_key_id)
            for link in certificates
            if link.authority_key_id and link.subject_key_id and link.authority_key_id != link.subject_key_id
            if link.country == link.issuer_country
        )

    @cached_property
    def _revoked_keys(self) -> Mapping[str, frozenset[Hashable]]:
        """By the state whose they are."""
        certificates = (anchor.certificate for anchor in self.anchors)
        revoked = [one for one in certificates if self._is_listed(one, self.issuers(one))]
        return {
            state: frozenset(map(_key, ones)) for state, ones in _grouped((one.country, one) for one in revoked).items()
        }

    @cached_property
    def _crls_by_country(self) -> Mapping[str, tuple[TrustedCrl, ...]]:
        return _grouped((trusted.crl.country, trusted) for trusted in self.crls)

    @cached_property
    def _signers_by_serial(self) -> Mapping[tuple[bytes, int], tuple[Certificate, ...]]:
        return _grouped(((signer.issuer, signer.serial), signer) for signer in self.document_signers)

    @cached_property
    def _signers_by_number(self) -> Mapping[int, tuple[Certificate, ...]]:
        return _grouped((signer.serial, signer) for signer in self.document_signers)

    @cached_property
    def _signers_by_key(self) -> Mapping[bytes, tuple[Certificate, ...]]:
        return _grouped((signer.subject_key_id, signer) for signer in self.document_signers)

    @cached_property
    def _defects_by_name(self) -> Mapping[tuple[bytes, int], tuple[Defect, ...]]:
        return _grouped(
            ((d.issuer, d.serial), d) for d in self.defects if d.issuer is not None and d.serial is not None
        )

    @cached_property
    def _defects_by_key(self) -> Mapping[bytes, tuple[Defect, ...]]:
        return _grouped((d.subject_key_id, d) for d in self.defects)

    @cached_property
    def _defects_otherwise(self) -> tuple[Defect, ...]:
        """Those that name a signer by its hash alone, or no signer but documents."""
        return tuple(d for d in self.defects if d.issuer is None and d.subject_key_id is None)


def _key(certificate: Certificate) -> Hashable:
    """Its public key; where that cannot be read, the encoding."""
    try:
        key = certificate.public_key
    except DocumentError:
        return certificate.spki
    return (key.n, key.e) if isinstance(key, RsaKey) else key


K = TypeVar("K")
V = TypeVar("V")


def _grouped(pairs: Iterable[tuple[K | None, V]]) -> Mapping[K, tuple[V, ...]]:
    groups: defaultdict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        if key is not None:
            groups[key].append(value)
    return {key: tuple(values) for key, values in groups.items()}


EMPTY = TrustStore()
