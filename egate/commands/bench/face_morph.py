"""A morph of two photographs: one face that resembles two people, in the picture of the first.

The second photograph is brought into the first one's frame, both faces are bent to the shape between them (thin-plate spline
through the five points; a ring around the face and the frame of the image stay where they are), the second one's colours are brought to
the first one's, and inside the ring the pixels are mixed. Five points are few: ears, hair line and chin may show twice. An
attacker retouches that by hand; the embedding networks hardly look there.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import Image
from egate.inference.face.chip import cut
from egate.matching.face.align import similarity

Floats = NDArray[np.float64]

# Where the five points and the ring around the face are, in a square of side 1; points: as in the 150 px chips of dlib.
POINTS = np.array([(0.313, 0.291), (0.671, 0.290), (0.504, 0.526), (0.333, 0.686), (0.653, 0.683)], np.float32)
RING_CENTRE, RING_RADII = (0.5, 0.5), (0.48, 0.56)  # chosen: forehead to chin, ear to ear
RING_COUNT = 12
FEATHER = 0.12  # blur of the ring's edge in its widths; chosen: no seam is seen
GRID = 64  # nodes along a side at which the spline is computed
DEVIATION_MIN = 1.0  # grey levels; a flat patch has no contrast that could be matched


def morph(
    first: Image, first_points: NDArray[np.float32], second: Image, second_points: NDArray[np.float32], share: float
) -> Image:
    """(h, w, 3) uint8 of the shape of first. points: (5, 2) pixels. share: of the second face, in [0, 1]; 0 gives first, unchanged.

    Raises ValueError if share is outside or the points coincide. The same input gives the same pixels.
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"share {share!r} is not in [0, 1]")
    height, width = first.shape[:2]
    matrix = similarity(second_points, first_points)
    second = cut(second, matrix, width, height)
    second_points = (second_points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    between = (1.0 - share) * first_points.astype(np.float64) + share * second_points
    ring = _ring(between)
    fixed = np.concatenate([ring, _frame(width, height)])
    left = _bent(first, between, first_points, fixed).astype(np.float32)
    right = _bent(second, between, second_points, fixed).astype(np.float32)
    mask = _mask(ring, width, height)
    face = (1.0 - share) * left + share * _coloured(right, left, mask > 0.5)
    weight = mask[:, :, np.newaxis]
    mixed = (
        1.0 - weight
    ) * first + weight * face  # outside the ring nothing changes, not even what the spline bends there
    return np.asarray(np.clip(np.rint(mixed), 0, 255), np.uint8)


def _bent(image: Image, target: Floats, source: NDArray[np.float32], fixed: Floats) -> Image:
    """image with source moved to target and fixed left alone. Thin-plate spline: Bookstein, IEEE PAMI 11(6), 1989."""
    knots = np.concatenate([target, fixed])
    n = len(knots)
    system = np.zeros((n + 3, n + 3))
    system[:n, :n] = _kernel(knots, knots)
    system[:n, n:] = np.column_stack([np.ones(n), knots])
    system[n:, :n] = system[:n, n:].T
    wanted = np.concatenate([source.astype(np.float64), fixed, np.zeros((3, 2))])
    weights = np.linalg.lstsq(system, wanted, rcond=None)[0]
    height, width = image.shape[:2]
    # The spline is smooth: it is computed on a coarse grid, whose cells' centres cv2.resize spreads over the pixels.
    across, down = ((np.arange(GRID) + 0.5) * side / GRID - 0.5 for side in (width, height))
    nodes = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)
    moved = np.column_stack([_kernel(nodes, knots), np.ones(len(nodes)), nodes]) @ weights - nodes
    shift = cv2.resize(moved.reshape(GRID, GRID, 2), (width, height), interpolation=cv2.INTER_LINEAR)
    x, y = (np.asarray(axis, np.float32) for axis in np.meshgrid(np.arange(width), np.arange(height)))
    bent = cv2.remap(
        image,
        x + shift[:, :, 0].astype(np.float32),
        y + shift[:, :, 1].astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(bent, np.uint8)


def _kernel(points: Floats, knots: Floats) -> Floats:
    """(n, m) r² log r²; 0 where they coincide."""
    squared = ((points[:, np.newaxis] - knots) ** 2).sum(axis=2)
    return np.asarray(squared * np.log(np.maximum(squared, 1e-12)), np.float64)


def _ring(points: Floats) -> Floats:
    """(RING_COUNT, 2) points around a face, in pixels of its image; they may lie outside."""
    matrix = similarity(POINTS, points.astype(np.float32))
    angle = np.linspace(0.0, 2.0 * np.pi, RING_COUNT, endpoint=False)
    ellipse = np.array(RING_CENTRE) + np.column_stack([np.cos(angle), np.sin(angle)]) * RING_RADII
    return np.asarray(ellipse @ matrix[:, :2].T + matrix[:, 2], np.float64)


def _frame(width: int, height: int) -> Floats:
    """Corners of an image and the middles of its edges."""
    right, bottom = width - 1.0, height - 1.0
    corners = [(0.0, 0.0), (right, 0.0), (0.0, bottom), (right, bottom)]
    middles = [(right / 2, 0.0), (right / 2, bottom), (0.0, bottom / 2), (right, bottom / 2)]
    return np.array(corners + middles)


def _mask(ring: Floats, width: int, height: int) -> NDArray[np.float32]:
    """(h, w) 1 inside the ring, falling to 0 at it."""
    mask = np.zeros((height, width), np.float32)
    inner = ring.mean(axis=0) + (1.0 - FEATHER) * (ring - ring.mean(axis=0))
    cv2.fillPoly(mask, [np.rint(inner).astype(np.int32)], 1.0)
    sigma = FEATHER / 2.0 * float(np.ptp(ring[:, 0]))
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), sigma), np.float32)


def _coloured(image: NDArray[np.float32], model: NDArray[np.float32], where: NDArray[np.bool_]) -> NDArray[np.float32]:
    """image with mean and deviation of each channel inside where as model has them."""
    if not where.any():
        return image
    mean, wanted = image[where].mean(axis=0), model[where].mean(axis=0)
    gain = model[where].std(axis=0) / np.maximum(image[where].std(axis=0), DEVIATION_MIN)
    return np.asarray((image - mean) * gain + wanted, np.float32)
