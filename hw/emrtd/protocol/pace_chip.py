"""The chip's half of PACE (see hw.emrtd.protocol.pace)."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence

from egate.document.chip.security_info import PaceInfo
from egate.document.encoding.oid import encode_oid
from hw.emrtd.protocol import cipher, pace_cam
from hw.emrtd.protocol.chip_key import ChipKey
from hw.emrtd.protocol.cipher import COUNTER_PASSWORD, Suite
from hw.emrtd.protocol.pace import (
    CHIP_DATA_TAG,
    CHIP_KEY_TAG,
    CHIP_MAPPING_TAG,
    CHIP_TOKEN_TAG,
    DYNAMIC_TAG,
    NONCE_TAG,
    PARAMETER_TAG,
    PASSWORD_TAG,
    PROTOCOL_TAG,
    TERMINAL_KEY_TAG,
    TERMINAL_MAPPING_TAG,
    TERMINAL_TOKEN_TAG,
    PaceResult,
    Password,
    PasswordKind,
    SessionKeys,
    group_of,
    map_integrated,
)
from hw.emrtd.protocol.pace_group import EcGroup, Group
from hw.emrtd.protocol.pace_mapping import nonce_size
from hw.emrtd.wire import apdu
from hw.emrtd.wire.apdu import Command, Response
from hw.emrtd.wire.data_object import encode, parse_unique, single

_GENERIC_NONCE_SIZE = 16


class ChipHalf:
    """Answers MSE:Set AT and the chain of GENERAL AUTHENTICATE. One run at a time; any mistake ends it.

    infos: what EF.CardAccess offers. mapping_key: for chip authentication mapping. result: set once the terminal has proved the
    password; its channel is to be used from the next command on.
    """

    def __init__(
        self,
        infos: Sequence[PaceInfo],
        passwords: Mapping[PasswordKind, Password],
        entropy: Callable[[int], bytes],
        mapping_key: ChipKey | None = None,
    ) -> None:
        self._infos, self._passwords, self._entropy = tuple(infos), dict(passwords), entropy
        self._mapping_key = mapping_key
        self._run: _Run | None = None
        self.result: PaceResult | None = None

    def set_template(self, data: bytes) -> Response:
        """MSE:Set AT for mutual authentication."""
        self._run = None
        objects = parse_unique(data)
        if objects is None or PROTOCOL_TAG not in objects or len(objects.get(PASSWORD_TAG, b"")) != 1:
            return Response(b"", apdu.SW_WRONG_DATA)
        offered = [info for info in self._infos if encode_oid(info.oid) == objects[PROTOCOL_TAG]]
        if PARAMETER_TAG in objects:
            wanted = int.from_bytes(objects[PARAMETER_TAG], "big")
            offered = [info for info in offered if info.parameter_id == wanted]
        if len(offered) != 1:
            return Response(b"", apdu.SW_WRONG_DATA)
        password = next((found for kind, found in self._passwords.items() if kind == objects[PASSWORD_TAG][0]), None)
        group = group_of(offered[0])
        if group is None or password is None:
            return Response(b"", apdu.SW_REFERENCE_NOT_FOUND)
        self._run = _Run(offered[0], group, password, self._entropy, self._mapping_key)
        return Response(b"", apdu.SW_OK)

    def general_authenticate(self, command: Command) -> Response:
        run, self._run = self._run, None
        if run is None:
            return Response(b"", apdu.SW_CONDITIONS)
        template = single(command.data, DYNAMIC_TAG)
        objects = None if template is None else parse_unique(template)
        if objects is None or bool(command.cla & apdu.CLA_CHAINED) == run.at_last:
            return Response(b"", apdu.SW_WRONG_DATA)
        response = run.answer(objects)
        if response.sw == apdu.SW_OK and run.result is None:
            self._run = run
        self.result = run.result
        return response


class _Run:
    def __init__(
        self,
        info: PaceInfo,
        group: Group,
        password: Password,
        entropy: Callable[[int], bytes],
        mapping_key: ChipKey | None,
    ) -> None:
        self._info, self._group, self._suite = info, group, Suite[info.suite]
        self._password, self._entropy, self._static = password, entropy, mapping_key
        self._nonce = b""
        self._mapping = 0
        self._generator = b""
        self._keys: SessionKeys | None = None
        self._theirs = self._public = b""
        self.result: PaceResult | None = None

    @property
    def at_last(self) -> bool:
        return self._keys is not None

    def answer(self, objects: Mapping[int, bytes]) -> Response:
        """The next answer of the run; objects must be what this place in it asks for."""
        match list(objects.items()):
            case [] if not self._nonce:
                return self._give_nonce()
            case [(tag, value)] if tag == TERMINAL_MAPPING_TAG and self._nonce and not self._generator:
                return self._map_integrated(value) if self._info.mapping == "IM" else self._map_generic(value)
            case [(tag, value)] if tag == TERMINAL_KEY_TAG and self._generator and self._keys is None:
                return self._agree(value)
            case [(tag, value)] if tag == TERMINAL_TOKEN_TAG and self._keys is not None:
                return self._verify(value, self._keys)
            case _:
                return _refuse()

    def _give_nonce(self) -> Response:
        size = nonce_size(self._suite) if self._info.mapping == "IM" else _GENERIC_NONCE_SIZE
        self._nonce = self._entropy(size)
        key = cipher.derive_key(self._password.secret, COUNTER_PASSWORD, self._suite)
        encrypted = cipher.encrypt(self._suite, key, bytes(self._suite.block_size), self._nonce)
        cipher.wipe(key)
        return _accept(encode(NONCE_TAG, encrypted))

    def _map_generic(self, theirs: bytes) -> Response:
        self._mapping = self._group.private(self._entropy)
        public = self._group.public(self._mapping, self._group.generator)
        agreed = self._group.agree(self._mapping, theirs)
        generator = None if agreed is None else self._group.map_generic(self._nonce, agreed)
        if generator is None:
            return _refuse()
        self._generator = generator
        return _accept(encode(CHIP_MAPPING_TAG, public))

    def _map_integrated(self, t: bytes) -> Response:
        if len(t) != self._suite.key_size:
            return _refuse()
        generator = map_integrated(self._info, self._group, self._nonce, t)
        if generator is None:
            return Response(b"", apdu.SW_NOT_SUPPORTED)
        self._generator = generator
        return _accept(encode(CHIP_MAPPING_TAG, b""))

    def _agree(self, theirs: bytes) -> Response:
        private = self._group.private(self._entropy)
        self._public, self._theirs = self._group.public(private, self._generator), theirs
        element = self._group.agree(private, theirs)
        if element is None or self._group.secret(theirs) == self._group.secret(self._public):
            return _refuse()
        self._keys = SessionKeys.of(self._info, self._group.secret(element))
        return _accept(encode(CHIP_KEY_TAG, self._public))

    def _verify(self, token: bytes, keys: SessionKeys) -> Response:
        if not hmac.compare_digest(token, keys.token(self._public)):
            keys.wipe()
            return Response(b"", apdu.SW_NOT_VERIFIED)
        data = encode(CHIP_TOKEN_TAG, keys.token(self._theirs))
        if self._info.mapping == "CAM" and isinstance(self._group, EcGroup) and self._static is not None:
            proof = pace_cam.authentication_data(self._group, self._static.private_key, self._mapping)
            data += encode(CHIP_DATA_TAG, pace_cam.seal_data(self._suite, keys.enc, proof))
        self.result = PaceResult(keys.open(), self._group.compress(self._public))
        return _accept(data)


def _accept(data: bytes) -> Response:
    return Response(encode(DYNAMIC_TAG, data), apdu.SW_OK)


def _refuse() -> Response:
    return Response(b"", apdu.SW_WRONG_DATA)
