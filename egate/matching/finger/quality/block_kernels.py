"""Numba kernels of the block features of NFIQ 2: one pass over the image for each of its two grids of 32 x 32 pixels.

`plain_blocks` works on the grid that starts at the image's corner, `slanted_blocks` on the one that leaves two pixels free, because there
each block is looked at turned upright, in a window of 36 x 36. What is measured is defined by NFIQ 2 (NIST, github.com/usnistgov/NFIQ2,
quality_modules/; ISO/IEC 29794-4:2017 names the measures); its quirks are kept, since its forest was trained with them: the orientation
is half of atan2(c, a - b) where theory has 2c, and windows of two measures are turned about a point two pixels off.

Both grids are here because numba's cache is keyed by the file of the outermost kernel. Each has a twin in
tests/matching/test_finger_quality_blocks.py. They release the GIL.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
U1 = NDArray[np.uint8]

BLOCK = 32  # pixels, NFIQ 2 Sizes::LocalRegionSquare
BORDER = 2  # of the slanted grid: half of what a 32 x 16 block's diagonal (36) exceeds BLOCK
WINDOW = BLOCK + 2 * BORDER
LONG, SHORT = 32, 16  # pixels of the upright block: across the ridges and along them
RATIOS_MAX = LONG  # ridge-to-valley ratios of one block: fewer than its columns
PLAIN_COLUMNS = 5  # of plain_blocks: mean grey, its variance, orientation certainty, coherence, pixels
FIXED_POINT = 1024  # cv2.warpAffine samples in steps of 1/1024 pixel when it takes the nearest

# LCS, at 500 dpi in pixels: mean widths of ridges and valleys outside these are no ridges.
RIDGE_WIDTHS = (3.0, 10.0)
VALLEY_WIDTHS = (2.0, 10.0)
WIDTH_UNIT = 20.0  # pixels; NFIQ 2 compares in this unit, and widths of exactly 3 pixels hang on how it rounds
AMPLITUDE_MIN = 1e-9  # grey levels; what sines computed in double precision leave of nothing
FIT_DECIMALS = 1e10  # the fitted line's coefficients are rounded, or ties would hang on the last bit


@njit(cache=True, error_model="numpy", nogil=True)
def plain_blocks(image: U1) -> F8:
    """(rows, columns, 5) of the blocks from the corner, those cut by the image's end included: PLAIN_COLUMNS.

    image: (h, w), C-contiguous. Orientation certainty is NaN for a block that is cut or without any gradient.
    """
    height, width = image.shape
    rows, columns = (height + BLOCK - 1) // BLOCK, (width + BLOCK - 1) // BLOCK
    found = np.empty((rows, columns, PLAIN_COLUMNS))
    for row in range(rows):
        for column in range(columns):
            top, left = row * BLOCK, column * BLOCK
            bottom, right = min(top + BLOCK, height), min(left + BLOCK, width)
            total = squares = 0.0
            for y in range(top, bottom):
                for x in range(left, right):
                    grey = float(image[y, x])
                    total += grey
                    squares += grey * grey
            pixels = float((bottom - top) * (right - left))
            a, b, c, coherence = gradient_sums(image, top, left, bottom, right)
            found[row, column, 0] = total / pixels
            found[row, column, 1] = max(squares / pixels - (total / pixels) ** 2, 0.0)
            found[row, column, 2] = certainty(a, b, c) if pixels == BLOCK * BLOCK else np.nan
            found[row, column, 3] = coherence
            found[row, column, 4] = pixels
    return found


@njit(cache=True, error_model="numpy", nogil=True)
def certainties(image: U1, left: I8, top: I8) -> F8:
    """(n,) orientation certainty of the blocks of 32 x 32 whose corners these are, 0 where there is no gradient.

    left, top: (n,), the blocks wholly inside the image.
    """
    found = np.zeros(len(left))
    for index in range(len(left)):
        a, b, c, _ = gradient_sums(image, top[index], left[index], top[index] + BLOCK, left[index] + BLOCK)
        value = certainty(a, b, c)
        found[index] = value if value >= 0.0 else 0.0
    return found


@njit(cache=True, error_model="numpy", nogil=True)
def slanted_blocks(image: U1, foreground: U1) -> tuple[F8, F8, F8, F8, I8]:
    """Orientation, frequency domain analysis, local clarity, ridge-to-valley ratios and their number, of every block.

    image: (h, w), C-contiguous. foreground: (rows, columns) of the slanted grid; of other blocks only the orientation is computed.
    Returns orientation (rows, columns) in radians, across the ridges; FDA and LCS likewise, NaN in the background; ratios
    (rows, columns, RATIOS_MAX) and how many of them there are.
    """
    rows, columns = foreground.shape
    orientation = np.zeros((rows, columns))
    frequency, clarity = np.full((rows, columns), np.nan), np.full((rows, columns), np.nan)
    ratios = np.zeros((rows, columns, RATIOS_MAX))
    counts = np.zeros((rows, columns), np.int64)
    profile = np.empty((LONG, SHORT), np.uint8)
    for row in range(rows):
        for column in range(columns):
            top, left = BORDER + row * BLOCK, BORDER + column * BLOCK
            a, b, c, _ = gradient_sums(image, top, left, top + BLOCK, left + BLOCK)
            angle = 0.5 * math.atan2(c, a - b)
            orientation[row, column] = angle
            if not foreground[row, column]:
                continue
            top, left = row * BLOCK, column * BLOCK
            upright(image, top, left, angle + 0.5 * math.pi, BORDER, True, profile)
            frequency[row, column] = dominance(profile)
            upright(image, top, left, angle, 0, False, profile)
            clarity[row, column] = local_clarity(profile)
            upright(image, top, left, angle, BORDER, False, profile)
            counts[row, column] = uniformity(profile, ratios[row, column])
    return orientation, frequency, clarity, ratios, counts


@njit(cache=True, error_model="numpy", nogil=True)
def gradient_sums(image: U1, top: int, left: int, bottom: int, right: int) -> tuple[float, float, float, float]:
    """Means of gx², gy², gx·gy over a block, and the coherence of its gradients in [0, 1].

    Gradients are central differences, at the block's own edges one-sided: nothing outside the block counts. 0 along a side of 1 pixel.
    """
    a = b = c = length = 0.0
    for y in range(top, bottom):
        above, below = max(y - 1, top), min(y + 1, bottom - 1)
        for x in range(left, right):
            before, after = max(x - 1, left), min(x + 1, right - 1)
            gx = (float(image[y, after]) - float(image[y, before])) / max(after - before, 1)
            gy = (float(image[below, x]) - float(image[above, x])) / max(below - above, 1)
            xx, yy, xy = gx * gx, gy * gy, gx * gy
            a += xx
            b += yy
            c += xy
            length += xx + yy  # sqrt((gx² - gy²)² + (2 gx gy)²)
    pixels = (bottom - top) * (right - left)
    coherence = math.sqrt((a - b) ** 2 + 4.0 * c * c) / length if length > 0.0 else 0.0
    return a / pixels, b / pixels, c / pixels, coherence


@njit(cache=True, error_model="numpy", nogil=True)
def certainty(a: float, b: float, c: float) -> float:
    """Orientation certainty: 1 - smaller / larger eigenvalue of the gradients' covariance; NaN without gradient."""
    root = math.sqrt((a - b) ** 2 + 4.0 * c * c)
    larger, smaller = (a + b + root) / 2.0, (a + b - root) / 2.0
    return 1.0 - smaller / larger if larger != 0.0 else np.nan


