"""The object identifiers of chip protocols (Doc 9303-11, 9.2; BSI TR-03110-3, A.1.1 and TR-03111, 5.2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

AgreementName = Literal["DH", "ECDH"]
MappingName = Literal["GM", "IM", "CAM"]
SuiteName = Literal["TDES", "AES128", "AES192", "AES256"]

_BSI = "0.4.0.127.0.7"
_ID_PK, _ID_TA, _ID_CA, _ID_PACE = (f"{_BSI}.2.2.{number}" for number in (1, 2, 3, 4))
_ICAO_SECURITY = "2.23.136.1.1"

PACE_VERSION = 2

SUITES: dict[int, SuiteName] = {1: "TDES", 2: "AES128", 3: "AES192", 4: "AES256"}  # last arc; CAM has no TDES
PACE_DOMAIN_PARAMETERS: dict[str, tuple[AgreementName, MappingName]] = {
    f"{_ID_PACE}.1": ("DH", "GM"),
    f"{_ID_PACE}.2": ("ECDH", "GM"),
    f"{_ID_PACE}.3": ("DH", "IM"),
    f"{_ID_PACE}.4": ("ECDH", "IM"),
    f"{_ID_PACE}.6": ("ECDH", "CAM"),
}
PACE: dict[str, tuple[AgreementName, MappingName, SuiteName]] = {
    f"{base}.{arc}": (agreement, mapping, suite)
    for base, (agreement, mapping) in PACE_DOMAIN_PARAMETERS.items()
    for arc, suite in SUITES.items()
    if (mapping, suite) != ("CAM", "TDES")
}
CHIP_AUTHENTICATION_KEY: dict[str, AgreementName] = {f"{_ID_PK}.1": "DH", f"{_ID_PK}.2": "ECDH"}
CHIP_AUTHENTICATION: dict[str, tuple[AgreementName, SuiteName]] = {
    f"{_ID_CA}.{number}.{arc}": (agreement, suite)
    for number, agreement in enumerate(CHIP_AUTHENTICATION_KEY.values(), 1)
    for arc, suite in SUITES.items()
}
TERMINAL_AUTHENTICATION = _ID_TA
ACTIVE_AUTHENTICATION = f"{_ICAO_SECURITY}.5"  # id-icao-mrtd-security-aaProtocolObject
EF_DIR = f"{_ICAO_SECURITY}.13"  # id-EFDIR

CMS_SIGNED_DATA = "1.2.840.113549.1.7.2"  # RFC 5652, 5.1
SECURITY_OBJECT = f"{_BSI}.3.2.1"  # id-SecurityObject, content of EF.CardSecurity

# TR-03111, 5.2.1.1: ecdsa-plain-signatures, by hash.
ECDSA_PLAIN: dict[str, str] = {
    f"{_BSI}.1.1.4.1.1": "sha1",
    f"{_BSI}.1.1.4.1.2": "sha224",
    f"{_BSI}.1.1.4.1.3": "sha256",
    f"{_BSI}.1.1.4.1.4": "sha384",
    f"{_BSI}.1.1.4.1.5": "sha512",
}


def oid_of(table: Mapping[str, object], *names: str) -> str:
    """The identifier with these names in a table above, e.g. oid_of(PACE, "ECDH", "GM", "AES128"). KeyError if there is none."""
    wanted = names if len(names) > 1 else names[0]
    for oid, value in table.items():
        if value == wanted:
            return oid
    raise KeyError(names)
