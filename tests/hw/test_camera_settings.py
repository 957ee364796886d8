"""What a camera's URL may say, and that its password stays where it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from egate.domain.device import DeviceRole
from egate.errors import ConfigurationError
from hw.camera.settings import CameraSettings, camera_settings
from hw.camera.synthetic import Mode
from hw.registry import open_device
from hw.url import parse

PASSWORD = "p@ss wörd/1?"


def read(url: str, base: Path = Path("/nowhere")) -> CameraSettings:
    return camera_settings(parse(url), base)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "camera.password"
    path.write_text(PASSWORD.encode().hex() + "\n")
    path.chmod(0o600)
    return tmp_path


def test_video_device_says_what_is_asked() -> None:
    found = read("camera+v4l2:///dev/v4l/by-id/usb-cam?width=1280&height=720&fps=30&fourcc=MJPG&frozen=0")
    assert (found.address, found.width, found.height, found.fps) == ("/dev/v4l/by-id/usb-cam", 1280, 720, 30)
    assert (found.fourcc, found.frozen_s) == ("MJPG", None)
    plain = read("camera+v4l2:///dev/video0")
    assert (plain.width, plain.height, plain.fps, plain.fourcc, plain.frozen_s) == (None, None, None, None, 5)


def test_made_picture() -> None:
    found = read("camera+synthetic://frozen?width=64&height=48&fps=60&seed=9")
    assert (found.mode, found.width, found.height, found.fps, found.seed) == (Mode.FROZEN, 64, 48, 60, 9)
    assert read("camera+synthetic://moving").fps == 15
    assert read("camera+dir:///pictures").fps == 5
    assert read("camera+file:///clip.avi?once=1").once and not read("camera+file:///clip.avi").once


def test_stream_gets_its_credentials_and_its_own_query(folder: Path) -> None:
    found = read("camera+rtsp://cam:8554/live%3Fchannel=1%26sub=0?user=a:b&password=file:camera.password", folder)
    assert found.address == "rtsp://a%3Ab:p%40ss%20w%C3%B6rd%2F1%3F@cam:8554/live?channel=1&sub=0"
    assert read("camera+rtsp://cam/live").address == "rtsp://cam/live"
    assert read("camera+rtsp://cam").address == "rtsp://cam"
    assert read("camera+rtsp://[2001:DB8::1]:8554/live").address == "rtsp://[2001:db8::1]:8554/live"


def test_password_is_in_no_text_of_the_camera(folder: Path) -> None:
    url = "camera+rtsp://127.0.0.1:1/live?user=bob&password=file:camera.password"
    device = open_device(url, folder, DeviceRole.CAMERA)
    settings = read(url, folder)
    for text in (repr(settings), settings.name, repr(device), repr(device.health), repr(vars(device))):
        assert "wörd" not in text and "p%40ss" not in text and "bob" not in text


@pytest.mark.parametrize(
    "url",
    [
        "camera+tcp://cam:80",
        "camera+serial:///dev/ttyUSB0",
        "camera+synthetic://face",
        "camera+synthetic://moving?once=1",
        "camera+synthetic://moving?width=64",
        "camera+synthetic://moving?width=8&height=8",
        "camera+synthetic://moving?width=8192&height=8192",
        "camera+synthetic://moving?fps=0",
        "camera+synthetic://moving?fps=1e3",
        "camera+synthetic://moving?seed=-1",
        "camera+v4l2:///dev/video0?fourcc=MJPEG",
        "camera+v4l2:///dev/video0?fourcc=MJ%22%20",
        "camera+v4l2:///dev/video0?width=0&height=0",
        "camera+file:///clip.avi?once=yes",
        "camera+dir:///pictures?frozen=-1",
        "camera+rtsp://cam/live?user=bob",
        "camera+rtsp://cam/live?password=file:camera.password",
        "camera+rtsp://cam/live?user=bob&password=hunter2",
        "camera+rtsp://cam/live?user=bob&password=file:absent",
        "camera+rtsp://bob:hunter2@cam/live",
    ],
)
def test_what_is_not_understood_is_refused(url: str, folder: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        open_device(url, folder, DeviceRole.CAMERA)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a\r\nb"])
def test_password_that_is_no_text_is_refused(content: bytes, folder: Path) -> None:
    (folder / "camera.password").write_text(content.hex())
    with pytest.raises(ConfigurationError):
        read("camera+rtsp://cam/live?user=bob&password=file:camera.password", folder)
