"""Targets that break each rule on purpose: the campaign must notice every one. No campaign runs them unless they are named."""

from __future__ import annotations

import os
import signal
import time

from egate.document.encoding.tlv import elements
from tests.fuzz.target import HANG_S, MEMORY_MAX, Target

_kept: list[bytearray] = []


def raises(data: bytes) -> None:
    """As a decoder that forgets what can be wrong with a length: only coverage, or many inputs, finds the second byte."""
    if len(data) > 1 and data[0] == 0x75:
        list(elements(data))[data[1]]


def dies(data: bytes) -> None:
    if data[:1] == b"\x42":
        os.kill(os.getpid(), signal.SIGSEGV)


def hangs(data: bytes) -> None:
    if len(data) == 3 and not _kept:
        _kept.append(bytearray())
        started = time.process_time()
        while time.process_time() - started < HANG_S * 1.1:
            pass


def grows(data: bytes) -> None:
    if len(data) == 3 and not _kept:
        _kept.append(bytearray(os.urandom(1024)) * (MEMORY_MAX // 1024 + 20_000))


TARGETS = tuple(
    Target(run.__name__, run, lambda: [b"A", b"\x75\x01", b"abc", b"\x42"]) for run in (raises, dies, hangs, grows)
)
