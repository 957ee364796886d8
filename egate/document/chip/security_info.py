"""SecurityInfos: what a chip says about its protocols and keys (Doc 9303-11, 9.2; BSI TR-03110-3, A.1).

    EF.CardAccess   SecurityInfos                                          read before access, not signed
    EF.CardSecurity CMS SignedData whose content is SecurityInfos          signed; this file only takes the content out
    DG14            6E { SecurityInfos }                                   signed by way of EF.SOD

    SecurityInfos ::= SET OF SecurityInfo
    SecurityInfo  ::= SEQUENCE { protocol OBJECT IDENTIFIER, requiredData ANY, optionalData ANY OPTIONAL }

An identifier that is not known here is kept as it is; a known one with other content than the standard's refuses the whole file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from egate.document.chip import security_protocol as protocol
from egate.document.chip.security_protocol import AgreementName, MappingName, SuiteName
from egate.document.encoding.oid import decode_oid
from egate.document.encoding.tlv import element, elements, single
from egate.errors import DocumentError

DG14_TAG = 0x6E
FILE_SIZE_MAX = 16 * 1024  # chosen: real ones have 20 bytes to 2 kB
ID_MAX = 2**63  # of a key or of domain parameters; chosen
_INTEGER, _OCTETS, _OID, _SEQUENCE, _SET = 0x02, 0x04, 0x06, 0x30, 0x31
_EXPLICIT_0 = 0xA0


@dataclass(frozen=True, slots=True)
class PaceInfo:
    """One way to run PACE. parameter_id: standardised domain parameters below 32 (Doc 9303-11, table 8), else the chip's own."""

    oid: str
    key_agreement: AgreementName
    mapping: MappingName
    suite: SuiteName
    version: int
    parameter_id: int | None


@dataclass(frozen=True, slots=True)
class PaceDomainParameters:
    """parameters: DER AlgorithmIdentifier."""

    oid: str
    key_agreement: AgreementName
    mapping: MappingName
    parameters: bytes
    parameter_id: int | None


@dataclass(frozen=True, slots=True)
class ChipAuthenticationInfo:
    oid: str
    key_agreement: AgreementName
    suite: SuiteName
    version: int
    key_id: int | None


@dataclass(frozen=True, slots=True)
class ChipAuthenticationKey:
    """public_key: DER SubjectPublicKeyInfo as the file states it."""

    oid: str
    key_agreement: AgreementName
    public_key: bytes = field(repr=False)
    key_id: int | None


@dataclass(frozen=True, slots=True)
class ActiveAuthenticationInfo:
    """signature_algorithm: identifier of a plain ECDSA signature (BSI TR-03111, 5.2.1.1) or of an RSA one."""

    version: int
    signature_algorithm: str


@dataclass(frozen=True, slots=True)
class TerminalAuthenticationInfo:
    """file_id, short_file_id: of EF.CVCA, where it is not the usual 011C."""

    version: int
    file_id: int | None
    short_file_id: int | None


@dataclass(frozen=True, slots=True)
class EfDirInfo:
    """content: copy of EF.DIR."""

    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class UnknownInfo:
    """data: the encoded elements after the identifier."""

    oid: str
    data: bytes = field(repr=False)


SecurityInfo = (
    PaceInfo
    | PaceDomainParameters
    | ChipAuthenticationInfo
    | ChipAuthenticationKey
    | ActiveAuthenticationInfo
    | TerminalAuthenticationInfo
    | EfDirInfo
    | UnknownInfo
)


@dataclass(frozen=True, slots=True)
class SecurityInfos:
    """infos: in file order."""

    infos: tuple[SecurityInfo, ...] = ()

    @property
    def pace(self) -> tuple[PaceInfo, ...]:
        return tuple(info for info in self.infos if isinstance(info, PaceInfo))

    @property
    def chip_authentication(self) -> tuple[ChipAuthenticationInfo, ...]:
        return tuple(info for info in self.infos if isinstance(info, ChipAuthenticationInfo))

    @property
    def chip_authentication_keys(self) -> tuple[ChipAuthenticationKey, ...]:
        return tuple(info for info in self.infos if isinstance(info, ChipAuthenticationKey))

    @property
    def active_authentication(self) -> ActiveAuthenticationInfo | None:
        return next((info for info in self.infos if isinstance(info, ActiveAuthenticationInfo)), None)

    @property
    def terminal_authentication(self) -> tuple[TerminalAuthenticationInfo, ...]:
        return tuple(info for info in self.infos if isinstance(info, TerminalAuthenticationInfo))


def parse_security_infos(data: bytes) -> SecurityInfos:
    """data: one SET OF SecurityInfo. Raises DocumentError (SECURITY_INFO_…, OID_MALFORMED)."""
    if len(data) > FILE_SIZE_MAX:
        raise DocumentError("SecurityInfos too long", code="SECURITY_INFO_TOO_LONG")
    infos = tuple(_parse_info(value) for value in _all(_unwrap(data, _SET), _SEQUENCE))
    algorithms = {info.signature_algorithm for info in infos if isinstance(info, ActiveAuthenticationInfo)}
    if len(algorithms) > 1:
        raise DocumentError("two algorithms for active authentication", code="SECURITY_INFO_AMBIGUOUS")
    return SecurityInfos(infos)


