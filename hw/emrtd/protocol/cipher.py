"""Key derivation, encryption and message authentication of ICAO Doc 9303-11, section 9, for 3DES and AES.

3DES is there because passports valid until the 2030s still open with it; its single-DES key halves have odd parity (9.7.1.1).
Keys are bytearrays so that they can be overwritten (`wipe`). What cannot be: the digest they are cut from, and the copies that the
library hands to OpenSSL, which clears its own.
"""

from __future__ import annotations

import hashlib
from enum import Enum

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

Bytes = bytes | bytearray

MAC_SIZE = 8  # of both kinds, Doc 9303-11, 9.8
COUNTER_ENC, COUNTER_MAC, COUNTER_PASSWORD = 1, 2, 3  # 9.7.1: what a derived key is for
_DES_KEY_SIZE = 8


class Suite(Enum):
    """Cipher, with the size of its key and its block in bytes."""

    TDES = (16, 8)
    AES128 = (16, 16)
    AES192 = (24, 16)
    AES256 = (32, 16)

    @property
    def key_size(self) -> int:
        return self.value[0]

    @property
    def block_size(self) -> int:
        return self.value[1]


def derive_key(secret: Bytes, counter: int, suite: Suite) -> bytearray:
    """KDF(secret, counter) of Doc 9303-11, 9.7.1. Returns suite.key_size bytes."""
    kind = "sha1" if suite in (Suite.TDES, Suite.AES128) else "sha256"
    digest = hashlib.new(kind, bytes(secret) + counter.to_bytes(4, "big")).digest()
    key = bytearray(digest[: suite.key_size])
    return adjust_parity(key) if suite is Suite.TDES else key


def adjust_parity(key: Bytes) -> bytearray:
    """Each byte with an odd number of ones, by its lowest bit (FIPS 46-3)."""
    return bytearray(octet & 0xFE | 1 - (octet >> 1).bit_count() % 2 for octet in key)


def wipe(*keys: bytearray) -> None:
    """Overwrites keys with zeros."""
    for key in keys:
        key[:] = bytes(len(key))


def pad(data: Bytes, block_size: int) -> bytes:
    """ISO/IEC 9797-1 padding method 2: 80 and as few zeros as fill the block; always at least the 80."""
    return bytes(data) + b"\x80" + bytes(-(len(data) + 1) % block_size)


def unpad(data: Bytes) -> bytes | None:
    """Without padding method 2; None if there is none."""
    stripped = bytes(data).rstrip(b"\x00")
    return stripped[:-1] if stripped.endswith(b"\x80") else None


def encrypt(suite: Suite, key: Bytes, iv: Bytes, data: Bytes) -> bytes:
    """CBC without padding. iv: one block. data: whole blocks."""
    return Cipher(_algorithm(suite, key), modes.CBC(iv)).encryptor().update(data)


def decrypt(suite: Suite, key: Bytes, iv: Bytes, data: Bytes) -> bytes:
    """Undoes `encrypt`."""
    return Cipher(_algorithm(suite, key), modes.CBC(iv)).decryptor().update(data)


def encrypt_block(suite: Suite, key: Bytes, block: Bytes) -> bytes:
    """One block, or several of them each for itself."""
    return (
        Cipher(_algorithm(suite, key), modes.ECB()).encryptor().update(block)
    )  # a block cipher call, no mode: 9.8.6.2, IV


def mac(suite: Suite, key: Bytes, data: Bytes) -> bytes:
    """MAC_SIZE bytes. 3DES: retail MAC (ISO/IEC 9797-1 algorithm 3 with DES), data in whole blocks. AES: CMAC, cut to its first half."""
    if suite is Suite.TDES:
        return _retail_mac(key, data)
    authenticator = CMAC(AES(key))
    authenticator.update(bytes(data))
    return authenticator.finalize()[:MAC_SIZE]


def _retail_mac(key: Bytes, data: Bytes) -> bytes:
    """Single DES in CBC over all blocks but the last, which gets the full EDE of both key halves."""
    first = key[:_DES_KEY_SIZE]
    chain = bytes(_DES_KEY_SIZE)
    if len(data) > _DES_KEY_SIZE:
        single = TripleDES(bytes(first) * 3)  # E D E with one key three times is E
        chain = Cipher(single, modes.CBC(chain)).encryptor().update(data[:-_DES_KEY_SIZE])[-_DES_KEY_SIZE:]
    return encrypt(Suite.TDES, key, chain, data[-_DES_KEY_SIZE:])


def _algorithm(suite: Suite, key: Bytes) -> TripleDES | AES:
    if len(key) != suite.key_size:
        raise ValueError("key of another size")
    return TripleDES(bytes(key) + bytes(key[:_DES_KEY_SIZE])) if suite is Suite.TDES else AES(key)
