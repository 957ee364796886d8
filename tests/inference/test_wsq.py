"""Goal: prints come out as NIST's decoder gives them, and whatever bytes arrive, pixels or ImageError.

Peer: the package `wsq` (NBIS in C) encodes here and, on intact files alone, decodes: on damaged ones it can end the process.
"""

from __future__ import annotations

import importlib
import io
import os
import struct
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from egate.document.lds.finger_image import FingerEncoding, FingerImage
from egate.document.lds.finger_record import parse_dg3
from egate.errors import ImageError
from egate.inference.image.decoder import decode, decode_grey
from egate.inference.image.header import Format, read_header
from egate.inference.image.wsq import PIXELS_MAX, decode_wsq

ROOT = Path(__file__).parents[2]
SPECIMEN = Path(os.environ.get("EGATE_CORPUS") or ROOT / ".." / "shared" / "corpus") / "documents" / "lds_tsemrtd"
SIZES = [(64, 64), (65, 97), (127, 129), (300, 401), (388, 374)]


def print_of(width: int, height: int) -> NDArray[np.uint8]:
    """Ridges of about nine pixels that bend, as skin at 500 dpi has them."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    ridges = np.sin((x + 0.02 * (y - height / 2) ** 2 / 8) * 2 * np.pi / 9)
    return np.asarray(np.clip(128 + 90 * ridges, 0, 255), np.uint8)


@cache
def encoded(width: int, height: int) -> bytes:
    pytest.importorskip("wsq", reason="the package wsq is absent")
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(print_of(width, height)).save(out, format="WSQ")
    return out.getvalue()


def peer(data: bytes) -> NDArray[np.uint8]:
    pixels, width, height, _ = importlib.import_module("_wsq").decompress(data)
    return np.frombuffer(pixels, np.uint8).reshape(height, width)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_pixels_are_those_of_the_peer(width: int, height: int) -> None:
    data = encoded(width, height)
    image = decode_grey(data)
    difference = np.abs(image.pixels.astype(int) - peer(data))
    assert image.pixels.shape == (height, width)
    assert (difference.max(), (difference > 0).mean() < 0.001) <= (1, True)  # rounding of single precision
    assert image.dpi == 500
    assert np.abs(image.pixels.astype(int) - print_of(width, height)).mean() < 4 or width < 100


def test_colour_is_the_grey_three_times() -> None:
    data = encoded(127, 129)
    colour = decode(data)
    assert colour.shape == (129, 127, 3)
    assert (colour == decode_grey(data).pixels[:, :, None]).all()
    assert read_header(data).format is Format.WSQ


@pytest.mark.corpus
@pytest.mark.skipif(not SPECIMEN.is_dir(), reason="corpus absent: set EGATE_CORPUS")
def test_prints_of_the_specimen_decode_as_the_peer_decodes_them() -> None:
    pytest.importorskip("wsq", reason="the package wsq is absent")
    fingers = parse_dg3((SPECIMEN / "EF_DG3.bin").read_bytes())
    for finger in fingers:
        pixels = decode_grey(finger.file()).pixels
        assert pixels.shape == (finger.height, finger.width) == (620, 620)
        assert np.abs(pixels.astype(int) - peer(finger.image)).max() <= 1
        assert pixels.std() > 20  # ridges, not a flat field
    assert len(fingers) == 2


def test_file_cut_anywhere_is_refused() -> None:
    data = encoded(64, 64)
    for size in range(len(data) - 1):
        for function in (decode_wsq, read_header):
            with pytest.raises(ImageError):
                function(data[:size])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 255)), max_size=8))
def test_damaged_file_decodes_or_is_refused(damage: list[tuple[int, int]]) -> None:
    data = bytearray(encoded(65, 97))
    for position, value in damage:
        data[position % len(data)] = value
    try:
        image = decode_wsq(bytes(data))
    except ImageError:
        return
    assert image.dtype == np.uint8
    assert image.size <= PIXELS_MAX


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_an_image_or_an_image_error(tail: bytes) -> None:
    for data in (tail, b"\xff\xa0" + tail, b"\xff\xa0\xff\xa4" + tail):
        try:
            decode_wsq(data)
        except ImageError:
            pass


def resized(data: bytes, width: int, height: int) -> bytes:
    at = data.index(b"\xff\xa2") + 6
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda data: resized(data, 60_000, 60_000), "IMAGE_SIZE"),
        (lambda data: resized(data, 2_001, 2_001), "IMAGE_SIZE"),
        (lambda data: resized(data, 63, 97), "IMAGE_SIZE"),
        (lambda data: resized(data, 0, 0), "IMAGE_FORMAT"),
        (lambda data: resized(data, 65, 120), "IMAGE_TRUNCATED"),  # coefficients for fewer pixels
        (lambda data: resized(data, 65, 70), "IMAGE_CORRUPT"),  # for more
        (lambda data: data.replace(b"\xff\xa4\x00\x3a\x09\x07", b"\xff\xa4\x00\x3a\x08\x08"), "IMAGE_FORMAT"),
        (lambda data: data.replace(b"\xff\xa6", b"\xff\xa8", 1), "IMAGE_CORRUPT"),  # a table less
        (lambda data: data[:2] + data[data.index(b"\xff\xa2") :], "IMAGE_CORRUPT"),  # no filters
    ],
)
def test_what_is_wrong_has_a_name(change: Callable[[bytes], bytes], code: str) -> None:
    data = encoded(65, 97)
    changed = change(data)
    assert changed != data
    with pytest.raises(ImageError) as caught:
        decode_grey(changed)
    assert caught.value.code == code


def test_second_frame_with_another_size_is_refused() -> None:
    data = encoded(65, 97)
    frame = data.index(b"\xff\xa2")
    segment = data[frame : frame + 2 + int.from_bytes(data[frame + 2 : frame + 4], "big")]
    with pytest.raises(ImageError, match="two frames"):
        decode_grey(data[:frame] + segment + data[frame:])


def test_runs_of_nothing_cost_bounded_time() -> None:
    # Runs of 65,535 zeros: three bytes a run, so a kilobyte of them fills the largest image that is allowed.
    data = encoded(65, 97)
    tables = (
        b"\xff\xa6" + struct.pack(">HB", 2 + 18, 0) + bytes([1, *[0] * 15]) + bytes([106])
    )  # code 0: a run of 16 bits
    head = data[: data.index(b"\xff\xa6")]
    frame = data[(at := data.index(b"\xff\xa2")) : at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")]
    runs = np.unpackbits(np.tile(np.array([0x7F, 0xFF, 0x80], np.uint8), 1))[:17]
    bits = np.packbits(np.tile(runs, 70)).tobytes().replace(b"\xff", b"\xff\x00")
    bomb = resized(head, 2000, 2000) if b"\xff\xa2" in head else head + resized(frame, 2000, 2000)
    bomb += tables + b"\xff\xa3\x00\x03\x00" + bits + b"\xff\xa1"
    started = time.process_time()
    with pytest.raises(ImageError):
        decode_grey(bomb)
    assert time.process_time() - started < 1.0
    assert len(bomb) < 2000


def test_raw_pixels_of_a_record_become_an_image() -> None:
    pixels = print_of(80, 60)
    finger = FingerImage(2, FingerEncoding.RAW, 80, 60, pixels.tobytes())
    assert (decode_grey(finger.file()).pixels == pixels).all()
    assert decode(finger.file()).shape == (60, 80, 3)
    for wrong, code in [(finger.file()[:-1], "IMAGE_TRUNCATED"), (finger.file() + b"\x00", "IMAGE_CORRUPT")]:
        with pytest.raises(ImageError) as caught:
            decode(wrong)
        assert caught.value.code == code


def test_print_in_jpeg_2000_becomes_an_image() -> None:
    pixels = print_of(80, 60)
    data = bytes(cv2.imencode(".jp2", pixels, [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000])[1].tobytes())
    finger = FingerImage(2, FingerEncoding.JPEG2000, 80, 60, data)
    assert (decode_grey(finger.file()).pixels == pixels).all()
