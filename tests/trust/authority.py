"""Authorities of the tests' own, made with `cryptography` and `asn1crypto`: CSCAs, signers, revocation lists, signed lists."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from asn1crypto import cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from egate.document.pki.certificate import Certificate, parse_certificate

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MASTER_LIST, DEFECT_LIST, DEVIATION_LIST = "2.23.136.1.1.2", "0.4.0.127.0.7.3.1.5", "2.23.136.1.1.7"
LIST_SIGNING, DEVIATION_SIGNING = "2.23.136.1.1.3", "2.23.136.1.1.8"


@dataclass(frozen=True)
class Party:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def parsed(self) -> Certificate:
        return parse_certificate(self.der)

    @property
    def key_id(self) -> x509.SubjectKeyIdentifier:
        return x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())


def name(country: str, common: str) -> x509.Name:
    parts = ((NameOID.COUNTRY_NAME, country), (NameOID.ORGANIZATION_NAME, "test"), (NameOID.COMMON_NAME, common))
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])


def csca(
    country: str = "XA",
    common: str = "CSCA",
    *,
    key: ec.EllipticCurvePrivateKey | None = None,
    issuer: Party | None = None,
    start: datetime = NOW - 400 * DAY,
    end: datetime = NOW + 4000 * DAY,
    path_length: int | None = 0,
    signs: bool = False,
    usage: str = "",
) -> Party:
    """Self-signed, or issuer's link certificate for key. signs, usage: it is for something else as well."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = _builder(name(country, common), key, issuer, start, end)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True, signs=signs), critical=True)
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(usage)]), critical=True)
    return Party(builder.sign((issuer.key if issuer else key), hashes.SHA256()), key)


def issue(
    authority: Party,
    common: str = "signer",
    *,
    country: str = "XA",
    usage: str = "",
    start: datetime = NOW - 100 * DAY,
    end: datetime = NOW + 1000 * DAY,
) -> Party:
    """A document signer, or a list signer by its extended key usage."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(name(country, common), key, authority, start, end)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(usage)]), critical=True)
    return Party(builder.sign(authority.key, hashes.SHA256()), key)


def crl(
    authority: Party,
    serials: Sequence[int] = (),
    *,
    this_update: datetime = NOW - DAY,
    next_update: datetime = NOW + 30 * DAY,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    entry_extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    issuer: x509.Name | None = None,
) -> bytes:
    builder = x509.CertificateRevocationListBuilder(issuer or authority.certificate.subject, this_update, next_update)
    builder = builder.add_extension(x509.AuthorityKeyIdentifier(authority.key_id.digest, None, None), critical=False)
    builder = builder.add_extension(x509.CRLNumber(7), critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    for serial in serials:
        entry = x509.RevokedCertificateBuilder(serial, this_update)
        for extension, critical in entry_extensions:
            entry = entry.add_extension(extension, critical)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.DER)


def master_list_content(certificates: Sequence[bytes], version: int = 0) -> bytes:
    return sequence(core.Integer(version).dump(), set_of(*certificates))


def signed_list(
    kind: str,
    content: bytes,
    signer: Party,
    *,
    embedded: Sequence[Party] | None = None,
    signed_at: datetime | None = NOW - DAY,
    by_key_id: bool = True,
    attribute_kind: str = "",
) -> bytes:
    """attribute_kind: a signed content type other than that of the content."""
    digest = {"algorithm": "sha256"}
    attributes = [
        {"type": "content_type", "values": [attribute_kind or kind]},
        {"type": "message_digest", "values": [hashlib.sha256(content).digest()]},
    ]
    if signed_at is not None:
        attributes.append({"type": "signing_time", "values": [cms.Time("utc_time", signed_at.replace(microsecond=0))]})
    attributes = cms.CMSAttributes(attributes)
    sid = cms.SignerIdentifier("subject_key_identifier", signer.key_id.digest)
    if not by_key_id:
        inside = asn1_x509.Certificate.load(signer.der)["tbs_certificate"]
        pair = cms.IssuerAndSerialNumber({"issuer": inside["issuer"], "serial_number": inside["serial_number"]})
        sid = cms.SignerIdentifier("issuer_and_serial_number", pair)
    info = {
        "version": "v3" if by_key_id else "v1",
        "sid": sid,
        "digest_algorithm": digest,
        "signed_attrs": attributes,
        "signature_algorithm": {"algorithm": "sha256_ecdsa"},
        "signature": signer.key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256())),
    }
    certificates = [asn1_x509.Certificate.load(one.der) for one in (embedded if embedded is not None else [signer])]
    signed = {
        "version": "v3",
        "digest_algorithms": [digest],
        "encap_content_info": {"content_type": kind, "content": content},
        "certificates": certificates,
        "signer_infos": [info],
    }
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)}).dump())


def master_list(authority: Party, certificates: Sequence[bytes], signed_at: datetime = NOW - DAY) -> bytes:
    """By a list signer of this authority, whose certificate is embedded too (Doc 9303-12, 8)."""
    country = authority.parsed.country
    signer = issue(authority, "list signer", country=country, usage=LIST_SIGNING)
    content = master_list_content(certificates)
    return signed_list(MASTER_LIST, content, signer, embedded=[signer, authority], signed_at=signed_at)


def sequence(*parts: bytes) -> bytes:
    return _element(0x30, b"".join(parts))


def set_of(*parts: bytes) -> bytes:
    return _element(0x31, b"".join(sorted(parts)))


def tagged(tag: int, *parts: bytes) -> bytes:
    return _element(tag, b"".join(parts))


def _element(tag: int, value: bytes) -> bytes:
    size = len(value)
    if size < 0x80:
        return bytes([tag, size]) + value
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + value


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, issuer: Party | None, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    authority = issuer.key_id if issuer else own
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(own, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(authority.digest, None, None), critical=False)
    )


def _usage(*, signs_certificates: bool, signs: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs or not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def defect_list_content(signer: Party, *types: str, version: int = 0) -> bytes:
    """TR-03129-2: the signer by issuer and serial number, each defect without parameters."""
    inside = asn1_x509.Certificate.load(signer.der)["tbs_certificate"]
    identifier = sequence(inside["issuer"].dump(), inside["serial_number"].dump())
    defect = sequence(identifier, set_of(*(sequence(core_oid(kind)) for kind in types)))
    return sequence(core.Integer(version).dump(), core_oid("2.16.840.1.101.3.4.2.1"), set_of(defect))


def core_oid(dotted: str) -> bytes:
    return bytes(core.ObjectIdentifier(dotted).dump())
