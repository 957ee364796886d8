"""Serial ports through pyserial, opened exclusively.

URL: PROTOCOL+serial:///dev/serial/by-id/…[?baud=][&parity=][&stop_bits=][&rts=0|1][&dtr=0|1][&rs485=1][&turnaround_ms=]
rs485=1: the kernel's driver turns a transceiver around, by RTS on while sending. What a port cannot do is a ConfigurationError.
"""

from __future__ import annotations

import contextlib
import errno
import os
import termios
from pathlib import Path

import serial
import serial.rs485

from egate.errors import ConfigurationError
from hw.link.base import Link, LinkLost, LinkType
from hw.link.descriptor import read_descriptor, write_descriptor
from hw.link.line import BAUD_DEFAULT, LINE_KEYS, LineSettings, line_settings
from hw.link.turnaround import in_turn
from hw.target import is_pty
from hw.url import DeviceUrl

_WHY = {
    errno.EAGAIN: "another process holds it",  # the exclusive lock of the port, flock(2)
    errno.EBUSY: "another process holds it",  # its exclusive mode, TIOCEXCL
    errno.EACCES: "this account may not open it",
    errno.EPERM: "this account may not open it",
    errno.ENOTTY: "it is no serial port",
}


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
    return open_line(path, LineSettings(baud, parity, stop_bits))


def open_line(path: str, settings: LineSettings, *, rs485: bool = False) -> Link:
    """As open_serial. Raises ConfigurationError if the port has no such modem line or no RS-485 mode."""
    port = serial.Serial(
        None, settings.baud, parity=settings.parity, stopbits=settings.stop_bits, timeout=0, exclusive=True
    )
    for name, level in settings.lines.items():
        setattr(port, name, level)  # before opening: a line that flickers may be a release on a simple board
    port.port = path
    try:
        port.open()
    except (OSError, ValueError, termios.error) as error:  # SerialException is an OSError
        raise LinkLost(f"{path} cannot be opened: {_why(error)}") from None
    try:
        _set_modem_lines(port, settings)
        if rs485:
            _set_rs485(port)
    except BaseException:
        port.close()
        raise
    return in_turn(SerialLink(port), settings.turnaround_s)


def _set_modem_lines(port: serial.Serial, settings: LineSettings) -> None:
    """Once more: `open` passes silently over ports that have none."""
    for name, level in settings.lines.items():
        try:
            setattr(port, name, level)
        except OSError as error:
            raise ConfigurationError(
                f"serial port {port.port} has no {name.upper()} line: {os.strerror(error.errno or 0)}"
            ) from None


def _set_rs485(port: serial.Serial) -> None:
    try:
        port.rs485_mode = serial.rs485.RS485Settings(rts_level_for_tx=True, rts_level_for_rx=False)
    except (OSError, ValueError, NotImplementedError):
        raise ConfigurationError(
            f"the driver of serial port {port.port} has no RS-485 mode; leave rs485 out if the adapter turns around by itself"
        ) from None


def _why(error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number is None:
        return type(error).__name__
    return _WHY.get(number, os.strerror(number))


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
    settings, rs485 = _settings(url)
    return open_line(url.target, settings, rs485=rs485)


def _settings(url: DeviceUrl) -> tuple[LineSettings, bool]:
    settings, rs485 = line_settings(url), url.flag("rs485")
    if rs485 and "rts" in settings.lines:
        raise url.error("rts beside rs485: the driver moves that line")
    return settings, rs485


_KEYS = LINE_KEYS | {"rs485"}
SERIAL = LinkType(_KEYS, _open_port, _settings)
PTY = LinkType(_KEYS, _open_pty, _settings)
