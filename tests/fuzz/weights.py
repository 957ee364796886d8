"""Any bytes are tensors or a ModelError, and nothing in them is run: PyTorch's two containers, and the text of a calibration."""

from __future__ import annotations

import builtins
import os
from collections.abc import Sequence

import numpy as np

from egate.errors import ModelError
from egate.inference.weights.store import PROJECT_MODELS
from egate.inference.weights.torch_pickle import read_pickle
from egate.inference.weights.torch_tensors import parse_tensors
from egate.matching.pad.calibration_file import format_pad_calibration, parse_pad_calibration
from tests.fuzz.target import Target
from tests.inference import torch_files


def torch_file(data: bytes) -> None:
    try:
        found = parse_tensors(data)
    except ModelError as error:
        assert error.code == "MODEL_UNSAFE"
        return
    assert sum(values.nbytes for values in found.values()) <= len(data)


def program(data: bytes) -> None:
    """The pickle's stack machine alone: everything it leaves is a value of ours."""
    try:
        value, end = read_pickle(data)
    except ModelError as error:
        assert error.code == "MODEL_UNSAFE"
        return
    assert end <= len(data)
    assert not callable(value)
    assert value not in (os.system, builtins.eval)


def calibration(data: bytes) -> None:
    try:
        found = parse_pad_calibration(data.decode("utf-8", errors="replace"))
    except ModelError:
        return
    assert found.apcer(found.score[-1]) > 0.0
    assert parse_pad_calibration(format_pad_calibration(found)).id == found.id


def _tensors() -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    return {
        "module.conv.weight": np.arange(24, dtype=np.float32).reshape(2, 1, 3, 4),
        "module.bn.num_batches_tracked": np.array(7, np.int64),
    }


def _files() -> Sequence[bytes]:
    return [torch_files.chain(_tensors()), torch_files.archive(_tensors())]


def _programs() -> Sequence[bytes]:
    payload = torch_files.name("os", "system") + torch_files.tuple_of(torch_files.text("false")) + b"R"
    return [torch_files.state(_tensors(), view=b"N"), torch_files.pickle(payload)]


def _calibrations() -> Sequence[bytes]:
    lines = (PROJECT_MODELS / "pad-print" / "calibration.csv").read_text(encoding="utf-8").splitlines()
    return ["\n".join([*lines[:20], lines[-1], ""]).encode()]


TARGETS = (
    Target("torch", torch_file, _files),
    Target("program", program, _programs),
    Target("pad_calibration", calibration, _calibrations, weight=2),
)
