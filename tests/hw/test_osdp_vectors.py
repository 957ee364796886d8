"""OSDP's published examples against the oracle, the oracle against every byte libosdp puts on the wire, all of them against frame.py."""

from __future__ import annotations

import ctypes
import json
from pathlib import Path
from typing import Any

import pytest

from hw.osdp.frame import MARK, START, Assembler, command_of
from hw.osdp.keys import INSTALL_KEY
from hw.osdp.library import native
from hw.osdp.pd_output import ON_TIMED
from tests.hw.osdp_peer_oracle import (
    CRC_USED,
    Keys,
    Session,
    checksum,
    client_cryptogram,
    crc16,
    frame,
    initial_rmac,
    server_cryptogram,
    session_keys,
)
from tests.hw.osdp_peer_panel import Bench

FOLDER = Path(__file__).with_name("vectors")
ANNEX: dict[str, Any] = json.loads((FOLDER / "osdp_annex_e.json").read_text())
FRAMES: dict[str, Any] = json.loads((FOLDER / "osdp_frames.json").read_text())
OWN_KEY = bytes(range(16))
ACK, CCRYPT, RMAC_I, OSTATR, RAW = 0x40, 0x76, 0x78, 0x4A, 0x50
CHLNG, SCRYPT, OUT, OSTAT, KEYSET = 0x76, 0x77, 0x68, 0x66, 0x75


def unhex(value: str) -> bytes:
    return bytes.fromhex(value)


def test_check_bytes_of_the_annex() -> None:
    for one in ANNEX["crc"]:
        assert crc16(unhex(one["message"])) == unhex(one["check"])
    for one in ANNEX["checksum"]:
        assert checksum(unhex(one["message"])) == unhex(one["check"])


def test_secure_channel_of_the_annex() -> None:
    vector = {name: unhex(value) for name, value in ANNEX["secure_channel"].items()}
    assert vector["scbk"] == INSTALL_KEY
    keys = session_keys(vector["scbk"], vector["rnd_a"])
    assert keys == Keys(vector["s_enc"], vector["s_mac1"], vector["s_mac2"])
    server = server_cryptogram(keys, vector["rnd_a"], vector["rnd_b"])
    assert server == vector["server_cryptogram"]
    assert client_cryptogram(keys, vector["rnd_a"], vector["rnd_b"]) == vector["client_cryptogram"]
    assert initial_rmac(keys, server) == vector["rmac_i"]


@pytest.mark.parametrize("one", FRAMES["plain"], ids=lambda one: one["command"])
def test_plain_frames_of_another_implementation(one: dict[str, str]) -> None:
    command, data = int(one["command"], 16), unhex(one["data"])
    assert frame(0, 2 | CRC_USED, command, data) == unhex(one["crc"])
    assert frame(0, 2, command, data) == unhex(one["checksum"])
    for form in ("crc", "checksum"):
        assert command_of(unhex(one[form])) == (command, False)


@pytest.mark.parametrize("one", FRAMES["secured_with_keys_of_zeros"], ids=lambda one: one["command"])
def test_secured_frames_of_another_implementation(one: dict[str, str]) -> None:
    zeros = bytes(16)
    command, data = int(one["command"], 16), unhex(one["data"])
    expected = unhex(one["frame"])
    assert frame(0, 2 | CRC_USED, command, data, Session(Keys(zeros, zeros, zeros), zeros)) == expected
    assert Session(Keys(zeros, zeros, zeros), zeros).open(expected[1:]) == (command, data)
    assert command_of(expected) == (command, True)


def test_published_frames_are_found_whole_and_byte_by_byte() -> None:
    annex = [unhex(one["message"] + one["check"]) for form in ("crc", "checksum") for one in ANNEX[form]]
    others = [unhex(one[form]) for one in FRAMES["plain"] for form in ("crc", "checksum")]
    frames = annex + others + [unhex(one["frame"]) for one in FRAMES["secured_with_keys_of_zeros"]]
    assert Assembler().feed(b"".join(frames), 0.0) == b"".join(frames)
    for one in frames:
        assembler = Assembler()
        pieces = [assembler.feed(one[at : at + 1], 0.0) for at in range(len(one))]
        assert pieces[-1].endswith(one.lstrip(bytes([MARK])))
        assert b"".join(pieces) == one
        assert all(START not in piece for piece in pieces[:-1]), "a frame was handed on before its end"


