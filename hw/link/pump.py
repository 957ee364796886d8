"""A thread that keeps a polled peer running; simulated peripherals share it."""

from __future__ import annotations

import threading
from collections.abc import Callable

JOIN_S_MAX = 5.0


class Pump:
    """Calls poll again and again in a thread of its own until close. poll waits for its link itself (some milliseconds).

    An exception of poll ends the thread and is raised by close: a simulator's bug must not look like a silent device.
    """

    def __init__(self, name: str, poll: Callable[[], None]) -> None:
        self._poll = poll
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread and waits for it. Idempotent."""
        self._stop.set()
        self._thread.join(JOIN_S_MAX)
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._poll()
        except BaseException as failure:
            self._failure = failure
