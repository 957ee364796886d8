"""Goal: decoded images never take more than the budget, whoever sends them and however many; and what a decoder takes is foreseen.

Memory is measured in a process of its own. The control: without the budget the same images do take what it guards against.
"""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import wsq  # noqa: F401  Pillow's plugin: writes WSQ
from PIL import Image as Pillow

from egate.domain.biometric import Image
from egate.errors import ImageError
from egate.inference.image.budget import BYTES_PER_PIXEL, BYTES_PER_PIXEL_ALPHA, MIB, ImageBudget, decoding_bytes
from egate.inference.image.bytes import Format, Header
from egate.inference.image.decoder import PIXELS_MAX, read_bounded
from egate.inference.image.jpeg2000 import JPEG2000_PIXELS_MAX

WAIT_S = 10.0


def jpeg(width: int, height: int) -> bytes:
    return bytes(cv2.imencode(".jpg", np.full((height, width), 90, np.uint8))[1].tobytes())


@pytest.fixture(scope="module")
def picture() -> Pillow.Image:
    """8 megapixels, smooth."""
    small = np.random.default_rng(1).integers(0, 255, (50, 80, 3), np.uint8)
    return Pillow.fromarray(cv2.resize(small, (3200, 2500)))


def encoded(picture: Pillow.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def sixteen_bits(picture: Pillow.Image) -> bytes:
    pixels = np.dstack([np.asarray(picture), np.full(picture.size[::-1], 255, np.uint8)]).astype(np.uint16) * 257
    return bytes(cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes())


def turned() -> bytes:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    return exif.tobytes()


KINDS: dict[str, Callable[[Pillow.Image], bytes]] = {
    "JPEG": lambda picture: encoded(picture, "JPEG"),
    "progressive JPEG": lambda picture: encoded(picture, "JPEG", progressive=True, subsampling=0),
    "progressive JPEG of four colours": lambda picture: encoded(picture.convert("CMYK"), "JPEG", progressive=True),
    "JPEG on its side": lambda picture: encoded(picture, "JPEG", exif=turned()),
    "PNG": lambda picture: encoded(picture, "PNG", compress_level=1),
    "PNG on its side": lambda picture: encoded(picture, "PNG", compress_level=1, exif=turned()),
    "PNG of 16 bits with alpha": sixteen_bits,
    "JPEG 2000": lambda picture: encoded(picture.crop((0, 0, 1600, 1200)), "JPEG2000"),
    "JPEG 2000 of 16 bits": lambda picture: bytes(
        cv2.imencode(".jp2", np.asarray(picture.crop((0, 0, 1600, 1200))).astype(np.uint16) * 257)[1].tobytes()
    ),
    "WSQ": lambda picture: encoded(picture.convert("L").crop((0, 0, 2000, 1600)), "WSQ"),
    "BMP": lambda picture: encoded(picture.crop((0, 0, 1600, 1200)), "BMP"),
    "TIFF with a predictor": lambda picture: encoded(
        picture.crop((0, 0, 1600, 1200)), "TIFF", compression="tiff_lzw", tiffinfo={317: 2, 278: 1200}
    ),
}

PEAK = """
import sys
from egate.inference.image.decoder import decode, decode_grey
def kb(field):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(field))
if sys.argv[3] == "print":
    decode = decode_grey
decode(open(sys.argv[2], "rb").read())  # a small one of the same kind: libraries, compiled kernels
data = open(sys.argv[1], "rb").read()
open("/proc/self/clear_refs", "w").write("5")  # proc(5): the peak begins anew
before = kb("VmRSS")
decode(data)
print((kb("VmHWM") - before) * 1024)
"""


@pytest.mark.parametrize("kind", list(KINDS))
def test_decoding_takes_no_more_than_foreseen(tmp_path: Path, picture: Pillow.Image, kind: str) -> None:
    large, small = tmp_path / "large", tmp_path / "small"
    large.write_bytes(KINDS[kind](picture))
    small.write_bytes(KINDS[kind](picture.resize((128, 128))))
    is_print = kind.startswith(("BMP", "TIFF"))
    command = [sys.executable, "-c", PEAK, str(large), str(small), "print" if is_print else "picture"]
    grown = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    foreseen = decoding_bytes(read_bounded(large.read_bytes(), prints=is_print))
    assert grown <= foreseen + 4 * MIB  # of the allocator and the file
    assert grown >= foreseen / 5  # a bound that is no fiction


def test_the_smallest_budget_holds_one_of_the_largest_images() -> None:
    largest = {Format.JPEG: PIXELS_MAX, Format.PNG: PIXELS_MAX, Format.JPEG2000: JPEG2000_PIXELS_MAX}
    for kind, pixels in largest.items():
        assert pixels * BYTES_PER_PIXEL[kind] <= 256 * MIB
    assert PIXELS_MAX // 2 * BYTES_PER_PIXEL_ALPHA <= 256 * MIB
    assert decoding_bytes(Header(5000, 4000)) == 240_000_000


def test_images_that_fit_together_are_looked_at_together_and_the_next_waits_its_turn() -> None:
    budget = ImageBudget(1)  # MiB; 200 x 200 pixels are 0.46
    order: list[str] = []
    begun, go = threading.Barrier(3), threading.Event()

    def hold(image: Image) -> None:
        begun.wait(WAIT_S)
        assert go.wait(WAIT_S)

    with ThreadPoolExecutor(4) as threads:
        held = [threads.submit(budget.look, jpeg(200, 200), hold) for _ in range(2)]
        begun.wait(WAIT_S)  # both at once
        large = threads.submit(budget.look, jpeg(290, 290), lambda image: order.append("large"))
        while budget.waiting == 0:
            assert not large.done()
        # It would fit at once, but the large one came first; beside the large one it does not fit.
        small = threads.submit(budget.look, jpeg(64, 64), lambda image: order.append("small"))
        while budget.waiting < 2:
            assert not small.done()
        assert order == []
        go.set()
        for each in (*held, large, small):
            each.result(WAIT_S)
    assert order == ["large", "small"]
    assert budget.bytes_taken == 0


def test_an_image_larger_than_all_of_it_is_looked_at_alone() -> None:
    budget = ImageBudget(1)
    assert budget.look(jpeg(1000, 1000), lambda image: (image.shape, budget.bytes_taken)) == ((1000, 1000, 3), MIB)
    assert budget.bytes_taken == 0


@pytest.mark.parametrize("data", [b"", b"<html>", jpeg(100, 100)[:-9], jpeg(100, 100)[:300] + b"\xff\xd9"])
def test_what_is_refused_gives_back_what_it_took(data: bytes) -> None:
    budget = ImageBudget(1)
    for _ in range(5):
        with pytest.raises(ImageError):
            budget.look(data, len)
    with pytest.raises(ZeroDivisionError):
        budget.look(jpeg(300, 300), lambda image: 1 / 0)
    assert budget.bytes_taken == budget.waiting == 0


FLOOD = """
import sys
from concurrent.futures import ThreadPoolExecutor
from egate.inference.image.budget import ImageBudget
from egate.inference.image.decoder import decode
def kb(field):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(field))
data = open(sys.argv[1], "rb").read()
if sys.argv[2] == "budget":
    budget = ImageBudget()
    look = budget.look
else:  # the planted fault
    look = lambda data, see: see(decode(data))
open("/proc/self/clear_refs", "w").write("5")
before = kb("VmRSS")
with ThreadPoolExecutor(8) as threads:
    shapes = list(threads.map(lambda _: look(data, lambda image: image.shape), range(64)))
assert shapes == [(4000, 5000, 3)] * 64
print((kb("VmHWM") - before) // 1024)
"""


def test_sixty_four_images_of_twenty_megapixels_take_the_budget_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    path.write_bytes(jpeg(5000, 4000))

    def peak_mib(how: str) -> int:
        command = [sys.executable, "-c", FLOOD, str(path), how]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert peak_mib("budget") <= 256 + 16
    assert peak_mib("no budget") > 400  # 64 images, 8 threads
