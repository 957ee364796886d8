"""Published worked examples and recorded transcripts, for the tests of chip access."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent / "vectors"
CORPUS = Path(os.environ.get("EGATE_CORPUS", "../shared/corpus")) / "documents" / "vectors"


def published(name: str) -> Any:
    return json.loads((HERE / name).read_text())


def recorded(name: str) -> Any:
    """A corpus file's "tests". Skips the test where there is no corpus."""
    if not CORPUS.is_dir():
        pytest.skip("no corpus: set EGATE_CORPUS")
    return json.loads((CORPUS / name).read_text())["tests"]


def values(test: Any) -> list[bytes]:
    """The hexadecimal values of one recorded test, in order."""
    return [bytes.fromhex(value["hex"]) for value in test["values"]]


def given(*values: bytes) -> Callable[[int], bytes]:
    """Entropy that yields these values, which must be asked for in their sizes."""
    left = list(values)

    def entropy(size: int) -> bytes:
        value = left.pop(0)
        assert len(value) == size
        return value

    return entropy
