"""The store a running daemon trusts: read at start, and again when an import has changed it."""

from __future__ import annotations

import threading
from pathlib import Path

import structlog

from egate.document.chip_checks import Rules, Trust
from egate.document.pki.trust import EMPTY, TrustStore
from egate.errors import ConfigurationError, EgateError
from egate.trust.store import INDEX_FILE, load_trust_store

_log = structlog.get_logger(__name__)
_Stamp = tuple[int, int, int]


class TrustSource:
    """Threads: safe. directory: of the store, None for a site that has none (then nothing is trusted)."""

    def __init__(self, directory: Path | None, rules: Rules, *, allow_simulated: bool) -> None:
        """allow_simulated: whether a store may trust a simulated issuer, as in the demo alone.

        Raises ConfigurationError if the store cannot be read; TRUST_STORE_SIMULATED.
        """
        self._directory = directory
        self._rules = rules
        self._allow_simulated = allow_simulated
        self._lock = threading.Lock()
        self._stamp = self._look()
        self._failed: object = None  # what _look said when a reload failed last, in a tuple
        self._store: TrustStore = EMPTY if directory is None else self._load(directory)

    @property
    def store(self) -> TrustStore:
        return self._store

    def current(self) -> Trust:
        """The store of now. One that cannot be read, or may not be trusted, leaves the one before in force and is tried again: an import
        under way must not close the hall."""
        stamp = self._look()
        with self._lock:
            if stamp != self._stamp and self._directory is not None:
                self._reload(self._directory, stamp)
            return Trust(self._store, self._rules)

    def _reload(self, directory: Path, stamp: _Stamp | None) -> None:
        try:
            self._store = self._load(directory)
        except EgateError as error:
            if self._failed != (stamp,):  # once, not for each document
                _log.error("trust store not reloaded", code=error.code)
            self._failed = (stamp,)
            return
        self._stamp = stamp
        _log.info("trust store reloaded", anchors=len(self._store.anchors), crls=len(self._store.crls))

    def _load(self, directory: Path) -> TrustStore:
        store = load_trust_store(directory)
        if store.simulated and not self._allow_simulated:
            raise ConfigurationError(f"{directory}: trusts a simulated issuer", code="TRUST_STORE_SIMULATED")
        return store

    def _look(self) -> _Stamp | None:
        """What changes whenever an import replaces the index."""
        if self._directory is None:
            return None
        try:
            status = (self._directory / INDEX_FILE).stat()
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns
