"""The command itself: whatever becomes of its output or its user's patience, no traceback."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from egate.cli import main

EGATE = (sys.executable, "-m", "egate.cli")


def ended(*words: str, stdout: int | None = subprocess.PIPE, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*EGATE, *words], stdout=stdout, stderr=subprocess.PIPE, check=False, env={**os.environ, **environment}
    )


@pytest.mark.parametrize("words", [[], ["--json"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_nobody_reads(words: list[str], unbuffered: str, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        words = ["document", "verify", "--lds", str(tmp_path), "--trust", str(tmp_path), *words]
        found = ended(*words, stdout=writing, PYTHONUNBUFFERED=unbuffered)
    finally:
        os.close(writing)
    assert (found.returncode, found.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_full_disk_is_a_named_error(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        found = ended(
            "document", "verify", "--json", "--lds", str(tmp_path), "--trust", str(tmp_path), stdout=full.fileno()
        )
    assert found.returncode == 1
    assert found.stderr.startswith(b"egate: OUTPUT: ") and b"Traceback" not in found.stderr


def test_interruption_while_it_is_still_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("egate.cli.importlib.import_module", interrupted)
    assert main(["document", "mrz", "x"]) == 130


def test_interruption_by_signal_while_it_waits() -> None:
    process = subprocess.Popen(
        [*EGATE, "document", "seal", "-", "--trust", "x"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell that started the tests in the background has told them, and what they start, to ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdin is not None
    process.stdin.write(b"?")
    process.stdin.flush()
    _until_read(process.stdin.fileno())
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130 and b"Traceback" not in said


def _until_read(pipe: int) -> None:
    """Until nothing that was written into the pipe waits in it: its reader has come as far as reading."""
    deadline = time.monotonic() + 30
    while int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder):
        assert time.monotonic() < deadline, "nobody reads"
        time.sleep(0.01)


def test_other_faults_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(words: object) -> int:
        raise FileNotFoundError(2, "gone")

    monkeypatch.setattr("egate.cli._run", broken)
    with pytest.raises(FileNotFoundError):
        main([])


def test_ascii_terminal_gets_every_line(tmp_path: Path) -> None:
    found = ended("document", "--help", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert found.returncode == 0
    folder = tmp_path / "für"
    folder.mkdir()
    found = ended("document", "trust", "import", "--trust", str(tmp_path / "s"), str(folder), PYTHONIOENCODING="ascii")
    assert found.returncode == 1
    assert b"f\\xfcr" in found.stdout and b"Traceback" not in found.stderr


def test_the_second_readers_variable_has_one_name() -> None:
    """The command names it without importing what reads images."""
    from egate.commands.document import mrz as document_mrz
    from egate.inference.mrz import tesseract as mrz_tesseract

    assert document_mrz.TESSDATA_VARIABLE == mrz_tesseract.TESSDATA_VARIABLE
