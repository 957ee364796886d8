"""Device URLs are strict, and name what is simulated."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from egate.errors import ConfigurationError
from hw.target import is_no_camera, port_name
from hw.url import parse

GOOD = "osdp+serial:///dev/serial/by-id/usb-FTDI_FT232R-if00?address=1&baud=9600&key=file:lane1.scbk"


def test_parts_of_a_url() -> None:
    url = parse(GOOD)
    assert (url.protocol, url.link, url.target) == ("osdp", "serial", "/dev/serial/by-id/usb-FTDI_FT232R-if00")
    assert dict(url.parameters) == {"address": "1", "baud": "9600", "key": "file:lane1.scbk"}
    url.admit({"address", "key"}, {"baud"})
    assert url.integer("address", None, 0, 126) == 1
    assert url.integer("absent", 7, 0, 9) == 7
    assert url.flag("install_key") is False


@pytest.mark.parametrize(
    "text",
    [
        "",
        "serial:///dev/ttyS0",
        "osdp+:///dev/ttyS0",
        "osdp+serial:/",
        "osdp+serial://dev/ttyS0",
        "osdp+serial:///",
        "modbus+tcp:///dev/ttyS0",
        "modbus+tcp://host:502/path",
        "modbus+tcp://user@host:502",
        "osdp+serial:///dev/ttyS0#part",
        "osdp+serial:///dev/ttyS0?address",
        "osdp+serial:///dev/ttyS0?address=",
        "osdp+serial:///dev/ttyS0?address=1&address=2",
        "osdp+serial:///dev/ttyS0?Address=1",
        "osdp+serial:///dev/ttyS0?a=1&&b=2",
        "osdp+serial:///dev/tty S0",
        "osdp+serial:///dev/ttyS0\n",
        "osdp+serial:///" + "x" * 2000,
    ],
)
def test_malformed_url_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse(text)


@pytest.mark.parametrize(
    "target",
    [
        "127.0.0.1:8554:1",
        "localhost:8554:1",
        "127.0.0.1%3A8554",
        "localhost\\x",
        "127.0.0.1:8554;x",
        "[::1%25lo]:80",
        "[fe80::1%lo]:80",
        "[::1]80",
        "[::1]:",
        "[::g]:80",
        "::1",
        ":80",
        "host:0",
        "host:65536",
        "host:٨",
        "höst:80",
    ],
)
@pytest.mark.parametrize("link", ["rtsp", "tcp", "rfc2217"])
def test_host_that_another_parser_might_read_otherwise_is_refused(link: str, target: str) -> None:
    with pytest.raises(ConfigurationError):
        parse(f"any+{link}://{target}")


def test_own_address_counts_as_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any address that can be bound is one of this machine's, not only loopback ones."""
    monkeypatch.setattr(socket.socket, "bind", lambda *_: None)
    assert parse("modbus+tcp://192.0.2.7:502").simulated


def test_unknown_and_missing_parameters_are_refused() -> None:
    url = parse(GOOD)
    with pytest.raises(ConfigurationError, match="unknown parameter baud"):
        url.admit({"address", "key"})
    with pytest.raises(ConfigurationError, match="missing parameter site"):
        url.admit({"address", "key", "site"}, {"baud"})


@pytest.mark.parametrize("value", ["-1", "1.5", "0x1", "١", "127", "true"])
def test_integer_outside_its_range_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError):
        parse(f"osdp+tcp://host:1?address={value}").integer("address", None, 0, 126)


@pytest.mark.parametrize("key", ["key", "password", "token"])
def test_a_secret_in_the_url_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(f"osdp+tcp://host:1?{key}=00112233445566778899aabbccddeeff")
    assert "0011" not in str(caught.value)


def test_secret_is_read_from_its_file_relative_to_base(tmp_path: Path) -> None:
    url = parse("osdp+tcp://host:1?key=file:lane.scbk")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        url.secret("key", tmp_path)
    file = tmp_path / "lane.scbk"
    file.write_text("00ff\n")
    file.chmod(0o600)
    assert url.secret("key", tmp_path) == b"\x00\xff"
    file.chmod(0o604)
    with pytest.raises(ConfigurationError, match="everyone"):
        url.secret("key", tmp_path)
    file.chmod(0o600)
    file.write_text("not hex but secret")
    with pytest.raises(ConfigurationError) as caught:
        url.secret("key", tmp_path)
    assert "not hex but secret" not in str(caught.value)


