"""Password authenticated connection establishment (ICAO Doc 9303-11, 4.4), the terminal's half and what both halves share.

    MSE:Set AT              80 protocol, 83 password, 84 parameters
    GENERAL AUTHENTICATE    7C {}            -> 7C { 80 encrypted nonce }
    (each in 7C)            81 mapping data  -> 82 mapping data      generic: public keys; integrated: a nonce, nothing
                            83 ephemeral key -> 84 ephemeral key     on the mapped generator
                            85 token         -> 86 token [8A chip authentication data] [87, 88 trust points of the chip's]

A chip that does not know the password can't take part, and neither side learns a guess's worth more than one guess per run. Both sides
check that keys of the other are in the group and not their own ones back.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from egate.document.chip.security_info import PaceInfo
from egate.document.chip.security_protocol import PACE_VERSION
from egate.document.encoding.oid import encode_oid
from hw.emrtd.protocol import cipher, pace_cam
from hw.emrtd.protocol.cipher import COUNTER_ENC, COUNTER_MAC, COUNTER_PASSWORD, Suite
from hw.emrtd.protocol.mrz_key import password_key
from hw.emrtd.protocol.pace_domain import domain
from hw.emrtd.protocol.pace_group import EcGroup, Group
from hw.emrtd.protocol.pace_mapping import nonce_size, pseudo_random
from hw.emrtd.protocol.secure_messaging import SecureMessaging
from hw.emrtd.protocol.step import Step, StepFailed, status_cause
from hw.emrtd.wire import apdu
from hw.emrtd.wire.apdu import Command, Response
from hw.emrtd.wire.data_object import encode, parse_unique, single

SET_AUTHENTICATION_TEMPLATE = 0xC1, 0xA4  # P1-P2 of MSE: for mutual authentication
PROTOCOL_TAG, PASSWORD_TAG, PARAMETER_TAG = 0x80, 0x83, 0x84
DYNAMIC_TAG = 0x7C
NONCE_TAG, TERMINAL_MAPPING_TAG, CHIP_MAPPING_TAG = 0x80, 0x81, 0x82
TERMINAL_KEY_TAG, CHIP_KEY_TAG, TERMINAL_TOKEN_TAG, CHIP_TOKEN_TAG, CHIP_DATA_TAG = 0x83, 0x84, 0x85, 0x86, 0x8A
_TRUST_POINT_TAGS = (0x87, 0x88)
_PUBLIC_KEY_TAG, _OID_TAG, _DH_KEY_TAG, _EC_KEY_TAG = 0x7F49, 0x06, 0x84, 0x86
_NONCE_SIZE_MAX = 64  # chosen; the chip may take as many blocks as it likes (4.4.3.3), real ones have 16 bytes
# What chips answer to a wrong token: the standard leaves it open.
_REFUSALS = (apdu.SW_NOT_VERIFIED, apdu.SW_ACCESS_DENIED, apdu.SW_CONDITIONS, apdu.SW_SM_WRONG, apdu.SW_WRONG_DATA)


class PasswordKind(IntEnum):
    """As named in MSE:Set AT, Doc 9303-11, 4.4.4.1. Travel documents have the first two."""

    MRZ = 1
    CAN = 2
    PIN = 3
    PUK = 4


@dataclass(frozen=True, slots=True, repr=False)
class Password:
    """secret: f(password) of Doc 9303-11, 4.4.3.1, that K_pi is derived from."""

    kind: PasswordKind
    secret: bytes

    @classmethod
    def of_mrz(cls, information: bytes) -> Password:
        """information: hw.emrtd.protocol.mrz_key.mrz_key."""
        return cls(PasswordKind.MRZ, password_key(information))

    @classmethod
    def of_can(cls, can: str) -> Password:
        """can: the digits as printed. Raises ValueError for characters outside ISO 8859-1."""
        return cls(PasswordKind.CAN, can.encode("latin-1"))

    def __repr__(self) -> str:
        return f"Password({self.kind.name}, redacted)"


@dataclass(frozen=True, slots=True, repr=False)
class PaceResult:
    """messaging: the open channel. chip_key: Comp(PK_DH,IC), which terminal authentication signs.

    proof: what a chip with chip authentication mapping gave; it proves nothing until held against the signed EF.CardSecurity
    (hw.emrtd.protocol.pace_cam.prove_chip).
    """

    messaging: SecureMessaging
    chip_key: bytes
    proof: pace_cam.MappingProof | None = None

    def __repr__(self) -> str:
        return f"PaceResult({self.messaging})"


@dataclass(slots=True, repr=False)
class SessionKeys:
    """KS_Enc and KS_MAC with the tokens they give; the same on both sides."""

    info: PaceInfo
    suite: Suite
    enc: bytearray = field(default_factory=bytearray)
    mac: bytearray = field(default_factory=bytearray)

    @classmethod
    def of(cls, info: PaceInfo, secret: bytes) -> SessionKeys:
        suite = Suite[info.suite]
        return cls(info, suite, *(cipher.derive_key(secret, counter, suite) for counter in (COUNTER_ENC, COUNTER_MAC)))

    def token(self, public: bytes) -> bytes:
        """T over the other side's ephemeral public key (4.4.3.4)."""
        data = public_key_object(self.info, public)
        return cipher.mac(self.suite, self.mac, cipher.pad(data, 8) if self.suite is Suite.TDES else data)

    def open(self) -> SecureMessaging:
        """The channel; its counter starts at zero (9.8.6.3). The keys here are wiped."""
        messaging = SecureMessaging(self.suite, self.enc, self.mac)
        self.wipe()
        return messaging

    def wipe(self) -> None:
        cipher.wipe(self.enc, self.mac)

    def __repr__(self) -> str:
        return "SessionKeys(redacted)"


