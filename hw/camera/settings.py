"""What a camera's URL says. Checked completely; nothing is opened but the file of a password.

    camera+v4l2:///dev/v4l/by-id/…?width=1280&height=720&fps=30&fourcc=MJPG
    camera+rtsp://host[:port]/path?user=NAME&password=file:lane1.password&fps=15
    camera+file:///clip.avi[?once=1]      looped at its own rate, unless once or fps= says otherwise
    camera+dir:///folder?fps=5            pictures in the order of their names
    camera+synthetic://moving?width=640&height=480&fps=15&seed=1      or frozen, dark, bright

All: fps = pictures per second that are expected; frozen = seconds of the same picture that are a fault, 0: it may stand still (demo).
A `?` or `&` in a stream's path is percent-encoded. The password's file holds hexadecimal text, as the files of keys do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from hw.camera.source import FPS_MAX, FPS_MIN, SIDE_MAX, fits
from hw.camera.supervision import FROZEN_S_DEFAULT
from hw.camera.synthetic import Mode
from hw.url import DeviceUrl

SIDE_MIN = 16
SEED_MAX = 2**31 - 1
FROZEN_S_MAX = 3600
SYNTHETIC_DEFAULT = 640, 480, 15  # width, height, pictures per second
FOLDER_FPS_DEFAULT = 5
KEYS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "v4l2": frozenset({"fps", "frozen", "width", "height", "fourcc"}),
        "rtsp": frozenset({"fps", "frozen", "user", "password"}),
        "file": frozenset({"fps", "frozen", "once"}),
        "dir": frozenset({"fps", "frozen"}),
        "synthetic": frozenset({"fps", "frozen", "width", "height", "seed"}),
    }
)
_FOURCC = re.compile(r"[A-Za-z0-9]{4}")
_PATH_SAFE = "/?&=:;,~+!$*'()"  # what RFC 3986 lets stand in path and query


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """address: what OpenCV is to open; with user and password for a stream, so it is in no repr. frozen_s None: never.

    width, height, fps, fourcc: None if the camera may choose. mode: of a synthetic picture only.
    """

    link: str
    name: str
    address: Address
    fps: int | None
    frozen_s: float | None
    width: int | None
    height: int | None
    fourcc: str | None
    once: bool
    seed: int
    mode: Mode


class Address(str):
    """Text that may hold a password: shown nowhere by accident."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Address(redacted)"


def camera_settings(url: DeviceUrl, base: Path) -> CameraSettings:
    """Raises ConfigurationError."""
    keys = KEYS.get(url.link)
    if keys is None:
        raise url.error(f"a camera's link is none of {', '.join(KEYS)}")
    url.admit((), keys)
    mode = Mode.MOVING
    if url.link == "synthetic":
        if url.target not in tuple(Mode):
            raise url.error(f"a made picture is none of {', '.join(Mode)}")
        mode = Mode(url.target)
    width, height, fps = _size(url)
    frozen_s = url.integer("frozen", FROZEN_S_DEFAULT, 0, FROZEN_S_MAX)
    return CameraSettings(
        url.link,
        f"{url.link} {url.target}",
        _address(url, base),
        fps,
        frozen_s or None,
        width,
        height,
        _fourcc(url),
        url.flag("once"),
        url.integer("seed", 1, 0, SEED_MAX),
        mode,
    )


def _size(url: DeviceUrl) -> tuple[int | None, int | None, int | None]:
    """Width, height, pictures per second."""
    given = url.parameters.keys()
    if ("width" in given) is not ("height" in given):
        raise url.error("width and height go together")
    defaults: tuple[int | None, ...] = {
        "synthetic": SYNTHETIC_DEFAULT,
        "dir": (None, None, FOLDER_FPS_DEFAULT),
    }.get(url.link, (None, None, None))
    limits = ("width", SIDE_MIN, SIDE_MAX), ("height", SIDE_MIN, SIDE_MAX), ("fps", FPS_MIN, FPS_MAX)
    width, height, fps = (
        url.integer(key, default, *limit) if key in given else default
        for (key, *limit), default in zip(limits, defaults, strict=True)
    )
    if width is not None and height is not None and not fits(width, height):
        raise url.error("width and height are too large together")
    return width, height, fps


def _fourcc(url: DeviceUrl) -> str | None:
    fourcc = url.parameters.get("fourcc")
    if fourcc is not None and not _FOURCC.fullmatch(fourcc):
        raise url.error("fourcc is not four letters or digits")
    return fourcc


def _address(url: DeviceUrl, base: Path) -> Address:
    if url.link != "rtsp":
        return Address(url.target)
    host, port = url.host  # as the lock-outs understood it: FFmpeg must not read anything else out of it
    _, slash, path = url.target.partition("/")
    authority = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    given = url.parameters.keys() & {"user", "password"}
    if len(given) == 1:
        raise url.error("user and password go together")
    return Address(f"rtsp://{_credentials(url, base) if given else ''}{authority}{slash}{quote(path, _PATH_SAFE)}")


def _credentials(url: DeviceUrl, base: Path) -> str:
    try:
        password = url.secret("password", base).decode("utf-8")
    except UnicodeDecodeError:
        password = ""
    if not password or not password.isprintable():
        raise url.error("the password is not printable text")
    return f"{quote(url.parameters['user'], '')}:{quote(password, '')}@"
