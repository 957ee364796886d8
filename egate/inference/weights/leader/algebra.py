"""What the conversion of LEADER multiplies out beforehand. All in float64; the caller rounds once.

No matrix product here goes through BLAS: its order of additions differs between machines, and the file is pinned by hash.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from egate.inference.weights.leader.weights import Floats, Layer

Order = NDArray[np.int64]

# Nearest upsampling by 2: output 2i + phase reads input (2i + phase + tap) // 2 for the taps -2..2 of a 5x5 kernel.
PHASE_TAPS = ((0, 0, 1, 1, 2), (0, 1, 1, 2, 2))  # which of the inputs i - 1, i, i + 1


def product(left: Floats, right: Floats) -> Floats:
    """left @ right, its terms added in order."""
    total = np.zeros((left.shape[0], right.shape[1]))
    for index in range(left.shape[1]):
        total += left[:, index, None] * right[None, index]
    return total


def applied(layer: Layer, values: Floats) -> Floats:
    """A 1x1 layer of one position: matrix @ values + bias."""
    return product(layer.matrix, values[:, None])[:, 0] + layer.bias


def chained(first: Layer, second: Layer) -> Layer:
    """Two 1x1 layers as one."""
    return Layer(product(second.matrix, first.matrix)[:, :, None, None], applied(second, first.bias))


def behind_affine(gamma: Floats, beta: Floats, layer: Layer) -> Layer:
    """The 1x1 layer that computes of x what layer computes of gamma * x + beta."""
    return Layer(layer.weight * gamma[None, :, None, None], applied(layer, beta))


def reading(layer: Layer, order: Order) -> Layer:
    """The layer for planes of which number i is what layer calls number order[i]."""
    if layer.depthwise:
        return Layer(layer.weight[order], layer.bias[order], depthwise=True)
    return Layer(layer.weight[:, order], layer.bias)


def widened(layer: Layer, filters: int, channels: int) -> Layer:
    """The layer with filters and channels of zeros behind its own, up to these numbers; a depthwise one has a channel a filter."""
    more = filters - len(layer.weight), 0 if layer.depthwise else channels - layer.weight.shape[1]
    weight = np.pad(layer.weight, ((0, more[0]), (0, more[1]), (0, 0), (0, 0)))
    return Layer(weight, np.pad(layer.bias, (0, more[0])), layer.depthwise)


def union(near: Layer, far: Layer) -> Layer:
    """Two 5x5 layers of the same planes, the second with dilation 2, as one of 9x9; far's filters are behind near's."""
    wide = np.zeros((len(far.weight), far.weight.shape[1], 9, 9))
    wide[:, :, ::2, ::2] = far.weight
    narrow = np.pad(near.weight, ((0, 0), (0, 0), (2, 2), (2, 2)))
    return Layer(np.concatenate([narrow, wide]), np.concatenate([near.bias, far.bias]))


def phases(layer: Layer) -> Layer:
    """A 5x5 layer behind a nearest upsampling by 2, as a 3x3 layer before it: filter 4k + 2a + b gives filter k's positions
    (2i + a, 2j + b).

    The borders agree too: the two rows of zeros around the large image are one around the small one.
    """
    filters, channels = layer.weight.shape[:2]
    weight = np.zeros((filters, 2, 2, channels, 3, 3))
    for a, rows in enumerate(PHASE_TAPS):
        for b, columns in enumerate(PHASE_TAPS):
            for i, row in enumerate(rows):
                for j, column in enumerate(columns):
                    weight[:, a, b, :, row, column] += layer.weight[:, :, i, j]
    return Layer(weight.reshape(4 * filters, channels, 3, 3), np.repeat(layer.bias, 4))
