"""Secure messaging of ICAO Doc 9303-11, 9.8: what is said to a chip and by it, encrypted and authenticated. Both halves.

    command    header | 87 01 cryptogram (85 cryptogram if INS is odd) | 97 Le | 8E MAC | Le'
    response   87 01 cryptogram (85 ...) | 99 status | 8E MAC | status

The send sequence counter goes up before each message of either side and enters each MAC, so that no message can be repeated, left out
or swapped. The first message that does not verify ends the channel for both sides and wipes the keys.
What can go wrong: a status without protection (the chip has ended the channel), objects missing, doubled or in another order, lengths
beyond the message, another MAC, padding that is none, a protected status that differs from the one behind the message.
"""

from __future__ import annotations

import hmac
from typing import NoReturn

from hw.emrtd.protocol import cipher
from hw.emrtd.protocol.cipher import Bytes, Suite
from hw.emrtd.wire import apdu
from hw.emrtd.wire.apdu import Command, Response
from hw.emrtd.wire.data_object import encode, parse

_CRYPTOGRAM, _CRYPTOGRAM_ODD, _LE, _STATUS, _MAC = 0x87, 0x85, 0x97, 0x99, 0x8E
_PADDED = b"\x01"  # padding indicator in front of the cryptogram of an even instruction
_STATUS_SIZE, _LE_SIZE_MAX = 2, 2
_MAC_HEAD = bytes([_MAC, cipher.MAC_SIZE])
_TRAILER_SIZE = 2 + _STATUS_SIZE + 2 + cipher.MAC_SIZE  # objects 99 and 8E of a response


