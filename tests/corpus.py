"""Where the measurement corpus is, if it is anywhere: EGATE_CORPUS, else beside the project."""

from __future__ import annotations

import os
from pathlib import Path

CORPUS = Path(os.environ.get("EGATE_CORPUS", Path(__file__).resolve().parents[2] / "shared" / "corpus"))
