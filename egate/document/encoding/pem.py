"""PEM as files of certificates and lists are published in (RFC 7468): base64 between BEGIN and END lines, any text around."""

from __future__ import annotations

import base64
import binascii
import re

from egate.errors import DocumentError

BLOCKS_MAX = 4096  # in one file; chosen
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----([^-]*)-----END \1-----")


def is_pem(data: bytes) -> bool:
    return b"-----BEGIN " in data


def blocks(data: bytes) -> list[tuple[str, bytes]]:
    """Label and content of each block, in order. Raises DocumentError (PEM_MALFORMED) if there is none or one is no base64."""
    found: list[tuple[str, bytes]] = []
    for match in _BLOCK.finditer(data):
        if len(found) == BLOCKS_MAX:
            raise DocumentError("PEM: too many blocks", code="PEM_MALFORMED")
        try:
            content = base64.b64decode(b"".join(match[2].split()), validate=True)
        except binascii.Error:
            raise DocumentError("PEM: no base64", code="PEM_MALFORMED") from None
        found.append((match[1].decode(), content))
    if len(found) != data.count(b"-----BEGIN ") or not found:
        raise DocumentError("PEM: a block is cut short", code="PEM_MALFORMED")
    return found


def content(data: bytes, label: str) -> bytes:
    """DER of a file that is DER already or one PEM block of this label. Raises DocumentError (PEM_MALFORMED)."""
    if not is_pem(data):
        return data
    found = blocks(data)
    if len(found) != 1 or found[0][0] != label:
        raise DocumentError(f"PEM: not one block {label}", code="PEM_MALFORMED")
    return found[0][1]
