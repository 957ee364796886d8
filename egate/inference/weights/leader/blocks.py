"""The blocks that LEADER consists of, each as it runs fastest in onnxruntime.

Convolutions want planes, whose number is a multiple of BLOCK; then they run in onnxruntime's blocked layout. Normalisation, the
products of an inverted bottleneck and GELU want rows. So every block goes from planes to rows once, and back once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from egate.inference.weights.leader.algebra import Order, behind_affine, chained, reading, union, widened
from egate.inference.weights.leader.nodes import Nodes
from egate.inference.weights.leader.weights import Layer, LeaderWeights

BLOCK = 16  # float32 values of an AVX-512 register; with 8 (AVX2) its multiples are as good


@dataclass(frozen=True, slots=True)
class Planes:
    """A value of the new graph. order: for each plane what number it had in the file; behind those, planes of zeros."""

    name: str
    order: Order

    @property
    def width(self) -> int:
        """How many planes there are, those of zeros included."""
        return aligned(len(self.order))


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """An inverted bottleneck and the 1x1 layer `adjust` behind it, multiplied out:

        adjust(x + reduce(gelu(expand(normalise(depthwise(x)))))) = direct(x) + through(gelu(expansion(unit(depthwise(x)))))

    unit: normalised to mean 0 and variance 1, its gamma and beta being in expansion. through has no bias, direct has it.
    """

    depthwise: Layer
    expansion: Layer
    through: Layer
    direct: Layer


def aligned(channels: int) -> int:
    return channels + -channels % BLOCK


def stem(nodes: Nodes, given: LeaderWeights, image: str, name: str) -> str:
    """Two 5x5 convolutions of the image, one with dilation, normalised. Planes as high and wide as the image."""
    near, far = given.layer(f"{name}_conv_1/BiasAdd:0"), given.dilated(f"{name}_dilated_conv_1")
    if len(near.weight) % BLOCK:
        planes = nodes.convolution(image, union(near, far))
    else:
        both = nodes.convolution(image, near), nodes.convolution(image, far, dilation=2)
        planes = nodes.add("Concat", *both, axis=1)
    return _activated(nodes, given, planes, name)


def separable(nodes: Nodes, given: LeaderWeights, planes: str, name: str) -> str:
    """A depthwise 5x5 and a 1x1 convolution, normalised."""
    depthwise = given.layer(f"{name}_conv_1/separable_conv2d/depthwise:0")
    pointwise = given.layer(f"{name}_conv_1/BiasAdd:0")
    return _activated(nodes, given, nodes.convolution(nodes.convolution(planes, depthwise), pointwise), name)


def _activated(nodes: Nodes, given: LeaderWeights, planes: str, name: str) -> str:
    return nodes.planes(nodes.gelu(nodes.normalised(nodes.rows(planes), *given.normalisation(f"{name}_ln_1"))))


def bottleneck(given: LeaderWeights, name: str, order: Order, adjust: Layer) -> Bottleneck:
    """The file's inverted bottleneck `name`, for planes of this order."""
    expansion = given.layer(f"{name}_conv_exp_1/BiasAdd:0")
    through = chained(given.layer(f"{name}_conv_red_1/BiasAdd:0"), adjust)
    return Bottleneck(
        reading(given.layer(f"{name}_depthwise_conv_1/depthwise:0"), order),
        reading(behind_affine(*given.normalisation(f"{name}_ln_1"), expansion), order),
        Layer(through.weight, np.zeros_like(through.bias)),
        Layer(reading(adjust, order).weight, through.bias),
    )


def add_bottleneck(nodes: Nodes, value: Planes, block: Bottleneck, filters: int, *, strips: bool) -> str:
    """filters planes, those behind the block's own of zeros. strips: where the expansion is too large for the cache."""
    through = widened(block.through, filters, block.through.weight.shape[1])
    direct = widened(block.direct, filters, value.width)
    rows = nodes.rows(nodes.convolution(value.name, widened(block.depthwise, value.width, 1)))

    def body(inner: Nodes, part: str) -> str:
        return inner.matrix(expanded(inner, part, block, value.width), through)

    rows = nodes.strips(rows, body) if strips else body(nodes, rows)
    return nodes.add("Add", nodes.convolution(value.name, direct), nodes.planes(rows))


def expanded(nodes: Nodes, rows: str, block: Bottleneck, width: int) -> str:
    """gelu(expansion(unit(rows))), rows of width channels, those behind the block's own of zeros."""
    channels = len(block.depthwise.weight)
    own = nodes.slice(rows, 0, channels, -1) if width != channels else rows
    return nodes.gelu(nodes.matrix(nodes.normalised(own, np.ones(channels)), block.expansion))