def authenticate(info: PaceInfo, password: Password, entropy: Callable[[int], bytes]) -> Step[PaceResult]:
    """The terminal half. info: one that the chip offers in EF.CardAccess.

    Raises StepFailed: "wrong_key" if the chip has another password, "not_supported" if we can't do what info says, "malformed" if the
    chip does not keep to the protocol, or a status.
    """
    group = group_of(info)
    if group is None:
        raise StepFailed("not_supported")
    response = yield set_template(info, password.kind)
    if response.sw != apdu.SW_OK and response.sw & 0xFFF0 != 0x63C0:  # a warning: tries are left
        raise StepFailed(status_cause(response.sw))
    answer = yield from _exchange(b"", NONCE_TAG)
    nonce = decrypt_nonce(info, password, answer.get(NONCE_TAG, b""))
    if nonce is None:
        raise StepFailed("malformed")
    if info.mapping == "IM":
        generator, chip_mapping = (yield from _map_integrated(info, group, nonce, entropy)), b""
    else:
        generator, chip_mapping = yield from _map_generic(group, nonce, entropy)
    return (yield from _agree(info, group, generator, chip_mapping, entropy))


def group_of(info: PaceInfo) -> Group | None:
    """None for what is not done here: other versions, and parameters of the chip's own."""
    known = info.version == PACE_VERSION and info.parameter_id is not None
    group = domain(info.parameter_id) if known and info.parameter_id is not None else None
    if group is None or isinstance(group, EcGroup) != (info.key_agreement == "ECDH"):
        return None
    return group


def set_template(info: PaceInfo, kind: PasswordKind, *, parameters: bool = True) -> Command:
    """MSE:Set AT. parameters: name them; a chip with one set for the protocol needs no such name, but takes it."""
    data = encode(PROTOCOL_TAG, encode_oid(info.oid)) + encode(PASSWORD_TAG, bytes([kind]))
    if parameters and info.parameter_id is not None:
        data += encode(PARAMETER_TAG, bytes([info.parameter_id]))
    return Command(0x00, apdu.MANAGE_SECURITY_ENVIRONMENT, *SET_AUTHENTICATION_TEMPLATE, data)


def decrypt_nonce(info: PaceInfo, password: Password, encrypted: bytes) -> bytes | None:
    """s. None if encrypted has a size that no nonce has. Any password gives a nonce."""
    suite = Suite[info.suite]
    blocks = range(suite.block_size, _NONCE_SIZE_MAX + 1, suite.block_size)
    if len(encrypted) not in ((nonce_size(suite),) if info.mapping == "IM" else blocks):
        return None
    key = cipher.derive_key(password.secret, COUNTER_PASSWORD, suite)
    nonce = cipher.decrypt(suite, key, bytes(suite.block_size), encrypted)
    cipher.wipe(key)
    return nonce


def map_integrated(info: PaceInfo, group: Group, s: bytes, t: bytes) -> bytes | None:
    """The mapped generator; None where the encoding of points knows none."""
    return group.map_integrated(pseudo_random(Suite[info.suite], s, t, group.field))


