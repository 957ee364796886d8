"""Secure channel base keys (SCBK), 16 bytes, OSDP 2.2 annex D."""

from __future__ import annotations

import secrets
from pathlib import Path

KEY_BYTES = 16

# OSDP 2.2 annex D: SCBK-D, the key every device is delivered with. It is public: a channel under it is not secure.
INSTALL_KEY = bytes(range(0x30, 0x40))


def write_new_key(path: Path) -> None:
    """Makes a key and writes it as hexadecimal text, readable by the owner only. Raises FileExistsError."""
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(secrets.token_hex(KEY_BYTES) + "\n", encoding="ascii")
