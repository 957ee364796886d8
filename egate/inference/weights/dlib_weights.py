"""Reader of dlib's serialised network (`.dat`) as far as its face ResNet-29 uses it.

Elements (dlib `serialize.h`, `dnn/core.h`, `dnn/layers.h`; checked against the file itself):

    integer   1 byte: 0x80 = negative, low 4 bits = count; then count bytes, little endian, magnitude
    boolean   the character '0' or '1'
    string    integer length, bytes
    float     integer mantissa, integer exponent: mantissa * 2**exponent
    tensor    integer 2 (version), 4 integers (num, k, rows, columns), raw little-endian float32

The file is the loss layer, then one version number per layer from the outermost to the input layer, then the layers'
own data from the input layer outwards. Each computational layer ends with three booleans and three (empty) tensors.
What can go wrong: another network, another dlib version, truncation, bytes left over. Each raises ModelError.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egate.errors import ModelError

Floats = NDArray[np.float32]
TENSOR_ELEMENTS_MAX = 50_000_000  # the largest real one has 589,824; a corrupt size must not allocate the machine


@dataclass(frozen=True, slots=True)
class Input:
    """mean: (3,) float32 RGB that is subtracted before dividing by 256. size: side of the square image in pixels."""

    mean: Floats
    size: int


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """weight: (filters, k, rows, columns). bias: (filters,)."""

    weight: Floats
    bias: Floats
    stride: int
    padding: int


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """What batch normalisation became: gamma * x + beta per channel, each (channels,)."""

    gamma: Floats
    beta: Floats


@dataclass(frozen=True, slots=True)
class Pool:
    """kind: "max" or "avg". window 0 = the whole plane."""

    kind: str
    window: int
    stride: int
    padding: int


@dataclass(frozen=True, slots=True)
class Relu:
    pass


@dataclass(frozen=True, slots=True)
class AddPrevious:
    """Residual sum with the tagged input of the block."""


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """Fully connected without bias. weight: (inputs, outputs)."""

    weight: Floats


Layer = Input | Convolution | Affine | Pool | Relu | AddPrevious | Linear


def parse_network(data: bytes) -> list[Layer]:
    """Layers from the input outwards. Raises ModelError unless every byte is accounted for."""
    reader = _Reader(data)
    versions = _read_head(reader)
    layers: list[Layer] = [_read_input(reader), _read_layer(reader)]
    reader.expect(1, "sample expansion factor")  # only where the input layer is held
    while reader.offset < len(data):
        layers.append(_read_layer(reader))
    # add_layer writes version 2 (3 where it holds the input layer), tags and skips write 1.
    if sum(version >= 2 for version in versions) != len(layers) - 1:
        raise ModelError("dlib network: layer versions and layers disagree")
    return layers


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.offset = 0

    def take(self, count: int) -> bytes:
        piece = self.data[self.offset : self.offset + count]
        if len(piece) != count:
            raise ModelError("dlib network: truncated")
        self.offset += count
        return piece

    def integer(self) -> int:
        head = self.take(1)[0]
        count = head & 0x0F
        if head & 0x70 or not 1 <= count <= 8:
            raise ModelError(f"dlib network: not an integer at byte {self.offset - 1}")
        magnitude = int.from_bytes(self.take(count), "little")
        return -magnitude if head & 0x80 else magnitude

    def integers(self, count: int) -> list[int]:
        return [self.integer() for _ in range(count)]

    def boolean(self) -> bool:
        character = self.take(1)
        if character not in (b"0", b"1"):
            raise ModelError(f"dlib network: not a boolean at byte {self.offset - 1}")
        return character == b"1"

    def string(self) -> str:
        return self.take(self.integer()).decode("ascii", errors="replace")

    def number(self) -> float:
        mantissa, exponent = self.integers(2)
        return math.ldexp(mantissa, exponent)

    def tensor(self) -> Floats:
        self.expect(2, "tensor version")
        shape = self.integers(4)
        if min(shape) < 0 or math.prod(shape) > TENSOR_ELEMENTS_MAX:
            raise ModelError("dlib network: tensor size out of range")
        raw = self.take(4 * math.prod(shape))
        return np.frombuffer(raw, "<f4").astype(np.float32).reshape(shape)

    def alias(self) -> list[int]:
        """Shape of a window into the layer's one parameter tensor."""
        self.expect(1, "alias version")
        return self.integers(4)

    def expect(self, value: int, what: str) -> None:
        if self.integer() != value:
            raise ModelError(f"dlib network: unexpected {what} before byte {self.offset}")


