"""Serial lines: what a port cannot do is said, who holds a port is said, and a two-wire device gets its time to let go."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from egate.errors import ConfigurationError
from hw.link import memory
from hw.link.base import LinkLost
from hw.link.opener import open_link
from hw.link.pty import PtyMaster, open_pty_master
from hw.link.serial import open_serial
from hw.link.turnaround import TurnaroundLink
from hw.url import parse


@pytest.fixture
def port(tmp_path: Path) -> Iterator[PtyMaster]:
    port = open_pty_master(tmp_path / "port")
    yield port
    port.close()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("rts=1", "has no RTS line"),
        ("rts=0", "has no RTS line"),
        ("dtr=0", "has no DTR line"),
        ("rs485=1", "has no RS-485 mode"),
        ("rs485=1&rts=1", "rts beside rs485"),
        ("rts=on", "rts is not an integer"),
        ("turnaround_ms=1000", "turnaround_ms"),
    ],
)
def test_what_a_port_cannot_do_is_a_configuration_error(
    query: str, words: str, port: PtyMaster, tmp_path: Path
) -> None:
    """A pseudo terminal has neither modem lines nor RS-485: its driver answers ENOTTY, as many adapters' drivers do."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(ConfigurationError, match=words):
        open_link(parse(f"osdp+pty://{tmp_path}/port?{query}"))
    assert len(list(Path("/proc/self/fd").iterdir())) == before, "the port stays open"
    open_link(parse(f"osdp+pty://{tmp_path}/port?turnaround_ms=5")).close()


def test_port_that_another_process_holds_is_named_so(port: PtyMaster, tmp_path: Path) -> None:
    code = (
        "import sys; from hw.link.serial import open_serial; link = open_serial(sys.argv[1]); print('held', flush=True);"
        "sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "port")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(LinkLost, match="another process holds it"):
        open_serial(str(tmp_path / "port"))
    holder.communicate(timeout=30)
    open_serial(str(tmp_path / "port")).close()


def test_absent_port_and_what_is_no_port_are_named_so(tmp_path: Path) -> None:
    with pytest.raises(LinkLost, match=os.strerror(errno.ENOENT)):
        open_serial(str(tmp_path / "none"))
    (tmp_path / "file").touch()
    with pytest.raises(LinkLost, match="cannot be opened"):
        open_serial(str(tmp_path / "file"))


def test_speaking_waits_until_the_line_was_let_go() -> None:
    now, waits = 100.0, []

    def sleep(duration_s: float) -> None:
        nonlocal now
        waits.append(round(duration_s, 6))
        now += duration_s

    near, far = memory.pair()
    link = TurnaroundLink(near, 0.005, lambda: now, sleep)
    link.write(b"first")  # nothing was heard yet
    far.write(b"answer")
    assert link.read(10, 0) == b"answer"
    now += 0.002
    link.write(b"second")
    assert link.read(10, 0) == b""  # silence is no reason to wait
    link.write(b"third")
    assert waits == [0.003]
    assert far.read(100, 0) == b"firstsecondthird"
