"""The tensors of a PyTorch weights file (`torch.save(model.state_dict(), …)`), read without torch and without unpickling.

Two containers. Up to torch 1.5, one after the other:

    pickle   magic number
    pickle   protocol version, 1001
    pickle   {"protocol_version": 1001, "little_endian": true, "type_sizes": {...}}
    pickle   the state dict, its tensors as references to storages
    pickle   [storage keys], then for each: 8 bytes number of elements, raw elements, little endian

Since 1.6 a zip of uncompressed members: `<root>/data.pkl` (the state dict), `<root>/data/<key>`, `<root>/version`.
What can go wrong: another program in a pickle (see torch_pickle), sizes that disagree, a storage left over or used twice, truncation.
Each raises ModelError with code MODEL_UNSAFE.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egate.inference.weights.torch_pickle import Sequence, Storage, Table, TensorView, read_pickle, unsafe

MAGIC = 0x1950A86A20F9469CFC6C  # torch/serialization.py MAGIC_NUMBER
PROTOCOL_VERSION = 1001
ZIP_START = b"PK\x03\x04"
ZIP_MEMBERS_MAX = 10_000
BYTES_MAX = 200_000_000  # chosen, as for members of artefacts; the files here have 1.9 MB
IGNORED_MEMBERS = ("version", "byteorder", ".data/serialization_id", ".format_version", ".storage_alignment")

Tensor = NDArray[np.float32] | NDArray[np.int64]


def parse_tensors(data: bytes) -> dict[str, Tensor]:
    """Tensors by name, float32 or int64, C-contiguous copies. Raises ModelError with code MODEL_UNSAFE."""
    if len(data) > BYTES_MAX:
        raise unsafe(f"more than {BYTES_MAX} bytes")
    views, raw = _read_zip(data) if data.startswith(ZIP_START) else _read_chain(data)
    used = [view.storage.key for view in views.values()]
    if sorted(used) != sorted(raw):
        raise unsafe("storages and tensors do not correspond")
    return {name: _filled(view, raw[view.storage.key]) for name, view in views.items()}


def _filled(view: TensorView, raw: bytes) -> Tensor:
    storage = view.storage
    if len(raw) != storage.elements * storage.kind.itemsize:
        raise unsafe("a storage has another size than its tensor")
    values: Tensor = np.frombuffer(raw, storage.kind).astype(storage.kind.newbyteorder("=")).reshape(view.shape)
    return values


def _views(value: Any) -> dict[str, TensorView]:
    if not isinstance(value, Table):
        raise unsafe("not a state dict")
    for view in value.items.values():
        if not isinstance(view, TensorView):
            raise unsafe("not a state dict: it holds other things than tensors")
    return value.items


def _read_chain(data: bytes) -> tuple[dict[str, TensorView], Mapping[str, bytes]]:
    magic, offset = read_pickle(data)
    version, offset = read_pickle(data, offset)
    system, offset = read_pickle(data, offset)
    if type(magic) is not int or magic != MAGIC or type(version) is not int or version != PROTOCOL_VERSION:
        raise unsafe("not a PyTorch weights file")
    if not isinstance(system, Table) or system.items.get("little_endian") is not True:
        raise unsafe("not written little-endian")
    state, offset = read_pickle(data, offset)
    keys, offset = read_pickle(data, offset)
    views = _views(state)
    storages = {view.storage.key: view.storage for view in views.values()}
    raw: dict[str, bytes] = {}
    if not isinstance(keys, Sequence):
        raise unsafe("no list of storages")
    for key in keys.items:
        if not isinstance(key, str) or key in raw or key not in storages:
            raise unsafe("a storage no tensor names, or twice")
        raw[key], offset = _take(data, offset, storages[key])
    if offset != len(data):
        raise unsafe("bytes left over")
    return views, raw


def _take(data: bytes, offset: int, storage: Storage) -> tuple[bytes, int]:
    start = offset + 8
    elements = int.from_bytes(data[offset:start], "little", signed=True)
    end = start + storage.elements * storage.kind.itemsize
    if elements != storage.elements or end > len(data):
        raise unsafe("a storage has another size than its tensor, or is truncated")
    return data[start:end], end


def _read_zip(data: bytes) -> tuple[dict[str, TensorView], Mapping[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = _members(archive)
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError, OSError):
        raise unsafe("a malformed zip") from None
    root = next((name[: -len("data.pkl")] for name in members if name.endswith("/data.pkl")), "")
    if not root or root.count("/") != 1 or any(not name.startswith(root) for name in members):
        raise unsafe("no zip of PyTorch")
    contents = {name[len(root) :]: content for name, content in members.items()}
    if contents.get("byteorder", b"little") != b"little":
        raise unsafe("not written little-endian")
    state, end = read_pickle(contents["data.pkl"])
    if end != len(contents.pop("data.pkl")):
        raise unsafe("bytes left over")
    raw = {name: content for name, content in contents.items() if name not in IGNORED_MEMBERS}
    if any(not name.startswith("data/") for name in raw):
        raise unsafe("members that no state dict has")
    return _views(state), {name.removeprefix("data/"): content for name, content in raw.items()}


def _members(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """Every member's bytes. They are stored, not compressed: a member is never larger than the file."""
    listed = archive.infolist()
    if len(listed) > ZIP_MEMBERS_MAX or len({info.filename for info in listed}) != len(listed):
        raise unsafe("too many members, or one twice")
    if any(info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 for info in listed):
        raise unsafe("a compressed or encrypted member")
    if sum(info.file_size for info in listed) > BYTES_MAX:
        raise unsafe(f"more than {BYTES_MAX} bytes")
    return {info.filename: archive.read(info) for info in listed}
