"""The head anchor: the newest durable head in a small file beside the journal.

It finds accidents that leave a valid but shorter journal: a lost -wal file, an old backup restored over a newer file.
It is written after each commit and not synced, so after a power loss it may lag behind; it is never ahead of what is on disk.
Against somebody who can write both files only a head kept elsewhere helps.
"""

from __future__ import annotations

import os
from pathlib import Path

from egate.errors import ConfigurationError
from egate.journal.chain import Head

_SEQ_DIGITS = 20  # fixed width: the file is rewritten in place by one write, never truncated


def anchor_path(journal: Path) -> Path:
    return journal.with_name(journal.name + ".head")


def read_anchor(journal: Path) -> Head | None:
    """The anchored head; None if there is no file or a power loss left it unreadable."""
    try:
        return Head.parse(anchor_path(journal).read_text("ascii"))
    except (FileNotFoundError, UnicodeDecodeError, ConfigurationError):
        return None


class Anchor:
    """The open anchor file of a running store."""

    def __init__(self, journal: Path) -> None:
        self._descriptor = os.open(anchor_path(journal), os.O_RDWR | os.O_CREAT, 0o600)

    def write(self, head: Head) -> None:
        """Best effort: an anchor that cannot be written must not fail a commit that is already durable."""
        try:
            os.pwrite(self._descriptor, f"{head.seq:0{_SEQ_DIGITS}d}:{head.hash.hex()}\n".encode(), 0)
        except OSError:
            pass

    def close(self) -> None:
        os.close(self._descriptor)
