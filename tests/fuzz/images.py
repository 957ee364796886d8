"""Any bytes are an image within its limits or an ImageError: headers of all formats, and prints compressed by WSQ."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

import cv2
import numpy as np

from egate.document.lds.finger_record import parse_dg3
from egate.errors import ImageError
from egate.inference.image.decoder import decode, decode_grey, warm_up
from egate.inference.image.header import read_header
from egate.inference.image.wsq import PIXELS_MAX, decode_wsq
from tests.fuzz.sources import CORPUS
from tests.fuzz.target import Target
from tests.inference.tiff_files import PACKERS, RATIONAL, SHORT, grey_tags, tiff

warm_up()  # compiling is what a daemon does before it serves, and would look like a hang


def header(data: bytes) -> None:
    try:
        found = read_header(data)
    except ImageError:
        return
    assert found.width > 0
    assert found.height > 0


def wsq(data: bytes) -> None:
    try:
        assert decode_wsq(data).size <= PIXELS_MAX
    except ImageError:
        pass


def pixels(data: bytes) -> None:
    try:
        found = read_header(data)
        assert decode(data).size <= 3 * found.width * found.height
    except ImageError:
        pass


def prints(data: bytes) -> None:
    try:
        found = read_header(data)
        assert decode_grey(data).pixels.size == found.width * found.height
    except ImageError:
        pass


def _scans() -> Sequence[bytes]:
    """As scanners write prints: each packing and depth of TIFF that is read, and BMP."""
    grey = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    tags = {**grey_tags(64, 64), 278: [32], 282: ([500, 1], RATIONAL), 317: [2]}
    halves = [grey[:32].tobytes(), grey[32:].tobytes()]
    made = [tiff({**tags, 259: [code]}, [pack(half) for half in halves]) for code, pack in PACKERS.items()]
    made.append(tiff({**grey_tags(32, 64), 258: [16], 262: [0]}, [grey.tobytes()], ">"))
    made.append(tiff({**grey_tags(64, 64), 262: [3], 320: (list(range(0, 61_440, 80)), SHORT)}, [grey.tobytes()]))
    made.append(tiff({**grey_tags(512, 64), 258: [1]}, [grey.tobytes()]))
    return [*made, *(cv2.imencode(".bmp", image)[1].tobytes() for image in (grey, np.dstack([grey] * 3)))]


def _files() -> Sequence[bytes]:
    image = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    made = [cv2.imencode(extension, image)[1].tobytes() for extension in (".jpg", ".png", ".jp2")]
    bare = made[2][made[2].index(b"\xff\x4f\xff\x51") :]
    return [*made, bare, b"P5\n64 64\n255\n" + image.tobytes(), *_prints()]


def _prints() -> Sequence[bytes]:
    """One of the specimen's, and one of this file's where the package that writes WSQ is installed."""
    specimen = CORPUS / "lds_tsemrtd" / "EF_DG3.bin"
    found = [parse_dg3(specimen.read_bytes())[0].image] if specimen.is_file() else []
    try:
        encoder = importlib.import_module("_wsq")
    except ImportError:
        return found
    ridges = (128 + 90 * np.sin(np.add.outer(np.arange(70), np.arange(66)) * 0.7)).astype(np.uint8)
    return [*found, encoder.compress(ridges.tobytes(), 70, 66, 12)]


TARGETS = (
    Target("header", header, lambda: [*_files(), *_scans()], 10),
    Target("wsq", wsq, _prints, 1),
    Target("pixels", pixels, _files, 1),
    Target("prints", prints, _scans, 10),
)
