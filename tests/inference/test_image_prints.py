"""Prints as scanners and databases write them: what every kind of file becomes, to the pixel, and what is refused by which name."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from egate.domain.biometric import Image
from egate.errors import ImageError
from egate.inference.image.decoder import decode, decode_grey
from egate.inference.image.header import Format, read_header
from egate.inference.image.tiff import ENTRY_COUNT_MAX, STRIP_COUNT_MAX
from egate.inference.image.tiff_kernel import unpack_lzw, unpack_packbits
from tests.inference import tiff_files as made
from tests.inference.tiff_files import RATIONAL, SHORT, Value, grey_tags, tiff

HEIGHT, WIDTH = 60, 45  # no multiple of four or eight: rows are padded
RIDGES = np.rint(128 + 100 * np.sin(np.add.outer(0.7 * np.arange(HEIGHT), 0.4 * np.arange(WIDTH)))).astype(np.uint8)
COLOURS = np.dstack([RIDGES, 255 - RIDGES, RIDGES // 2])
LUMINANCE = COLOURS @ np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


def saved(pixels: Any, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture = pixels if isinstance(pixels, Pillow.Image) else Pillow.fromarray(pixels)
    picture.save(file, kind, **options)
    return file.getvalue()


def refusal(data: bytes) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode_grey(data)
    return caught.value


# One image in all formats


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "packbits", "tiff_deflate", "tiff_adobe_deflate"])
@pytest.mark.parametrize("predictor", [1, 2])
def test_tiff_of_another_writer(compression: str | None, predictor: int) -> None:
    tags = {317: predictor} if compression not in (None, "packbits") else {}
    data = saved(RIDGES, "TIFF", compression=compression, tiffinfo=tags)
    assert read_header(data).format is Format.TIFF
    assert (decode_grey(data).pixels == RIDGES).all()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("rows", [1, 7, HEIGHT])
@pytest.mark.parametrize("compression", [1, 5, 8, 32946, 32773])
def test_tiff_in_strips_of_either_byte_order(order: str, rows: int, compression: int) -> None:
    pack = made.PACKERS[compression]
    strips = [pack(RIDGES[at : at + rows].tobytes()) for at in range(0, HEIGHT, rows)]
    data = tiff({**grey_tags(WIDTH, HEIGHT), 259: ([compression], SHORT), 278: ([rows], SHORT)}, strips, order)
    assert (decode_grey(data).pixels == RIDGES).all()


@pytest.mark.parametrize("extension", [".png", ".bmp", ".pgm", ".jp2", ".jpg"])
def test_other_formats(extension: str) -> None:
    options = [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000] if extension == ".jp2" else [cv2.IMWRITE_JPEG_QUALITY, 100]
    data = cv2.imencode(extension, RIDGES, options)[1].tobytes()
    pixels = decode_grey(data).pixels
    assert (pixels == RIDGES).all() if extension != ".jpg" else np.abs(pixels.astype(int) - RIDGES).max() <= 3


@pytest.mark.parametrize("kind", ["TIFF", "BMP"])
def test_formats_of_prints_are_none_of_pictures(kind: str) -> None:
    with pytest.raises(ImageError, match=f"image is {kind}: read are") as caught:
        decode(saved(COLOURS, kind))
    assert caught.value.code == "IMAGE_FORMAT"


# Depths, colours, polarity


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("predictor", [False, True])
def test_tiff_of_sixteen_bits_loses_the_lower_eight(order: str, predictor: bool) -> None:
    samples = RIDGES.astype(np.uint16) * 256 + 77
    stored = np.diff(samples, axis=1, prepend=np.uint16(0)) if predictor else samples
    tags: dict[int, Value | None] = {**grey_tags(WIDTH, HEIGHT), 258: [16], 317: [1 + predictor]}
    data = tiff(tags, [stored.astype(f"{order}u2").tobytes()], order)
    assert (decode_grey(data).pixels == RIDGES).all()


@pytest.mark.parametrize("kind", ["TIFF", "BMP", "PNG"])
def test_colours_become_their_luminance(kind: str) -> None:
    assert np.abs(decode_grey(saved(COLOURS, kind)).pixels - LUMINANCE).max() < 1.5  # libpng cuts off, OpenCV rounds


def test_tiff_of_colours_with_a_predictor() -> None:
    tags: dict[int, Value | None] = {
        **grey_tags(WIDTH, HEIGHT), 258: ([8, 8, 8], SHORT), 259: [8], 262: [2], 277: [3], 317: [2],
    }  # fmt: skip
    data = tiff(tags, [zlib.compress(made.differences(COLOURS).tobytes())])
    assert np.abs(decode_grey(data).pixels - LUMINANCE).max() <= 1


def test_white_may_be_zero_in_tiff() -> None:
    data = tiff({**grey_tags(WIDTH, HEIGHT), 262: [0]}, [(255 - RIDGES).tobytes()])
    assert (decode_grey(data).pixels == RIDGES).all()


@pytest.mark.parametrize("kind", ["TIFF", "BMP", "PNG"])
def test_palette_is_looked_up(kind: str) -> None:
    """Also where it runs the other way: index 0 is white in many a scanner's file."""
    picture = Pillow.fromarray(255 - RIDGES).convert("P")
    picture.putpalette([value for index in range(256) for value in (255 - index,) * 3])
    assert (decode_grey(saved(picture, kind)).pixels == RIDGES).all()


