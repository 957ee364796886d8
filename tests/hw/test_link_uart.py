"""A UART at another speed: what it makes of the bits is computed, not invented; and a simulated port knows its client's speed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.link import memory
from hw.link.fault import FaultLink, FaultPlan
from hw.link.pty import open_pty_master
from hw.link.serial import open_serial
from hw.link.uart import resample
from tests.hw.test_link import read_all

BAUDS = (1200, 9600, 19_200, 38_400, 57_600, 115_200, 921_600)


# By hand: a byte is start 0, bits lowest first, stop 1.
@pytest.mark.parametrize(
    ("sent", "sent_baud", "heard_baud", "heard"),
    [
        # 0x55 at half speed: each bit lasts two of ours. Line 00 11 00 11 00 11 00 11 00 11.
        # First fall: start 0, data 0 11 00 11 0 = 0x66, stop 0. Next fall at bit 12: start 0, data 0 11 00 11 and idle 1 = 0xe6.
        ("55", 4800, 9600, "66e6"),
        # 0x00 at twice our speed: nine of its bits are low, four and a half of ours: start, three of data, and the fourth just not.
        ("00", 19_200, 9600, "f8"),
        # 0xff at any higher speed: the start bit is all that falls.
        ("ff", 19_200, 9600, "ff"),
        ("00", 9600, 9600, "00"),
    ],
)
def test_known_lines(sent: str, sent_baud: int, heard_baud: int, heard: str) -> None:
    assert resample(bytes.fromhex(sent), sent_baud, heard_baud).hex() == heard


@given(st.binary(max_size=40), st.sampled_from(BAUDS), st.sampled_from((-0.04, -0.02, 0.01, 0.03, 0.04)))
def test_real_uarts_tolerance_changes_nothing(data: bytes, baud: int, error: float) -> None:
    assert resample(data, baud, round(baud * (1 + error))) == data


@given(st.binary(max_size=40), st.sampled_from(BAUDS), st.sampled_from(BAUDS))
def test_any_speeds_give_no_more_bytes_than_the_line_has_room_for(data: bytes, sent: int, heard: int) -> None:
    out = resample(data, sent, heard)
    assert len(out) <= len(data) * 10 * heard / sent / 9.5 + 1
    assert out == resample(data, sent, heard)
    assert bool(out) == bool(data), "a line that falls is heard"


def test_faulty_link_garbles_both_ways_until_the_plan_ends() -> None:
    near, far = memory.pair()
    link = FaultLink(near, 1, FaultPlan(baud=9600, peer_baud=4800))
    far.write(b"\x55" * 3)
    expected = resample(b"\x55" * 3, 4800, 9600)
    assert len(expected) > 3, "a byte of half our speed is heard as several"
    assert link.read(2, 0.1) + read_all(link, len(expected) - 2) == expected
    link.write(b"\x00")
    assert far.read(10, 0.1) == resample(b"\x00", 9600, 4800) != b"\x00"
    link.set_plan(FaultPlan())
    link.write(b"ok")
    assert far.read(10, 0.1) == b"ok"


@pytest.mark.parametrize(("baud", "garbled"), [(115_200, False), (9600, True), (250_000, True)])
def test_client_at_another_speed_than_the_simulated_device(baud: int, garbled: bool, tmp_path: Path) -> None:
    device = open_pty_master(tmp_path / "port", device_baud=115_200)
    client = open_serial(str(tmp_path / "port"), baud)
    client.write(b"hello")
    expected = resample(b"hello", baud, 115_200)
    assert read_all(device, len(expected)) == expected
    device.write(b"world")
    expected = resample(b"world", 115_200, baud)
    assert read_all(client, len(expected)) == expected
    assert (expected != b"world") is garbled
    client.close()
    device.close()
