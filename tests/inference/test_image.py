"""Goal: whatever bytes arrive, decode gives an image within the limit or raises ImageError, and costs bounded memory."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from egate.document.lds.displayed_image import parse_dg5, parse_dg7
from egate.document.lds.face_record import parse_dg2
from egate.errors import ImageError
from egate.inference.image.decoder import decode, decode_grey, decode_page
from egate.inference.image.header import read_header

ROOT = Path(__file__).parents[2]
SPECIMEN = Path(os.environ.get("EGATE_CORPUS") or ROOT / ".." / "shared" / "corpus") / "documents" / "lds_tsemrtd"
PIXELS = np.random.default_rng(1).integers(0, 255, (60, 80, 3), np.uint8)


def encoded(extension: str) -> bytes:
    smooth = cv2.GaussianBlur(PIXELS, (0, 0), 3)
    return bytes(cv2.imencode(extension, smooth)[1].tobytes())


def png(width: int, height: int, *chunks: tuple[bytes, bytes], rows: bytes = b"") -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, body) for kind, body in parts)


FORMATS = [".jpg", ".png", ".jp2"]


@pytest.mark.parametrize("extension", FORMATS)
def test_image_decodes_to_rgb(extension: str) -> None:
    image = decode(encoded(extension))
    assert image.shape == (60, 80, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    expected = cv2.GaussianBlur(PIXELS, (0, 0), 3)[:, :, ::-1]
    assert np.abs(image.astype(int) - expected).mean() < 6


def test_empty_is_named() -> None:
    with pytest.raises(ImageError) as caught:
        decode(b"")
    assert caught.value.code == "IMAGE_EMPTY"


@pytest.mark.parametrize("data", [b"\x00", b"GIF89a" + bytes(100), b"not an image at all", bytes(1000), b"\xff\xd8"])
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(ImageError):
        decode(data)


@pytest.mark.parametrize("extension", FORMATS)
def test_image_cut_anywhere_is_refused(extension: str) -> None:
    whole = encoded(extension)
    for length in range(len(whole) - 1):
        with pytest.raises(ImageError):
            decode(whole[:length])
        # By us, whatever the decoder of the day makes of it: some fill the missing part with grey.
        with pytest.raises(ImageError):
            read_header(whole[:length])


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FORMATS), st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=12))
def test_damaged_image_either_decodes_within_the_limit_or_is_refused(
    extension: str, damage: list[tuple[int, int]]
) -> None:
    data = bytearray(encoded(extension))
    for position, value in damage:
        data[position % len(data)] = value
    try:
        image = decode(bytes(data), pixels_max=1_000_000)
    except ImageError:
        return
    assert image.shape[0] * image.shape[1] <= 1_000_000


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\xff\x4f\xff\x51"]), st.binary(max_size=200))
def test_any_bytes_are_an_image_or_an_image_error(signature: bytes, tail: bytes) -> None:
    try:
        decode(signature + tail)
    except ImageError:
        pass


def test_size_in_a_changed_jpeg_header_does_not_get_past_the_limit() -> None:
    data = bytearray(encoded(".jpg"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 10_000, 10_000)
    with pytest.raises(ImageError) as caught:
        decode(bytes(data))
    assert caught.value.code == "IMAGE_SIZE"


BOMB = """
import sys
from egate.errors import ImageError
from egate.inference.image.decoder import decode
def peak_kb():  # of this program; getrusage's would be that of the process it was forked from
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
data = open(sys.argv[1], "rb").read()
before = peak_kb()
try:
    decode(data, pixels_max=int(sys.argv[2]))
    print("decoded", end=" ")
except ImageError as error:
    print(error.code, end=" ")
