"""Officers' passwords as scrypt hashes (RFC 7914).

scrypt$<log2 n>$<r>$<p>$<salt, base64>$<key, base64>
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from egate.errors import ConfigurationError

PASSWORD_BYTES_MAX = 256  # chosen: no passphrase is longer, and hashing starts with one pass over it
PASSWORD_CHARACTERS_MIN = (
    12  # NIST SP 800-63B-4, 3.1.1.2 asks for 15 where it is the only factor; here it is the second
)

# OWASP password storage cheat sheet: n=2^16, r=8, p=2 (64 MiB). Its memory bounds guesses an attacker can run at once.
LOG2_N, R, P = 16, 8, 2
LOG2_N_RANGE, R_RANGE, P_RANGE = range(12, 21), range(8, 17), range(1, 9)
SALT_BYTES, KEY_BYTES = 16, 32


@dataclass(frozen=True, slots=True, repr=False)
class PasswordHash:
    log2_n: int
    r: int
    p: int
    salt: bytes
    key: bytes

    def __repr__(self) -> str:
        return "PasswordHash(redacted)"

    def __str__(self) -> str:
        salt, key = (base64.b64encode(part).decode() for part in (self.salt, self.key))
        return f"scrypt${self.log2_n}${self.r}${self.p}${salt}${key}"

    def matches(self, password: str) -> bool:
        """True if it is this password; takes as long for a wrong one."""
        return hmac.compare_digest(_derive(password, self.log2_n, self.r, self.p, self.salt), self.key)


def hash_password(password: str) -> PasswordHash:
    """Raises ConfigurationError if the password is too short or too long."""
    if len(password) < PASSWORD_CHARACTERS_MIN or len(password.encode()) > PASSWORD_BYTES_MAX:
        raise ConfigurationError(f"a password has {PASSWORD_CHARACTERS_MIN} characters to {PASSWORD_BYTES_MAX} bytes")
    salt = secrets.token_bytes(SALT_BYTES)
    return PasswordHash(LOG2_N, R, P, salt, _derive(password, LOG2_N, R, P, salt))


def parse_password_hash(text: str) -> PasswordHash:
    """Raises ConfigurationError; parameters out of range too: weak ones, and ones that would exhaust the memory."""
    try:
        scheme, *numbers, salt, key = text.split("$")
        log2_n, r, p = (int(number) for number in numbers)
        hashed = PasswordHash(log2_n, r, p, _decode(salt), _decode(key))
    except (ValueError, binascii.Error) as error:
        raise ConfigurationError("a password hash cannot be read") from error
    strong = log2_n in LOG2_N_RANGE and r in R_RANGE and p in P_RANGE
    if scheme != "scrypt" or not strong or len(hashed.salt) < SALT_BYTES or len(hashed.key) != KEY_BYTES:
        raise ConfigurationError("a password hash has parameters out of range")
    return hashed


def nobody(like: PasswordHash | None = None) -> PasswordHash:
    """A hash no password matches, as expensive as the given one."""
    log2_n, r, p = (like.log2_n, like.r, like.p) if like else (LOG2_N, R, P)
    return PasswordHash(log2_n, r, p, secrets.token_bytes(SALT_BYTES), secrets.token_bytes(KEY_BYTES))


def _decode(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _derive(password: str, log2_n: int, r: int, p: int, salt: bytes) -> bytes:
    n = 1 << log2_n
    maxmem = 128 * r * (n + p + 2)  # what RFC 7914 needs; OpenSSL's default limit is 32 MiB
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=maxmem, dklen=KEY_BYTES)
