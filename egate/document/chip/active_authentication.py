"""Active authentication (Doc 9303-11, 6.1): the chip signs a challenge with the key of DG15.

RSA: ISO/IEC 9796-2, digital signature scheme 1 with partial message recovery. The signature opens to

    6A | M1 | H(M1 | challenge) | BC            SHA-1
    6A | M1 | H(M1 | challenge) | xx CC         xx names the hash (ISO/IEC 10118-3)

where M1 is the chip's random number. ECDSA: r and s one after the other (BSI TR-03111, 5.2.1); the hash stands in DG14.
"""

from __future__ import annotations

import hmac

from egate.document.chip.security_info import parse_dg14
from egate.document.crypto.public_key import EcKey, PublicKey, RsaKey, load_public_key
from egate.document.crypto.signature import Scheme, SignatureAlgorithm, digest, signature_algorithm, verify_signature
from egate.document.encoding import der
from egate.document.encoding.oid import encode_oid
from egate.document.encoding.tlv import single
from egate.errors import DocumentError

DG15_TAG = 0x6F
CHALLENGE_SIZE = 8
RESPONSE_SIZE_MAX = 1024  # of 8192-bit RSA, the longest key that is loaded
HEADER, SHA1_TRAILER, TRAILER = 0x6A, 0xBC, 0xCC
TRAILER_HASHES = {0x33: "sha1", 0x34: "sha256", 0x35: "sha512", 0x36: "sha384", 0x38: "sha224"}
HASH_SIZES = {"sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}


def parse_dg15(data: bytes) -> PublicKey:
    """Content of EF.DG15. Raises DocumentError (DG15_MALFORMED, PUBLIC_KEY_…)."""
    try:
        spki = single(data, DG15_TAG)
    except DocumentError:
        raise DocumentError("DG15 malformed", code="DG15_MALFORMED") from None
    return load_public_key(spki)


def response_size(key: PublicKey) -> int:
    """Bytes of the chip's answer."""
    if isinstance(key, EcKey):
        return 2 * key.curve.order_size
    return ((key.n if isinstance(key, RsaKey) else key.p).bit_length() + 7) // 8


def verify_active(dg15: bytes, dg14: bytes | None, challenge: bytes, response: bytes) -> bool:
    """Whether response is the signature of DG15's key over challenge (8 bytes). Says nothing about whose key DG15 holds.

    dg14: names the hash for ECDSA; None if the document has none. Raises DocumentError if a file is malformed, or the key or algorithm
    is not supported.
    """
    key = parse_dg15(dg15)
    if len(challenge) != CHALLENGE_SIZE:
        raise DocumentError("challenge of another size", code="CHALLENGE_SIZE")
    if isinstance(key, RsaKey):
        return _opens(key, challenge, response)
    if isinstance(key, EcKey):
        return any(_signed(key, name, challenge, response) for name in _hashes(key, dg14))
    raise DocumentError("key cannot sign", code="ALGORITHM_UNSUPPORTED")


def _opens(key: RsaKey, challenge: bytes, response: bytes) -> bool:
    number = int.from_bytes(response, "big")
    if len(response) != response_size(key) or not 0 < number < key.n:
        return False
    opened = pow(number, key.e, key.n)
    if opened & 0xF != TRAILER & 0xF:  # 9796-2, 8.2: a signer may send n - s where that is smaller
        opened = key.n - opened
    return recovers(opened.to_bytes(len(response), "big"), challenge)


def recovers(opened: bytes, challenge: bytes) -> bool:
    """Whether an opened signature holds the right hash over what it recovers and challenge."""
    trailer = _trailer(opened)
    if trailer is None or opened[0] != HEADER:
        return False
    name, trailer_size = trailer
    end = len(opened) - trailer_size
    start = end - HASH_SIZES[name]
    if start < 1:
        return False
    return hmac.compare_digest(digest(name, opened[1:start] + challenge), opened[start:end])


def _trailer(opened: bytes) -> tuple[str, int] | None:
    """Hash and size of the trailer."""
    if opened[-1] == SHA1_TRAILER:
        return "sha1", 1
    name = TRAILER_HASHES.get(opened[-2]) if len(opened) > 1 and opened[-1] == TRAILER else None
    return None if name is None else (name, 2)


def _signed(key: EcKey, hash_name: str, challenge: bytes, response: bytes) -> bool:
    """Plain format; DER is what some chips send instead, and cannot be mistaken for it."""
    plain = len(response) == response_size(key)
    scheme = Scheme.ECDSA_PLAIN if plain else Scheme.ECDSA
    if len(response) > RESPONSE_SIZE_MAX:
        return False
    return verify_signature(key, SignatureAlgorithm(scheme, hash_name), challenge, response)


def _hashes(key: EcKey, dg14: bytes | None) -> tuple[str, ...]:
    """The one that DG14 names; else all that are no longer than the key (Doc 9303-11, 6.1.2.3), longest first."""
    info = None if dg14 is None else parse_dg14(dg14).active_authentication
    if info is None:
        bits = key.curve.n.bit_length()
        return tuple(name for name, size in reversed(HASH_SIZES.items()) if 8 * size <= bits) or ("sha1",)
    algorithm = signature_algorithm(der.encode(der.SEQUENCE, der.encode(der.OID, encode_oid(info.signature_algorithm))))
    if algorithm.scheme not in (Scheme.ECDSA, Scheme.ECDSA_PLAIN):
        raise DocumentError("DG14 names no algorithm of DG15's key", code="ALGORITHM_UNSUPPORTED")
    return (algorithm.hash,)
