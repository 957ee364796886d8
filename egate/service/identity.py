"""Who calls: role and id out of the caller's certificate.

    spiffe://<trust domain>/<role>/<id>

The certificate carries exactly one URI subject alternative name, and it is read as a URI. gRPC's own
x509_subject_alternative_name property lists DNS names and URIs alike: by it, a certificate authority that lets
its customers choose DNS names would let them choose roles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from egate.ports import Clock
from egate.service.errors import Unauthenticated
from egate.service.revocation import RevocationLists

DEMO_IDENTITY_METADATA = "egate-demo-identity"
PARSED_MAX = 1024  # certificates kept parsed: more than the gates and consoles of one daemon; chosen

# SPIFFE ID, sections 2.1 and 2.2: trust domain and path segments; here exactly two segments. fullmatch: `$` would
# let a trailing newline pass.
_TRUST_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}", re.ASCII)
_SPIFFE_ID = re.compile(r"spiffe://([a-z0-9._-]{1,255})/([a-z]{1,16})/([A-Za-z0-9][A-Za-z0-9._-]{0,63})", re.ASCII)


class Role(StrEnum):
    GATE = "gate"
    CONSOLE = "console"
    OFFICER = "officer"
    ENGINEER = "engineer"
    MATCHER = "matcher"
    ENROLLER = "enroller"


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller. fingerprint: SHA-256 of the certificate (DER), what officer tokens are bound to."""

    role: Role
    id: str
    fingerprint: bytes

    def __str__(self) -> str:
        return f"{self.role}/{self.id}"


def is_trust_domain(text: str) -> bool:
    return _TRUST_DOMAIN.fullmatch(text) is not None


def parse_spiffe_id(uri: str, trust_domain: str) -> tuple[Role, str]:
    """Role and id of a SPIFFE ID of this trust domain. Raises Unauthenticated IDENTITY_INVALID."""
    match = _SPIFFE_ID.fullmatch(uri)
    if match is None or match[1] != trust_domain:
        raise Unauthenticated("the certificate's URI names no role of this service", code="IDENTITY_INVALID")
    try:
        return Role(match[2]), match[3]
    except ValueError:
        raise Unauthenticated("the certificate names an unknown role", code="IDENTITY_INVALID") from None


@dataclass(frozen=True, slots=True)
class CallerCertificate:
    identity: Identity
    certificate: x509.Certificate
    not_before: datetime
    not_after: datetime


@lru_cache(maxsize=PARSED_MAX)
def parse_certificate(pem: bytes, trust_domain: str) -> CallerCertificate:
    """What a certificate claims. Pure; validity in time and revocation are the Identifier's. Raises Unauthenticated."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension) as error:
        raise Unauthenticated("the certificate carries no readable identity", code="IDENTITY_INVALID") from error
    if len(uris) != 1:
        raise Unauthenticated("the certificate must carry exactly one URI", code="IDENTITY_INVALID")
    if _is_authority(certificate):
        raise Unauthenticated("a certificate authority is no caller", code="IDENTITY_INVALID")
    role, caller_id = parse_spiffe_id(uris[0], trust_domain)
    identity = Identity(role, caller_id, certificate.fingerprint(hashes.SHA256()))
    return CallerCertificate(identity, certificate, certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def _is_authority(certificate: x509.Certificate) -> bool:
    # X509-SVID, section 3.1: a leaf has cA false.
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


class Identifier:
    """Finds the caller of an RPC; asked again at each message of a stream, so that a revocation ends it."""

    def __init__(self, trust_domain: str, clock: Clock, revocation: RevocationLists | None) -> None:
        self._trust_domain = trust_domain
        self._clock = clock
        self._revocation = revocation

    def identify(
        self, auth_context: Mapping[str, Iterable[bytes]], metadata: Iterable[tuple[str, str | bytes]]
    ) -> Identity:
        """The caller by its TLS certificate; metadata is never looked at. Raises Unauthenticated."""
        pems = list(auth_context.get("x509_pem_cert", ()))
        if len(pems) != 1:
            raise Unauthenticated("no certificate", code="IDENTITY_MISSING")
        caller = parse_certificate(bytes(pems[0]), self._trust_domain)
        # The handshake checked this once; a connection may outlive its certificate.
        if not caller.not_before <= self._clock.now() <= caller.not_after:
            raise Unauthenticated("the certificate is not valid now", code="CERTIFICATE_EXPIRED")
        if self._revocation is not None:
            self._revocation.check(caller.certificate)
        return caller.identity


class DemoIdentifier(Identifier):
    """Plaintext demo: each request names its role in metadata `egate-demo-identity: gate/1`; without it, nobody.

    Only a server built with plaintext_demo, which listens on loopback only, has one: who can reach it is already
    on this machine.
    """

    def identify(
        self, auth_context: Mapping[str, Iterable[bytes]], metadata: Iterable[tuple[str, str | bytes]]
    ) -> Identity:
        claims = [value for key, value in metadata if key == DEMO_IDENTITY_METADATA]
        if len(claims) != 1 or not isinstance(claims[0], str):
            raise Unauthenticated(f"metadata {DEMO_IDENTITY_METADATA} is required", code="IDENTITY_MISSING")
        role, caller_id = parse_spiffe_id(f"spiffe://{self._trust_domain}/{claims[0]}", self._trust_domain)
        digest = hashes.Hash(hashes.SHA256())
        digest.update(f"demo {role}/{caller_id}".encode())
        return Identity(role, caller_id, digest.finalize())
