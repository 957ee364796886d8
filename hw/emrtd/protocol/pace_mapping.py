"""The pseudo-random function of PACE's integrated mapping (ICAO Doc 9303-11, 4.4.3.3.2).

    k_0 = E(t, s)      k_i = E(k_i-1, c0)      x_i = E(k_i-1, c1)      R(s, t) = x_1 | x_2 | ... | x_n mod p

E(key, data): CBC with a zero IV; keys are cut to their size (AES-192 alone has blocks that don't fit).
"""

from __future__ import annotations

from hw.emrtd.protocol import cipher
from hw.emrtd.protocol.cipher import Suite

_EXTRA_BITS = 64  # the result has so many more than the field, which makes the remainder's bias negligible
_CONSTANTS = {
    16: ("a668892a7c41e3ca739f40b057d85904", "a4e136ac725f738b01c1f60217c188ad"),
    32: (
        "d463d65234124ef7897054986dca0a174e28df758cbaa03f240616414d5a1676",
        "54bd7255f0aaf831bec3423fcf39d69b6cbf066677d0faae5aadd99df8e53517",
    ),
}


def nonce_size(suite: Suite) -> int:
    """Of s, in bytes: whole blocks that hold a key. t has the size of a key."""
    return 32 if suite in (Suite.AES192, Suite.AES256) else 16


def pseudo_random(suite: Suite, s: bytes, t: bytes, p: int) -> int:
    """R(s, t) in [0, p). s: nonce_size(suite) bytes. t: suite.key_size bytes."""
    c0, c1 = (bytes.fromhex(constant) for constant in _CONSTANTS[len(s)])
    iv = bytes(suite.block_size)
    key = cipher.encrypt(suite, t, iv, s)[: suite.key_size]
    output = b""
    while len(output) * 8 < p.bit_length() + _EXTRA_BITS:
        output += cipher.encrypt(suite, key, iv, c1)
        key = cipher.encrypt(suite, key, iv, c0)[: suite.key_size]
    return int.from_bytes(output, "big") % p
