"""Certificates in the profiles of ICAO Doc 9303-12, section 7.1, and revocation lists in that of 7.1.4.

Built field by field, so that a forgery can leave the profile where it means to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from asn1crypto import core, crl, x509

from egate.document.encoding.tlv import element
from hw.sim.pki_keys import PrivateKey

DOCUMENT_TYPE_LIST = "2.23.136.1.1.6.2"  # Doc 9303-12, 7.1.1.6
MASTER_LIST_SIGNING = "2.23.136.1.1.3"  # Doc 9303-12, table 3: extended key usage of a master list signer
_UTC_TIME_YEAR_MAX = 2049  # RFC 5280, 4.1.2.5


@dataclass(frozen=True, slots=True, repr=False)
class Authority:
    """Whoever signs: a DER certificate and its key."""

    certificate: bytes
    key: PrivateKey

    @property
    def name(self) -> x509.Name:
        return self._content["subject"]

    @property
    def key_id(self) -> bytes:
        """The certificate's subject key identifier; the key's own where it has none."""
        found = x509.Certificate.load(self.certificate).key_identifier
        return bytes(found) if found else self.key.key_id()

    @property
    def serial(self) -> int:
        return int(self._content["serial_number"].native)

    @property
    def _content(self) -> x509.TbsCertificate:
        return x509.Certificate.load(self.certificate)["tbs_certificate"]

    def __repr__(self) -> str:
        return f"Authority({self.key.algorithm})"


def name(country: str, common_name: str, organisation: str = "egate simulated issuer") -> x509.Name:
    """country: two letters, upper case (Doc 9303-12, 7.1.1.1)."""
    return x509.Name.build(
        {"country_name": country, "organization_name": organisation, "common_name": common_name}, use_printable=True
    )


def write_certificate(
    subject: x509.Name,
    key: PrivateKey,
    issuer: Authority | None,
    serial: int,
    valid: tuple[datetime, datetime],
    extensions: Sequence[x509.Extension],
) -> bytes:
    """A DER certificate for key. issuer: None for a self-signed one. valid: first and last moment, UTC."""
    signing_key = key if issuer is None else issuer.key
    content = x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": serial,
            "signature": signing_key.signature_algorithm(),
            "issuer": subject if issuer is None else issuer.name,
            "validity": {"not_before": _time(valid[0]), "not_after": _time(valid[1])},
            "subject": subject,
            "subject_public_key_info": x509.PublicKeyInfo.load(key.spki()),
            "extensions": list(extensions),
        }
    )
    signed = {
        "tbs_certificate": content,
        "signature_algorithm": signing_key.signature_algorithm(),
        "signature_value": signing_key.sign(content.dump()),
    }
    return bytes(x509.Certificate(signed).dump())


def ca_extensions(
    key: PrivateKey, authority_key_id: bytes, state: str, used: tuple[datetime, datetime]
) -> list[x509.Extension]:
    """Of a CSCA or link certificate. state: as in the MRZ. used: when its key signs (private key usage period)."""
    return [
        *_common(key, authority_key_id, state, used),
        _extension("key_usage", {"key_cert_sign", "crl_sign"}, critical=True),
        _extension("basic_constraints", {"ca": True, "path_len_constraint": 0}, critical=True),
    ]


def signer_extensions(
    key: PrivateKey, authority_key_id: bytes, state: str, used: tuple[datetime, datetime], document_types: Sequence[str]
) -> list[x509.Extension]:
    """Of a document signer. document_types: first letters or codes of the zones it may sign for, e.g. "P", "ID"."""
    types = b"".join(sorted(core.PrintableString(item).dump() for item in document_types))
    type_list = element(0x30, core.Integer(0).dump() + element(0x31, types))
    return [
        *_common(key, authority_key_id, state, used),
        _extension("key_usage", {"digital_signature"}, critical=True),
        _extension(DOCUMENT_TYPE_LIST, core.ParsableOctetString(type_list)),
    ]


def list_signer_extensions(
    key: PrivateKey, authority_key_id: bytes, state: str, used: tuple[datetime, datetime]
) -> list[x509.Extension]:
    """Of a master list signer."""
    return [
        *_common(key, authority_key_id, state, used),
        _extension("key_usage", {"digital_signature"}, critical=True),
        _extension("extended_key_usage", [MASTER_LIST_SIGNING], critical=True),
    ]


def write_crl(
    issuer: Authority, number: int, revoked: Mapping[int, datetime], at: datetime, next_at: datetime
) -> bytes:
    """A DER certificate revocation list. revoked: serial numbers and when."""
    entries = [{"user_certificate": serial, "revocation_date": _time(moment)} for serial, moment in revoked.items()]
    content: dict[str, object] = {
        "version": "v2",
        "signature": issuer.key.signature_algorithm(),
        "issuer": issuer.name,
        "this_update": _time(at),
        "next_update": _time(next_at),
        "crl_extensions": [
            {"extn_id": "authority_key_identifier", "extn_value": {"key_identifier": issuer.key_id}},
            {"extn_id": "crl_number", "extn_value": number},
        ],
    }
    if entries:  # an empty list is left out (RFC 5280, 5.1.2.6)
        content["revoked_certificates"] = entries
    signed = crl.TbsCertList(content)
    return bytes(
        crl.CertificateList(
            {
                "tbs_cert_list": signed,
                "signature_algorithm": issuer.key.signature_algorithm(),
                "signature": issuer.key.sign(signed.dump()),
            }
        ).dump()
    )


def _common(
    key: PrivateKey, authority_key_id: bytes, state: str, used: tuple[datetime, datetime]
) -> list[x509.Extension]:
    place = [x509.GeneralName("directory_name", x509.Name.build({"locality_name": state}, use_printable=True))]
    return [
        _extension("authority_key_identifier", {"key_identifier": authority_key_id}),
        _extension("key_identifier", key.key_id()),
        _extension("private_key_usage_period", {"not_before": _second(used[0]), "not_after": _second(used[1])}),
        _extension("subject_alt_name", place),
        _extension("issuer_alt_name", place),
    ]


def _extension(identifier: str, value: object, *, critical: bool = False) -> x509.Extension:
    return x509.Extension({"extn_id": identifier, "critical": critical, "extn_value": value})


def _second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _time(moment: datetime) -> x509.Time:
    moment = _second(moment)
    return x509.Time("utc_time" if moment.year <= _UTC_TIME_YEAR_MAX else "general_time", moment)
