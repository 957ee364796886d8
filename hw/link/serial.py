"""Serial ports through pyserial, opened exclusively."""

from __future__ import annotations

import contextlib
import os
import termios
from pathlib import Path

import serial

from egate.errors import ConfigurationError
from hw.link.base import Link, LinkLost, LinkType
from hw.link.descriptor import read_descriptor, write_descriptor
from hw.target import is_pty
from hw.url import DeviceUrl

BAUD_DEFAULT = 9600
BAUD_MAX = 4_000_000
PARITIES = ("N", "E", "O")


class SerialLink:
    def __init__(self, port: serial.Serial) -> None:
        self._port = port
        self._descriptor = port.fileno()

    def read(self, size_max: int, timeout_s: float) -> bytes:
        return read_descriptor(self._descriptor, size_max, timeout_s)

    def write(self, data: bytes) -> None:
        write_descriptor(self._descriptor, data)

    def fileno(self) -> int:
        """For an owner that waits for other things, too; -1 once closed."""
        return self._descriptor

    def close(self) -> None:
        self._descriptor = -1
        # What has not left yet must not leave later: it may be a command nobody stands behind any more.
        with contextlib.suppress(OSError, termios.error):
            self._port.reset_output_buffer()
        self._port.close()


def open_serial(path: str, baud: int = BAUD_DEFAULT, parity: str = "N", stop_bits: int = 1) -> Link:
    """Opens a port raw, 8 data bits, exclusively; what arrived before is discarded.

    Raises LinkLost if it is absent or another process holds it.
    """
    try:
        port = serial.Serial(path, baud, parity=parity, stopbits=stop_bits, timeout=0, exclusive=True)
    except (OSError, ValueError) as error:  # SerialException is an OSError
        number = getattr(error, "errno", None)
        why = os.strerror(number) if number else type(error).__name__
        raise LinkLost(f"{path} cannot be opened: {why}") from None
    return SerialLink(port)


def _open_port(url: DeviceUrl) -> Link:
    # Asked at every opening, not only at start: the path may be a symlink that somebody moves.
    if is_pty(Path(url.target)):
        raise ConfigurationError(f"serial port {url.target} is a pseudo terminal; simulators use the link pty")
    return _open(url)


def _open_pty(url: DeviceUrl) -> Link:
    if Path(url.target).exists() and not is_pty(Path(url.target)):
        raise ConfigurationError(f"{url.target} is not a pseudo terminal; real ports use the link serial")
    return _open(url)


def _open(url: DeviceUrl) -> Link:
    parity = url.text("parity", "N")
    if parity not in PARITIES:
        raise url.error("parity is none of N, E, O")
    baud = url.integer("baud", BAUD_DEFAULT, 50, BAUD_MAX)
    return open_serial(url.target, baud, parity, url.integer("stop_bits", 1, 1, 2))


_KEYS = frozenset({"baud", "parity", "stop_bits"})
SERIAL = LinkType(_KEYS, _open_port)
PTY = LinkType(_KEYS, _open_pty)
