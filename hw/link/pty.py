"""The simulated side of a serial port: the master of a raw pseudo-terminal pair."""

from __future__ import annotations

import contextlib
import os
import pty
import threading
import time
import tty
from pathlib import Path

from hw.link.base import LinkLost
from hw.link.descriptor import read_descriptor, write_descriptor
from hw.link.pace import Pace

LOOK_S = 0.02  # a waiting read looks this often whether it has been unplugged


class PtyMaster:
    """Link of a simulated device. `symlink` leads to the slave, which clients open like a serial port.

    It keeps the slave open itself: a master whose slave nobody holds reads EIO in a busy loop. So silence is silence, and only
    `close` ends it. `unplug` is the fault: the path disappears and clients lose their port; meanwhile reads are
    silent and writes vanish. `replug` makes a new pair under the same path. Both may be called from any thread.
    Not modelled: parity, modem lines, RS-485 direction. baud None: bytes take no time.
    """

    def __init__(self, symlink: Path, baud: int | None = None) -> None:
        self._symlink = symlink
        self._pace = Pace(baud)
        self._descriptors = threading.Lock()  # held while they are used: a closed number may be another file's next
        self._master = self._slave = -1
        self._wanted = True
        self._closed = False
        self.replug()

    @property
    def plugged(self) -> bool:
        return self._wanted

    def read(self, size_max: int, timeout_s: float) -> bytes:
        deadline = time.monotonic() + timeout_s
        while True:
            rest = max(0.0, min(LOOK_S, deadline - time.monotonic()))
            if data := self._read_once(self._pace.portion(size_max), rest):
                self._pace.travel(len(data))
                return data
            if time.monotonic() >= deadline:
                return b""

    def write(self, data: bytes) -> None:
        while data:
            size = self._pace.portion(len(data))
            self._pace.travel(size)
            self._write_once(data[:size])
            data = data[size:]

    def unplug(self) -> None:
        self._wanted = False  # first, so that a reading thread lets go of the lock
        with self._descriptors:
            if self._master < 0:
                return
            with contextlib.suppress(OSError):
                if self._symlink.readlink() == Path(os.ttyname(self._slave)):
                    self._symlink.unlink()
            os.close(self._slave)
            os.close(self._master)
            self._master = self._slave = -1

    def replug(self) -> None:
        with self._descriptors:
            if self._closed:
                raise LinkLost("closed")
            self._wanted = True
            if self._master >= 0:
                return
            self._master, self._slave = pty.openpty()
            tty.setraw(self._slave)
            os.set_blocking(self._master, False)
            beside = self._symlink.with_name(f".{self._symlink.name}.{os.getpid()}")
            beside.unlink(missing_ok=True)
            beside.symlink_to(os.ttyname(self._slave))
            beside.replace(self._symlink)  # atomically: a client never finds a half-made path

    def close(self) -> None:
        self._closed = True
        self.unplug()

    def _read_once(self, size: int, timeout_s: float) -> bytes:
        if self._closed:
            raise LinkLost("closed")
        if self._wanted:
            with self._descriptors, contextlib.suppress(LinkLost):
                if self._master >= 0:
                    return read_descriptor(self._master, size, timeout_s)
        time.sleep(timeout_s)
        return b""

    def _write_once(self, data: bytes) -> None:
        if self._closed:
            raise LinkLost("closed")
        if not self._wanted:
            return
        # A port nobody reads fills up (4 KiB); a UART would lose these bytes too.
        with self._descriptors, contextlib.suppress(LinkLost):
            if self._master >= 0:
                write_descriptor(self._master, data)


def open_pty_master(symlink: Path, *, baud: int | None = None) -> PtyMaster:
    """A new pty pair whose slave is found at symlink; the returned link is the device's end. baud: pace bytes."""
    return PtyMaster(symlink, baud)