@pytest.mark.parametrize("kind", ["FIFO", "folder", "device", "long"])
def test_secret_s_file_that_is_no_small_regular_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "lane.scbk"
    if kind == "FIFO":
        os.mkfifo(file, 0o600)
    elif kind == "folder":
        file.mkdir(0o700)
    elif kind == "device":
        file.symlink_to("/dev/zero")
    else:
        file.write_text("00" * 4096)
        file.chmod(0o600)
    with pytest.raises(ConfigurationError, match=r"regular file|more than"):
        parse("osdp+tcp://host:1?key=file:lane.scbk").secret("key", tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "camera+rtsp://cam/x%1b%5B2J",
        "camera+v4l2:///dev/video%0Aforged",
        "pcsc+reader://ACS%00",
        "osdp+serial:///dev/ttyS0?key=file:a%0Ab",
        "mrz+serial:///dev/ttyS0?chip_pcsc=ACS%7f",
        "camera+rtsp://cam/x%C2%9B2J",
    ],
)
def test_control_characters_in_percent_encoding_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "simulated"),
    [
        ("osdp+pty:///tmp/lock", True),
        ("osdp+sim://lane-1", True),
        ("camera+file:///tmp/frames", True),
        ("mrz+replay:///tmp/trace", True),
        ("osdp+serial:///dev/pts/3", True),
        ("osdp+serial:///dev/../dev/pts/3", True),
        ("osdp+serial:///dev/ttyUSB0", False),
        ("modbus+tcp://10.0.0.1:502", False),
        ("osdp+rfc2217://10.0.0.1:4000", False),
        ("osdp+rfc2217://127.0.0.1:4000", True),
        ("osdp+rfc2217://[::1]:4000", True),
        ("camera+rtsp://[::1]/x", True),
        ("camera+rtsp://[::1]:8554/x", True),
        ("camera+rtsp://[::]/x", True),
        ("camera+rtsp://[::ffff:127.0.0.1]/x", True),
        ("camera+rtsp://0:8554", True),
        ("camera+rtsp://10.0.0.1:8554/x", False),
        ("camera+rtsp://[2001:db8::1]:8554/x", False),
        ("modbus+tcp://never-resolves.invalid:502", True),
    ],
)
def test_simulated_links_are_known(text: str, simulated: bool) -> None:
    assert parse(text).simulated is simulated


def test_serial_path_that_leads_to_a_pty_counts_as_simulated(tmp_path: Path) -> None:
    master, slave = os.openpty()
    try:
        (tmp_path / "by-id").symlink_to(os.ttyname(slave))
        (tmp_path / "twice").symlink_to(tmp_path / "by-id")
        assert parse(f"osdp+serial://{tmp_path}/twice").simulated
    finally:
        os.close(master)
        os.close(slave)


def test_path_that_goes_in_a_circle_is_a_port_that_is_absent(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    for text in ("modbus+serial", "osdp+serial", "camera+v4l2"):
        assert not parse(f"{text}://{tmp_path}/a").simulated
    assert port_name("serial", f"{tmp_path}/a") != port_name("serial", f"{tmp_path}/c")


def test_video_device_without_hardware_counts_as_simulated(tmp_path: Path) -> None:
    """v4l2loopback shows what a program feeds in; /dev/null stands for its device node."""
    null = Path("/dev/null").stat().st_rdev
    node = f"{os.major(null)}:{os.minor(null)}"
    for number, (place, simulated) in enumerate(
        [("virtual/video4linux/video9", True), ("platform/vivid.0/video9", True), ("pci0000:00/usb1/video9", False)]
    ):
        (device := tmp_path / "devices" / place).mkdir(parents=True)
        (devices := tmp_path / f"char{number}").mkdir()
        (devices / node).symlink_to(device)
        assert is_no_camera(Path("/dev/null"), devices) is simulated
    (tmp_path / "clip.avi").touch()
    assert parse(f"camera+v4l2://{tmp_path}/clip.avi").simulated
    assert not parse("camera+v4l2:///dev/v4l/by-id/absent").simulated


def test_virtual_pcsc_reader_counts_as_simulated() -> None:
    url = "mrz+serial:///dev/serial/by-id/none?baud=9600&chip_pcsc="
    for name in ("Virtual%20PCD%2000%2000", "Virtual%20PCD", "Virtual", "V"):  # a beginning opens it, too
        assert parse(url + name).simulated
        assert parse(f"pcsc+reader://{name}").simulated
    for name in ("ACS%20ACR122U%2000%2000", "Virtuoso"):
        assert not parse(url + name).simulated
        assert not parse(f"pcsc+reader://{name}").simulated


def test_serial_server_is_one_port_by_either_link() -> None:
    """Both speak to one serial line: each would take the other's answers for its own."""
    assert parse("osdp+rfc2217://10.0.0.1:4000").ports == parse("modbus+tcp://10.0.0.1:4000").ports
    assert parse("osdp+rfc2217://10.0.0.1:4000").ports != parse("osdp+rfc2217://10.0.0.1:4001").ports