@pytest.mark.parametrize("kind", ["TIFF", "BMP", "PNG"])
def test_two_colours_become_black_and_white(kind: str) -> None:
    two = RIDGES >= 128
    assert (decode_grey(saved(Pillow.fromarray(two), kind)).pixels == np.where(two, 255, 0)).all()


def test_png_of_sixteen_bits() -> None:
    data = cv2.imencode(".png", RIDGES.astype(np.uint16) * 257)[1].tobytes()
    assert np.abs(decode_grey(data).pixels.astype(int) - RIDGES).max() <= 1


@pytest.mark.parametrize("kind", ["TIFF", "PNG"])
def test_transparent_print_is_refused(kind: str) -> None:
    clear = np.dstack([RIDGES, np.zeros_like(RIDGES)])
    assert refusal(saved(Pillow.fromarray(clear, "LA"), kind)).code == "IMAGE_ALPHA"


def test_bmp_from_the_top_and_of_32_bits() -> None:
    data = bytearray(saved(RIDGES, "BMP"))
    data[22:26] = struct.pack("<i", -HEIGHT)
    assert (decode_grey(bytes(data)).pixels == RIDGES[::-1]).all()
    rows = np.dstack([COLOURS[::-1, :, ::-1], np.zeros_like(RIDGES)]).tobytes()
    head = struct.pack("<2sIII", b"BM", 54 + len(rows), 0, 54)
    head += struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 32, 0, 0, 0, 0, 0, 0)
    assert np.abs(decode_grey(head + rows).pixels - LUMINANCE).max() <= 1


def test_tiff_lies_as_it_says() -> None:
    data = tiff(
        {**grey_tags(WIDTH, HEIGHT), 274: [6], 282: ([500, 1], RATIONAL), 283: ([510, 1], RATIONAL)}, [RIDGES.tobytes()]
    )
    image = decode_grey(data)
    assert (image.pixels == np.rot90(RIDGES, -1)).all()
    assert (image.dpi, image.dpi_y) == (510.0, 500.0)


# Resolution, across and down


@pytest.mark.parametrize(
    ("x", "y", "unit", "stated"),
    [
        ([500, 1], [1000, 1], 2, (500.0, 1000.0)),
        ([197, 1], [197, 1], 3, (500.38, 500.38)),
        ([500, 1], [500, 1], 1, (None, None)),
        ([5000, 10], [5000, 10], None, (500.0, 500.0)),
        ([1, 0], [1, 0], 2, (float("inf"), float("inf"))),
    ],
)
def test_resolution_in_tiff(x: list[int], y: list[int], unit: int | None, stated: tuple[float, float]) -> None:
    tags: dict[int, Value | None] = {282: (x, RATIONAL), 283: (y, RATIONAL), **({} if unit is None else {296: [unit]})}
    image = decode_grey(tiff({**grey_tags(WIDTH, HEIGHT), **tags}, [RIDGES.tobytes()]))
    assert (image.dpi, image.dpi_y) == (stated if stated[0] is None else pytest.approx(stated))


