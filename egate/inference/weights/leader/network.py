"""LEADER (pyfing), exported from TensorFlow, as a network that finds the same minutiae in a quarter of the time.

Input "image": (1, h, w, 1) float32, grey 0-255 at 500 dpi, h and w multiples of 32. Output "minutiae": (n, 6) float32 by falling quality,
n <= 255: row, column, x and y of a vector in its direction (y up), type 0..1, quality >= 0.6.

The export has 1,337 operators: LayerNormalization and GELU in pieces, dilation as space-to-batch, and a change of layout at every
third. The weights are read out of it by their layers' names, and the network is written anew:

    stem0, enc0, dec0   U-net of separable convolutions; with `attention` on it, it says where to look in
    stem1               the details of the image
    enc1, dec1          U-net of inverted bottlenecks on both
    head                position, direction, type

What was multiplied out is in algebra.py and blocks.py, what need not be computed everywhere in heads.py. Measured,
with the agreement on the corpus: `bench/finger/bench_extraction.py`.
"""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper

from egate.errors import ModelError
from egate.inference.weights.leader.blocks import Planes, add_bottleneck, aligned, bottleneck, separable, stem
from egate.inference.weights.leader.heads import add_position, add_window_head
from egate.inference.weights.leader.nodes import Nodes
from egate.inference.weights.leader.peaks import add_peaks, add_windows
from egate.inference.weights.leader.weights import LeaderWeights
from egate.inference.weights.onnx_bytes import canonical, parse

OPSET = 20  # the first with Gelu
COLUMNS = 6  # of the output
ENCODER0 = (16, 32, 64, 128)  # channels of each level, the finest first
ENCODER1 = (32, 64, 128, 32)
DECODER1 = (20, 42, 91, 27)
ATTENTION_DILATION = (3, 6)
STRIP_LEVELS = 2  # from this level on, everything a bottleneck computes fits into the cache


def leader(data: bytes) -> bytes:
    """ONNX bytes of LEADER.onnx rewritten. Raises ModelError if data is another file."""
    try:
        return _rewritten(data)
    except (
        ValueError,
        IndexError,
    ) as error:  # of numpy and onnx: a tensor of LEADER's name that has another shape, or is cut short
        raise ModelError("not LEADER: its layers do not fit together", code="MODEL_FILE") from error


def _rewritten(data: bytes) -> bytes:
    given, nodes = LeaderWeights(parse(data)), Nodes()
    image = nodes.add("Transpose", "image", perm=[0, 3, 1, 2])
    context = _attended(nodes, given, _context(nodes, given, image))
    detail = nodes.pooled(stem(nodes, given, image, "stem1"), "AveragePool")
    features = _features(nodes, given, nodes.add("Concat", context, detail, axis=1))
    _list(nodes, given, features)
    inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, "h", "w", 1])]
    outputs = [helper.make_tensor_value_info("minutiae", TensorProto.FLOAT, ["n", COLUMNS])]
    graph = helper.make_graph(nodes.nodes, "egate", inputs, outputs, nodes.weights)
    return canonical(helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)]))


def _context(nodes: Nodes, given: LeaderWeights, image: str) -> str:
    """The first U-net: 32 planes at half the image's size."""
    planes = nodes.pooled(stem(nodes, given, image, "stem0"), "MaxPool")
    skips = []
    for level, channels in enumerate(ENCODER0):
        skips.append(separable(nodes, given, planes, f"enc0_{level}"))
        planes = nodes.halved(skips[-1], channels)
    for level in reversed(range(len(ENCODER0))):
        doubled = nodes.doubled(separable(nodes, given, planes, f"dec0_{level}"))
        planes = nodes.add("Concat", doubled, skips[level], axis=1)
    return planes


def _attended(nodes: Nodes, given: LeaderWeights, planes: str) -> str:
    """Every value times a weight in 0..1 from its surroundings at three scales."""
    scales = [nodes.convolution(planes, given.layer("attention_conv_d1_1/BiasAdd:0"))]
    for dilation in ATTENTION_DILATION:
        layer = given.dilated(f"attention_conv_d{dilation}_1")
        scales.append(nodes.convolution(planes, layer, dilation=dilation))
    surroundings = nodes.gelu(nodes.add("Concat", *scales, axis=1))
    weights = nodes.convolution(surroundings, given.layer("attention_s_1/BiasAdd:0"))
    return nodes.add("Mul", planes, nodes.add("Sigmoid", weights))


def _features(nodes: Nodes, given: LeaderWeights, planes: str) -> Planes:
    """The second U-net: from 64 planes at half the image's size to 52.

    Decoders' planes are padded to whole blocks and stand behind the encoder's, where the file has them before.
    """
    skips: list[str] = []
    value = Planes(planes, np.arange(64))
    for level, channels in enumerate(ENCODER1):
        block = bottleneck(given, f"enc1_{level}", value.order, given.layer(f"enc1_{level}_conv_adj_1/BiasAdd:0"))
        skips.append(add_bottleneck(nodes, value, block, channels, strips=level < STRIP_LEVELS))
        value = Planes(nodes.halved(skips[-1], channels), np.arange(channels))
    for level in reversed(range(len(DECODER1))):
        own, skipped = DECODER1[level], ENCODER1[level]
        block = bottleneck(given, f"dec1_{level}", value.order, given.layer(f"dec1_{level}_conv_adj_1/BiasAdd:0"))
        doubled = nodes.doubled(add_bottleneck(nodes, value, block, aligned(own), strips=level + 1 < STRIP_LEVELS))
        joined = nodes.add("Concat", skips[level], doubled, axis=1)
        value = Planes(joined, np.concatenate([np.arange(own, own + skipped), np.arange(own)]))
    return value


def _list(nodes: Nodes, given: LeaderWeights, features: Planes) -> None:
    """The graph's output."""
    position = add_position(nodes, given, features)
    peaks = add_peaks(nodes, position, given.layer("nms_Gaussian_blur_1/convolution:0"))
    windows = add_windows(nodes, features, peaks)
    heads = (
        ("head_1", given.layer("head_conv_dir_1/BiasAdd:0")),
        ("head_2", given.layer_before("head_conv_typ_1/Sigmoid:0")),
    )
    direction, kind = (add_window_head(nodes, given, features, windows, name, last) for name, last in heads)
    columns = [
        nodes.add("Cast", peaks.places, to=TensorProto.FLOAT),
        direction,
        nodes.add("Sigmoid", kind),
        nodes.reshaped(peaks.quality, -1, 1),
    ]
    nodes.slice(nodes.add("Concat", *columns, axis=1), 0, -1, 0)
    nodes.nodes[-1].output[0] = "minutiae"
