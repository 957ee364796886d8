"""Document numbers in the journal: a keyed pseudonym, so that two crossings on one document can be linked and none can be read."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from egate.errors import ConfigurationError

KEY_BYTES = 32
_DOMAIN = b"egate document pseudonym v1\0"


def document_pseudonym(key: bytes, issuing_state: str, number: str) -> str:
    """HMAC-SHA-256 (RFC 2104) over issuing state and document number, as 64 hexadecimal digits.

    Fillers (`<`) and spaces at the ends and letter case do not matter, so printed MRZ and chip give the same. Without the key the few
    billion possible numbers cannot be tried. Raises ConfigurationError if the key is short.
    """
    if len(key) < KEY_BYTES:
        raise ConfigurationError(f"the pseudonym key must have {KEY_BYTES} bytes")
    state = issuing_state.strip("< ").upper().encode()
    # lengths in front: ("D", "12") and ("D1", "2") must differ
    message = _DOMAIN + len(state).to_bytes(2) + state + number.strip("< ").upper().encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def load_or_create_key(path: Path) -> bytes:
    """The site's pseudonym key; made with `secrets` at first use, readable by its owner only.

    Raises ConfigurationError if others may read the file or it has another length. A lost key only ends the linking of old entries.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _load(path)
    with os.fdopen(descriptor, "wb") as file:
        key = secrets.token_bytes(KEY_BYTES)
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key


def _load(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise ConfigurationError(
            "the pseudonym key file must be readable by its owner only (mode 0600)", code="KEY_FILE_OPEN"
        )
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"the pseudonym key file must hold {KEY_BYTES} bytes")
    return key
