"""From a finger image's bytes to 500 dpi: whose resolution counts, what is refused before it costs anything, and what resampling keeps."""

from __future__ import annotations

import io
import math
import tracemalloc
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from egate.domain.biometric import Image
from egate.errors import ImageError
from egate.inference.finger.image import STORED_PIXELS_MAX, finger_dpi, finger_image
from egate.inference.finger.resolution import DPI, PIXELS_MAX, choose_dpi, cubic_taps, resample

NAN, INFINITE = math.nan, math.inf
SIDE = 300


def waves(period_px: float, side: int = SIDE, degrees: float = 30.0) -> Image:
    """Straight ridges, at pixel centres: black at phase pi."""
    y, x = np.mgrid[:side, :side] + 0.5
    along = x * np.cos(np.radians(degrees)) + y * np.sin(np.radians(degrees))
    return np.asarray(np.rint(127.5 + 100 * np.cos(2 * np.pi * along / period_px)), np.uint8)


def saved(pixels: Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("stated", "asked", "otherwise", "chosen"),
    [
        ((500.0, 500.0), None, None, 500.0),
        ((1000.0, 1009.0), None, None, 1000.0),
        ((1000.0, None), None, None, 1000.0),
        ((1000.0, 1000.0), 500.0, None, 500.0),  # the request wins
        ((0.0, NAN), 500.0, None, 500.0),
        ((None, None), 1000.0, 500.0, 1000.0),
        ((None, None), None, 500.0, 500.0),
        ((71.98, 71.98), None, 500.0, 500.0),  # a screen's
        ((96.0, 96.0), None, 750.0, 750.0),
        ((95.99, 95.99), 500.0, None, 500.0),
        ((1000.0, 1000.0), None, 500.0, 1000.0),  # what the caller holds is for images that state none
    ],
)
def test_whose_resolution_counts(
    stated: tuple[float | None, float | None], asked: float | None, otherwise: float | None, chosen: float
) -> None:
    assert choose_dpi(stated[0], asked, stated_y=stated[1], otherwise=otherwise) == chosen


@pytest.mark.parametrize("wrong", [0.0, -500.0, NAN, INFINITE, -INFINITE, 1.0, 249.0, 2001.0, 19_685.0])
def test_resolution_that_none_has_is_refused_whoever_says_it(wrong: float) -> None:
    for arguments in (
        (wrong, None, wrong, None),
        (500.0, wrong, 500.0, None),
        (None, None, None, wrong),
        (500.0, None, wrong, None),
    ):
        stated, asked, stated_y, otherwise = arguments
        with pytest.raises(ImageError) as caught:
            choose_dpi(stated, asked, stated_y=stated_y, otherwise=otherwise)
        assert caught.value.code == "FINGER_RESOLUTION"
    with pytest.raises(ImageError) as caught:
        resample(waves(9), wrong)
    assert caught.value.code == "FINGER_RESOLUTION"


@pytest.mark.parametrize("stated", [None, 72.0, 96.0, 72.009])
def test_image_that_states_none_is_refused(stated: float | None) -> None:
    with pytest.raises(ImageError, match="states no resolution") as caught:
        choose_dpi(stated)
    assert caught.value.code == "FINGER_RESOLUTION"


def test_pixels_that_are_no_squares_are_refused() -> None:
    with pytest.raises(ImageError, match="no squares") as caught:
        choose_dpi(500.0, stated_y=506.0)
    assert caught.value.code == "FINGER_RESOLUTION"
    with pytest.raises(ImageError, match="no squares"):
        finger_image(saved(waves(9), dpi=(500, 1000)))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "JPEG"])
