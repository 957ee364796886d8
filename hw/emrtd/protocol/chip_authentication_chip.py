"""The chip's side of chip authentication, version 1 (see hw.emrtd.protocol.chip_authentication)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from egate.document.chip.security_protocol import CHIP_AUTHENTICATION
from egate.document.crypto.public_key import load_public_key
from egate.document.encoding.oid import decode_oid
from egate.errors import DocumentError
from hw.emrtd.protocol.chip_authentication import (
    DYNAMIC_KEY_TAG,
    DYNAMIC_TAG,
    KEY_REFERENCE_TAG,
    KEY_TAG,
    PROTOCOL_TAG,
    encode_key_id,
    session,
)
from hw.emrtd.protocol.chip_key import ChipKey
from hw.emrtd.protocol.cipher import Suite
from hw.emrtd.protocol.key_agreement import key_agreement
from hw.emrtd.protocol.secure_messaging import SecureMessaging
from hw.emrtd.wire import apdu, data_object
from hw.emrtd.wire.apdu import Response


@dataclass(frozen=True, slots=True, repr=False)
class Agreed:
    """messaging: to be used from the next command on. terminal_key: Comp(PK) of the terminal's key, for terminal authentication."""

    messaging: SecureMessaging
    terminal_key: bytes


class ChipHalf:
    """Answers the commands of one run. The answers go out in the channel that is open; `agreed` is set once there is a new one.

    It never knows whether the terminal has the same keys: the next command shows that. A chip with a wrong private key (a copy)
    answers all the same.
    """

    def __init__(self, keys: Sequence[ChipKey]) -> None:
        self._keys = tuple(keys)
        self._selected: tuple[ChipKey, Suite] | None = None
        self.agreed: Agreed | None = None

    def set_key_agreement_template(self, data: bytes) -> Response:
        """MSE:Set KAT: the 3DES run in one command."""
        objects = data_object.parse_unique(data)
        if objects is None or KEY_TAG not in objects or not objects.keys() <= {KEY_TAG, KEY_REFERENCE_TAG}:
            return Response(b"", apdu.SW_WRONG_DATA)
        key = self._find(objects.get(KEY_REFERENCE_TAG))
        if key is None:
            return Response(b"", apdu.SW_REFERENCE_NOT_FOUND)
        return self._agree(key, Suite.TDES, objects[KEY_TAG])

    def set_authentication_template(self, data: bytes) -> Response:
        """MSE:Set AT for one of CHIP_AUTHENTICATION."""
        self._selected = None
        objects = data_object.parse_unique(data)
        if objects is None or PROTOCOL_TAG not in objects or not objects.keys() <= {PROTOCOL_TAG, KEY_REFERENCE_TAG}:
            return Response(b"", apdu.SW_WRONG_DATA)
        try:
            protocol = CHIP_AUTHENTICATION.get(decode_oid(objects[PROTOCOL_TAG]))
        except DocumentError:
            protocol = None
        if protocol is None:
            return Response(b"", apdu.SW_WRONG_DATA)
        key = self._find(objects.get(KEY_REFERENCE_TAG))
        if key is None:
            return Response(b"", apdu.SW_REFERENCE_NOT_FOUND)
        self._selected = key, Suite[protocol[1]]
        return Response(b"", apdu.SW_OK)

    def general_authenticate(self, data: bytes) -> Response:
        """GENERAL AUTHENTICATE after MSE:Set AT."""
        selected, self._selected = self._selected, None
        template = data_object.single(data, DYNAMIC_TAG)
        public = None if template is None else data_object.single(template, DYNAMIC_KEY_TAG)
        if selected is None:
            return Response(b"", apdu.SW_CONDITIONS)
        if public is None:
            return Response(b"", apdu.SW_WRONG_DATA)
        response = self._agree(*selected, public)
        return Response(data_object.encode(DYNAMIC_TAG, b""), response.sw) if response.sw == apdu.SW_OK else response

    def _find(self, reference: bytes | None) -> ChipKey | None:
        """The key that is meant. Without a reference there must be only one."""
        if reference is None:
            return self._keys[0] if len(self._keys) == 1 else None
        found = (key for key in self._keys if key.key_id is not None and encode_key_id(key.key_id) == reference)
        return next(found, None)

    def _agree(self, key: ChipKey, suite: Suite, public: bytes) -> Response:
        group = key_agreement(load_public_key(key.public_key))
        secret = None if group is None else group[0].shared(key.private_key, public)
        if group is None or secret is None:
            return Response(b"", apdu.SW_WRONG_DATA)
        self.agreed = Agreed(session(secret, suite), group[0].compress(public))
        return Response(b"", apdu.SW_OK)
