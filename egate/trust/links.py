"""Which CSCA certificate vouches for which: link certificates, and further certificates of one key (Doc 9303-12, 3.2 and 7.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from egate.document.pki.certificate import Certificate, is_signed_by, parse_certificate
from egate.errors import DocumentError
from egate.trust.items import Item, ItemKind

ROUNDS_MAX = 16  # a link certificate of an import may be vouched for by another of it, and so on; chosen
_A = TypeVar("_A")
_B = TypeVar("_B")


def voucher(
    certificate: Certificate, anchors: Iterable[Certificate], at_hand: Iterable[Certificate]
) -> Certificate | None:
    """An anchor of the same state that certified this key: the certificate is its link, or has the key and name of one.

    at_hand: certificates, trusted or not. A link is for the key of a CSCA, which has a self-signed certificate too: without one among
    these it may be any other certificate that its issuer let sign. None if nobody vouches for it.
    """
    if not _is_csca(certificate):
        return None
    for anchor in anchors:
        if anchor.country != certificate.country or anchor == certificate:
            continue
        if _is_link(certificate, anchor) and any(_is_twin(one, certificate) for one in at_hand):
            return anchor
        if _is_twin(certificate, anchor):
            return anchor
    return None


def reached(
    candidates: Sequence[Certificate], roots: Sequence[Certificate], is_revoked: Callable[[Certificate], bool]
) -> list[Certificate]:
    """Those that links lead to from the roots. One whose key is revoked vouches for nothing, though it may be reached itself."""
    known, waiting = [one for one in roots if not is_revoked(one)], list(candidates)
    at_hand = [*roots, *candidates]
    found: list[Certificate] = []
    for _ in range(ROUNDS_MAX):
        fresh = [one for one in waiting if voucher(one, known, at_hand) is not None]
        if not fresh:
            break
        found += fresh
        known += [one for one in fresh if not is_revoked(one)]
        waiting = [one for one in waiting if one not in fresh]
    return found


def self_signed_among(items: Iterable[Item]) -> list[Certificate]:
    """The self-signed certificates that are handed in; nobody vouches for them yet."""
    found = []
    for item in items:
        try:
            certificate = parse_certificate(item.data) if item.kind is ItemKind.CERTIFICATE else None
        except DocumentError:
            continue
        if certificate is not None and certificate.is_ca and _is_self_signed(certificate):
            found.append(certificate)
    return found


def holds(verify: Callable[[_A, _B], bool], one: _A, other: _B) -> bool:
    """A signature that cannot be verified is not valid."""
    try:
        return verify(one, other)
    except DocumentError:
        return False


def _is_self_signed(certificate: Certificate) -> bool:
    return certificate.self_issued and holds(is_signed_by, certificate, certificate)


def _is_csca(certificate: Certificate) -> bool:
    """Doc 9303-12, tables 2 and 4: signs certificates and revocation lists, nothing else, and is for no purpose of its own."""
    extensions = certificate.extensions
    usage = extensions.key_usage or frozenset()
    alone = "key_cert_sign" in usage and "digital_signature" not in usage
    return certificate.is_ca and alone and not extensions.extended_key_usage


def _is_link(certificate: Certificate, issuer: Certificate) -> bool:
    """Its path length is no longer than its issuer's: a link takes over, it does not come below (both have 0, Doc 9303-12, table 2)."""
    length, limit = certificate.extensions.path_length, issuer.extensions.path_length
    if limit is not None and (length is None or length > limit):
        return False
    named = issuer.subject == certificate.issuer and certificate.not_before <= issuer.not_after
    return named and holds(is_signed_by, certificate, issuer)


def _is_twin(certificate: Certificate, other: Certificate) -> bool:
    """Whether it is a self-signed CSCA certificate of the other's key, name and state."""
    same = (certificate.spki, certificate.subject, certificate.country) == (other.spki, other.subject, other.country)
    return same and _is_csca(certificate) and _is_self_signed(certificate)
