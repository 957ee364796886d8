"""Who may come into a trust store: the rules of an import, on values.

Trust comes from certificates an operator pins by hand and from nothing else. A pinned CSCA vouches for the signer of a list and so for
the list's certificates, and for its successor's key by a link certificate. An anchor, pinned or listed, vouches for its own state's link
certificates, document signers and revocation lists; never for a list of other states' certificates. One whose key is revoked vouches for
nothing, and what came through it alone goes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from egate.document.pki.certificate import Certificate, is_signed_by, parse_certificate
from egate.document.pki.crl import is_crl_signed_by, parse_crl
from egate.document.pki.master_list import parse_master_list, require_anchor
from egate.document.pki.signed_list import MASTER_LIST, SignedList, open_signed_list, require_signer
from egate.document.pki.trust import RevocationStatus, TrustedCrl, TrustStore
from egate.errors import DocumentError
from egate.trust.contents import (
    LIST_KINDS,
    Contents,
    Held,
    HeldList,
    Source,
    SourceKind,
    crl_source,
    key_hash,
    read_defects,
    still_in_force,
)
from egate.trust.items import Item, ItemKind
from egate.trust.links import ROUNDS_MAX, holds, reached, self_signed_among, voucher
from egate.trust.report import ItemReport

CLOCK_TOLERANCE = timedelta(days=1)  # a list signed later than that after now would lock out every honest one; chosen
# Refusals that another item of the same import may lift.
_PROVISIONAL = frozenset((
    "LIST_SIGNER_NOT_PINNED", "CERTIFICATE_NOT_VOUCHED", "SIGNER_UNKNOWN", "SIGNER_CHAIN_BROKEN", "CRL_SIGNER_UNKNOWN",
    "CRL_SIGNATURE_INVALID",
))  # fmt: skip
# Revocation before what it may revoke, lists before what they may no longer vouch for.
_ORDER = {ItemKind.CRL: 0, ItemKind.LIST: 1}


class Import:
    """One import into the contents of a store. Nothing is written; `contents` is the outcome."""

    def __init__(self, contents: Contents, now: datetime, *, allow_older: bool = False) -> None:
        """now: aware. allow_older: take lists that are older than the ones they replace."""
        self._now = now
        self._allow_older = allow_older
        self._sources = dict(contents.sources)
        self._anchors = dict(contents.anchors)
        self._signers = dict(contents.signers)
        self._crls = dict(contents.crls)
        self._lists = dict(contents.lists)
        self._at_hand: list[Certificate] = []  # self-signed ones of this import
        self._cached_store: TrustStore | None = None

    def pin(self, certificate: Certificate, file: str) -> None:
        """By the operator's word alone. Raises DocumentError (PUBLIC_KEY_…, ANCHOR_…) if it cannot anchor anything."""
        require_anchor(certificate)
        source = Source(certificate.sha256, SourceKind.PIN, file, self._now, certificate.country)
        self._hold_anchor(certificate, source)

    def add(self, items: Sequence[Item]) -> tuple[ItemReport, ...]:
        """Takes what is vouched for, in whatever order it comes; one report per item, in their order."""
        reports: dict[int, ItemReport] = {}
        self._at_hand = self_signed_among(items)
        waiting = sorted(range(len(items)), key=lambda index: _ORDER.get(items[index].kind, len(_ORDER)))
        for _ in range(ROUNDS_MAX):
            for index in waiting:
                reports[index] = self._try(items[index])
            left = [index for index in waiting if reports[index].code in _PROVISIONAL]
            if not left or len(left) == len(waiting):
                break
            waiting = left
        if any(report.accepted for report in reports.values()):
            self._prune()
        return tuple(reports[index] for index in range(len(items)))

    def contents(self) -> Contents:
        return Contents(self._sources, self._anchors, self._signers, self._crls, self._lists)

    def _try(self, item: Item) -> ItemReport:
        rules: dict[ItemKind, Callable[[Item], ItemReport]] = {
            ItemKind.CERTIFICATE: self._add_certificate,
            ItemKind.CRL: self._add_crl,
            ItemKind.LIST: self._add_list,
        }
        try:
            if item.kind not in rules:
                raise DocumentError("neither certificate nor list", code="FILE_UNKNOWN")
            return rules[item.kind](item)
        except DocumentError as error:
            return ItemReport(item.file, item.kind.value, "", error.code, str(error))

    def _add_list(self, item: Item) -> ItemReport:
        signed = open_signed_list(item.data)
        if signed.signed_at > self._now + CLOCK_TOLERANCE:
            raise DocumentError(f"signed in the future: {signed.signed_at:%Y-%m-%d %H:%M}", code="LIST_FROM_FUTURE")
        issuer = require_signer(signed, self._roots(self._store.is_csca_revoked), self._now)
        self._require_not_revoked(signed.signer, issuer, "LIST_SIGNER_REVOKED")
        kind, text = LIST_KINDS[signed.kind], signed.signer.subject_text
        state, key = signed.signer.issuer_country, key_hash(issuer)
        source = Source(signed.sha256, kind, item.file, self._now, state, text, signed.signed_at, issuer_key=key)
        if signed.kind == MASTER_LIST:
            return self._take_master_list(signed, source)
        defects = read_defects(signed)
        self._replace_list(source)
        self._lists[signed.sha256] = HeldList(item.data, defects)
        return ItemReport(item.file, kind.value, text)

    def _take_master_list(self, signed: SignedList, source: Source) -> ItemReport:
        found = parse_master_list(signed.content)
        if not found.usable:
            raise DocumentError("master list without a usable certificate", code="MASTER_LIST_EMPTY")
        source = replace(source, unusable=found.unusable)
        self._replace_list(source)
        for certificate in found.usable:
            self._hold_anchor(certificate, source)
        self._prune()  # at once: what the old list alone vouched for must vouch for nothing that follows
        return ItemReport(
            source.file,
            source.kind.value,
            source.signer,
            usable=len(found.usable),
            unusable=found.unusable,
            doubtful=found.doubtful,
        )

    def _replace_list(self, source: Source) -> None:
        """The new list of this kind and state takes the place of the old one. Raises DocumentError (LIST_OLDER): rollback."""
        old = [one for one in self._sources.values() if (one.kind, one.publisher) == (source.kind, source.publisher)]
        for one in old:
            if _is_older(source.signed_at, one.signed_at) and not self._allow_older:
                raise DocumentError(f"older than the list of {one.signed_at:%Y-%m-%d} in the store", code="LIST_OLDER")
        for one in old:
            self._drop_list(one.sha256)
        self._sources[source.sha256] = source
        self._cached_store = None

    def _drop_list(self, sha256: str) -> None:
        """It vouches for nothing any more; what that means is _prune's."""
        del self._sources[sha256]
        self._lists.pop(sha256, None)
        for one, held in list(self._anchors.items()):
            self._anchors[one] = replace(held, sources=held.sources - {sha256})

    def _add_certificate(self, item: Item) -> ItemReport:
        certificate = parse_certificate(item.data)
        usage = certificate.extensions.key_usage or frozenset()
        source = Source(certificate.sha256, SourceKind.CERTIFICATES, item.file, self._now, certificate.country)
        if certificate.is_ca or "key_cert_sign" in usage:
            require_anchor(certificate)
            if certificate.sha256 not in self._anchors:
                self._require_vouched(certificate)
                self._hold_anchor(certificate, source)
            return ItemReport(item.file, "csca", certificate.subject_text)
        if certificate.sha256 not in self._signers:
            self._require_issued(certificate)
            self._sources[source.sha256] = source
            self._signers[certificate.sha256] = Held(certificate, frozenset((source.sha256,)))
        return ItemReport(item.file, "document_signer", certificate.subject_text)

    def _add_crl(self, item: Item) -> ItemReport:
        crl = parse_crl(item.data)
        if crl.this_update > self._now + CLOCK_TOLERANCE:
            raise DocumentError(f"issued in the future: {crl.this_update:%Y-%m-%d %H:%M}", code="CRL_FROM_FUTURE")
        named = [
            held.certificate
            for held in self._anchors.values()
            if held.certificate.country == crl.country
            and (held.certificate.subject == crl.issuer or _has_key(held.certificate, crl.authority_key_id))
        ]
        signer = next((anchor for anchor in named if holds(is_crl_signed_by, crl, anchor)), None)
        if signer is None:
            code = "CRL_SIGNER_UNKNOWN" if not named else "CRL_SIGNATURE_INVALID"
            raise DocumentError(f"no anchor signed the list of {crl.issuer_text}", code=code)
        for sha256, old in list(self._crls.items()):
            if old.crl.issuer == crl.issuer and old.signer.spki == signer.spki:
                if crl.this_update < old.crl.this_update and not self._allow_older:
                    raise DocumentError(f"older than the list of {old.crl.this_update:%Y-%m-%d}", code="CRL_OLDER")
                del self._crls[sha256]
                self._sources.pop(sha256, None)
        self._crls[crl.sha256] = TrustedCrl(crl, signer)
        self._sources[crl.sha256] = crl_source(crl, signer, item.file, self._now)
        self._cached_store = None
        return ItemReport(item.file, "crl", crl.issuer_text)

    def _hold_anchor(self, certificate: Certificate, source: Source) -> None:
        known = self._sources.get(source.sha256)
        if known is None or source.kind is SourceKind.PIN:
            self._sources[source.sha256] = source
        held = self._anchors.get(certificate.sha256, Held(certificate, frozenset()))
        self._anchors[certificate.sha256] = replace(held, sources=held.sources | {source.sha256})
        self._cached_store = None

    def _require_vouched(self, certificate: Certificate) -> None:
        """By a link certificate. Raises DocumentError: CERTIFICATE_NOT_VOUCHED, CERTIFICATE_REVOKED.

        A revoked one comes in where its key is there already: it says that the key is revoked.
        """
        known = self._of_state(certificate.country)
        trusted = [one for one in known if not self._store.is_csca_revoked(one)]
        found = voucher(certificate, trusted, [*known, *self._at_hand])
        if found is None:
            raise DocumentError("neither pinned nor linked to a CSCA of the store", code="CERTIFICATE_NOT_VOUCHED")
        if all(one.spki != certificate.spki for one in known):
            self._require_not_revoked(certificate, found, "CERTIFICATE_REVOKED")

    def _require_issued(self, certificate: Certificate) -> None:
        """Raises DocumentError: SIGNER_UNKNOWN, SIGNER_CHAIN_BROKEN. A revoked signer comes in: inspection says so."""
        _ = certificate.public_key
        candidates = [one for one in self._store.issuers(certificate) if one.country == certificate.country]
        if not any(holds(is_signed_by, certificate, one) for one in candidates):
            code = "SIGNER_CHAIN_BROKEN" if candidates else "SIGNER_UNKNOWN"
            raise DocumentError("no CSCA of the store issued it", code=code)

    def _require_not_revoked(self, certificate: Certificate, issuer: Certificate, code: str) -> None:
        if self._store.revocation(certificate, issuer, self._now) is RevocationStatus.REVOKED:
            raise DocumentError(f"revoked: {certificate.in_words}", code=code)

    def _roots(self, is_revoked: Callable[[Certificate], bool]) -> tuple[Certificate, ...]:
        """The pinned CSCAs and those their link certificates lead to."""
        pinned = list(self.contents().pinned())
        states = {root.country for root in pinned}
        rest = [one for state in states for one in self._of_state(state) if one not in pinned]
        return tuple(one for one in (*pinned, *reached(rest, pinned, is_revoked)) if not is_revoked(one))

    def _of_state(self, country: str) -> list[Certificate]:
        return [held.certificate for held in self._anchors.values() if held.certificate.country == country]

    @property
    def _store(self) -> TrustStore:
        if self._cached_store is None:
            self._cached_store = self.contents().trust_store()
        return self._cached_store

    def _prune(self) -> None:
        """Drops what nobody vouches for any more: certificates a replaced list had brought, and what hung on them."""
        before = len(self._anchors)
        is_revoked = self._store.is_csca_revoked
        self._drop_lists_of_revoked(is_revoked)
        strong = {
            sha256: held
            for sha256, held in self._anchors.items()
            if any(self._sources[one].kind is not SourceKind.CERTIFICATES for one in held.sources)
        }
        rest = [held for sha256, held in self._anchors.items() if sha256 not in strong and held.sources]
        linked = reached(
            [held.certificate for held in rest], [held.certificate for held in strong.values()], is_revoked
        )
        self._anchors = strong | {held.certificate.sha256: held for held in rest if held.certificate in linked}
        self._cached_store = None
        if len(self._anchors) < before:
            self._signers = {
                sha256: held for sha256, held in self._signers.items() if self._is_issued(held.certificate)
            }
            anchors = [held.certificate for held in self._anchors.values()]
            self._crls = {
                sha256: kept for sha256, one in self._crls.items() if (kept := still_in_force(one, anchors)) is not None
            }
            self._cached_store = None
        used = {one for held in (*self._anchors.values(), *self._signers.values()) for one in held.sources}
        used |= self._crls.keys() | self._lists.keys()
        lists = (SourceKind.MASTER_LIST,)
        self._sources = {sha256: one for sha256, one in self._sources.items() if sha256 in used or one.kind in lists}

    def _drop_lists_of_revoked(self, is_revoked: Callable[[Certificate], bool]) -> None:
        """Master lists of a CSCA that is a root no more since it, or a link to it, was revoked. What defect lists say stays."""
        roots = {key_hash(one) for one in self._roots(is_revoked)}
        lost = {key_hash(one) for one in self._roots(lambda _: False)} - roots
        for source in list(self._sources.values()):
            if source.kind is SourceKind.MASTER_LIST and source.issuer_key in lost:
                self._drop_list(source.sha256)

    def _is_issued(self, signer: Certificate) -> bool:
        try:
            self._require_issued(signer)
        except DocumentError:
            return False
        return True


def _is_older(signed_at: datetime | None, than: datetime | None) -> bool:
    return signed_at is not None and than is not None and signed_at < than


def _has_key(certificate: Certificate, key_id: bytes | None) -> bool:
    return key_id is not None and certificate.subject_key_id == key_id
