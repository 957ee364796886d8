"""The simulated side of a serial port: the master of a raw pseudo-terminal pair."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import threading
import time
import tty
from pathlib import Path

from hw.link.base import LinkLost
from hw.link.descriptor import read_descriptor, write_descriptor
from hw.link.pace import Pace
from hw.link.uart import resample

TERMIOS2_GET = (
    0x802C542A  # Linux asm-generic/ioctls.h, TCGETS2: knows every speed, the older TCGETS only the named ones
)
TERMIOS2_BYTES = 44  # struct termios2: four flags, line discipline, 19 control characters, input and output speed
BURST_BYTES = 4096  # what a pty holds: bits of one burst are resampled together
LOOK_S = 0.02  # a waiting read looks this often whether it has been unplugged


class PtyMaster:
    """Link of a simulated device. `symlink` leads to the slave, which clients open like a serial port.

    It keeps the slave open itself: a master whose slave nobody holds reads EIO in a busy loop. So silence is silence, and only
    `close` ends it. `unplug` is the fault: the path disappears and clients lose their port; meanwhile reads are
    silent and writes vanish. `replug` makes a new pair under the same path. Both may be called from any thread.
    Not modelled: parity, modem lines, RS-485 direction. baud None: bytes take no time. device_baud: the speed of the simulated device's
    UART; a client that has set its port to another one sends and hears garbled bytes. None: any speed is the right one.
    """

    def __init__(self, symlink: Path, baud: int | None = None, device_baud: int | None = None) -> None:
        self._symlink = symlink
        self._device_baud = device_baud
        self._garbled = b""  # heard from the client, more than the last read took
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
            if self._garbled:
                data, self._garbled = self._garbled[:size_max], self._garbled[size_max:]
                return data
            rest = max(0.0, min(LOOK_S, deadline - time.monotonic()))
            device_baud, client_baud = self._bauds()
            if device_baud != client_baud:
                self._garbled = resample(self._read_once(BURST_BYTES, rest), client_baud, device_baud)
            elif data := self._read_once(self._pace.portion(size_max), rest):
                self._pace.travel(len(data))
                return data
            if not self._garbled and time.monotonic() >= deadline:
                return b""

    def write(self, data: bytes) -> None:
        data = resample(data, *self._bauds())
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

    def _bauds(self) -> tuple[int, int]:
        """Speeds of the device and of the client; equal ones if there is no difference to be heard."""
        if self._device_baud is None:
            return 1, 1
        with self._descriptors, contextlib.suppress(OSError):
            if self._slave >= 0:
                termios2 = fcntl.ioctl(self._slave, TERMIOS2_GET, bytes(TERMIOS2_BYTES))
                return self._device_baud, struct.unpack_from("=I", termios2, TERMIOS2_BYTES - 4)[0] or self._device_baud
        return self._device_baud, self._device_baud

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


def open_pty_master(symlink: Path, *, baud: int | None = None, device_baud: int | None = None) -> PtyMaster:
    """A new pty pair whose slave is found at symlink; the returned link is the device's end. baud: pace bytes. device_baud: be strict
    about the client's speed."""
    return PtyMaster(symlink, baud, device_baud)