class SecureMessagingError(Exception):
    """The channel is broken and its keys are gone.

    cause: "unprotected_6988" (that status came without protection), "malformed" (objects missing or out of order),
    "wrong_mac", "wrong_status", "wrong_padding", "counter_exhausted", "closed" (used after its end).
    """

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class SecureMessaging:
    """One channel. A terminal calls wrap and unwrap in turn, a chip unwrap_command and wrap_response.

    suite, k_enc, k_mac: session keys, copied. ssc: the counter's value before the first message, below 256**block size.
    """

    def __init__(self, suite: Suite, k_enc: Bytes, k_mac: Bytes, ssc: int = 0) -> None:
        self.suite = suite
        self._k_enc, self._k_mac, self._ssc = bytearray(k_enc), bytearray(k_mac), ssc
        self._odd = False
        self._closed = False

    def __repr__(self) -> str:
        return f"SecureMessaging({self.suite.name}, {'closed' if self._closed else 'open'})"

    @property
    def counter(self) -> int:
        """The send sequence counter of the last message."""
        return self._ssc

    @property
    def closed(self) -> bool:
        return self._closed

    def wipe(self) -> None:
        """Ends the channel and overwrites its keys. Idempotent."""
        cipher.wipe(self._k_enc, self._k_mac)
        self._closed = True

    def wrap(self, command: Command) -> Command:
        """The protected command. Its Le' asks for as much as short, or else extended, length fields can.

        Raises SecureMessagingError, and ValueError for a command that does not fit.
        """
        self._advance()
        self._odd = command.ins % 2 == 1
        header = Command(command.cla | apdu.CLA_SECURE, command.ins, command.p1, command.p2)
        objects = self._sealed(command.data)
        if command.le:
            objects += encode(_LE, _le_octets(command.le))
        size = len(objects) + 2 + cipher.MAC_SIZE
        if size > apdu.EXTENDED_DATA_MAX:
            raise ValueError("command too long")
        long = size > apdu.DATA_MAX or command.le > apdu.LE_MAX
        data = objects + encode(_MAC, self._mac(header.header, objects))
        return Command(
            header.cla, header.ins, header.p1, header.p2, data, apdu.EXTENDED_LE_MAX if long else apdu.LE_MAX
        )

    def unwrap(self, response: Response) -> Response:
        """What the chip answered to the command wrapped last. Raises SecureMessagingError."""
        self._advance()
        if not response.data:
            self._fail(f"unprotected_{response.sw:04x}")
        objects = self._objects(response.data, (self._data_tags, (_STATUS,), (_MAC,)))
        status = objects.get(_STATUS)
        if status is None or len(status) != _STATUS_SIZE:
            self._fail("malformed")
        self._check(b"", response.data, objects)
        if int.from_bytes(status, "big") != response.sw:
            self._fail("wrong_status")
        return Response(self._opened(objects), response.sw)

    def unwrap_command(self, command: Command) -> Command:
        """What the terminal sent. le is as it asks for, whatever the outer Le'. Raises SecureMessagingError."""
        self._advance()
        self._odd = command.ins % 2 == 1
        if command.cla & apdu.CLA_SECURE != apdu.CLA_SECURE:
            self._fail("malformed")
        objects = self._objects(command.data, (self._data_tags, (_LE,), (_MAC,)))
        le = objects.get(_LE)
        if le is not None and not 1 <= len(le) <= _LE_SIZE_MAX:
            self._fail("malformed")
        self._check(command.header, command.data, objects)
        size = 0 if le is None else int.from_bytes(le, "big") or 1 << 8 * len(le)
        return Command(command.cla & ~apdu.CLA_SECURE, command.ins, command.p1, command.p2, self._opened(objects), size)

    def wrap_response(self, response: Response) -> Response:
        """The protected answer to the command unwrapped last. Raises SecureMessagingError."""
        self._advance()
        objects = self._sealed(response.data) + encode(_STATUS, response.sw.to_bytes(_STATUS_SIZE, "big"))
        return Response(objects + encode(_MAC, self._mac(b"", objects)), response.sw)

    def content_max(self, size: int) -> int:
        """The most that the data of a response may have so that the protected response's data has at most size bytes."""
        block = self.suite.block_size
        room = size - _TRAILER_SIZE - 1 - len(_PADDED)
        for length_size, limit in ((1, 0x7F), (2, 0xFF), (3, 0xFFFF), (4, 0xFFFFFF)):
            cryptogram_size = (room - length_size) // block * block
            if cryptogram_size + len(_PADDED) <= limit:
                return max(0, cryptogram_size - 1)
        return 0

    @property
    def _data_tags(self) -> tuple[int, ...]:
        # Some chips answer an odd instruction with the object of an even one; it is authenticated all the same.
        return (_CRYPTOGRAM_ODD, _CRYPTOGRAM) if self._odd else (_CRYPTOGRAM,)

    @property
    def _counter_block(self) -> bytes:
        return self._ssc.to_bytes(self.suite.block_size, "big")

    def _advance(self) -> None:
        if self._closed:
            raise SecureMessagingError("closed")
        if self._ssc + 1 >= 1 << 8 * self.suite.block_size:
            self._fail("counter_exhausted")
        self._ssc += 1

    def _fail(self, cause: str) -> NoReturn:
        self.wipe()
        raise SecureMessagingError(cause)

    def _objects(self, data: bytes, allowed: tuple[tuple[int, ...], ...]) -> dict[int, bytes]:
        """The objects that data consists of, by tag: at most one of each place, in that order, the MAC last."""
        found = parse(data)
        if not found or found[-1][0] != _MAC or not _ends_with_mac(data):
            self._fail("malformed")
        places = [place for tag, _ in found for place, tags in enumerate(allowed) if tag in tags]
        if len(places) != len(found) or places != sorted(set(places)):
            self._fail("malformed")
        return dict(found)

    def _check(self, header: bytes, data: bytes, objects: dict[int, bytes]) -> None:
        protected = data[: -len(_MAC_HEAD) - cipher.MAC_SIZE]
        if not hmac.compare_digest(self._mac(header, protected), objects[_MAC]):
            self._fail("wrong_mac")

    def _mac(self, header: bytes, objects: bytes) -> bytes:
        block = self.suite.block_size
        message = self._counter_block + (cipher.pad(header, block) if header else b"") + objects
        return cipher.mac(self.suite, self._k_mac, cipher.pad(message, block))

    def _iv(self) -> bytes:
        """9.8.6.1 for 3DES: zeros. 9.8.6.2 for AES: the encrypted counter."""
        if self.suite is Suite.TDES:
            return bytes(self.suite.block_size)
        return cipher.encrypt_block(self.suite, self._k_enc, self._counter_block)

    def _sealed(self, data: bytes) -> bytes:
        if not data:
            return b""
        padded = cipher.pad(data, self.suite.block_size)
        cryptogram = cipher.encrypt(self.suite, self._k_enc, self._iv(), padded)
        return encode(_CRYPTOGRAM_ODD, cryptogram) if self._odd else encode(_CRYPTOGRAM, _PADDED + cryptogram)

    def _opened(self, objects: dict[int, bytes]) -> bytes:
        cryptogram = objects.get(_CRYPTOGRAM_ODD)
        if _CRYPTOGRAM in objects:
            if objects[_CRYPTOGRAM][:1] != _PADDED:
                self._fail("malformed")
            cryptogram = objects[_CRYPTOGRAM][1:]
        if cryptogram is None:
            return b""
        if not cryptogram or len(cryptogram) % self.suite.block_size:
            self._fail("malformed")
        data = cipher.unpad(cipher.decrypt(self.suite, self._k_enc, self._iv(), cryptogram))
        if data is None:
            self._fail("wrong_padding")
        return data


def _ends_with_mac(data: bytes) -> bool:
    return data[-len(_MAC_HEAD) - cipher.MAC_SIZE :].startswith(_MAC_HEAD)


def _le_octets(le: int) -> bytes:
    return bytes([le % apdu.LE_MAX]) if le <= apdu.LE_MAX else (le % apdu.EXTENDED_LE_MAX).to_bytes(2, "big")