def _read_head(reader: _Reader) -> list[int]:
    """Loss layer and the version of every layer, outermost first; stops after the one that holds the input layer."""
    reader.expect(1, "loss version")
    if reader.string() != "loss_metric_2":
        raise ModelError("dlib network: not the metric-loss face network")
    reader.number()  # margin and distance threshold of the training loss
    reader.number()
    versions: list[int] = []
    while not versions or versions[-1] != 3:
        versions.append(reader.integer())
        if versions[-1] not in (1, 2, 3):
            raise ModelError("dlib network: unknown layer version")
    return versions


def _read_input(reader: _Reader) -> Input:
    if reader.string() != "input_rgb_image_sized":
        raise ModelError("dlib network: unknown input layer")
    mean = np.array([reader.number() for _ in range(3)], np.float32)
    rows, columns = reader.integers(2)
    if rows != columns:
        raise ModelError("dlib network: the input is not square")
    return Input(mean, rows)


def _read_layer(reader: _Reader) -> Layer:
    kind = reader.string()
    if kind not in _READERS:
        raise ModelError(f"dlib network: unknown layer before byte {reader.offset}")
    layer = _READERS[kind](reader)
    for _ in range(3):  # set up, gradient stale, gradient disabled
        reader.boolean()
    for _ in range(3):  # input gradient, cached output, parameter gradient
        reader.tensor()
    return layer


def _read_convolution(reader: _Reader) -> Convolution:
    parameters = reader.tensor().ravel()
    reader.integers(3)  # filters, rows, columns: again in the alias below
    stride_y, stride_x, padding_y, padding_x = reader.integers(4)
    weight_shape, bias_shape = reader.alias(), reader.alias()
    weights = math.prod(weight_shape)
    if len(parameters) != weights + math.prod(bias_shape) or stride_y != stride_x or padding_y != padding_x:
        raise ModelError("dlib network: malformed convolution")
    for _ in range(4):  # learning-rate and weight-decay multipliers
        reader.number()
    return Convolution(parameters[:weights].reshape(weight_shape), parameters[weights:], stride_y, padding_y)


def _read_affine(reader: _Reader) -> Affine:
    parameters = reader.tensor().ravel()
    channels = math.prod(reader.alias())
    if math.prod(reader.alias()) != channels or len(parameters) != 2 * channels:
        raise ModelError("dlib network: malformed affine layer")
    reader.expect(0, "affine mode")  # 0 = one gamma and beta per channel
    return Affine(parameters[:channels], parameters[channels:])


def _read_pool(reader: _Reader, kind: str) -> Pool:
    rows, columns, stride_y, stride_x, padding_y, padding_x = reader.integers(6)
    if rows != columns or stride_y != stride_x or padding_y != padding_x:
        raise ModelError("dlib network: malformed pooling")
    return Pool(kind, rows, stride_y, padding_y)


def _read_linear(reader: _Reader) -> Linear:
    outputs, inputs = reader.integers(2)
    parameters = reader.tensor().ravel()
    reader.alias()
    reader.alias()  # bias, of no elements
    reader.expect(1, "bias mode")  # 1 = without bias
    for _ in range(4):
        reader.number()
    if len(parameters) != inputs * outputs:
        raise ModelError("dlib network: malformed linear layer")
    return Linear(parameters.reshape(inputs, outputs))


_READERS: dict[str, Callable[[_Reader], Layer]] = {
    "con_4": _read_convolution,
    "affine_": _read_affine,
    "relu_": lambda _: Relu(),
    "max_pool_2": lambda reader: _read_pool(reader, "max"),
    "avg_pool_2": lambda reader: _read_pool(reader, "avg"),
    "add_prev_": lambda _: AddPrevious(),
    "fc_2": _read_linear,
}
