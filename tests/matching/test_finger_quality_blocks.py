"""Goal: the block kernels of finger quality do what a few lines of numpy and OpenCV do."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from egate.matching.finger.quality import block_kernels as kernels
from egate.matching.finger.quality.block_kernels import BLOCK, BORDER, LONG, SHORT, WINDOW

U1 = NDArray[np.uint8]
F8 = NDArray[np.float64]


def texture(height: int, width: int, seed: int = 1) -> U1:
    """Ridges that bend, and noise."""
    rows, columns = np.mgrid[:height, :width]
    waves = np.sin(0.7 * (columns * np.cos(rows / 90) + rows * np.sin(columns / 70)))
    noise = np.random.default_rng(seed).normal(0, 20, (height, width))
    return np.asarray(np.clip(128 + 80 * waves + noise, 0, 255), np.uint8)


def profiles() -> list[U1]:
    """Rows across the ridges: sines of several periods, noise, a step, a slope, nothing."""
    random = np.random.default_rng(2)
    across = np.arange(LONG)[:, None]
    waves = [120 + 90 * np.sin(2 * np.pi * across / period + phase) for period in (5, 7, 9, 13) for phase in (0.0, 1.9)]
    plain = [np.full((LONG, 1), 7.0), across * 7.0, (across > 12) * 200.0, across % 2 * 255.0]
    noisy = [random.integers(0, 256, (LONG, SHORT)).astype(float) for _ in range(20)]
    mixed = [wave + random.normal(0, 60, (LONG, SHORT)) for wave in waves for _ in range(5)]
    return [
        np.clip(np.broadcast_to(p, (LONG, SHORT)), 0, 255).astype(np.uint8) for p in (*waves, *plain, *noisy, *mixed)
    ]


def gradients(block: U1) -> tuple[F8, F8]:
    """x, y: central differences, one-sided at the edges."""
    grey = block.astype(np.float64)
    return tuple(np.gradient(grey, axis=axis) if grey.shape[axis] > 1 else np.zeros_like(grey) for axis in (1, 0))  # type: ignore[return-value]


def ridges_twin(profile: U1) -> tuple[F8, NDArray[np.bool_]]:
    means, place = profile.mean(axis=1), np.arange(1, LONG + 1)
    line = np.polyval(np.round(np.polyfit(place, means, 1), 10), place)
    return np.asarray(line, np.float64), np.asarray(means < line)


def widths_twin(ridge: NDArray[np.bool_], end: int) -> tuple[list[int], list[bool]]:
    """Distances of the changes before `end` from each other, the first from 0, and whether each is a ridge."""
    changes = np.flatnonzero(ridge[1:end] != ridge[: end - 1])
    return np.diff(changes, prepend=0).tolist(), ridge[changes].tolist()


def clarity_twin(profile: U1) -> float:
    line, ridge = ridges_twin(profile)
    widths, kind = widths_twin(ridge, LONG)
    ridge_widths = [width for width, is_ridge in zip(widths, kind, strict=True) if is_ridge]
    valley_widths = [width for width, is_ridge in zip(widths, kind, strict=True) if not is_ridge]
    if not ridge_widths or not valley_widths:
        return 0.0
    if not (3 <= np.mean(ridge_widths) <= 10 and 2 <= np.mean(valley_widths) <= 10):
        return 0.0
    dark_valley = (profile[~ridge] < line[~ridge, None]).mean()
    light_ridge = (profile[ridge] >= line[ridge, None]).mean()
    return 1.0 - float(dark_valley + light_ridge) / 2.0


def ratios_twin(profile: U1) -> list[float]:
    _, ridge = ridges_twin(profile)
    changes = np.flatnonzero(ridge[1 : LONG - 1] != ridge[: LONG - 2])
    if len(changes) < 4:
        return []
    widths = np.diff(changes)[1:][::-1]
    ratios = widths[:-1] / widths[1:]
    begin = int(ridge[changes[0] + 1])
    ratios[begin::2] = 1.0 / ratios[begin::2]
    return [float(ratio) for ratio in ratios]


def dominance_twin(profile: U1) -> float:
    amplitude = np.abs(np.fft.fft(profile.mean(axis=1)))[1:]
    peak = int(np.argmax(amplitude[:16].round(9)))
    if peak == 0 or amplitude[:15].sum() < 1e-9:
        return 1.0
    return float((amplitude[peak] + 0.3 * (amplitude[peak - 1] + amplitude[peak + 1])) / amplitude[:15].sum())


@pytest.mark.parametrize("shape", [(96, 128), (101, 70), (66, 34), (64, 64)])
def test_plain_blocks_are_those_of_numpy(shape: tuple[int, int]) -> None:
    image = texture(*shape)
    found = kernels.plain_blocks(image)
    assert found.shape[:2] == (math.ceil(shape[0] / BLOCK), math.ceil(shape[1] / BLOCK))
    for row, column in np.ndindex(*found.shape[:2]):
        block = image[row * BLOCK : (row + 1) * BLOCK, column * BLOCK : (column + 1) * BLOCK]
        gx, gy = gradients(block)
        covariance = np.cov(np.stack([gx.ravel(), gy.ravel()]), bias=True) + np.outer(
            [gx.mean(), gy.mean()], [gx.mean(), gy.mean()]
        )
        small, large = np.linalg.eigvalsh(covariance)
        squares = (gx + 1j * gy) ** 2
        expected = [
            block.mean(),
            block.var(),
            1 - small / large,
            abs(squares.sum()) / np.abs(squares).sum(),
            block.size,
        ]
        if block.size < BLOCK * BLOCK:
            expected[2] = np.nan
        np.testing.assert_allclose(found[row, column], expected, rtol=1e-9)


def test_blocks_without_a_gradient_have_no_certainty() -> None:
    flat = np.full((64, 64), 9, np.uint8)
    assert np.isnan(kernels.plain_blocks(flat)[..., 2]).all()
    corner = np.zeros(1, np.int64)
    assert kernels.certainties(flat, corner, corner).tolist() == [0.0]


def test_certainties_are_those_of_the_blocks() -> None:
    image = texture(96, 96)
    left, top = (values.ravel().astype(np.int64) for values in np.meshgrid([0, 32, 64], [0, 32, 64]))
    np.testing.assert_allclose(kernels.certainties(image, left, top), kernels.plain_blocks(image)[..., 2].ravel())


@pytest.mark.parametrize("offset", [0, BORDER])
@pytest.mark.parametrize("transposed", [False, True])
def test_blocks_are_turned_as_opencv_turns_them(offset: int, transposed: bool) -> None:
    """One in 500 pixels may come from the next place: OpenCV 5 rounds otherwise than 4, with which the official outputs agree."""
    image = texture(120, 120)
    wrong = 0
    for angle in np.linspace(-1.57, 3.1, 60):
        window = image[32 : 32 + WINDOW, 32 : 32 + WINDOW]
        # Of a part of an image the border is what lies around it: so NFIQ 2 pads, perhaps without meaning to.
        padded = image[32 - offset : 32 + WINDOW + offset, 32 - offset : 32 + WINDOW + offset] if offset else window
        centre = (padded.shape[1] / 2.0, padded.shape[0] / 2.0)
        matrix = cv2.getRotationMatrix2D(centre, math.degrees(angle), 1.0)
        turned = cv2.warpAffine(np.ascontiguousarray(padded), matrix, (WINDOW, WINDOW), flags=cv2.INTER_NEAREST)
        expected = turned[2:34, 10:26] if transposed else turned[10:26, 2:34].T
        profile = np.empty((LONG, SHORT), np.uint8)
        kernels.upright(image, 32, 32, angle, offset, transposed, profile)
        wrong += int((profile != expected).sum())
    assert wrong <= 60 * LONG * SHORT // 500


def test_what_lies_outside_the_image_is_black() -> None:
    profile = np.empty((LONG, SHORT), np.uint8)
    kernels.upright(np.full((WINDOW, WINDOW), 200, np.uint8), 0, 0, math.pi / 4, BORDER, False, profile)
    assert set(np.unique(profile)) == {0, 200}


@pytest.mark.parametrize("profile", profiles())
def test_measures_of_a_profile_are_those_of_numpy(profile: U1) -> None:
    assert kernels.local_clarity(profile) == pytest.approx(clarity_twin(profile), abs=1e-12)
    assert kernels.dominance(profile) == pytest.approx(dominance_twin(profile), abs=1e-9)
    ratios = np.zeros(kernels.RATIOS_MAX)
    count = kernels.uniformity(profile, ratios)
    assert ratios[:count].tolist() == pytest.approx(ratios_twin(profile))


def test_slanted_blocks_measure_the_foreground_only() -> None:
    image = texture(160, 160)
    foreground = np.zeros((4, 4), np.uint8)
    foreground[1, 2] = 1
    orientation, frequency, clarity, _, counts = kernels.slanted_blocks(image, foreground)
    for row, column in np.ndindex(4, 4):
        top, left = BORDER + row * BLOCK, BORDER + column * BLOCK
        gx, gy = gradients(image[top : top + BLOCK, left : left + BLOCK])
        angle = 0.5 * math.atan2((gx * gy).mean(), (gx * gx).mean() - (gy * gy).mean())
        assert orientation[row, column] == pytest.approx(angle, abs=1e-12)
        assert np.isnan(clarity[row, column]) == np.isnan(frequency[row, column]) == (not foreground[row, column])
    profile = np.empty((LONG, SHORT), np.uint8)
    kernels.upright(image, 32, 64, orientation[1, 2], 0, False, profile)
    assert clarity[1, 2] == kernels.local_clarity(profile) > 0.0
    kernels.upright(image, 32, 64, orientation[1, 2] + math.pi / 2, BORDER, True, profile)
    assert frequency[1, 2] == kernels.dominance(profile)
    kernels.upright(image, 32, 64, orientation[1, 2], BORDER, False, profile)
    assert counts[1, 2] == kernels.uniformity(profile, np.zeros(kernels.RATIOS_MAX)) > 0
    assert counts.sum() == counts[1, 2]
