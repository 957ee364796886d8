"""Tells a code held in front of the reader from one shown again.

Readers in presentation mode send what they see several times a second. Once a code was reported, the same content is the same
presentation until it has not been seen for REPEAT_S.
"""

from __future__ import annotations

# Chosen: readers repeat a code within half a second; nobody puts a code away and shows it again within one and a half.
REPEAT_S = 1.5


class Presentation:
    """Keeps one content, and no longer than it must."""

    def __init__(self) -> None:
        self._content: bytes | None = None
        self._seen_s = 0.0

    def reported(self, content: bytes, now: float) -> None:
        self._content, self._seen_s = content, now

    def goes_on(self, content: bytes, now: float) -> bool:
        """Whether content, seen now, belongs to what was reported last."""
        self.handle_timer(now)
        if content != self._content:
            return False
        self._seen_s = now
        return True

    def handle_timer(self, now: float) -> None:
        if self._content is not None and now - self._seen_s >= REPEAT_S:
            self._content = None
