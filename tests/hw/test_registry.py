"""Devices are opened by URL through entry points; what is not understood is refused before anything is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from egate.errors import ConfigurationError
from hw.registry import open_device


def test_unknown_protocol_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="teleport"):
        open_device("teleport+tcp://host:1", tmp_path)
