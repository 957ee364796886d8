"""EF.SOD: the signed hashes of a document's data groups (ICAO Doc 9303-10, 4.7.13).

77 { ContentInfo { LDSSecurityObject } }

LDSSecurityObject ::= SEQUENCE { version (0 | 1), hashAlgorithm, SEQUENCE OF { dataGroupNumber, hash },
                                 ldsVersionInfo SEQUENCE { ldsVersion, unicodeVersion } OPTIONAL }     version 1: LDS 1.8
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from egate.document.crypto.signature import digest, hash_algorithm
from egate.document.encoding import der
from egate.document.encoding.der import Element, Fields
from egate.document.pki.cms import SignedData, parse_signed_data
from egate.errors import DocumentError

SOD_TAG = 0x77
SIZE_MAX = 32 * 1024  # chosen: real ones have 1 to 3 kB
LDS_SECURITY_OBJECT = "2.23.136.1.1.1"  # Doc 9303-10, 4.7.13.2: id-icao-mrtd-security-ldsSecurityObject
_GROUPS = range(1, 17)


@dataclass(frozen=True, slots=True, repr=False)
class SecurityObject:
    """hash_algorithm: "sha1" to "sha512". hashes: by data group number. lds_version, unicode_version: as in EF.COM, "" before LDS 1.8."""

    signed: SignedData
    hash_algorithm: str
    hashes: Mapping[int, bytes]
    lds_version: str
    unicode_version: str

    def matches(self, number: int, data: bytes) -> bool:
        """Whether data is the data group that was signed."""
        return self.hashes.get(number) == digest(self.hash_algorithm, data)

    def __repr__(self) -> str:
        return f"SecurityObject({self.hash_algorithm}, data groups {sorted(self.hashes)})"


def parse_sod(data: bytes) -> SecurityObject:
    """Raises DocumentError: SOD_MALFORMED, ALGORITHM_UNSUPPORTED (of a hash). The signature is not looked at."""
    try:
        if len(data) > SIZE_MAX:
            raise der.malformed("too long")
        signed = parse_signed_data(der.read(data, SOD_TAG).value, LDS_SECURITY_OBJECT)
        return _security_object(signed)
    except DocumentError as error:
        if error.code not in ("DER_MALFORMED", "CMS_MALFORMED"):
            raise
        raise DocumentError(f"EF.SOD: {error}", code="SOD_MALFORMED") from None


def _security_object(signed: SignedData) -> SecurityObject:
    fields = Fields(der.read(signed.content, der.SEQUENCE))
    version = der.integer(fields.take(der.INTEGER))
    name = hash_algorithm(fields.take(der.SEQUENCE))
    hashes = _hashes(fields.take(der.SEQUENCE), len(digest(name, b"")))
    found = fields.optional(der.SEQUENCE)
    fields.end()
    if version not in (0, 1):
        raise der.malformed("version")
    lds_version, unicode_version = ("", "") if found is None else _versions(found)
    return SecurityObject(signed, name, hashes, lds_version, unicode_version)


def _hashes(element: Element, size: int) -> dict[int, bytes]:
    hashes: dict[int, bytes] = {}
    for child in element.children():
        fields = Fields(child)
        number, value = der.integer(fields.take(der.INTEGER)), fields.take(der.OCTET_STRING).value
        fields.end()
        if number not in _GROUPS or number in hashes or len(value) != size:
            raise der.malformed("data group number or hash")
        hashes[number] = value
    if not hashes:
        raise der.malformed("no hashes")
    return hashes


def _versions(element: Element) -> tuple[str, str]:
    fields = Fields(element)
    texts = [fields.take_any().value for _ in range(2)]
    fields.end()
    if not all(text.isdigit() and len(text) == size for text, size in zip(texts, (4, 6), strict=True)):
        raise der.malformed("version")
    return texts[0].decode(), texts[1].decode()