def conversation(key: bytes | None, seed: int) -> list[tuple[bool, bytes]]:
    """Frames without mark between libosdp's two ends, from the first to the answer to a card, with challenges from seed."""
    bench = Bench(key)
    bench.peripheral.poll(0.0)
    ctypes.CDLL(None).srand(seed)
    bench.ready()
    release = {"command": native.CMD_OUTPUT, "output_no": 0, "control_code": ON_TIMED, "timer_count": 50}
    assert bench.panel.command(release)
    assert bench.panel.ask(native.STATUS_REPORT_OUTPUT) == b"\1"
    assert bench.peripheral.present_card(b"\xa5\x5a\xff\x40", 26)
    bench.panel.step_until(lambda: any(event["event"] == native.EVENT_CARDREAD for event in bench.panel.events))
    bench.panel.close()
    bench.peripheral.close()
    return [(sent, data.lstrip(bytes([MARK]))) for sent, data in bench.panel.channel.frames]


def body(message: bytes) -> tuple[int, bytes]:
    """Code and data of a frame whose data is in the clear."""
    at = 5 + (message[5] if message[4] & 0x08 else 0)
    return message[at], message[at + 1 : -2]


@pytest.mark.parametrize("key", [OWN_KEY, None], ids=["own key", "install key, then first key"])
def test_every_byte_libosdp_sends_is_the_standards(key: bytes | None) -> None:
    scbk = iter([OWN_KEY] if key else [INSTALL_KEY, bytes(range(1, 17))])
    wire = conversation(key, seed=7)
    keys, rnd_a, rnd_b, session = Keys(b"", b"", b""), b"", b"", None
    opened: list[tuple[int, bytes]] = []
    for sent, message in wire:
        assert crc16(message[:-2]) == message[-2:]
        code, data = body(message)
        block = message[6] if message[4] & 0x08 else 0
        if block >= 0x15:
            assert session is not None
            opened.append(session.open(message))  # checks the MAC
        elif sent and code == CHLNG:
            rnd_a = data
        elif not sent and code == CCRYPT:
            rnd_b = data[8:16]
            if message[7] == (0 if key is None and not opened else 1):  # what it says it uses: SCBK-D, SCBK
                keys = session_keys(next(scbk), rnd_a)
                assert data[16:32] == client_cryptogram(keys, rnd_a, rnd_b)
        elif sent and code == SCRYPT:
            assert data == server_cryptogram(keys, rnd_a, rnd_b)
        elif not sent and code == RMAC_I:
            assert data == initial_rmac(keys, server_cryptogram(keys, rnd_a, rnd_b))
            session = Session(keys, data)
    assert (OUT, bytes([0, ON_TIMED, 50, 0])) in opened
    assert (OSTATR, b"\1") in opened
    assert (RAW, b"\0\1\x1a\0\xa5\x5a\xff\x40") in opened
    if key is None:
        assert (KEYSET, b"\1\x10" + bytes(range(1, 17))) in opened


def test_changed_byte_is_found_by_the_oracle() -> None:
    """The test above can fail."""
    zeros = bytes(16)
    good = bytearray(unhex(FRAMES["secured_with_keys_of_zeros"][-1]["frame"])[1:])
    good[10] ^= 1
    with pytest.raises(ValueError, match="MAC"):
        Session(Keys(zeros, zeros, zeros), zeros).open(bytes(good))


def challenge(wire: list[tuple[bool, bytes]]) -> bytes:
    return next(body(message)[1] for sent, message in wire if sent and body(message)[0] == CHLNG)


def test_fixed_inputs_give_the_same_wire() -> None:
    first, second = conversation(OWN_KEY, 7), conversation(OWN_KEY, 7)
    assert challenge(first) == challenge(second)
    assert challenge(conversation(OWN_KEY, 8)) != challenge(first)


def test_no_two_connections_begin_with_the_same_challenge() -> None:
    """libosdp draws from C's `rand`, which starts the same in every process: a recorded connection could be answered again."""
    challenges = set()
    for _ in range(4):
        ctypes.CDLL(None).srand(1)  # as in a new process
        bench = Bench(OWN_KEY).ready()
        challenges.add(challenge([(sent, data.lstrip(bytes([MARK]))) for sent, data in bench.panel.channel.frames]))
        bench.panel.close()
    assert len(challenges) == 4