def public_key_object(info: PaceInfo, public: bytes) -> bytes:
    """What a token is made of (9.4.4): a public key with its protocol."""
    tag = _EC_KEY_TAG if info.key_agreement == "ECDH" else _DH_KEY_TAG
    return encode(_PUBLIC_KEY_TAG, encode(_OID_TAG, encode_oid(info.oid)) + encode(tag, public))


def _map_generic(group: Group, nonce: bytes, entropy: Callable[[int], bytes]) -> Step[tuple[bytes, bytes]]:
    """The mapped generator and the chip's mapping key."""
    private = group.private(entropy)
    public = group.public(private, group.generator)
    answer = yield from _exchange(encode(TERMINAL_MAPPING_TAG, public), CHIP_MAPPING_TAG)
    theirs = answer[CHIP_MAPPING_TAG]
    agreed = group.agree(private, theirs)
    generator = None if agreed is None or theirs == public else group.map_generic(nonce, agreed)
    if generator is None:
        raise StepFailed("malformed")
    return generator, theirs


def _map_integrated(info: PaceInfo, group: Group, s: bytes, entropy: Callable[[int], bytes]) -> Step[bytes]:
    t = entropy(Suite[info.suite].key_size)
    answer = yield from _exchange(encode(TERMINAL_MAPPING_TAG, t), None)
    if answer not in ({}, {CHIP_MAPPING_TAG: b""}):
        raise StepFailed("malformed")
    generator = map_integrated(info, group, s, t)
    if generator is None:
        raise StepFailed("not_supported")
    return generator


def _agree(
    info: PaceInfo, group: Group, generator: bytes, chip_mapping: bytes, entropy: Callable[[int], bytes]
) -> Step[PaceResult]:
    private = group.private(entropy)
    public = group.public(private, generator)
    answer = yield from _exchange(encode(TERMINAL_KEY_TAG, public), CHIP_KEY_TAG)
    theirs = answer[CHIP_KEY_TAG]
    element = group.agree(private, theirs)
    # 4.4.3.4, and the x-coordinate alone would do: a reflected key lets a chip echo our token.
    if element is None or group.secret(theirs) == group.secret(public):
        raise StepFailed("malformed")
    keys = SessionKeys.of(info, group.secret(element))
    try:
        answer = yield from _exchange(encode(TERMINAL_TOKEN_TAG, keys.token(theirs)), CHIP_TOKEN_TAG, last=True)
        if not hmac.compare_digest(answer[CHIP_TOKEN_TAG], keys.token(public)):
            raise StepFailed("wrong_key")
        proof = None
        if info.mapping == "CAM":
            proof = _open_proof(info, keys, chip_mapping, answer.get(CHIP_DATA_TAG, b""))
        return PaceResult(keys.open(), group.compress(theirs), proof)
    finally:
        keys.wipe()


def _open_proof(info: PaceInfo, keys: SessionKeys, chip_mapping: bytes, sealed: bytes) -> pace_cam.MappingProof:
    data = pace_cam.open_data(keys.suite, keys.enc, sealed)
    if data is None or info.parameter_id is None:
        raise StepFailed("malformed")
    return pace_cam.MappingProof(info.parameter_id, data, chip_mapping)


def _exchange(data: bytes, expected: int | None, *, last: bool = False) -> Step[dict[int, bytes]]:
    """The objects in the chip's answer, of which expected must be there. last: the token, where a refusal means another password."""
    body = encode(DYNAMIC_TAG, data)
    le = apdu.EXTENDED_LE_MAX if len(body) > apdu.DATA_MAX else apdu.LE_MAX  # answers are as long as what we send
    cla = 0x00 if last else apdu.CLA_CHAINED
    response = yield Command(cla, apdu.GENERAL_AUTHENTICATE, 0, 0, body, le)
    if last and (response.sw in _REFUSALS or response.sw & 0xFFF0 == 0x63C0):
        raise StepFailed("wrong_key")
    if response.sw != apdu.SW_OK:
        raise StepFailed(status_cause(response.sw))
    return _objects(response, expected, (CHIP_DATA_TAG, *_TRUST_POINT_TAGS) if last else ())


def _objects(response: Response, expected: int | None, optional: tuple[int, ...]) -> dict[int, bytes]:
    template = single(response.data, DYNAMIC_TAG)
    objects = None if template is None else parse_unique(template)
    if objects is None or (expected is not None and objects.keys() - set(optional) != {expected}):
        raise StepFailed("malformed")
    return objects
