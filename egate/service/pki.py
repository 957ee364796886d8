"""A development certificate authority: for demos and tests, recognisable so that production refuses it.

    ca.pem ca.key                the authority
    crl.pem                      its revocation list
    server.pem server.key        localhost, 127.0.0.1, ::1
    <role>-<id>.pem/.key         one pair for each caller, e.g. gate-1.pem

ECDSA P-256 with SHA-256; keys PKCS #8 without password, mode 0600. Nothing is ever overwritten, but crl.pem by `revoke`.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from egate.errors import ConfigurationError
from egate.service.identity import Role, is_trust_domain, parse_spiffe_id

# A UUID as an object identifier (ITU-T X.667, arc 2.25), so that no registered arc is borrowed.
MARKER = x509.ObjectIdentifier("2.25.73570910008694158391178201708684377963")
MARKER_VALUE = b"\x05\x00"  # DER NULL
COMMON_NAME = "egate development CA"
VALID = timedelta(days=365)  # chosen: long for a demo, too short to be forgotten in a gate
BACKDATED = timedelta(minutes=5)  # clocks of two machines differ
AUTHORITY_FILE, AUTHORITY_KEY, CRL_FILE = "ca.pem", "ca.key", "crl.pem"
SERVER_NAMES = ("localhost",)
SERVER_ADDRESSES = ("127.0.0.1", "::1")

Signer = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def is_development_ca(pem: bytes) -> bool:
    """True if any certificate of the bundle is a development CA or comes from one. Raises ConfigurationError if unreadable."""
    try:
        certificates = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise ConfigurationError("the certificates cannot be read") from error
    return any(_is_marked(certificate) for certificate in certificates)


def _is_marked(certificate: x509.Certificate) -> bool:
    names = (certificate.subject, certificate.issuer)
    named = any(
        COMMON_NAME in (each.value for each in name.get_attributes_for_oid(NameOID.COMMON_NAME)) for name in names
    )
    return named or any(extension.oid == MARKER for extension in certificate.extensions)


def init(
    directory: Path, trust_domain: str, callers: Sequence[tuple[Role, str]], now: datetime | None = None
) -> list[Path]:
    """Makes the authority, the server's pair and one pair per caller; the files made.

    Raises ConfigurationError before writing anything if one of them exists or a name is wrong.
    """
    now = now or datetime.now(UTC)
    if not is_trust_domain(trust_domain):
        raise ConfigurationError("trust domain: lower-case letters, digits, '.', '-' and '_'")
    uris = {f"{role}-{caller_id}": f"spiffe://{trust_domain}/{role}/{caller_id}" for role, caller_id in callers}
    for uri in uris.values():
        parse_spiffe_id(uri, trust_domain)
    names = ["ca", "server", *uris]
    paths = [directory / f"{name}{suffix}" for name in names for suffix in (".pem", ".key")] + [directory / CRL_FILE]
    if any(path.exists() for path in paths):
        raise ConfigurationError("the directory holds such files already; none is overwritten", code="PKI_EXISTS")
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority = _authority(now)
    _write_pair(directory / "ca", *authority)
    _write_pair(
        directory / "server", *issue(authority, "server", _server_names(), ExtendedKeyUsageOID.SERVER_AUTH, now)
    )
    for name, uri in uris.items():
        pair = issue(authority, name, [x509.UniformResourceIdentifier(uri)], ExtendedKeyUsageOID.CLIENT_AUTH, now)
        _write_pair(directory / name, *pair)
    _write_new(directory / CRL_FILE, _crl(authority, [], 1, now), 0o644)
    return paths


def issue(
    authority: Signer,
    common_name: str,
    names: Sequence[x509.GeneralName],
    purpose: x509.ObjectIdentifier,
    now: datetime,
    valid: timedelta = VALID,
) -> Signer:
    """A leaf certificate and its key."""
    issuer, issuer_key = authority
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(common_name, issuer.subject, key, now, valid)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(authority=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256()), key


def revoke(directory: Path, certificate: Path, now: datetime | None = None) -> int:
    """Adds a certificate to crl.pem, in place of the old list at once. Returns how many are revoked. Raises ConfigurationError."""
    authority = load_authority(directory)
    try:
        leaf = x509.load_pem_x509_certificate(certificate.read_bytes())
        leaf.verify_directly_issued_by(authority[0])
        old = x509.load_pem_x509_crl((directory / CRL_FILE).read_bytes())
    except (OSError, ValueError, TypeError, InvalidSignature) as error:
        raise ConfigurationError("the list cannot be read, or the certificate is not of this authority") from error
    now = now or datetime.now(UTC)
    revoked = {entry.serial_number: entry for entry in old}
    if leaf.serial_number not in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(leaf.serial_number).revocation_date(now)
        revoked[leaf.serial_number] = entry.build()
    number = old.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number + 1
    draft = directory / f"{CRL_FILE}.new"
    draft.unlink(missing_ok=True)
    _write_new(draft, _crl(authority, list(revoked.values()), number, now), 0o644)
    draft.replace(directory / CRL_FILE)
    return len(revoked)


def load_authority(directory: Path) -> Signer:
    """Raises ConfigurationError."""
    try:
        certificate = x509.load_pem_x509_certificate((directory / AUTHORITY_FILE).read_bytes())
        key = serialization.load_pem_private_key((directory / AUTHORITY_KEY).read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError("the development CA cannot be read") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigurationError("the development CA has an EC key")
    return certificate, key


def _authority(now: datetime) -> Signer:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(COMMON_NAME, _name(COMMON_NAME), key, now, VALID)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(authority=True), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    builder = builder.add_extension(x509.UnrecognizedExtension(MARKER, MARKER_VALUE), critical=False)
    return builder.sign(key, hashes.SHA256()), key


def _builder(
    common_name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, valid: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + valid)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _server_names() -> list[x509.GeneralName]:
    addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in SERVER_ADDRESSES]
    return [*(x509.DNSName(name) for name in SERVER_NAMES), *addresses]


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _crl(authority: Signer, revoked: Sequence[x509.RevokedCertificate], number: int, now: datetime) -> bytes:
    certificate, key = authority
    builder = x509.CertificateRevocationListBuilder().issuer_name(certificate.subject)
    builder = builder.last_update(now - BACKDATED).next_update(now + VALID)
    builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    # RFC 5280, 5.2.1: a list names the key that signed it.
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
    )
    for entry in revoked:
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _write_pair(stem: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write_new(stem.with_name(f"{stem.name}.key"), encoded, 0o600)
    _write_new(stem.with_name(f"{stem.name}.pem"), certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _write_new(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
