"""The text that calibrations of every kind are kept as: a first line, a commented head, named columns, rows of numbers.

# egate calibration 1
# key: value
score,fmr,fnmr
-1.25,0.5,0.01
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


def format_table(first: str, head: Mapping[str, object], columns: str, values: Sequence[NDArray[np.float64]]) -> str:
    """values: one array a column; each number is written so that it reads back as the same."""
    rows = [",".join(repr(float(value)) for value in row) for row in zip(*values, strict=True)]
    return "\n".join([first, *(f"# {key}: {value}" for key, value in head.items()), columns, *rows]) + "\n"


def starts_with(text: str, first: str) -> bool:
    """Whether text is of the format that the line names."""
    return text.splitlines()[:1] == [first]


def parse_table(text: str, columns: str) -> tuple[dict[str, str], list[NDArray[np.float64]]]:
    """The head by key, and each column C-contiguous. Raises ValueError, IndexError if columns or numbers are not there."""
    lines = text.splitlines()
    head = dict(line[2:].split(": ", 1) for line in lines[1:] if line.startswith("# ") and ": " in line)
    body = [line for line in lines if line and not line.startswith("#")]
    if body[0] != columns:
        raise ValueError("columns")
    table = np.array([[float(cell) for cell in line.split(",")] for line in body[1:]], np.float64)
    return head, [np.ascontiguousarray(column) for column in table.T]
