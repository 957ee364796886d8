"""Writes PyTorch weights files byte by byte, as torch.save does (compared with torch 1.13's), and pickles that no torch would write."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

MAGIC = 0x1950A86A20F9469CFC6C
Tensors = Mapping[str, NDArray[np.generic]]
STORAGE = {"float32": "FloatStorage", "int64": "LongStorage"}


def text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def number(value: int) -> bytes:
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def name(module: str, attribute: str) -> bytes:
    return b"c" + f"{module}\n{attribute}\n".encode()


def tuple_of(*parts: bytes) -> bytes:
    return b"(" + b"".join(parts) + b"t"


def pickle(body: bytes) -> bytes:
    return b"\x80\x02" + body + b"."


ORDERED_DICT = name("collections", "OrderedDict") + b")R"


def storage(key: str, kind: str, elements: int, *, view: bytes = b"") -> bytes:
    """A persistent id. view: b"N" in the older files."""
    return tuple_of(text("storage"), name("torch", kind), text(key), text("cpu"), number(elements), view) + b"Q"


def tensor(reference: bytes, size: tuple[int, ...], stride: tuple[int, ...] | None = None, offset: int = 0) -> bytes:
    steps = stride if stride is not None else contiguous(size)
    arguments = (
        reference,
        number(offset),
        tuple_of(*map(number, size)),
        tuple_of(*map(number, steps)),
        b"\x89",
        ORDERED_DICT,
    )
    return name("torch._utils", "_rebuild_tensor_v2") + tuple_of(*arguments) + b"R"


def contiguous(size: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(np.prod(size[index + 1 :])) for index in range(len(size)))


def state(tensors: Tensors, *, view: bytes) -> bytes:
    items = [
        text(key) + tensor(storage(f"k{index}", STORAGE[values.dtype.name], values.size, view=view), values.shape)
        for index, (key, values) in enumerate(tensors.items())
    ]
    metadata = b"}" + text("_metadata") + ORDERED_DICT + b"sb"
    return pickle(ORDERED_DICT + b"(" + b"".join(items) + b"u" + metadata)


def chain(tensors: Tensors, *, program: bytes | None = None, keys: list[str] | None = None) -> bytes:
    """The format up to torch 1.5. program, keys: in place of the state dict's pickle and the list of storages."""
    system = b"}(" + text("protocol_version") + number(1001) + text("little_endian") + b"\x88u"
    listed = [f"k{index}" for index in range(len(tensors))] if keys is None else keys
    heads = [number(MAGIC), number(1001), system]
    body = b"".join(pickle(head) for head in heads)
    body += program if program is not None else state(tensors, view=b"N")
    body += pickle(b"](" + b"".join(map(text, listed)) + b"e")
    return body + b"".join(struct.pack("<q", values.size) + values.tobytes() for values in tensors.values())


def archive(
    tensors: Tensors,
    *,
    program: bytes | None = None,
    compression: int = zipfile.ZIP_STORED,
    more: Mapping[str, bytes] | None = None,
) -> bytes:
    """The format since torch 1.6."""
    members = {"data.pkl": program if program is not None else state(tensors, view=b""), "version": b"3\n"}
    members |= {f"data/k{index}": values.tobytes() for index, values in enumerate(tensors.values())}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for member, content in {**members, **(more or {})}.items():
            file.writestr(f"archive/{member}", content)
    return buffer.getvalue()
