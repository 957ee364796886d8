"""What opens a chip's fingerprints: the terminal's key and the certificates that vouch for it (BSI TR-03110-1, 2.3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from egate.document.chip.cvc import CvCertificate, Role, parse_cv_certificate
from egate.document.chip.cvc_chain import CvHolder, trust_point, verify_certificate
from egate.document.crypto.signature import SignatureAlgorithm
from egate.errors import DocumentError
from hw.emrtd.protocol.private_key import PrivateKey, load_private_key

COUNT_MAX = 32  # chosen: a CVCA renews its key every three years, a document lives ten


@dataclass(frozen=True, slots=True, repr=False)
class TerminalChain:
    """certificates: from the CVCA's own down to the terminal's, each issued by the one before it. scheme: how key signs."""

    certificates: tuple[CvCertificate, ...]
    key: PrivateKey
    scheme: SignatureAlgorithm
    rights: frozenset[int]

    def __repr__(self) -> str:
        return f"TerminalChain({len(self.certificates)} certificates, rights={sorted(self.rights)})"

    @property
    def terminal(self) -> CvCertificate:
        return self.certificates[-1]

    @property
    def expires(self) -> date:
        """The last day on which a chip that knows the date takes it."""
        return min(item.expires for item in self.certificates if item.role is not Role.CVCA)

    def path(self, authorities: Iterable[str]) -> tuple[CvCertificate, ...] | None:
        """What a chip that trusts one of these authorities must be shown, in order; None if the chain leads to none of them."""
        wanted = set(authorities)
        for start in reversed(range(len(self.certificates))):
            if self.certificates[start].authority in wanted and not self.certificates[start].self_signed:
                return self.certificates[start:]
        return None

    def whole_path(self) -> tuple[CvCertificate, ...]:
        """For a chip that does not say whom it trusts."""
        return tuple(item for item in self.certificates if not item.self_signed)


def parse_terminal_chain(certificates: Iterable[bytes], key: bytes) -> TerminalChain:
    """certificates: encoded, in any order: one terminal's, its verifier's, the CVCA's own (self-signed) and links from it.

    key: the terminal's, PKCS #8 DER. Every signature is checked; no date is, as the chip alone decides by its own.
    Raises DocumentError: TERMINAL_CHAIN_INCOMPLETE, TERMINAL_CHAIN_AMBIGUOUS, TERMINAL_KEY_MISMATCH, and those of the parts.
    """
    found = [parse_cv_certificate(data) for data in certificates]
    if len(found) > COUNT_MAX:
        raise DocumentError("too many CV certificates", code="TERMINAL_CHAIN_AMBIGUOUS")
    ordered = _ordered(found)
    holder = trust_point(ordered[0])
    for certificate in ordered[1:]:
        holder = _verified(certificate, holder)
    private = load_private_key(key)
    if private.public != holder.key:
        raise DocumentError("another terminal's key", code="TERMINAL_KEY_MISMATCH")
    return TerminalChain(tuple(ordered), private, holder.scheme, holder.rights)


def _verified(certificate: CvCertificate, issuer: CvHolder) -> CvHolder:
    return verify_certificate(certificate, issuer, date.min)


def _ordered(found: list[CvCertificate]) -> list[CvCertificate]:
    """From the self-signed one down."""
    terminals = [item for item in found if item.role is Role.TERMINAL]
    if len(terminals) != 1:
        raise DocumentError("not exactly one terminal certificate", code="TERMINAL_CHAIN_AMBIGUOUS")
    ordered = terminals
    while not ordered[0].self_signed:
        above = [item for item in found if item.holder == ordered[0].authority and item not in ordered]
        if not above:
            raise DocumentError("an authority's certificate is missing", code="TERMINAL_CHAIN_INCOMPLETE")
        # A CVCA may stand there by its own certificate and by a link from its older key: the links lead to older documents.
        linked = [item for item in above if not item.self_signed]
        own = [item for item in above if item.self_signed]
        if len(linked) > 1 or len(own) > 1:
            raise DocumentError("two certificates of one holder", code="TERMINAL_CHAIN_AMBIGUOUS")
        known = {item.holder for item in found}
        ordered = [*(linked if not own or (linked and linked[0].authority in known) else own), *ordered]
    return ordered
