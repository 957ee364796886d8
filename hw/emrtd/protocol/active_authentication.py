"""Active authentication (Doc 9303-11, 6.1): INTERNAL AUTHENTICATE with eight random bytes, both halves.

The terminal keeps challenge and answer; whether the answer is right is decided with the document's signed files
(egate.document.chip.active_authentication).
"""

from __future__ import annotations

from collections.abc import Callable

from egate.document.chip.active_authentication import (
    CHALLENGE_SIZE,
    HASH_SIZES,
    HEADER,
    SHA1_TRAILER,
    TRAILER,
    TRAILER_HASHES,
    response_size,
)
from egate.document.crypto.signature import Scheme, SignatureAlgorithm, digest
from egate.domain.chip import ActiveAuthentication
from hw.emrtd.protocol.private_key import EcPrivateKey, RsaPrivateKey, load_private_key
from hw.emrtd.protocol.step import Step, StepFailed, status_cause
from hw.emrtd.wire import apdu
from hw.emrtd.wire.apdu import Command, Response

# What fits into a short answer with secure messaging around it: seen with 1,792-bit RSA and 3DES.
_SHORT_SIZE_MAX = 224


def challenge(entropy: Callable[[int], bytes], size: int = 0) -> Step[ActiveAuthentication]:
    """The terminal half. size: bytes that the answer will have (response_size), 0 if that is not known.

    Yields plain commands. An answer that needs extended length fields is asked for so, and the other way if the chip refuses that one.
    Raises StepFailed: a status, or "malformed" for an answer without a signature.
    """
    sent = entropy(CHALLENGE_SIZE)
    lengths = (apdu.LE_MAX, apdu.EXTENDED_LE_MAX)
    for le in lengths if size <= _SHORT_SIZE_MAX else reversed(lengths):
        response = yield Command(0x00, apdu.INTERNAL_AUTHENTICATE, 0, 0, sent, le)
        if response.sw != apdu.SW_WRONG_LENGTH:
            break
    if response.sw != apdu.SW_OK:
        raise StepFailed(status_cause(response.sw))
    if not response.data:
        raise StepFailed("malformed")
    return ActiveAuthentication(sent, response.data)


class ChipHalf:
    """The chip's side. private_key: PKCS #8 DER. hash_name: hashlib name; a chip with RSA and "sha1" uses the short trailer.

    Raises DocumentError if private_key is none.
    """

    def __init__(self, private_key: bytes, hash_name: str, entropy: Callable[[int], bytes]) -> None:
        self._key, self._hash, self._entropy = load_private_key(private_key), hash_name, entropy

    def internal_authenticate(self, data: bytes) -> Response:
        if len(data) != CHALLENGE_SIZE:
            return Response(b"", apdu.SW_WRONG_DATA)
        match self._key:
            case EcPrivateKey() as key:
                return Response(key.sign(SignatureAlgorithm(Scheme.ECDSA_PLAIN, self._hash), data), apdu.SW_OK)
            case RsaPrivateKey() as key:
                return Response(self._recoverable(key, data), apdu.SW_OK)

    def _recoverable(self, key: RsaPrivateKey, data: bytes) -> bytes:
        """ISO/IEC 9796-2, scheme 1."""
        size = response_size(key.public)
        trailer = bytes([SHA1_TRAILER])
        if self._hash != "sha1":
            trailer = bytes([next(number for number, name in TRAILER_HASHES.items() if name == self._hash), TRAILER])
        m1 = self._entropy(size - 1 - HASH_SIZES[self._hash] - len(trailer))
        opened = bytes([HEADER]) + m1 + digest(self._hash, m1 + data) + trailer
        return key.power(int.from_bytes(opened, "big")).to_bytes(size, "big")
