"""A PC/SC service of the test's own with vsmartcard's virtual reader, and our simulated chip as the card in it."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hw.emrtd.chip.application import Chip
from hw.emrtd.chip.personalisation import Personalisation

DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
SERVICE_SOCKET = Path("/run/pcscd/pcscd.comm")
READER = "Virtual gate"
START_S_MAX = 15.0


class Service:
    """pcscd in the foreground with the virtual reader alone; port: where the reader awaits its card."""

    def __init__(self, directory: Path) -> None:
        self.port = _free_port()
        (directory / "reader").write_text(
            f'FRIENDLYNAME "{READER}"\nDEVICENAME /dev/null:0x{self.port:X}\n'
            f"LIBPATH {DRIVER}\nCHANNELID 0x{self.port:X}\n"
        )
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        command = [str(shutil.which("pcscd")), "--foreground", "--config", str(self._directory)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_S_MAX
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                pytest.skip("pcscd does not start here (it needs /run/pcscd)")
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _listens(self) -> bool:
        """The reader's port shows in the kernel's list without being taken up by a look."""
        wanted = f":{self.port:04X} "
        tables = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
        return SERVICE_SOCKET.exists() and any(wanted in path.read_text() for path in tables if path.exists())


class VirtualCard:
    """The simulated chip in the virtual reader, from a thread of its own. silent: it answers nothing."""

    def __init__(self, port: int, personalisation: Personalisation) -> None:
        self.silent = False
        self.command_count = 0
        self._chip = Chip()
        self._chip.insert(personalisation)
        self._connection = _connected(port)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def content_read_size(self) -> int:
        return self._chip.content_read_size

    def pull(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(5.0)
        self._connection.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._received():
                answer = self._chip.receive(data, time.monotonic())
                self.command_count += 1
                if not self.silent:
                    self._connection.sendall(answer)

    def _received(self) -> bytes:
        data = self._connection.recv(65_536)
        # The driver sends a length and then the message: without this, the second waits 40 ms for the first one's acknowledgement.
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return data


@contextlib.contextmanager
def service(directory: Path) -> Iterator[Service]:
    """Skips where the service, its driver or pyscard is not there, or another service runs."""
    pytest.importorskip("smartcard.scard", reason="pyscard is not there (extra pcsc)")
    if shutil.which("pcscd") is None or not DRIVER.exists():
        pytest.skip("pcscd with vsmartcard's reader is not there (Debian packages pcscd, vsmartcard-vpcd)")
    if _answers(SERVICE_SOCKET):
        pytest.skip("another PC/SC service runs here")
    running = Service(directory)
    try:
        yield running
    finally:
        running.stop()


def _connected(port: int) -> socket.socket:
    """The reader takes a new card some time after the last one went."""
    deadline = time.monotonic() + START_S_MAX
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port), 1.0)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            connection.settimeout(None)
            return connection


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
