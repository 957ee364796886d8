"""Hosts that no one here wrote, on the simulated PN532: nfcpy drives it block by block, libnfc's nfc-list through its own commands."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hw.emrtd.wire import apdu
from hw.link.pty import open_pty_master
from hw.link.pump import Pump
from hw.pn532.messages import TargetA, TargetB
from hw.pn532.pd import Controller

from . import field_bench
from .field_bench import FieldChip
from .test_emrtd_session import FILES

pytestmark = pytest.mark.peer
PEER_S_MAX = 60.0


class Port:
    """A PN532 on a pseudo terminal."""

    def __init__(self, path: Path) -> None:
        self.path, self.controller = path, Controller()
        self._master = open_pty_master(path)
        self._pump = Pump("pn532", self._poll)

    def close(self) -> None:
        self._pump.close()
        self._master.close()

    def _poll(self) -> None:
        if data := self._master.read(4096, 0.01):
            self._master.write(self.controller.receive(data, time.monotonic()))


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Port]:
    opened = Port(tmp_path / "pn532")
    yield opened
    opened.close()


def nfc_list(port: Port) -> str:
    tool = shutil.which("nfc-list")
    if tool is None:
        pytest.skip("nfc-list is not there (Debian package libnfc-bin)")
    environment = {**os.environ, "LIBNFC_DEVICE": f"pn532_uart:{port.path}:115200", "LIBNFC_LOG_LEVEL": "0"}
    done = subprocess.run([tool, "-v"], env=environment, capture_output=True, text=True, timeout=PEER_S_MAX, check=True)
    return " ".join(done.stdout.split())


def test_nfc_list_finds_the_chip_of_type_a(port: Port) -> None:
    port.controller.insert(FieldChip(FILES, field_bench.TYPE_A_EXTENDED))
    found = nfc_list(port)
    assert "1 ISO14443A passive target(s) found" in found
    assert "UID (NFCID1): 04 a1 b2 c3 d4 e5 80" in found
    assert "Compliant with ISO/IEC 14443-4" in found
    assert "Historical bytes Tk: 80 73 80 01 40" in found
    assert "0 ISO14443B passive target(s) found" in found


def test_nfc_list_finds_the_chip_of_type_b(port: Port) -> None:
    port.controller.insert(FieldChip(FILES, field_bench.TYPE_B))
    found = nfc_list(port)
    assert "0 ISO14443A passive target(s) found" in found
    assert "1 ISO14443B passive target(s) found" in found
    assert "PUPI: a1 b2 c3 d4" in found
    assert "Protocol types supported: ISO/IEC 14443-4" in found


def test_nfc_list_finds_an_empty_field(port: Port) -> None:
    found = nfc_list(port)
    assert "NFC device" in found
    assert "0 ISO14443A passive target(s) found" in found
    assert "0 ISO14443B passive target(s) found" in found


@pytest.mark.parametrize("target", [field_bench.TYPE_A, field_bench.TYPE_A_EXTENDED], ids=["short", "extended"])
def test_nfcpy_reads_a_file_block_by_block(port: Port, target: TargetA | TargetB) -> None:
    if importlib.util.find_spec("nfc") is None:
        pytest.skip("nfcpy is not there (extra peer)")
    port.controller.insert(FieldChip(FILES, target))
    size = 4_000 if target is field_bench.TYPE_A_EXTENDED else 256
    commands = [
        apdu.select_application(),
        apdu.select_file(apdu.FILE_IDENTIFIERS["dg2"]),
        apdu.read_binary(0, size),
        apdu.read_binary(40_000, size),
    ]
    script = Path(__file__).with_name("nfcpy_peer.py")
    done = subprocess.run(
        [sys.executable, str(script), str(port.path)],
        input="".join(command.encode().hex() + "\n" for command in commands),
        capture_output=True,
        text=True,
        timeout=PEER_S_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["uid"], told["type"]) == (field_bench.UID.hex(), "Type4ATag")
    answers = [apdu.parse_response(bytes.fromhex(text)) for text in told["answers"]]
    selected, opened, head, tail = (answer for answer in answers if answer is not None)
    assert [answer.sw for answer in (selected, opened, head, tail)] == [apdu.SW_OK] * 4
    assert head.data == FILES["dg2"][:size]
    content = apdu.unwrap_content(tail.data)
    assert content
    assert content == FILES["dg2"][40_000 : 40_000 + len(content)]
    assert len(content) >= size - 5
