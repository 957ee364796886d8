"""A chip's personalisation as JSON, for the simulator's control socket: it runs in a process of its own.

Private keys go over that socket as they are: they are simulated, and who may use the socket may do anything to the simulator anyway.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from egate.domain.chip import AccessProtocol
from hw.emrtd.personalisation import ChipKey, Limits, Personalisation


def encode(chip: Personalisation) -> dict[str, Any]:
    return {
        "files": {name: _text(content) for name, content in chip.files.items()},
        "mrz_information": _text(chip.mrz_information),
        "can": chip.can,
        "access": sorted(chip.access),
        "chip_authentication_keys": [_key(key) for key in chip.chip_authentication_keys],
        "mapping_key": None if chip.mapping_key is None else _key(chip.mapping_key),
        "active_authentication_key": None
        if chip.active_authentication_key is None
        else _text(chip.active_authentication_key),
        "active_authentication_hash": chip.active_authentication_hash,
        "cvca": [_text(certificate) for certificate in chip.cvca],
        "denied": sorted(chip.denied),
        "limits": {
            "data_max": chip.limits.data_max,
            "le_max": chip.limits.le_max,
            "le_refusal": chip.limits.le_refusal,
            "answer_max": chip.limits.answer_max,
        },
    }


def decode(body: Mapping[str, Any]) -> Personalisation:
    """The inverse of encode. Raises KeyError, TypeError or ValueError for anything else."""
    mapping, active = body["mapping_key"], body["active_authentication_key"]
    return Personalisation(
        files={name: _bytes(content) for name, content in body["files"].items()},
        mrz_information=_bytes(body["mrz_information"]),
        can=str(body["can"]),
        access=frozenset(AccessProtocol(name) for name in body["access"]),
        chip_authentication_keys=tuple(_key_from(key) for key in body["chip_authentication_keys"]),
        mapping_key=None if mapping is None else _key_from(mapping),
        active_authentication_key=None if active is None else _bytes(active),
        active_authentication_hash=str(body["active_authentication_hash"]),
        cvca=tuple(_bytes(certificate) for certificate in body["cvca"]),
        denied=frozenset(str(name) for name in body["denied"]),
        limits=Limits(**body["limits"]),
    )


def _key(key: ChipKey) -> list[Any]:
    return [_text(key.public_key), f"{key.private_key:x}", key.key_id]


def _key_from(body: list[Any]) -> ChipKey:
    public_key, private_key, key_id = body
    return ChipKey(_bytes(public_key), int(private_key, 16), key_id)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
