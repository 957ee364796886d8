"""Basic access control (ICAO Doc 9303-11, 4.3): both sides prove that they know the zone and agree on 3DES session keys.

    GET CHALLENGE             -> RND.IC
    EXTERNAL AUTHENTICATE     E(RND.IFD | RND.IC | K.IFD) | MAC  ->  E(RND.IC | RND.IFD | K.IC) | MAC

Older than PACE and weaker: who records the exchange can guess the zone. Used where a chip offers nothing else.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from hw.emrtd.protocol import cipher
from hw.emrtd.protocol.cipher import COUNTER_ENC, COUNTER_MAC, Suite
from hw.emrtd.protocol.mrz_key import key_seed
from hw.emrtd.protocol.secure_messaging import SecureMessaging
from hw.emrtd.protocol.step import Step, StepFailed, status_cause
from hw.emrtd.wire import apdu
from hw.emrtd.wire.apdu import Command

CHALLENGE_SIZE, KEY_SIZE = 8, 16
_PLAIN_SIZE = 2 * CHALLENGE_SIZE + KEY_SIZE
_TOKEN_SIZE = _PLAIN_SIZE + cipher.MAC_SIZE
# What chips answer to a wrong cryptogram: the standard leaves it open.
_REFUSALS = (apdu.SW_NOT_VERIFIED, apdu.SW_ACCESS_DENIED, apdu.SW_CONDITIONS, apdu.SW_SM_WRONG, apdu.SW_WRONG_DATA)


@dataclass(frozen=True, slots=True, repr=False)
class AccessKeys:
    """K_Enc and K_MAC of a zone."""

    enc: bytearray
    mac: bytearray

    def __repr__(self) -> str:
        return "AccessKeys(redacted)"

    def seal(self, plain: bytes) -> bytes:
        """E | MAC of 32 bytes."""
        cryptogram = cipher.encrypt(Suite.TDES, self.enc, bytes(8), plain)
        return cryptogram + self._mac(cryptogram)

    def open(self, token: bytes) -> bytes | None:
        """The 32 bytes that were sealed; None if token is something else."""
        cryptogram, found = token[:_PLAIN_SIZE], token[_PLAIN_SIZE:]
        if len(token) != _TOKEN_SIZE or not hmac.compare_digest(self._mac(cryptogram), found):
            return None
        return cipher.decrypt(Suite.TDES, self.enc, bytes(8), cryptogram)

    def wipe(self) -> None:
        cipher.wipe(self.enc, self.mac)

    def _mac(self, cryptogram: bytes) -> bytes:
        return cipher.mac(Suite.TDES, self.mac, cipher.pad(cryptogram, Suite.TDES.block_size))


def access_keys(information: bytes) -> AccessKeys:
    """information: hw.emrtd.protocol.mrz_key.mrz_key."""
    return AccessKeys(*key_pair(key_seed(information)))


def authenticate(information: bytes, entropy: Callable[[int], bytes]) -> Step[SecureMessaging]:
    """The terminal half. information: hw.emrtd.protocol.mrz_key.mrz_key.

    Raises StepFailed: "wrong_key" if chip and zone do not belong together, "malformed", a status.
    """
    response = yield Command(0x00, apdu.GET_CHALLENGE, 0, 0, b"", CHALLENGE_SIZE)
    if response.sw != apdu.SW_OK:
        raise StepFailed(status_cause(response.sw))
    if len(response.data) != CHALLENGE_SIZE:
        raise StepFailed("malformed")
    ours = entropy(CHALLENGE_SIZE) + response.data
    k_ifd = entropy(KEY_SIZE)
    keys = access_keys(information)
    try:
        token = keys.seal(ours + k_ifd)
        response = yield Command(0x00, apdu.EXTERNAL_AUTHENTICATE, 0, 0, token, _TOKEN_SIZE)
        if response.sw in _REFUSALS or response.sw & 0xFFF0 == 0x63C0:
            raise StepFailed("wrong_key")
        if response.sw != apdu.SW_OK:
            raise StepFailed(status_cause(response.sw))
        plain = keys.open(response.data)
    finally:
        keys.wipe()
    if plain is None or plain[: 2 * CHALLENGE_SIZE] != ours[CHALLENGE_SIZE:] + ours[:CHALLENGE_SIZE]:
        raise StepFailed("wrong_key")
    return session(ours[CHALLENGE_SIZE:], ours[:CHALLENGE_SIZE], k_ifd, plain[2 * CHALLENGE_SIZE :])


class ChipHalf:
    """The chip's side of one authentication. A challenge is good for one answer."""

    def __init__(self, information: bytes, entropy: Callable[[int], bytes]) -> None:
        self._information, self._entropy = information, entropy
        self._challenge = b""

    def challenge(self) -> bytes:
        """RND.IC for GET CHALLENGE."""
        self._challenge = self._entropy(CHALLENGE_SIZE)
        return self._challenge

    def answer(self, token: bytes) -> tuple[bytes, SecureMessaging] | None:
        """Data for EXTERNAL AUTHENTICATE and the channel it opens; None if the terminal does not know the zone."""
        challenge, self._challenge = self._challenge, b""
        keys = access_keys(self._information)
        try:
            plain = keys.open(token)
            if not challenge or plain is None or plain[CHALLENGE_SIZE : 2 * CHALLENGE_SIZE] != challenge:
                return None
            theirs, k_ifd = plain[:CHALLENGE_SIZE], plain[2 * CHALLENGE_SIZE :]
            k_ic = self._entropy(KEY_SIZE)
            answer = keys.seal(challenge + theirs + k_ic)
        finally:
            keys.wipe()
        return answer, session(challenge, theirs, k_ifd, k_ic)


def session(rnd_ic: bytes, rnd_ifd: bytes, k_ifd: bytes, k_ic: bytes) -> SecureMessaging:
    """4.3.1 step 4, and 9.8.6.3 for the counter: the least significant halves of both challenges."""
    keys = key_pair(bytes(left ^ right for left, right in zip(k_ifd, k_ic, strict=True)))
    messaging = SecureMessaging(Suite.TDES, *keys, int.from_bytes(rnd_ic[4:] + rnd_ifd[4:], "big"))
    cipher.wipe(*keys)
    return messaging


def key_pair(seed: bytes) -> tuple[bytearray, bytearray]:
    """Encryption and MAC key, 9.7.1."""
    return cipher.derive_key(seed, COUNTER_ENC, Suite.TDES), cipher.derive_key(seed, COUNTER_MAC, Suite.TDES)
