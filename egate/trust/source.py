"""The store a running daemon trusts: read at start, and again when an import has changed it."""

from __future__ import annotations

import threading
from pathlib import Path

import structlog

from egate.document.chip_checks import Rules, Trust
from egate.document.pki.trust import EMPTY, TrustStore
from egate.errors import EgateError
from egate.trust.store import INDEX_FILE, load_trust_store

_log = structlog.get_logger(__name__)
_Stamp = tuple[int, int, int]


class TrustSource:
    """Threads: safe. directory: of the store, None for a site that has none (then nothing is trusted)."""

    def __init__(self, directory: Path | None, rules: Rules) -> None:
        """Raises ConfigurationError if the store cannot be read."""
        self._directory = directory
        self._rules = rules
        self._lock = threading.Lock()
        self._stamp = self._look()
        self._store: TrustStore = EMPTY if directory is None else load_trust_store(directory)

    @property
    def store(self) -> TrustStore:
        return self._store

    def current(self) -> Trust:
        """The store of now. One that cannot be read leaves the one before in force: an import under way must not close the hall."""
        stamp = self._look()
        with self._lock:
            if stamp != self._stamp and self._directory is not None:
                self._stamp = stamp
                self._reload(self._directory)
            return Trust(self._store, self._rules)

    def _reload(self, directory: Path) -> None:
        try:
            self._store = load_trust_store(directory)
            _log.info("trust store reloaded", anchors=len(self._store.anchors), crls=len(self._store.crls))
        except EgateError as error:
            _log.error("trust store not reloaded", code=error.code)

    def _look(self) -> _Stamp | None:
        """What changes whenever an import replaces the index."""
        if self._directory is None:
            return None
        try:
            status = (self._directory / INDEX_FILE).stat()
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns
