"""One byte string per value: the canonical CBOR (RFC 8949, 4.2.1) that the hash chain covers.

Keys sorted bytewise, shortest integers and floats, no indefinite lengths. NaN stays NaN (f9 7e00): a comparison that
failed must not read as one that was never made (null).
"""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import cast

import cbor2

from egate.errors import JournalError

BODY_BYTES_MAX = 65_536  # chosen: a decision with every check takes about 1 KiB
BYTES_VALUE_MAX = 64  # a SHA-512; anything longer could be an image or a template, which never enter the journal
DEPTH_MAX = 8  # chosen: our bodies nest 3 deep
_INT_MIN, _INT_MAX = -(2**63), 2**64 - 1  # beyond, CBOR switches to big-number tags


def encode(body: Mapping[str, object]) -> bytes:
    """Canonical CBOR of a record's body: str, int, float, bool, None, bytes (<= 64), lists and maps with text keys.

    Enum members become their value, NumPy scalars the Python number. Raises JournalError, code JOURNAL_BODY, for any other type
    or beyond a limit; the message names the key, never the value.
    """
    data = cbor2.dumps(_plain(body, "body", DEPTH_MAX), canonical=True)
    if len(data) > BODY_BYTES_MAX:
        raise _refused(f"body of {len(data)} bytes exceeds {BODY_BYTES_MAX}")
    return data


def decode(data: bytes) -> dict[str, object]:
    """The body of an entry whose hash was verified. Raises JournalError if it is no CBOR map."""
    try:
        body = cbor2.loads(data)
    except (cbor2.CBORDecodeError, RecursionError) as error:
        raise _refused("body is no CBOR") from error
    if not isinstance(body, dict):
        raise _refused("body is no map")
    return cast("dict[str, object]", body)


def _plain(value: object, where: str, depth: int) -> object:
    if depth < 0:
        raise _refused(f"{where}: nested deeper than {DEPTH_MAX}")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, where)
    if isinstance(value, bytes):
        if len(value) > BYTES_VALUE_MAX:
            raise _refused(f"{where}: {len(value)} bytes; images and templates do not belong in the journal")
        return value
    if isinstance(value, Mapping):
        return {_key(key, where): _plain(item, f"{where}.{key}", depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{index}]", depth - 1) for index, item in enumerate(value)]
    return _number(value, where)


def _number(value: object, where: str) -> int | float:
    if isinstance(value, numbers.Integral):
        number = int(value)
        if not _INT_MIN <= number <= _INT_MAX:
            raise _refused(f"{where}: integer beyond 64 bits")
        return number
    if isinstance(value, numbers.Real):
        return float(value)
    raise _refused(f"{where}: {type(value).__name__} cannot be recorded")


def _text(value: str, where: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:  # a lone surrogate has no UTF-8 form
            raise _refused(f"{where}: text is not Unicode") from error
    return str(value)


def _key(key: object, where: str) -> str:
    if not isinstance(key, str):
        raise _refused(f"{where}: key of type {type(key).__name__}")
    return _text(key, where)


def _refused(message: str) -> JournalError:
    return JournalError(message, code="JOURNAL_BODY")