@njit(cache=True, error_model="numpy", nogil=True)
def upright(image: U1, top: int, left: int, angle: float, offset: int, transposed: bool, profile: U1) -> None:
    """Writes the block turned by angle into profile: (LONG, SHORT), rows across the ridges.

    top, left: corner of its window of 36 x 36. Pixels outside the window are 0. offset: by how much the window's centre lies right of
    and below the turned block's; transposed: rows of the turned window are the long side. As cv2.warpAffine with INTER_NEAREST does it,
    to the pixel.
    """
    centre = WINDOW / 2.0 + offset
    cosine, sine = math.cos(angle), math.sin(angle)
    shift_x, shift_y = (1.0 - cosine) * centre + sine * centre, (1.0 - cosine) * centre - sine * centre
    far, near = WINDOW // 2 - LONG // 2, WINDOW // 2 - SHORT // 2
    for i in range(LONG):
        for j in range(SHORT):
            x, y = (near + j, far + i) if transposed else (far + i, near + j)
            # Inverse of the rotation matrix of cv2.getRotationMatrix2D.
            from_x = rounded((-sine * y + shift_x) * FIXED_POINT) + rounded(cosine * x * FIXED_POINT)
            from_y = rounded((cosine * y + shift_y) * FIXED_POINT) + rounded(sine * x * FIXED_POINT)
            source_x = (from_x + FIXED_POINT // 2) // FIXED_POINT - offset
            source_y = (from_y + FIXED_POINT // 2) // FIXED_POINT - offset
            inside = min(source_x, source_y) >= -offset and max(source_x, source_y) < WINDOW + offset
            source_x, source_y = left + source_x, top + source_y
            inside = inside and 0 <= source_x < image.shape[1] and 0 <= source_y < image.shape[0]
            profile[i, j] = image[source_y, source_x] if inside else 0


@njit(cache=True, error_model="numpy", nogil=True)
def rounded(value: float) -> int:
    """To the nearest integer, halves to the even one, as OpenCV's saturate_cast."""
    return int(np.rint(value))


@njit(cache=True, error_model="numpy", nogil=True)
def dominance(profile: U1) -> float:
    """Frequency domain analysis: the strongest frequency of the profile, with 0.3 of its neighbours, as a share of all.

    1 if it is the lowest, or there is none but the highest.
    """
    amplitudes = np.empty(LONG // 2 + 1)
    means = row_means(profile)
    for k in range(LONG // 2 + 1):
        real = imaginary = 0.0
        for i in range(LONG):
            phase = 2.0 * math.pi * ((k * i) % LONG) / LONG
            real += means[i] * math.cos(phase)
            imaginary += means[i] * math.sin(phase)
        amplitudes[k] = math.sqrt(real * real + imaginary * imaginary)
    peak = 1 + int(np.argmax(amplitudes[1:]))
    total = amplitudes[1 : LONG // 2].sum()
    if peak == 1 or total < AMPLITUDE_MIN:
        return 1.0
    beyond = amplitudes[peak + 1] if peak < LONG // 2 else amplitudes[LONG // 2 - 1]  # the spectrum is symmetric
    share: float = (amplitudes[peak] + 0.3 * (amplitudes[peak - 1] + beyond)) / total
    return share


@njit(cache=True, error_model="numpy", nogil=True)
def local_clarity(profile: U1) -> float:
    """Local clarity: how few pixels of ridges are as light as valleys and the reverse; 0 if the widths are none of ridges."""
    line, ridge = ridges(profile)
    ridge_width, ridge_count, valley_width, valley_count = 0.0, 0, 0.0, 0
    last = 0
    for i in range(1, LONG):
        if ridge[i] == ridge[i - 1]:
            continue
        if ridge[i - 1]:
            ridge_width += (i - 1 - last) / WIDTH_UNIT
            ridge_count += 1
        else:
            valley_width += (i - 1 - last) / WIDTH_UNIT
            valley_count += 1
        last = i - 1
    if ridge_count == 0 or valley_count == 0:
        return 0.0
    ridge_width *= 1.0 / ridge_count
    valley_width *= 1.0 / valley_count
    if not (
        RIDGE_WIDTHS[0] / WIDTH_UNIT <= ridge_width <= RIDGE_WIDTHS[1] / WIDTH_UNIT
        and VALLEY_WIDTHS[0] / WIDTH_UNIT <= valley_width <= VALLEY_WIDTHS[1] / WIDTH_UNIT
    ):
        return 0.0
    light, dark, ridge_pixels = 0, 0, 0
    for i in range(LONG):
        for j in range(SHORT):
            if ridge[i]:
                ridge_pixels += 1
                light += profile[i, j] >= line[i]
            else:
                dark += profile[i, j] < line[i]
    return 1.0 - (dark / (LONG * SHORT - ridge_pixels) + light / ridge_pixels) / 2.0


@njit(cache=True, error_model="numpy", nogil=True)
def uniformity(profile: U1, ratios: F8) -> int:
    """Ridge-valley uniformity: ratios of the widths of neighbouring whole ridges and valleys, the last first; how many there are."""
    _, ridge = ridges(profile)
    change = np.empty(LONG, np.int64)
    changes = 0
    for i in range(1, LONG - 1):
        if ridge[i] != ridge[i - 1]:
            change[changes] = i - 1
            changes += 1
    count = max(
        changes - 3, 0
    )  # of widths there are changes - 1; the first, cut by NFIQ 2 although it is whole, does not count
    starts_with_ridge = int(ridge[change[0] + 1]) if changes else 0
    for m in range(count):
        last = changes - 1 - m
        ratio = (change[last] - change[last - 1]) / (change[last - 1] - change[last - 2])
        ratios[m] = 1.0 / ratio if m >= starts_with_ridge and (m - starts_with_ridge) % 2 == 0 else ratio
    return count


@njit(cache=True, error_model="numpy", nogil=True)
def ridges(profile: U1) -> tuple[F8, U1]:
    """The line fitted to the profile's means, and where they are darker than it: ridges are 1, valleys 0."""
    means = row_means(profile)
    middle = (LONG + 1) / 2.0
    covariance = variance = 0.0
    for i in range(LONG):
        covariance += (i + 1 - middle) * means[i]
        variance += (i + 1 - middle) ** 2
    slope = covariance / variance
    intercept = np.floor((means.mean() - slope * middle) * FIT_DECIMALS + 0.5) / FIT_DECIMALS
    slope = np.floor(slope * FIT_DECIMALS + 0.5) / FIT_DECIMALS
    line = np.empty(LONG)
    ridge = np.empty(LONG, np.uint8)
    for i in range(LONG):
        line[i] = (i + 1) * slope + intercept
        ridge[i] = means[i] < line[i]
    return line, ridge


@njit(cache=True, error_model="numpy", nogil=True)
def row_means(profile: U1) -> F8:
    means = np.empty(LONG)
    for i in range(LONG):
        total = 0
        for j in range(SHORT):
            total += profile[i, j]
        means[i] = total / SHORT
    return means
