"""Writes SecurityInfos (Doc 9303-11, 9.2), for the simulated issuer and for tests."""

from __future__ import annotations

from collections.abc import Iterable

from egate.document.chip import security_protocol as protocol
from egate.document.chip.security_info import (
    DG14_TAG,
    ActiveAuthenticationInfo,
    ChipAuthenticationInfo,
    ChipAuthenticationKey,
    EfDirInfo,
    PaceDomainParameters,
    PaceInfo,
    SecurityInfo,
    TerminalAuthenticationInfo,
    UnknownInfo,
)
from egate.document.encoding.oid import encode_oid
from egate.document.encoding.tlv import element

_INTEGER, _OCTETS, _OID, _SEQUENCE, _SET = 0x02, 0x04, 0x06, 0x30, 0x31


def write_security_infos(infos: Iterable[SecurityInfo]) -> bytes:
    """The SET, members in DER order."""
    return element(_SET, b"".join(sorted(element(_SEQUENCE, _content(info)) for info in infos)))


def write_dg14(infos: Iterable[SecurityInfo]) -> bytes:
    return element(DG14_TAG, write_security_infos(infos))


def pace_info(oid: str, parameter_id: int | None) -> PaceInfo:
    """The value for one of the protocol's identifiers. Raises KeyError for another one."""
    agreement, mapping, suite = protocol.PACE[oid]
    return PaceInfo(oid, agreement, mapping, suite, protocol.PACE_VERSION, parameter_id)


def chip_authentication_info(oid: str, key_id: int | None = None) -> ChipAuthenticationInfo:
    """Version 1. Raises KeyError for an identifier of another protocol."""
    agreement, suite = protocol.CHIP_AUTHENTICATION[oid]
    return ChipAuthenticationInfo(oid, agreement, suite, 1, key_id)


def _content(info: SecurityInfo) -> bytes:
    match info:
        case PaceInfo(oid=oid, version=version, parameter_id=number):
            return _oid(oid) + _integer(version) + _optional(number)
        case PaceDomainParameters(oid=oid, parameters=encoded, parameter_id=number):
            return _oid(oid) + encoded + _optional(number)
        case ChipAuthenticationInfo(oid=oid, version=version, key_id=number):
            return _oid(oid) + _integer(version) + _optional(number)
        case ChipAuthenticationKey(oid=oid, public_key=encoded, key_id=number):
            return _oid(oid) + encoded + _optional(number)
        case ActiveAuthenticationInfo(version=version, signature_algorithm=algorithm):
            return _oid(protocol.ACTIVE_AUTHENTICATION) + _integer(version) + _oid(algorithm)
        case TerminalAuthenticationInfo(version=version, file_id=file_id, short_file_id=short):
            ids = b"" if file_id is None else element(_OCTETS, file_id.to_bytes(2, "big"))
            ids += b"" if short is None else element(_OCTETS, bytes([short]))
            return (
                _oid(protocol.TERMINAL_AUTHENTICATION) + _integer(version) + (element(_SEQUENCE, ids) if ids else b"")
            )
        case EfDirInfo(content=content):
            return _oid(protocol.EF_DIR) + element(_OCTETS, content)
        case UnknownInfo(oid=oid, data=data):
            return _oid(oid) + data


def _oid(dotted: str) -> bytes:
    return element(_OID, encode_oid(dotted))


def _integer(number: int) -> bytes:
    return element(_INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _optional(number: int | None) -> bytes:
    return b"" if number is None else _integer(number)
