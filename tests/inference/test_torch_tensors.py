"""Goal: a weights file gives its tensors and nothing else: no name it holds is imported, nothing in it is run, no size is believed.

Each attack is first shown to be one: `pickle.load` runs it.
"""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from egate.errors import ModelError
from egate.inference.weights import torch_pickle
from egate.inference.weights.torch_tensors import parse_tensors
from tests.inference import torch_files as files

TENSORS: dict[str, NDArray[np.generic]] = {
    "weight": np.arange(24, dtype=np.float32).reshape(2, 1, 3, 4),
    "bias": np.array([-1.5, 2.5], np.float32),
    "count": np.array(7, np.int64),
}
FORMS: list[Callable[..., bytes]] = [files.chain, files.archive]


def refused(data: bytes, match: str | None = None) -> None:
    with pytest.raises(ModelError, match=match) as caught:
        parse_tensors(data)
    assert caught.value.code == "MODEL_UNSAFE"


@pytest.mark.parametrize("form", FORMS)
def test_tensors_come_out_as_written(form: Callable[..., bytes]) -> None:
    found = parse_tensors(form(TENSORS))
    assert list(found) == list(TENSORS)
    for name, values in TENSORS.items():
        np.testing.assert_array_equal(found[name], values, strict=True)


class Payload:
    """Pickles as a call of os.system."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("form", FORMS)
def test_payload_that_pickle_load_runs_is_refused_unrun(
    tmp_path: Path, form: Callable[..., bytes], protocol: int
) -> None:
    witness = tmp_path / "ran"
    program = pickle.dumps(Payload(f"echo > '{witness}'"), protocol)
    pickle.load(io.BytesIO(program))  # the planted fault: this is what must not happen
    assert witness.exists()
    witness.unlink()
    refused(form(TENSORS, program=program))
    assert not witness.exists()


@pytest.mark.parametrize(
    ("module", "attribute"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("torch", "load"),
        ("torch._utils", "_rebuild_tensor"),
        ("torch.nn.modules.container", "Sequential"),
        ("collections", "OrderedDict.fromkeys"),
        ("torch", "DoubleStorage"),
    ],
)
def test_name_beyond_the_table_is_refused(module: str, attribute: str) -> None:
    refused(files.chain(TENSORS, program=files.pickle(files.name(module, attribute))), "names")


@pytest.mark.parametrize(
    "body",
    [
        files.name("collections", "OrderedDict") + files.tuple_of(files.number(1)) + b"R",  # called with arguments
        files.name("torch", "FloatStorage") + b")R",
        files.text("x") + b")R",  # a call of a string
        files.ORDERED_DICT + b"}" + files.text("__class__") + files.number(1) + b"sb",  # attributes set
        files.ORDERED_DICT + files.ORDERED_DICT + files.text("k") + files.number(1) + b"sb",
        b"P" + b"storage\n",  # PERSID
        b")\x81",  # NEWOBJ without anything
        b"(cos\nsystem\no",  # OBJ
        b"(ios\nsystem\n",  # INST
        b"\x8c\x02os\x8c\x06system\x93",  # STACK_GLOBAL
        b"\x82\x01",  # EXT1
        b"G" + struct.pack(">d", 1.0),  # BINFLOAT
        b"C\x01a",  # bytes
        b"]2",  # DUP
        b"t",  # no mark
        b"R",
        b"h\x07",  # never put
        b"(q\x00",  # a mark remembered
        b"}" + files.number(1) + files.number(2) + b"s",  # a key that is no string
        b"}(" + 2 * (files.text("k") + b"N") + b"u",  # a key twice
        b"}(" + files.text("k") + b"u",
        b"N(N",  # two values left
        files.number(2**80),
    ],
)
def test_program_no_state_dict_needs_is_refused(body: bytes) -> None:
    refused(files.chain(TENSORS, program=files.pickle(body)))


REFERENCE = files.storage("k0", "FloatStorage", 6, view=b"N")


@pytest.mark.parametrize(
    "value",
    [
        files.tensor(REFERENCE, (2, 3), (1, 2)),  # columns first
        files.tensor(REFERENCE, (2, 3), (3, 1), offset=1),
        files.tensor(REFERENCE, (2, 2)),  # a part of its storage
        files.tensor(REFERENCE, (2, 4)),  # more than its storage
        files.tensor(REFERENCE, (6,), (0,)),
        files.tensor(REFERENCE, (-2, -3)),
        files.tensor(REFERENCE, (6,), (1, 1)),
        files.tensor(REFERENCE, (1,) * 9 + (6,)),
        files.tensor(files.storage("k0", "FloatStorage", 2**62, view=b"N"), (2**31 - 1, 2**31 - 1)),
        files.tensor(files.storage("k0", "FloatStorage", -6, view=b"N"), (2, 3)),
        files.tensor(files.storage("k0", "FloatStorage", 6, view=files.text("view")), (2, 3)),
        files.tensor(files.text("no storage"), (2, 3)),
        files.number(3),
        b"}",
    ],
)
def test_tensor_that_is_not_the_whole_of_its_storage_is_refused(value: bytes) -> None:
    program = files.pickle(files.ORDERED_DICT + files.text("a") + value + b"s")
    refused(files.chain({"a": np.zeros((2, 3), np.float32)}, program=program))


def test_declared_size_allocates_nothing() -> None:
    elements = 2**40
    program = files.pickle(
        files.ORDERED_DICT
        + files.text("a")
        + files.tensor(files.storage("k0", "FloatStorage", elements, view=b"N"), (2**20, 2**20))
        + b"s"
    )
    refused(files.chain({"a": np.zeros(6, np.float32)}, program=program), "size")


@pytest.mark.parametrize("keys", [[], ["k0"], ["k0", "k1", "k1"], ["k0", "k1", "other"], ["k0", "k1", "k2", "k3"]])
def test_storages_and_tensors_must_correspond(keys: list[str]) -> None:
    refused(files.chain(TENSORS, keys=keys))


def test_storage_of_two_tensors_is_refused() -> None:
    shared = files.tensor(REFERENCE, (6,))
    program = files.pickle(files.ORDERED_DICT + b"(" + files.text("a") + shared + files.text("b") + shared + b"u")
    refused(files.chain({"a": np.zeros(6, np.float32)}, program=program), "correspond")


def test_program_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_pickle, "OPCODES_MAX", 50)
    refused(files.chain(TENSORS, program=files.pickle(b"N" * 60)), "too many")


def test_truncated_or_longer_file_is_refused() -> None:
    whole = files.chain(TENSORS)
    for length in range(len(whole)):
        refused(whole[:length])
    refused(whole + b"\x00", "left over")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        b"\x80\x02N.",
        files.archive(TENSORS, compression=zipfile.ZIP_DEFLATED),
        files.archive(TENSORS, more={"code/archive.py": b"import os"}),
        files.archive(TENSORS, more={"data/other": b""}),
        files.archive(TENSORS, more={"byteorder": b"big"}),
        files.archive(TENSORS, more={"data/k1": b"123"}),
        files.archive(TENSORS, program=files.state(TENSORS, view=b"") + b"more"),
        files.archive(TENSORS, more={"../data.pkl": b""}),
    ],
)
def test_another_container_is_refused(data: bytes) -> None:
    refused(data)


def test_what_torch_adds_to_its_zip_is_ignored() -> None:
    added = {"byteorder": b"little", ".data/serialization_id": b"0123", ".format_version": b"1"}
    assert list(parse_tensors(files.archive(TENSORS, more=added))) == list(TENSORS)


CHAIN, ARCHIVE = files.chain(TENSORS), files.archive(TENSORS)


@given(st.sampled_from([CHAIN, ARCHIVE]), st.integers(0, 2_000), st.binary(min_size=1, max_size=40), st.booleans())
def test_damage_is_refused_or_gives_tensors(whole: bytes, position: int, noise: bytes, inserted: bool) -> None:
    position %= len(whole)
    damaged = whole[:position] + noise + whole[position + (0 if inserted else len(noise)) :]
    try:
        found = parse_tensors(damaged)
    except ModelError as error:
        assert error.code == "MODEL_UNSAFE"
    else:
        assert all(values.dtype in (np.float32, np.int64) for values in found.values())


@given(st.binary(max_size=200))
def test_any_program_is_refused_or_has_a_value(body: bytes) -> None:
    try:
        torch_pickle.read_pickle(files.pickle(body))
    except ModelError as error:
        assert error.code == "MODEL_UNSAFE"
