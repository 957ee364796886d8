"""Certificate revocation lists (RFC 5280, section 5), reloaded when their files change.

A list counts only if one of our authorities signed it and it is current. What can't be known refuses: with
`on_stale = "refuse"` a missing, unreadable or outdated list refuses every certificate of that issuer. With "accept" the last
list that could be read still refuses whom it names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import structlog
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtensionOID

from egate.errors import ConfigurationError
from egate.ports import Clock
from egate.service.errors import Unauthenticated

OnStale = Literal["refuse", "accept"]
CRL_BYTES_MAX = 16 * 1024 * 1024  # about 400,000 revoked certificates; chosen
PEM_MARK = b"-----BEGIN"
# Extensions of a list we act on. Any other critical one (delta and partial lists) makes a list unusable, RFC 5280 5.2.
KNOWN_EXTENSIONS = frozenset({ExtensionOID.CRL_NUMBER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER})

_log = structlog.get_logger("egate.service.revocation")
_Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _List:
    issuer: x509.Name
    serials: frozenset[int]
    this_update: datetime
    next_update: datetime


class RevocationLists:
    """The lists in `files`, signed by one of the authorities in ca_pem. Not thread-safe; one event loop uses it."""

    def __init__(self, files: Sequence[Path], ca_pem: bytes, clock: Clock, on_stale: OnStale = "refuse") -> None:
        """Raises ConfigurationError if ca_pem holds no certificate."""
        try:
            self._authorities = x509.load_pem_x509_certificates(ca_pem)
        except ValueError as error:
            raise ConfigurationError("the client authorities cannot be read") from error
        self._files = tuple(files)
        self._clock = clock
        self._on_stale = on_stale
        self._tried: dict[Path, _Stamp | None] = {}
        self._usable: set[Path] = set()
        self._lists: dict[Path, _List] = {}

    def check(self, certificate: x509.Certificate) -> None:
        """Raises Unauthenticated CERTIFICATE_REVOKED, or REVOCATION_UNKNOWN if no current list covers its issuer."""
        for path in self._files:
            self._refresh(path)
        lists = [entry for entry in self._lists.values() if entry.issuer == certificate.issuer]
        if any(certificate.serial_number in entry.serials for entry in lists):
            raise Unauthenticated("the certificate is revoked", code="CERTIFICATE_REVOKED")
        if self._on_stale == "accept":
            return
        now = self._clock.now()
        intact = self._usable.issuperset(self._files)
        current = bool(lists) and all(entry.this_update <= now <= entry.next_update for entry in lists)
        if not (intact and current):
            raise Unauthenticated("whether the certificate is revoked is unknown", code="REVOCATION_UNKNOWN")

    def _refresh(self, path: Path) -> None:
        """Reads the file if it is another than the one read last; what was read last stays known if that fails."""
        stamp = _stamp(path)
        if path in self._tried and self._tried[path] == stamp:
            return
        self._tried[path] = stamp
        self._usable.discard(path)
        try:
            self._lists[path] = _read(path, self._authorities)
            self._usable.add(path)
        except (OSError, ValueError) as error:
            _log.error("crl_unusable", file=path.name, problem=type(error).__name__)


def _stamp(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _read(path: Path, authorities: Sequence[x509.Certificate]) -> _List:
    if path.stat().st_size > CRL_BYTES_MAX:
        raise ValueError("revocation list too large")
    data = path.read_bytes()
    crl = x509.load_pem_x509_crl(data) if PEM_MARK in data else x509.load_der_x509_crl(data)
    if not any(_signed(crl, authority) for authority in authorities):
        raise ValueError("revocation list of a foreign issuer")
    if any(extension.critical and extension.oid not in KNOWN_EXTENSIONS for extension in crl.extensions):
        raise ValueError("revocation list with an unknown critical extension")
    if crl.next_update_utc is None:
        raise ValueError("revocation list without nextUpdate")
    serials = frozenset(entry.serial_number for entry in crl)
    return _List(crl.issuer, serials, crl.last_update_utc, crl.next_update_utc)


def _signed(crl: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    if crl.issuer != authority.subject:
        return False
    try:
        return crl.is_signature_valid(authority.public_key())  # type: ignore[arg-type]
    except (InvalidSignature, TypeError, ValueError):
        return False
