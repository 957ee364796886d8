"""APDUs, data objects and secure messaging of the peer: put together anew, nothing of the project is imported."""

from __future__ import annotations

from tests.hw.eac_library import Eac, Refused


class Channel:
    """Secure messaging (Doc 9303-11, 9.8) with the cryptography of libeac."""

    def __init__(self, eac: Eac, kind: int) -> None:
        self._eac = eac
        eac.require("EAC_CTX_set_encryption_ctx", kind)

    def wrap(self, command: bytes) -> bytes:
        header, data, le = split(command)
        self._eac.require("EAC_increment_ssc")
        header = bytes([header[0] | 0x0C]) + header[1:]
        body = self._sealed(data) + (tlv(0x97, le) if le else b"")
        body += tlv(0x8E, self._mac(header, body))
        if len(body) > 255:
            return header + b"\x00" + len(body).to_bytes(2, "big") + body + b"\x00\x00"
        return header + bytes([len(body)]) + body + b"\x00"

    def unwrap(self, response: bytes) -> tuple[bytes, int]:
        self._eac.require("EAC_increment_ssc")
        objects = self._checked(b"", response[:-2])
        if objects.get(0x99) != response[-2:]:
            raise Refused("status")
        return self._opened(objects), int.from_bytes(response[-2:], "big")

    def unwrap_command(self, command: bytes) -> bytes:
        header, data, _ = split(command)
        self._eac.require("EAC_increment_ssc")
        objects = self._checked(header, data)
        plain = self._opened(objects)
        lc = bytes([len(plain)]) if 0 < len(plain) < 256 else b"\x00" + len(plain).to_bytes(2, "big") if plain else b""
        return bytes([header[0] & ~0x0C]) + header[1:] + lc + plain

    def wrap_response(self, response: bytes) -> bytes:
        self._eac.require("EAC_increment_ssc")
        body = self._sealed(response[:-2]) + tlv(0x99, response[-2:])
        return body + tlv(0x8E, self._mac(b"", body)) + response[-2:]

    def _sealed(self, data: bytes) -> bytes:
        if not data:
            return b""
        return tlv(0x87, b"\x01" + self._eac.get("EAC_encrypt", self._eac.get("EAC_add_iso_pad", data)))

    def _opened(self, objects: dict[int, bytes]) -> bytes:
        sealed = objects.get(0x87)
        return b"" if sealed is None else self._eac.unpad(self._eac.get("EAC_decrypt", sealed[1:]))

    def _mac(self, header: bytes, body: bytes) -> bytes:
        return self._eac.get("EAC_authenticate", self._message(header, body))

    def _message(self, header: bytes, body: bytes) -> bytes:
        head = self._eac.get("EAC_add_iso_pad", header) if header else b""
        return self._eac.get("EAC_add_iso_pad", head + body) if body else head

    def _checked(self, header: bytes, body: bytes) -> dict[int, bytes]:
        objects = parse(body)
        covered = body[: -len(tlv(0x8E, objects.get(0x8E, b"")))]
        self._eac.require("EAC_verify_authentication", self._message(header, covered), objects.get(0x8E, b""))
        return objects


def tlv(tag: int, value: bytes) -> bytes:
    size = len(value)
    length = bytes([size]) if size < 128 else bytes([0x81, size]) if size < 256 else b"\x82" + size.to_bytes(2, "big")
    return tag.to_bytes(1 if tag < 256 else 2, "big") + length + value


def parse(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while data:
        width = 2 if data[0] & 0x1F == 0x1F else 1
        tag, size, rest = int.from_bytes(data[:width], "big"), data[width], data[width + 1 :]
        if size > 0x80:
            size, rest = int.from_bytes(rest[: size - 0x80], "big"), rest[size - 0x80 :]
        found[tag], data = rest[:size], rest[size:]
    return found


def oid(dotted: str) -> bytes:
    """Arcs below 128, as all of these protocols have."""
    first, second, *rest = map(int, dotted.split("."))
    return bytes([40 * first + second, *rest])


def sized(data: bytes, *, answer: bool = False) -> bytes:
    if len(data) < 256:
        return bytes([len(data)]) + data + (b"\x00" if answer else b"")
    return b"\x00" + len(data).to_bytes(2, "big") + data + (b"\x00\x00" if answer else b"")


def split(command: bytes) -> tuple[bytes, bytes, bytes]:
    """Header, data, Le."""
    header, body = command[:4], command[4:]
    if len(body) <= 1:
        return header, b"", body
    if body[0]:
        return header, body[1 : 1 + body[0]], body[1 + body[0] :]
    size = int.from_bytes(body[1:3], "big")
    return (header, body[3 : 3 + size], body[3 + size :]) if len(body) > 3 else (header, b"", body[1:])
