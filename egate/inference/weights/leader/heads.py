"""The three heads of LEADER: where minutiae are, their directions and their types.

A head is an inverted bottleneck and a 1x1 layer to four planes, an upsampling, normalisation, a 1x1 layer and a 5x5 one. All but the last
work position by position, so they go before the upsampling, and the last becomes phases of a 3x3 one.

The first head runs on the whole image. The other two say something at peaks of the first only, so they run on windows around those: of
9x9 positions a depthwise 7x7 kernel leaves 3x3, and the 3x3 layer one.
"""

from __future__ import annotations

import numpy as np

from egate.inference.weights.leader.algebra import behind_affine, chained, phases, widened
from egate.inference.weights.leader.blocks import Bottleneck, Planes, add_bottleneck, bottleneck, expanded
from egate.inference.weights.leader.nodes import Nodes
from egate.inference.weights.leader.peaks import OUTER, Windows
from egate.inference.weights.leader.weights import Floats, Layer, LeaderWeights

CHANNELS = 4  # of a head behind its bottleneck
INNER = 3  # side of a window behind the depthwise kernel
MARGIN = (OUTER - INNER) // 2
STRIPS = True  # the heads work at half the image's size


def head_block(given: LeaderWeights, name: str, value: Planes) -> Bottleneck:
    """The head's bottleneck and the 1x1 layer behind it."""
    adjust = given.layer(f"{name}_ibc_conv_adj_1/BiasAdd:0")
    return bottleneck(given, f"{name}_ibc", value.order, chained(adjust, given.layer(f"{name}_conv1_1/BiasAdd:0")))


def add_position(nodes: Nodes, given: LeaderWeights, value: Planes) -> str:
    """(1, 1, h, w) in 0..1: how much each pixel looks like a minutia."""
    rows = nodes.rows(add_bottleneck(nodes, value, head_block(given, "head_0", value), CHANNELS, strips=STRIPS))
    planes = nodes.planes(_activated(nodes, given, rows, "head_0"))
    last = nodes.convolution(planes, phases(given.layer_before("head_conv_pos_1/Sigmoid:0")))
    return nodes.add("Sigmoid", nodes.add("DepthToSpace", last, blocksize=2, mode="CRD"))


def add_window_head(nodes: Nodes, given: LeaderWeights, value: Planes, windows: Windows, name: str, last: Layer) -> str:
    """(n, filters): what the head says at the n peaks in the middle of the windows of value. last: its 5x5 layer."""
    block = head_block(given, name, value)
    planes = nodes.convolution(nodes.planes(windows.rows), widened(block.depthwise, value.width, 1), padded=False)
    through = nodes.matrix(expanded(nodes, nodes.rows(planes), block, value.width), block.through)
    direct = nodes.matrix(_middle(nodes, windows.rows), widened(block.direct, CHANNELS, value.width))
    rows = _activated(nodes, given, nodes.add("Add", through, direct), name)
    flat = nodes.reshaped(nodes.add("Mul", rows, _middle(nodes, windows.inside)), -1, INNER * INNER * CHANNELS)
    by_phase = nodes.reshaped(nodes.matrix(flat, _flat_phases(last)), -1, 4, len(last.weight))
    return nodes.add("GatherND", by_phase, windows.phase, batch_dims=1)


def _activated(nodes: Nodes, given: LeaderWeights, rows: str, name: str) -> str:
    second = behind_affine(*given.normalisation(f"{name}_ln_1"), given.layer(f"{name}_conv2_1/BiasAdd:0"))
    return nodes.gelu(nodes.matrix(nodes.normalised(rows, np.ones(CHANNELS)), second))


def _middle(nodes: Nodes, windows: str) -> str:
    """The INNER x INNER positions in the middle."""
    return nodes.slice(nodes.slice(windows, MARGIN, MARGIN + INNER, 1), MARGIN, MARGIN + INNER, 2)


def _flat_phases(last: Layer) -> Layer:
    """The 5x5 layer as a matrix from INNER x INNER x CHANNELS values to its filters in each of the four phases, phase by phase."""
    by_filter = phases(last)
    weight: Floats = by_filter.weight.transpose(0, 2, 3, 1).reshape(-1, 4, INNER * INNER * CHANNELS)
    matrix = weight.transpose(1, 0, 2).reshape(-1, INNER * INNER * CHANNELS)
    return Layer(matrix[:, :, None, None], by_filter.bias.reshape(-1, 4).T.ravel())
