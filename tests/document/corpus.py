"""The measurement corpus, where it is there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(os.environ.get("EGATE_CORPUS", Path(__file__).resolve().parents[2].parent / "shared" / "corpus"))


def corpus_file(*parts: str) -> Path:
    """A file or folder below documents; the test is skipped where it is absent."""
    path = ROOT.joinpath("documents", *parts)
    if not path.exists():
        pytest.skip(f"corpus: no {'/'.join(parts)} in EGATE_CORPUS")
    return path


def corpus_vectors(name: str) -> Any:
    return json.loads(corpus_file("vectors", name).read_text())
