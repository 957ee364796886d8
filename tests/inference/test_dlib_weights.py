"""Goal: the reader takes dlib's elements as documented and refuses everything else by name. Whole file: test_dlib_peer.py."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.errors import ModelError
from egate.inference.weights.dlib_weights import AddPrevious, Affine, Convolution, Pool, Relu, parse_network


def integer(value: int) -> bytes:
    magnitude = abs(value)
    length = max(1, (magnitude.bit_length() + 7) // 8)
    return bytes([length | (0x80 if value < 0 else 0)]) + magnitude.to_bytes(length, "little")


def integers(*values: int) -> bytes:
    return b"".join(integer(value) for value in values)


def string(text: str) -> bytes:
    return integer(len(text)) + text.encode()


def tensor(*shape: int, values: list[float] | None = None) -> bytes:
    data = values if values is not None else [0.0] * int(np.prod(shape))
    return integers(2, *shape) + struct.pack(f"<{len(data)}f", *data)


EMPTY = tensor(0, 0, 0, 0)
TAIL = b"110" + 3 * EMPTY
ONE, ZERO = integers(16, -4), integers(0, 11)


def convolution(weights: list[float], biases: list[float]) -> bytes:
    """Two 1x1 filters over three channels."""
    parameters = tensor(len(weights) + len(biases), 1, 1, 1, values=weights + biases)
    shape = integers(2, 1, 1, 2, 2, 0, 0) + integers(1, 2, 3, 1, 1) + integers(1, 1, 2, 1, 1)
    return string("con_4") + parameters + shape + ONE + ONE + ONE + ZERO + TAIL


def network(layers: list[bytes], *, versions: bytes | None = None) -> bytes:
    head = integer(1) + string("loss_metric_2") + ONE + ONE
    head += versions if versions is not None else integers(*[2] * (len(layers) - 1), 3)
    image = string("input_rgb_image_sized") + integers(123, 0, 117, 0, 104, 0, 150, 150)
    return head + image + layers[0] + integer(1) + b"".join(layers[1:])


CONVOLUTION = convolution([0.5, -1.0, 2.0, 3.0, 4.0, -5.0], [0.25, -0.75])
AFFINE = (
    string("affine_")
    + tensor(4, 1, 1, 1, values=[1.5, 2.5, -0.5, 0.5])
    + integers(1, 1, 2, 1, 1, 1, 1, 2, 1, 1, 0)
    + TAIL
)
RELU, ADD = string("relu_") + TAIL, string("add_prev_") + TAIL
POOL = string("max_pool_2") + integers(3, 3, 2, 2, 0, 0) + TAIL
LAYERS = [CONVOLUTION, AFFINE, RELU, POOL, ADD]


def test_layers_come_out_as_written() -> None:
    image, convolution, affine, relu, pool, add = parse_network(network(LAYERS))
    assert isinstance(convolution, Convolution)
    np.testing.assert_array_equal(convolution.weight[:, :, 0, 0], [[0.5, -1, 2], [3, 4, -5]])
    np.testing.assert_array_equal(convolution.bias, [0.25, -0.75])
    assert (convolution.stride, convolution.padding) == (2, 0)
    assert isinstance(affine, Affine)
    np.testing.assert_array_equal(affine.gamma, [1.5, 2.5])
    np.testing.assert_array_equal(affine.beta, [-0.5, 0.5])
    assert pool == Pool("max", 3, 2, 0)
    assert (relu, add) == (Relu(), AddPrevious())
    np.testing.assert_array_equal(getattr(image, "mean", None), [123, 117, 104])


def test_cut_anywhere_but_between_layers_is_refused_and_there_the_versions_refuse() -> None:
    whole = network(LAYERS)
    for length in range(len(whole)):
        with pytest.raises(ModelError):
            parse_network(whole[:length])


def test_bytes_left_over_are_refused() -> None:
    for surplus in (b"\x00", RELU):
        with pytest.raises(ModelError):
            parse_network(network(LAYERS) + surplus)


def test_another_layer_or_loss_is_refused() -> None:
    with pytest.raises(ModelError, match="unknown layer"):
        parse_network(network([CONVOLUTION, string("bn_con2") + TAIL]))
    with pytest.raises(ModelError, match="metric"):
        parse_network(network(LAYERS).replace(b"loss_metric_2", b"loss_metric_3"))


def test_size_that_would_fill_the_machine_is_refused_before_it_is_allocated() -> None:
    huge = string("con_4") + integers(2, 2**40, 2**20, 1, 1)
    with pytest.raises(ModelError, match="size out of range"):
        parse_network(network([huge]))


@given(st.binary(max_size=300), st.integers(0, 600))
def test_damage_is_a_model_error_or_another_network(noise: bytes, position: int) -> None:
    whole = network(LAYERS)
    damaged = whole[:position] + noise + whole[position + len(noise) :]
    try:
        parse_network(damaged)
    except ModelError:
        pass