def test_resolution_that_is_no_number_in_tiff() -> None:
    dpi = decode_grey(tiff({**grey_tags(WIDTH, HEIGHT), 282: ([0, 0], RATIONAL)}, [RIDGES.tobytes()])).dpi
    assert dpi is not None and np.isnan(dpi)


@pytest.mark.parametrize("kind", ["TIFF", "BMP", "PNG", "JPEG"])
def test_resolution_that_another_writer_states(kind: str) -> None:
    image = decode_grey(saved(RIDGES, kind, dpi=(500, 750)))
    assert (image.dpi, image.dpi_y) == pytest.approx((500, 750), abs=0.02)


def test_bmp_without_a_resolution() -> None:
    data = bytearray(saved(RIDGES, "BMP", dpi=(500, 500)))
    data[38:46] = bytes(8)
    assert decode_grey(bytes(data)).dpi is None


@pytest.mark.parametrize(
    ("kind", "ratio", "stated"),
    [
        (b"resc", (19685, 1, 19685, 1, 0, 0), (500.0, 500.0)),
        (b"resd", (3937, 10, 1968, 10, 2, 2), (499.9, 1000.0)),  # down first
        (b"resc", (1, 0, 1, 1, 0, 0), (0.0254, float("inf"))),
    ],
)
def test_resolution_in_jpeg2000(kind: bytes, ratio: tuple[int, ...], stated: tuple[float, float]) -> None:
    image = decode_grey(with_box(kind, struct.pack(">HHHHbb", *ratio)))
    assert (image.dpi, image.dpi_y) == pytest.approx(stated, abs=0.05)
    assert image.pixels.shape == (HEIGHT, WIDTH)


def test_malformed_resolution_in_jpeg2000_is_none() -> None:
    assert decode_grey(with_box(b"resc", b"\x00" * 9)).dpi is None


def with_box(kind: bytes, body: bytes) -> bytes:
    """JP2 with a resolution box at the end of its header box."""
    whole = cv2.imencode(".jp2", RIDGES)[1].tobytes()
    at = whole.index(b"jp2h") - 4
    size = int.from_bytes(whole[at : at + 4], "big")
    box = struct.pack(">I4s", 16 + len(body), b"res ") + struct.pack(">I4s", 8 + len(body), kind) + body
    return whole[:at] + struct.pack(">I", size + len(box)) + whole[at + 4 : at + size] + box + whole[at + size :]


# What is refused, by which name

PLAIN = RIDGES.tobytes()


