"""The one place that touches libosdp's native module, with what its 3.2.9 release needs to run for years.

We drive `osdp_sys` and not the Python classes around it: those keep every event and command in a queue nobody empties and
refresh every 20 ms. Facts about the native module that callers rely on (read in its sources, kept by tests):
- A callback or channel method that raises leaves a half-done call behind: ours never raise.
- It takes one reference too many to each event it hands out (`EventReturns` gives it back) and one too few to what a
  peripheral's command callback returns (`lend` adds it).
- It never lets go of a channel object: one channel per adapter, used by every context in turn.
- A context belongs to the thread that made it, until its last reference goes.
- It draws the secure channel's challenges from C's `rand`, which nobody seeds: each process would draw the same ones, and who recorded
  one connection could answer the next (`quiet` seeds it before each context).
"""

from __future__ import annotations

import ctypes
import secrets
import sys
from typing import Any

import osdp_sys as native  # type: ignore[import-untyped, import-not-found, unused-ignore]

__all__ = ["EventReturns", "lend", "native", "quiet"]

_give_back = ctypes.pythonapi.Py_DecRef
_give_back.argtypes = [ctypes.py_object]
_give_back.restype = None
_take = ctypes.pythonapi.Py_IncRef
_take.argtypes = [ctypes.py_object]
_take.restype = None
_seed = ctypes.CDLL(None).srand
_seed.argtypes = [ctypes.c_uint]
_seed.restype = None

SEED_BYTES = 4  # all that srand takes


def quiet() -> None:
    """Call it before each context. Native logging would print to standard output from a thread that speaks to a lock, and its
    challenges would repeat."""
    native.set_loglevel(native.LOG_EMERG)
    _seed(int.from_bytes(secrets.token_bytes(SEED_BYTES), "little"))


def lend(answer: tuple[int, object]) -> tuple[int, object]:
    """A command callback's answer, which the caller must keep alive; the native side releases its second item once."""
    _take(answer[1])
    return answer


class EventReturns:
    """Collects the events of one refresh and afterwards gives back the reference the native side forgot.

    Whether it did is seen from the count, so a release that forgets nothing is left alone.
    """

    def __init__(self) -> None:
        self._events: list[dict[str, Any]] = []

    def collect(self, event: dict[str, Any]) -> None:
        self._events.append(event)

    def take(self) -> list[dict[str, Any]]:
        """Copies of the collected events; call it when refresh has returned, so that no callback holds one."""
        copies = []
        while self._events:
            event = self._events.pop()
            copies.append(dict(event))
            if sys.getrefcount(event) > _OWN_REFERENCES:
                _give_back(event)
        return copies[::-1]


def _own_references() -> int:
    events: list[dict[str, Any]] = [{"event": 0}]
    event = events.pop()
    return sys.getrefcount(event)


_OWN_REFERENCES = _own_references()