print((peak_kb() - before) // 1024)
"""


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_hundred_megapixels_cost_no_memory(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "bomb"
    if kind == "png":
        path.write_bytes(png(10_000, 10_000, rows=bytes(10_001 * 10_000)))
    else:
        path.write_bytes(cv2.imencode(".jpg", np.zeros((10_000, 10_000), np.uint8))[1].tobytes())

    def peak_mb(pixels_max: int) -> tuple[str, int]:
        command = [sys.executable, "-c", BOMB, str(path), str(pixels_max)]
        verdict, grown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        return verdict, int(grown)

    verdict, grown = peak_mb(20_000_000)
    assert (verdict, grown < 10) == ("IMAGE_SIZE", True), grown
    # The control: without the limit the same bytes do cost what we guard against.
    verdict, grown = peak_mb(200_000_000)
    assert (verdict, grown > 200) == ("decoded", True), grown


def test_second_header_with_another_size_is_refused() -> None:
    # One reader takes the first, another the last: the size that was bounded would not be the size that is decoded.
    small = struct.pack(">IIBBBBB", 20, 20, 8, 0, 0, 0, 0)
    with pytest.raises(ImageError, match="not where it belongs"):
        decode(png(1000, 1000, (b"IHDR", small), rows=bytes(1001 * 1000)))
    jpeg = encoded(".jpg")
    frame = jpeg.index(b"\xff\xc0")
    segment = jpeg[frame : frame + 2 + int.from_bytes(jpeg[frame + 2 : frame + 4], "big")]
    with pytest.raises(ImageError, match="two frames"):
        decode(jpeg[:frame] + segment + jpeg[frame:])


def test_codestream_hidden_in_another_box_does_not_state_the_size() -> None:
    whole = encoded(".jp2")
    decoy = b"\xff\x4f\xff\x51" + struct.pack(">HHIIII", 41, 0, 20, 20, 0, 0)
    box = struct.pack(">I", 8 + len(decoy)) + b"uuid" + decoy  # after the signature and the file type box
    assert decode(whole[:32] + box + whole[32:]).shape == (60, 80, 3)
    with pytest.raises(ImageError) as caught:
        decode(whole[:32] + box + whole[32:], pixels_max=1000)
    assert caught.value.code == "IMAGE_SIZE"


def jpeg2000(pixels: NDArray[np.unsignedinteger[Any]]) -> bytes:
    return bytes(cv2.imencode(".jp2", pixels, [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000])[1].tobytes())  # lossless


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("bare", [False, True])
def test_jpeg2000_of_any_kind_on_a_chip(depth: int, colours: int, bare: bool) -> None:
    pixels = PIXELS if colours == 3 else PIXELS[:, :, :1]
    whole = jpeg2000(pixels if depth == 8 else pixels.astype(np.uint16) * 257)
    data = whole[whole.index(b"\xff\x4f\xff\x51") :] if bare else whole
    assert (decode(data) == np.broadcast_to(pixels[:, :, ::-1], (60, 80, 3))).all()
    grey = decode_grey(data).pixels
    assert grey.shape == (60, 80)
    assert colours == 3 or (grey == pixels[:, :, 0]).all()


@pytest.mark.parametrize(
    ("offset", "value", "code"),
    [
        (8, struct.pack(">II", 3_000, 3_000), "IMAGE_SIZE"),
        (24, struct.pack(">II", 1, 1), "IMAGE_SIZE"),  # 4,800 tiles
        (24, bytes(8), "IMAGE_FORMAT"),  # tiles of no size
        (40, struct.pack(">H", 5), "IMAGE_FORMAT"),
        (40, bytes(2), "IMAGE_FORMAT"),
        (42, b"\x0b", "IMAGE_FORMAT"),  # 12 bits
        (42, b"\x87", "IMAGE_FORMAT"),  # signed
        (43, b"\x04", "IMAGE_FORMAT"),  # every fourth sample
    ],
)
def test_jpeg2000_that_costs_more_than_a_portrait_is_refused(offset: int, value: bytes, code: str) -> None:
    data = bytearray(jpeg2000(PIXELS))
    at = data.index(b"\xff\x4f\xff\x51") + offset
    data[at : at + len(value)] = value
    with pytest.raises(ImageError) as caught:
        decode(bytes(data))
    assert caught.value.code == code


def test_jpeg2000_with_a_palette_is_refused() -> None:
    whole = jpeg2000(PIXELS)
    with pytest.raises(ImageError, match="palette"):
        decode(whole[:32] + struct.pack(">I", 12) + b"pclr" + bytes(4) + whole[32:])


@pytest.mark.corpus
@pytest.mark.skipif(not SPECIMEN.is_dir(), reason="corpus absent: set EGATE_CORPUS")
def test_portraits_and_signature_of_the_specimen_decode() -> None:
    portrait = decode(parse_dg2((SPECIMEN / "EF_DG2.bin").read_bytes()).image)
    displayed = decode(parse_dg5((SPECIMEN / "EF_DG5.bin").read_bytes())[0].image)
    signature = decode(parse_dg7((SPECIMEN / "EF_DG7.bin").read_bytes())[0].image)
    assert (portrait.shape, displayed.shape, signature.shape) == ((531, 413, 3), (531, 413, 3), (142, 550, 3))
    assert portrait.std() > 20  # a picture, not a flat field


def test_resolution_is_read_from_png_and_jfif() -> None:
    per_metre = struct.pack(">IIB", 19_685, 19_685, 1)
    grey = decode_grey(png(32, 32, (b"pHYs", per_metre), rows=bytes(33 * 32)))
    assert grey.dpi == pytest.approx(500, abs=0.1)
    assert grey.pixels.shape == (32, 32)
    jpeg = bytearray(encoded(".jpg"))
    jfif = jpeg.index(b"JFIF\x00")
    jpeg[jfif + 7 : jfif + 12] = b"\x01" + struct.pack(">HH", 500, 500)
    assert decode_grey(bytes(jpeg)).dpi == 500
    jpeg[jfif + 7] = 2  # per centimetre
    assert decode_grey(bytes(jpeg)).dpi == pytest.approx(1270)
    jpeg[jfif + 7] = 0  # aspect ratio only
    assert decode_grey(bytes(jpeg)).dpi is None


def test_repr_shows_no_pixels() -> None:
    assert repr(decode_grey(encoded(".png"))) == "GreyImage(redacted)"


def test_transparent_parts_of_a_page_are_white() -> None:
    """A scan with round corners is a page like others; a face may not hide behind transparency."""
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[:, :, 2], pixels[:, :16, 3], pixels[:, 16:, 3] = 200, 255, 0  # red, left half opaque
    for image in (pixels, pixels.astype(np.uint16) * 257):
        done, data = cv2.imencode(".png", image)
        assert done
        page = decode_page(data.tobytes())
        assert page.dtype == np.uint8
        assert page[0, 0].tolist() == [200, 0, 0]
        assert page[0, 31].tolist() == [255, 255, 255]
        with pytest.raises(ImageError) as caught:
            decode(data.tobytes())
        assert caught.value.code == "IMAGE_ALPHA"
