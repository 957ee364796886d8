"""A chip's personalisation as JSON, for the simulator's control socket. Keys travel in it: the socket is its folder's owner's alone."""

from __future__ import annotations

import base64
from dataclasses import asdict
from typing import Any

from egate.domain.chip import FILE_NAMES, AccessProtocol
from hw.emrtd.chip.personalisation import Limits, Personalisation
from hw.emrtd.protocol.chip_key import ChipKey


def encode(chip: Personalisation) -> dict[str, Any]:
    return {
        "files": {name: _text(content) for name, content in chip.files.items()},
        "mrz_information": _text(chip.mrz_information),
        "can": chip.can,
        "access": sorted(chip.access),
        "chip_authentication_keys": [_encode_key(key) for key in chip.chip_authentication_keys],
        "mapping_key": None if chip.mapping_key is None else _encode_key(chip.mapping_key),
        "active_authentication_key": (
            None if chip.active_authentication_key is None else _text(chip.active_authentication_key)
        ),
        "active_authentication_hash": chip.active_authentication_hash,
        "cvca": [_text(certificate) for certificate in chip.cvca],
        "denied": sorted(chip.denied),
        "limits": asdict(chip.limits),
    }


def decode(body: dict[str, Any]) -> Personalisation:
    """Raises KeyError, TypeError or ValueError for anything that `encode` does not write."""
    if not set(body["files"]) | set(body["denied"]) <= set(FILE_NAMES):
        raise ValueError("unknown file")
    mapping, active = body["mapping_key"], body["active_authentication_key"]
    return Personalisation(
        files={name: _bytes(text) for name, text in body["files"].items()},
        mrz_information=_bytes(body["mrz_information"]),
        can=str(body["can"]),
        access=frozenset(AccessProtocol(way) for way in body["access"]),
        chip_authentication_keys=tuple(_decode_key(key) for key in body["chip_authentication_keys"]),
        mapping_key=None if mapping is None else _decode_key(mapping),
        active_authentication_key=None if active is None else _bytes(active),
        active_authentication_hash=str(body["active_authentication_hash"]),
        cvca=tuple(_bytes(certificate) for certificate in body["cvca"]),
        denied=frozenset(body["denied"]),
        limits=Limits(**body["limits"]),
    )


def _encode_key(key: ChipKey) -> dict[str, Any]:
    return {"public_key": _text(key.public_key), "private_key": f"{key.private_key:x}", "key_id": key.key_id}


def _decode_key(body: dict[str, Any]) -> ChipKey:
    return ChipKey(_bytes(body["public_key"]), int(body["private_key"], 16), body["key_id"])


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