@pytest.mark.parametrize(
    ("tags", "code", "says"),
    [
        ({322: [16], 323: [16]}, "IMAGE_FORMAT", "tiles"),
        ({338: [0]}, "IMAGE_ALPHA", "extra sample"),
        ({259: [4]}, "IMAGE_FORMAT", "fax"),
        ({259: [7]}, "IMAGE_FORMAT", "JPEG"),
        ({259: [99]}, "IMAGE_FORMAT", "not read"),
        ({258: [4]}, "IMAGE_FORMAT", "neither grey"),
        ({258: [32]}, "IMAGE_FORMAT", "neither grey"),
        ({262: [6]}, "IMAGE_FORMAT", "neither grey"),
        ({262: [3]}, "IMAGE_CORRUPT", "lacks tag 320"),
        ({277: [2]}, "IMAGE_CORRUPT", "tag 258 malformed"),
        ({277: [200_000_000]}, "IMAGE_CORRUPT", "tag 258 malformed"),
        ({277: [0]}, "IMAGE_CORRUPT", "tag 258 malformed"),
        ({339: [3]}, "IMAGE_FORMAT", "unsigned integers"),
        ({266: [2]}, "IMAGE_FORMAT", "reversed bits"),
        ({317: [3]}, "IMAGE_FORMAT", "predictor"),
        ({256: None}, "IMAGE_CORRUPT", "lacks tag 256"),
        ({257: [0]}, "IMAGE_FORMAT", "no size"),
        ({256: [0]}, "IMAGE_FORMAT", "no size"),
        ({278: [0]}, "IMAGE_FORMAT", "no size"),
        ({256: [70_000], 257: [70_000], 278: [70_000]}, "IMAGE_SIZE", "pixels"),
        ({257: [4_000_000_000], 278: [1]}, "IMAGE_SIZE", f"more than {STRIP_COUNT_MAX} strips"),
        ({279: [4_000_000_000]}, "IMAGE_TRUNCATED", ""),
        ({273: [4_000_000_000]}, "IMAGE_TRUNCATED", ""),
        ({273: [8, 8]}, "IMAGE_CORRUPT", "tag 273 malformed"),
        ({278: [HEIGHT // 2], 273: [8, 8], 279: [2600, 2600]}, "IMAGE_CORRUPT", "share"),
        ({257: [HEIGHT + 1], 278: [HEIGHT + 1]}, "IMAGE_TRUNCATED", ""),
        ({282: [500]}, "IMAGE_CORRUPT", "tag 282 malformed"),
    ],
)
def test_tiff_is_refused_by_name(tags: dict[int, Value | None], code: str, says: str) -> None:
    caught = refusal(tiff({**grey_tags(WIDTH, HEIGHT), **tags}, [PLAIN]))
    assert (caught.code, says in str(caught)) == (code, True), caught


def test_several_pages_and_loops_are_refused() -> None:
    one = tiff(grey_tags(WIDTH, HEIGHT), [PLAIN])
    directory = int.from_bytes(one[4:8], "little")
    for following in (directory, 8, len(one), 0xFFFFFFFF):  # itself, pixels, the end, far away
        assert "several pages" in str(refusal(one[:-4] + struct.pack("<I", following)))
    pages = saved(RIDGES, "TIFF", save_all=True, append_images=[Pillow.fromarray(RIDGES)])
    assert "several pages" in str(refusal(pages))


def test_directory_that_names_a_tag_twice_or_has_too_many() -> None:
    one = tiff(grey_tags(WIDTH, HEIGHT), [PLAIN])
    directory = int.from_bytes(one[4:8], "little")
    twice = bytearray(one)
    twice[directory + 14 : directory + 16] = one[directory + 2 : directory + 4]
    assert "twice" in str(refusal(bytes(twice)))
    for count in (0, ENTRY_COUNT_MAX + 1, 65_535):
        assert "entries" in str(refusal(one[:directory] + struct.pack("<H", count) + one[directory + 2 :]))


@pytest.mark.parametrize("compression", [5, 8, 32773])
def test_strip_that_unpacks_to_more_or_less_is_refused(compression: int) -> None:
    pack = made.PACKERS[compression]
    tags: dict[int, Value | None] = {**grey_tags(WIDTH, HEIGHT), 259: [compression]}
    assert (decode_grey(tiff(tags, [pack(PLAIN)])).pixels == RIDGES).all()
    assert refusal(tiff(tags, [pack(PLAIN[:-1])])).code == "IMAGE_TRUNCATED"
    assert refusal(tiff(tags, [pack(PLAIN)[:-40]])).code in ("IMAGE_TRUNCATED", "IMAGE_CORRUPT")
    if compression != 32773:  # which ends where the pixels do
        assert refusal(tiff(tags, [pack(PLAIN + bytes(300))])).code == "IMAGE_CORRUPT"


def test_strip_that_is_whole_but_for_its_checksum_is_refused() -> None:
    packed = zlib.compress(PLAIN)
    tags: dict[int, Value | None] = {**grey_tags(WIDTH, HEIGHT), 259: [8]}
    assert refusal(tiff(tags, [packed[:-2]])).code == "IMAGE_TRUNCATED"
    assert refusal(tiff(tags, [packed[:-1] + bytes([packed[-1] ^ 1])])).code == "IMAGE_CORRUPT"


def test_deflate_bomb_is_not_inflated() -> None:
    bomb = zlib.compress(bytes(50_000_000))
    tags: dict[int, Value | None] = {**grey_tags(WIDTH, HEIGHT), 259: [8]}
    data = tiff(tags, [bomb])
    tracemalloc.start()
    assert refusal(data).code == "IMAGE_CORRUPT"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(bomb) + 1_000_000


@pytest.mark.parametrize("kind", ["TIFF", "BMP"])
@pytest.mark.parametrize("pixels", [RIDGES, COLOURS])
def test_print_cut_anywhere_is_refused(kind: str, pixels: Image) -> None:
    whole = saved(pixels, kind)
    for length in range(0, len(whole) - 3, 1 if pixels.ndim == 2 else 7):
        with pytest.raises(ImageError):
            read_header(whole[:length])


@pytest.mark.parametrize(
    ("offset", "value", "code"),
    [
        (30, struct.pack("<I", 1), "IMAGE_FORMAT"),  # run lengths
        (28, struct.pack("<H", 16), "IMAGE_FORMAT"),
        (14, struct.pack("<I", 12), "IMAGE_FORMAT"),
        (18, struct.pack("<i", -5), "IMAGE_FORMAT"),
        (22, struct.pack("<i", -(2**31)), "IMAGE_TRUNCATED"),
        (18, struct.pack("<ii", 2**31 - 1, 2**31 - 1), "IMAGE_TRUNCATED"),
        (46, struct.pack("<I", 2**32 - 1), "IMAGE_CORRUPT"),
        (46, struct.pack("<I", 17), "IMAGE_CORRUPT"),  # fewer colours than are used
        (10, struct.pack("<I", 54), "IMAGE_CORRUPT"),  # pixels inside the palette
    ],
)
def test_bmp_is_refused_by_name(offset: int, value: bytes, code: str) -> None:
    data = bytearray(saved(RIDGES, "BMP"))
    data[offset : offset + len(value)] = value
    assert refusal(bytes(data)).code == code


def test_bigtiff_is_named() -> None:
    assert "BigTIFF" in str(refusal(b"II+\x00" + bytes(40)))


# Kernels against their twins


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=1, max_size=600), st.integers(1, 40), st.sampled_from([300, 600, 4094]))
def test_what_is_packed_comes_back(data: bytes, times: int, clear_at: int) -> None:
    data = data * times
    out = np.empty(len(data), np.uint8)
    packed = made.pack_lzw(data, clear_at)
    assert unpack_lzw(np.frombuffer(packed, np.uint8), out) == len(data)
    assert out.tobytes() == data == made.unpack_lzw(packed)
    out[:] = 0
    assert unpack_packbits(np.frombuffer(made.pack_packbits(data), np.uint8), out) == len(data)
    assert out.tobytes() == data


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, 511), max_size=250))
def test_wrong_codes_are_wrong_to_kernel_and_twin(codes: list[int]) -> None:
    data = made.bits([(256, 9), *((code, 9) for code in codes)])  # below 255 codes: all of nine bits
    out = np.empty(100_000, np.uint8)
    count = int(unpack_lzw(np.frombuffer(data, np.uint8), out))
    try:
        expected = made.unpack_lzw(data)
    except KeyError:
        assert count == -1
        return
    assert out[: max(count, 0)].tobytes() == expected


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 200))
def test_any_bytes_unpack_within_their_room(data: bytes, room: int) -> None:
    for unpack in (unpack_lzw, unpack_packbits):
        whole = np.full(room + 64, 7, np.uint8)
        assert -1 <= int(unpack(np.frombuffer(data, np.uint8), whole[:room])) <= room
        assert (whole[room:] == 7).all()