def test_file_brings_its_resolution(kind: str) -> None:
    image = finger_image(saved(waves(18), kind, dpi=(1000, 1000)))
    assert image.dpi == pytest.approx(1000, abs=0.1)
    assert resample(image.pixels, image.dpi).shape == (SIDE // 2, SIDE // 2)
    asked = finger_image(saved(waves(9), kind, dpi=(1000, 1000)), 500.0)
    assert asked.dpi == 500.0
    assert repr(asked) == "Impression(redacted)"


def test_file_without_one_is_refused_unless_the_caller_says() -> None:
    data = saved(waves(9))
    with pytest.raises(ImageError) as caught:
        finger_image(data)
    assert caught.value.code == "FINGER_RESOLUTION"
    assert finger_image(data, otherwise=500.0).dpi == finger_image(data, 500.0).dpi == finger_dpi(data, 500.0) == DPI


@pytest.mark.parametrize(
    ("width", "height", "dpi"),
    [
        (5000, 4000, 500.0),
        (4000, 4000, 2000.0),
        (641, 640, 500.0),
        (63, 300, 500.0),
        (100, 600, 1000.0),
        (300, 400, 250.0),
    ],
)
def test_image_too_large_or_too_small_is_refused_before_it_is_decoded(width: int, height: int, dpi: float) -> None:
    data = saved(np.zeros((height, width), np.uint8))
    tracemalloc.start()
    if (width, height, dpi) == (300, 400, 250.0):  # 600 x 800 at 500 dpi
        assert width * height < PIXELS_MAX
    with pytest.raises(ImageError) as caught:
        finger_image(data, dpi)
    assert caught.value.code in ("FINGER_IMAGE_SIZE", "IMAGE_SIZE")
    with pytest.raises(ImageError):
        finger_dpi(data, dpi)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000


def test_large_image_is_refused_before_it_is_resampled() -> None:
    with pytest.raises(ImageError) as caught:
        resample(np.broadcast_to(np.uint8(0), (100_000, 100_000)), 1000.0)  # takes no memory, and would take 20 GB
    assert caught.value.code == "FINGER_IMAGE_SIZE"


def test_stored_bound_is_the_engine_s_at_the_highest_resolution() -> None:
    assert STORED_PIXELS_MAX == 16 * PIXELS_MAX


@pytest.mark.parametrize("dpi", [500.0, 499.999, 500.38, 502.5])
def test_image_of_500_dpi_stays_as_it_is(dpi: float) -> None:
    image = waves(9)
    assert resample(image, dpi) is image


@pytest.mark.parametrize("dpi", [250.0, 385.0, 600.0, 750.0, 1000.0, 1200.0, 2000.0])
def test_ridges_keep_their_place_and_height(dpi: float) -> None:
    """Ridges of 9 px at 500 dpi, drawn at dpi, are those drawn at 500 dpi: nowhere shifted, hardly fainter."""
    factor = dpi / DPI
    resampled = resample(waves(9 * factor, round(SIDE * factor)), dpi)
    assert resampled.shape == (SIDE, SIDE)
    difference = resampled.astype(int) - waves(9)
    inner = difference[8:-8, 8:-8]
    assert np.sqrt(np.mean(inner.astype(float) ** 2)) < (6.0 if dpi > 300 else 14.0)  # of 71; a shift by 0.5 px has 25
    assert abs(inner.mean()) < 0.5


def test_size_that_is_no_whole_number_does_not_stretch() -> None:
    """301 px at 1000 dpi are 150.5 at 500: the last column must not be pulled to where there is none."""
    resampled = resample(waves(18, 601), 1000.0)
    assert np.abs(resampled[8:-8, 8:-8].astype(int) - waves(9, resampled.shape[0])[8:-8, 8:-8]).max() < 8


@pytest.mark.parametrize(
    ("dpi", "period_px"), [(1000.0, 2.8), (1000.0, 3.2), (2000.0, 6.0), (2000.0, 5.0), (750.0, 2.2)]
)
def test_detail_that_500_dpi_cannot_show_does_not_come_back_as_ridges(dpi: float, period_px: float) -> None:
    """Below two pixels at 500 dpi a pattern folds back to a longer one. The control: the cubic filter alone lets it."""
    fine = waves(period_px, 600, 0.0)
    inner = resample(fine, dpi)[8:-8, 8:-8]
    alone = cv2.resize(fine, None, fx=DPI / dpi, fy=DPI / dpi, interpolation=cv2.INTER_CUBIC)[8:-8, 8:-8]
    assert inner.std() < 15.0 < 35.0 < alone.std()


def test_low_pass_is_keys_kernel() -> None:
    """Keys 1981, equation 15, at half steps: 1, 9/16, 0, -1/16; halved, so that they sum to one."""
    assert cubic_taps(1.0) == pytest.approx([0.0, 1.0, 0.0])
    assert cubic_taps(2.0) == pytest.approx(np.array([-1 / 16, 0, 9 / 16, 1, 9 / 16, 0, -1 / 16]) / 2)
