"""Visible digital seals for non-constrained environments: health proofs from the bytes of their bar code.

ICAO Technical Report VDS-NC, 1.1 (2021): JSON with the signed data and, beside it, the signature with the signer's certificate.
Nothing is verified here but the form; see egate.document.seal.seal.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TypeAlias

from egate.document.crypto.public_key import EcKey, PublicKey
from egate.document.crypto.signature import Scheme, SignatureAlgorithm, verify_signature
from egate.document.pki.certificate import Certificate, parse_certificate
from egate.document.seal.canonical_json import JsonValue, canonical_json, parse_json
from egate.errors import DocumentError

TEST, VACCINATION = "icao.test", "icao.vacc"
VERSION = 1
# Document types of the signer's certificate.
DOCUMENT_TYPES = {TEST: "NT", VACCINATION: "NV"}
# Hash, and bit lengths of the curve's order.
_ALGORITHMS = {"ES256": ("sha256", (256,)), "ES384": ("sha384", (384,)), "ES512": ("sha512", (512, 521))}

_Schema: TypeAlias = "dict[str, type[str] | type[int] | _Schema | list[_Schema]]"
# What must be there; more may be.
_SCHEMAS: dict[str, _Schema] = {
    TEST: {
        "utci": str,
        "pid": {"n": str, "dt": str, "dn": str},
        "sp": {"spn": str, "ctr": str},
        "dat": {"sc": str, "ri": str},
        "tr": {"tc": str, "r": str},
    },
    VACCINATION: {
        "uvci": str,
        "pid": {"n": str},
        "ve": [{"des": str, "nam": str, "vd": [{"dvc": str, "seq": int, "ctr": str, "lot": str}]}],
    },
}


@dataclass(frozen=True, slots=True, repr=False)
class VdsNc:
    """type: "icao.test", "icao.vacc" or one that is not known. issuing_state: three letters. signed: the data in its canonical form.

    algorithm: "ES256" …; signature: r and s. certificate: the signer's, as the seal carries it.
    """

    type: str
    version: int
    issuing_state: str
    message: dict[str, JsonValue]
    signed: bytes
    algorithm: str
    signature: bytes
    certificate: Certificate

    @property
    def known(self) -> bool:
        return self.type in _SCHEMAS and self.version == VERSION

    def is_signed_by(self, key: PublicKey) -> bool:
        """Raises DocumentError(ALGORITHM_UNSUPPORTED)."""
        if self.algorithm not in _ALGORITHMS:
            raise DocumentError("signature algorithm of the seal", code="ALGORITHM_UNSUPPORTED")
        hash_name, sizes = _ALGORITHMS[self.algorithm]
        if not isinstance(key, EcKey) or key.curve.n.bit_length() not in sizes:
            return False
        return verify_signature(key, SignatureAlgorithm(Scheme.ECDSA_PLAIN, hash_name), self.signed, self.signature)

    def __repr__(self) -> str:
        return f"VdsNc({self.type if self.known else 'unknown'}, redacted)"


def parse_vds_nc(data: bytes) -> VdsNc:
    """Raises DocumentError: JSON_…, VDS_NC_MEMBERS, VDS_NC_FIELD (a mandatory field of a known type), VDS_NC_BASE64, CERTIFICATE_….

    Members that are not signed must be exactly those of the report; messages name no values.
    """
    root = _members(parse_json(data), {"data", "sig"})
    content = _members(root["data"], {"hdr", "msg"})
    header = _members(content["hdr"], {"t", "v", "is"})
    proof = _members(root["sig"], {"alg", "cer", "sigvl"})
    message, version = content["msg"], header["v"]
    if not isinstance(message, dict) or not isinstance(version, int) or isinstance(version, bool):
        raise _wrong_members()
    seal = VdsNc(
        type=_text(header["t"]),
        version=version,
        issuing_state=_text(header["is"]).rstrip("<"),
        message=message,
        signed=canonical_json(content),
        algorithm=_text(proof["alg"]),
        signature=_decoded(_text(proof["sigvl"])),
        certificate=parse_certificate(_decoded(_text(proof["cer"]))),
    )
    if seal.known:
        _require(message, _SCHEMAS[seal.type])
    return seal


def _members(value: JsonValue, names: set[str]) -> dict[str, JsonValue]:
    if not isinstance(value, dict) or set(value) != names:
        raise _wrong_members()
    return value


def _text(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise _wrong_members()
    return value


def _decoded(text: str) -> bytes:
    """Base64 with the URL's alphabet, with or without padding (RFC 4648, 5): only the one encoding of its bytes."""
    bare = text.rstrip("=")
    try:
        decoded = base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    padded = base64.urlsafe_b64encode(decoded).decode("ascii")
    if not decoded or text not in (padded, padded.rstrip("=")):
        raise DocumentError("base64 malformed", code="VDS_NC_BASE64")
    return decoded


def _require(value: JsonValue, schema: _Schema, name: str = "") -> None:
    """Every field of the schema, of its type."""
    if not isinstance(value, dict):
        raise _wrong_field(name)
    for key, wanted in schema.items():
        path, found = f"{name}.{key}".lstrip("."), value.get(key)
        if isinstance(wanted, dict):
            _require(found, wanted, path)
        elif isinstance(wanted, list):
            if not isinstance(found, list) or not found:
                raise _wrong_field(path)
            for item in found:
                _require(item, wanted[0], path)
        elif not isinstance(found, wanted) or isinstance(found, bool):
            raise _wrong_field(path)


def _wrong_members() -> DocumentError:
    return DocumentError("members of the seal", code="VDS_NC_MEMBERS")


def _wrong_field(name: str) -> DocumentError:
    return DocumentError(f"field {name}", code="VDS_NC_FIELD")
