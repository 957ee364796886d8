"""TIFF files built tag by tag, so that any of them can be wrong; and its two packers, written as the standard tells (TIFF 6.0)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

SHORT, LONG, RATIONAL = 3, 4, 5
Packer = Callable[[bytes], bytes]
Value = Sequence[int] | tuple[Sequence[int], int]  # integers, or integers and a type


def tiff(tags: Mapping[int, Value | None], strips: Sequence[bytes], order: str = "<", next_directory: int = 0) -> bytes:
    """strips behind the header, then the directory. Offsets and sizes of the strips are tags 273 and 279 unless tags say otherwise;
    None leaves a tag out."""
    data = bytearray(b"II*\x00" if order == "<" else b"MM\x00*") + bytes(4)
    offsets = []
    for strip in strips:
        offsets.append(len(data))
        data += strip + bytes(len(strip) % 2)
    whole = {273: offsets, 279: [len(strip) for strip in strips], **tags}
    found = {tag: value for tag, value in sorted(whole.items()) if value is not None}
    entries = []
    for tag, value in found.items():
        numbers, kind = value if isinstance(value, tuple) else (value, LONG)
        body = struct.pack(f"{order}{len(numbers)}{'H' if kind == SHORT else 'I'}", *numbers)
        count = len(numbers) // 2 if kind == RATIONAL else len(numbers)
        if len(body) > 4:
            at = struct.pack(order + "I", len(data))
            data += body
        else:
            at = body.ljust(4, b"\x00")
        entries.append(struct.pack(order + "HHI", tag, kind, count) + at)
    struct.pack_into(order + "I", data, 4, len(data))
    data += struct.pack(order + "H", len(entries)) + b"".join(entries) + struct.pack(order + "I", next_directory)
    return bytes(data)


def grey_tags(width: int, height: int) -> dict[int, Value | None]:
    """Of one strip of 8 bits, black is 0."""
    return {256: [width], 257: [height], 258: [8], 259: [1], 262: [1], 277: [1], 278: [height]}


def pack_lzw(data: bytes, clear_at: int = 4094) -> bytes:
    """Section 13."""
    codes: list[tuple[int, int]] = [(256, 9)]
    table = {bytes([value]): value for value in range(256)}
    width, free, known = 9, 258, b""
    for value in data:
        longer = known + bytes([value])
        if longer in table:
            known = longer
            continue
        codes.append((table[known], width))
        table[longer] = free
        free += 1
        if free == clear_at:
            codes.append((256, width))
            table = {bytes([value]): value for value in range(256)}
            width, free = 9, 258
        elif free == 1 << width:
            width += 1
        known = bytes([value])
    if known:
        codes.append((table[known], width))
        free += 1
        width += free == 1 << width
    return bits([*codes, (257, width)])


def bits(codes: Iterable[tuple[int, int]]) -> bytes:
    text = "".join(f"{code:0{width}b}" for code, width in codes)
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def unpack_lzw(data: bytes) -> bytes:
    """Section 13, as its pseudo-code: the kernel's oracle. Raises KeyError for a wrong code."""
    text = "".join(f"{byte:08b}" for byte in data)
    out, table, width, at, previous = b"", dict[int, bytes](), 9, 0, b""
    while at + width <= len(text):
        code, at = int(text[at : at + width], 2), at + width
        if code == 257:
            break
        if code == 256:
            table, width, previous = {value: bytes([value]) for value in range(256)}, 9, b""
            continue
        entry = table[code] if code in table or not previous or code != len(table) + 2 else previous + previous[:1]
        if previous:
            table[len(table) + 2] = previous + entry[:1]
        width = max(width, (len(table) + 3).bit_length())
        out, previous = out + entry, entry
    return out


def pack_packbits(data: bytes) -> bytes:
    """Section 9: runs of three and more, the rest as it is."""
    out, at = b"", 0
    while at < len(data):
        run = 1
        while run < 128 and data[at : at + run + 1] == data[at : at + 1] * (run + 1):
            run += 1
        if run >= 3:
            out, at = out + bytes([257 - run]) + data[at : at + 1], at + run
            continue
        piece = data[at : at + 128]
        end = next((i for i in range(1, len(piece) - 2) if len(set(piece[i : i + 3])) == 1), len(piece))
        out, at = out + bytes([end - 1]) + piece[:end], at + end
    return out


def differences(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Section 14: (h, w, samples), each less the one before it in its row."""
    return np.diff(rows, axis=1, prepend=np.zeros_like(rows[:, :1]))


PACKERS: dict[int, Packer] = {1: bytes, 5: pack_lzw, 8: zlib.compress, 32946: zlib.compress, 32773: pack_packbits}
