"""Chip authentication, version 1 (Doc 9303-11, 6.2; BSI TR-03110-1, 3.4): the chip proves its private key by new session keys.

    3DES   MSE:Set KAT   91 our key, 84 key reference                                           (TR-03110-3, B.2.1)
    AES    MSE:Set AT    80 protocol, 84 key reference; GENERAL AUTHENTICATE 7C { 80 our key }  (B.2.2)
    then   SELECT DG14 under the new keys; its answer carries the proof

All but the last run in the channel that is open. The answers to the first commands prove nothing: a copied chip gives them as well.
Only the MAC of the last one needs the secret that our key and the chip's private key make.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from egate.document.chip.security_info import ChipAuthenticationInfo, ChipAuthenticationKey, SecurityInfos
from egate.document.chip.security_info_writer import chip_authentication_info
from egate.document.chip.security_protocol import CHIP_AUTHENTICATION, oid_of
from egate.document.crypto.public_key import load_public_key
from egate.document.encoding.oid import encode_oid
from egate.domain.chip import ChipAuthentication, ChipAuthenticationProtocol
from egate.domain.evidence import CheckResult
from egate.errors import DocumentError
from hw.emrtd.protocol import cipher
from hw.emrtd.protocol.cipher import COUNTER_ENC, COUNTER_MAC, Suite
from hw.emrtd.protocol.key_agreement import Entropy, KeyAgreement, key_agreement
from hw.emrtd.protocol.secure_messaging import SecureMessaging, SecureMessagingError
from hw.emrtd.protocol.step import StepFailed, status_cause
from hw.emrtd.wire import apdu, data_object
from hw.emrtd.wire.apdu import Command, Response

SET_KEY_AGREEMENT_TEMPLATE, SET_AUTHENTICATION_TEMPLATE = (0x41, 0xA6), (0x41, 0xA4)  # P1-P2 of MSE
PROTOCOL_TAG, KEY_REFERENCE_TAG, KEY_TAG = 0x80, 0x84, 0x91
DYNAMIC_TAG, DYNAMIC_KEY_TAG = 0x7C, 0x80
_STRONGEST_FIRST = ("AES256", "AES192", "AES128", "TDES")
_VERSION = 1


@dataclass(frozen=True, slots=True, repr=False)
class ChipProof:
    """How the step ended.

    messaging: the channel to go on with: the new one if the chip is authentic, the old one if the chip refused, None if there is
    none any more. cause: why it is no PASS, as in ChipRead.failures. terminal_key: Comp(PK) of our key, for terminal authentication.
    """

    authentication: ChipAuthentication
    messaging: SecureMessaging | None
    cause: str
    terminal_key: bytes

    def __repr__(self) -> str:
        return f"ChipProof({self.authentication}, {self.cause!r})"


def authenticate(
    infos: SecurityInfos, messaging: SecureMessaging | None, entropy: Entropy, *, kat: bool = True
) -> Generator[Command, Response, ChipProof]:
    """The terminal half. infos: of DG14. messaging: the open channel, None if there is none.

    Commands are yielded as they go out, protected already, and answered as they come in. kat: with 3DES, MSE:Set KAT is tried
    first; a chip that refuses it is asked again by MSE:Set AT.
    Raises StepFailed("not_supported") if infos name nothing that both sides can do, "malformed" if the chip's key is none.
    """
    info, key, chip_key, group = _choose(infos)
    private = group.generate(entropy)
    public = group.public(private)
    secret = group.shared(private, chip_key)
    if secret is None:
        raise StepFailed("malformed")

    def ended(result: CheckResult, messaging: SecureMessaging | None, cause: str) -> ChipProof:
        proof = ChipAuthentication(ChipAuthenticationProtocol.CHIP_AUTHENTICATION, key.public_key, result)
        return ChipProof(proof, messaging, cause, group.compress(public))

    try:
        cause = yield from _send_key(info, key, public, messaging, kat=kat)
    except SecureMessagingError as error:
        return ended(CheckResult.ABORTED, None, error.cause)
    if cause:
        return ended(CheckResult.ABORTED, messaging, cause)
    if messaging is not None:
        messaging.wipe()
    agreed = session(secret, Suite[info.suite])
    try:
        yield from _exchange(apdu.select_file(apdu.FILE_IDENTIFIERS["dg14"]), agreed)
    except SecureMessagingError as error:
        return ended(CheckResult.FAIL, None, error.cause)
    return ended(CheckResult.PASS, agreed, "")


def session(secret: bytes, suite: Suite) -> SecureMessaging:
    """The channel that a shared secret opens; its counter starts at zero (Doc 9303-11, 9.8.6.3)."""
    k_enc, k_mac = (cipher.derive_key(secret, counter, suite) for counter in (COUNTER_ENC, COUNTER_MAC))
    messaging = SecureMessaging(suite, k_enc, k_mac)
    cipher.wipe(k_enc, k_mac)
    return messaging


def _send_key(
    info: ChipAuthenticationInfo,
    key: ChipAuthenticationKey,
    public: bytes,
    messaging: SecureMessaging | None,
    *,
    kat: bool,
) -> Generator[Command, Response, str]:
    """Returns "" once the chip took our key, else the cause."""
    reference = _reference(info.key_id if info.key_id is not None else key.key_id)
    if info.suite == "TDES" and kat:
        data = data_object.encode(KEY_TAG, public) + reference
        response = yield from _exchange(_manage(SET_KEY_AGREEMENT_TEMPLATE, data), messaging)
        if response.sw == apdu.SW_OK:
            return ""
    data = data_object.encode(PROTOCOL_TAG, encode_oid(info.oid)) + reference
    response = yield from _exchange(_manage(SET_AUTHENTICATION_TEMPLATE, data), messaging)
    if response.sw != apdu.SW_OK:
        return status_cause(response.sw)
    data = data_object.encode(DYNAMIC_TAG, data_object.encode(DYNAMIC_KEY_TAG, public))
    response = yield from _exchange(Command(0x00, apdu.GENERAL_AUTHENTICATE, 0, 0, data, apdu.LE_MAX), messaging)
    return "" if response.sw == apdu.SW_OK else status_cause(response.sw)


def _manage(template: tuple[int, int], data: bytes) -> Command:
    return Command(0x00, apdu.MANAGE_SECURITY_ENVIRONMENT, *template, data)


def _exchange(command: Command, messaging: SecureMessaging | None) -> Generator[Command, Response, Response]:
    """Raises SecureMessagingError."""
    if messaging is None:
        return (yield command)
    return messaging.unwrap((yield messaging.wrap(command)))


def _reference(key_id: int | None) -> bytes:
    return b"" if key_id is None else data_object.encode(KEY_REFERENCE_TAG, encode_key_id(key_id))


def encode_key_id(key_id: int) -> bytes:
    return key_id.to_bytes(max(1, (key_id.bit_length() + 7) // 8), "big")


def _choose(infos: SecurityInfos) -> tuple[ChipAuthenticationInfo, ChipAuthenticationKey, bytes, KeyAgreement]:
    """The strongest cipher for which there is a usable key, that key, its value and its group."""
    failure = StepFailed("not_supported")
    pairs = [(info, key) for key in infos.chip_authentication_keys for info in _infos_of(key, infos)]
    for info, key in sorted(pairs, key=lambda pair: _STRONGEST_FIRST.index(pair[0].suite)):
        try:
            found = key_agreement(load_public_key(key.public_key))
        except DocumentError:
            failure = StepFailed("malformed")
            continue
        if found is not None:
            return info, key, found[1], found[0]
    raise failure


def _infos_of(key: ChipAuthenticationKey, infos: SecurityInfos) -> Sequence[ChipAuthenticationInfo]:
    """What the chip does with a key. Numbers tell keys apart where there are several; where there is one, some chips number one side only.

    A key without any info is for 3DES: the first edition of the protocol had no other cipher, and its chips may not say so.
    """
    same = [info for info in infos.chip_authentication if info.key_agreement == key.key_agreement]
    if not same:
        return [chip_authentication_info(oid_of(CHIP_AUTHENTICATION, key.key_agreement, "TDES"), key.key_id)]
    alone = sum(other.key_agreement == key.key_agreement for other in infos.chip_authentication_keys) == 1
    return [
        info
        for info in same
        if info.version == _VERSION and (info.key_id == key.key_id or (alone and None in (info.key_id, key.key_id)))
    ]