def parse_card_access(data: bytes) -> SecurityInfos:
    """Content of EF.CardAccess. Raises DocumentError."""
    return parse_security_infos(data)


def parse_dg14(data: bytes) -> SecurityInfos:
    """Content of EF.DG14. Raises DocumentError."""
    return parse_security_infos(_unwrap(data, DG14_TAG))


def parse_card_security(data: bytes) -> SecurityInfos:
    """What EF.CardSecurity holds. Its signature is not looked at here. Raises DocumentError."""
    content_type, signed_data = _pair(_unwrap(data, _SEQUENCE), _OID, _EXPLICIT_0)
    if decode_oid(content_type) != protocol.CMS_SIGNED_DATA:
        raise _malformed()
    fields = _elements(_unwrap(signed_data, _SEQUENCE))
    if [tag for tag, _ in fields[:3]] != [_INTEGER, _SET, _SEQUENCE]:
        raise _malformed()
    kind, content = _pair(fields[2][1], _OID, _EXPLICIT_0)
    if decode_oid(kind) != protocol.SECURITY_OBJECT:
        raise _malformed()
    return parse_security_infos(_unwrap(content, _OCTETS))


def _parse_info(data: bytes) -> SecurityInfo:
    """data: content of one SecurityInfo."""
    parts = _elements(data)
    if not parts or parts[0][0] != _OID:
        raise _malformed()
    oid = decode_oid(parts[0][1])
    rest = _Parts(parts[1:])
    info = _known(oid, rest)
    if info is None:
        return UnknownInfo(oid, b"".join(element(tag, value) for tag, value in parts[1:]))
    rest.end()
    return info


def _known(oid: str, rest: _Parts) -> SecurityInfo | None:
    if oid in protocol.PACE:
        agreement, mapping, suite = protocol.PACE[oid]
        return PaceInfo(oid, agreement, mapping, suite, rest.integer(), rest.optional_integer())
    if oid in protocol.PACE_DOMAIN_PARAMETERS:
        agreement, mapping = protocol.PACE_DOMAIN_PARAMETERS[oid]
        return PaceDomainParameters(oid, agreement, mapping, rest.sequence(), rest.optional_integer())
    if oid in protocol.CHIP_AUTHENTICATION:
        agreement, suite = protocol.CHIP_AUTHENTICATION[oid]
        return ChipAuthenticationInfo(oid, agreement, suite, rest.integer(), rest.optional_integer())
    if oid in protocol.CHIP_AUTHENTICATION_KEY:
        agreement = protocol.CHIP_AUTHENTICATION_KEY[oid]
        return ChipAuthenticationKey(oid, agreement, rest.sequence(), rest.optional_integer())
    if oid == protocol.ACTIVE_AUTHENTICATION:
        return ActiveAuthenticationInfo(rest.integer(), decode_oid(rest.value(_OID)))
    if oid == protocol.TERMINAL_AUTHENTICATION:
        return TerminalAuthenticationInfo(rest.integer(), *_file_ids(rest))
    if oid == protocol.EF_DIR:
        return EfDirInfo(rest.value(_OCTETS))
    return None


def _file_ids(rest: _Parts) -> tuple[int | None, int | None]:
    """FileID ::= SEQUENCE { fid OCTET STRING (SIZE(2)), sfid OCTET STRING (SIZE(1)) OPTIONAL }"""
    if not rest.left:
        return None, None
    values = list(_all(rest.value(_SEQUENCE), _OCTETS))
    if [len(value) for value in values] not in ([2], [2, 1]):
        raise _malformed()
    numbers = [int.from_bytes(value, "big") for value in values]
    return numbers[0], numbers[1] if len(numbers) > 1 else None


class _Parts:
    """The elements of one SecurityInfo after its identifier, taken one by one."""

    def __init__(self, parts: list[tuple[int, bytes]]) -> None:
        self.left = parts

    def value(self, tag: int) -> bytes:
        if not self.left or self.left[0][0] != tag:
            raise _malformed()
        return self.left.pop(0)[1]

    def sequence(self) -> bytes:
        """The whole element."""
        return element(_SEQUENCE, self.value(_SEQUENCE))

    def integer(self) -> int:
        content = self.value(_INTEGER)
        number = int.from_bytes(content, "big", signed=True)
        if not content or not 0 <= number < ID_MAX:
            raise _malformed()
        return number

    def optional_integer(self) -> int | None:
        return self.integer() if self.left else None

    def end(self) -> None:
        if self.left:
            raise _malformed()


def _all(data: bytes, tag: int) -> Iterator[bytes]:
    """The values of all elements, which must all have this tag."""
    for found, value in _elements(data):
        if found != tag:
            raise _malformed()
        yield value


def _elements(data: bytes) -> list[tuple[int, bytes]]:
    try:
        return list(elements(data))
    except DocumentError:
        raise _malformed() from None


def _unwrap(data: bytes, tag: int) -> bytes:
    try:
        return single(data, tag)
    except DocumentError:
        raise _malformed() from None


def _pair(data: bytes, first: int, second: int) -> tuple[bytes, bytes]:
    parts = _elements(data)
    if [tag for tag, _ in parts] != [first, second]:
        raise _malformed()
    return parts[0][1], parts[1][1]


def _malformed() -> DocumentError:
    return DocumentError("SecurityInfos malformed", code="SECURITY_INFO_MALFORMED")
