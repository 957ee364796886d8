"""Goal: each step of LEADER's conversion computes what it replaces. Oracles: numpy in a few lines, and the operators it replaces."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from egate.errors import ModelError
from egate.inference.weights.convert import CONVERSIONS
from egate.inference.weights.leader.algebra import behind_affine, chained, phases, product, reading, union, widened
from egate.inference.weights.leader.blocks import Planes
from egate.inference.weights.leader.nodes import EPSILON, STRIP_ROWS, Nodes
from egate.inference.weights.leader.peaks import MINUTIAE_MAX, OUTER, QUALITY_MIN, add_peaks, add_windows
from egate.inference.weights.leader.weights import Layer
from tests.inference.leader_toys import run
from tests.inference.test_onnx_conversion import quantised_network

RNG = np.random.default_rng(5)


def layer(filters: int, channels: int, side: int, *, depthwise: bool = False) -> Layer:
    weight = RNG.standard_normal((filters, 1 if depthwise else channels, side, side))
    return Layer(weight, RNG.standard_normal(filters), depthwise)


def planes(channels: int, height: int = 8, width: int = 12) -> NDArray[np.float32]:
    return RNG.standard_normal((1, channels, height, width)).astype(np.float32)


def convolved(value: NDArray[np.float32], given: Layer, dilation: int = 1) -> NDArray[np.float32]:
    nodes = Nodes()
    return run(nodes, [nodes.convolution("x", given, dilation=dilation)], x=value)[0]


def test_phases_are_the_5x5_layer_behind_an_upsampling_at_the_border_too() -> None:
    given, value = layer(3, 4, 5), planes(4)
    nodes = Nodes()
    slow = nodes.convolution(nodes.doubled("x"), given)
    fast = nodes.add("DepthToSpace", nodes.convolution("x", phases(given)), blocksize=2, mode="CRD")
    expected, found = run(nodes, [slow, fast], x=value)
    assert expected.shape == (1, 3, 16, 24)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_union_is_both_convolutions() -> None:
    near, far, value = layer(3, 1, 5), layer(2, 1, 5), planes(1)
    expected = np.concatenate([convolved(value, near), convolved(value, far, dilation=2)], axis=1)
    np.testing.assert_allclose(convolved(value, union(near, far)), expected, atol=1e-4)


def test_chained_and_affine_layers_are_one_layer() -> None:
    first, second, value = layer(5, 4, 1), layer(3, 5, 1), planes(4)
    np.testing.assert_allclose(
        convolved(value, chained(first, second)), convolved(convolved(value, first), second), atol=1e-4
    )
    gamma, beta = RNG.standard_normal(4), RNG.standard_normal(4)
    shifted = (value * gamma[:, None, None] + beta[:, None, None]).astype(np.float32)
    np.testing.assert_allclose(
        convolved(value, behind_affine(gamma, beta, first)), convolved(shifted, first), atol=1e-4
    )


@pytest.mark.parametrize("depthwise", [False, True])
def test_planes_may_stand_in_another_order_with_zeros_behind(depthwise: bool) -> None:
    given, value = layer(4, 4, 3, depthwise=depthwise), planes(4)
    order = np.array([2, 3, 0, 1])
    ours = np.pad(value[:, order], ((0, 0), (0, 2), (0, 0), (0, 0)))
    found = convolved(ours, widened(reading(given, order), 6, 6))
    expected = convolved(value, given)
    np.testing.assert_allclose(found[:, :4], expected[:, order] if depthwise else expected, atol=1e-5)
    assert found.shape[1] == 6 and not found[:, 4:].any()


def test_products_add_in_order_whatever_the_machine() -> None:
    left, right = RNG.standard_normal((7, 33)), RNG.standard_normal((33, 5))
    expected = np.array([[sum(a * b for a, b in zip(row, column, strict=True)) for column in right.T] for row in left])
    assert (product(left, right) == expected).all()


def test_normalisation_is_that_of_the_formula() -> None:
    value = planes(6).transpose(0, 2, 3, 1)
    gamma, beta = RNG.standard_normal(6), RNG.standard_normal(6)
    nodes = Nodes()
    found = run(nodes, [nodes.normalised("x", gamma, beta)], x=np.ascontiguousarray(value))[0]
    centred = value - value.mean(axis=-1, keepdims=True)
    expected = gamma * centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON) + beta
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_strips_compute_what_the_whole_does() -> None:
    matrix = layer(5, 4, 1)
    rows = RNG.standard_normal((1, 3 * STRIP_ROWS, 7, 4)).astype(np.float32)
    nodes = Nodes()
    body = [
        nodes.strips("x", lambda inner, part: inner.gelu(inner.matrix(part, matrix))),
        nodes.gelu(nodes.matrix("x", matrix)),
    ]
    found, expected = run(nodes, body, x=rows)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_halves_are_pooled_by_maximum_and_mean() -> None:
    value = planes(4)
    nodes = Nodes()
    found = run(nodes, [nodes.halved("x", 4)], x=value)[0]
    cells = value[0].reshape(4, 4, 2, 6, 2)
    expected = np.concatenate([cells[:2].max(axis=(2, 4)), cells[2:].mean(axis=(2, 4))])
    np.testing.assert_allclose(found[0], expected, atol=1e-6)


NOTHING = Layer(np.ones((1, 1, 1, 1)), np.zeros(1))  # in place of the blur


def peaks_of(position: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    nodes = Nodes()
    peaks = add_peaks(nodes, "x", NOTHING)
    places, quality = run(nodes, [peaks.places, peaks.quality], x=position[None, None])
    assert (places[-1] == 0).all() and quality[-1] == 0.0  # the corner
    return places[:-1], quality[:-1]


def test_peaks_are_what_a_search_of_every_neighbourhood_finds() -> None:
    position = RNG.random((40, 50), np.float32)
    position[0, 0] = position[39, 20] = position[17, 49] = 1.0
    around = np.lib.stride_tricks.sliding_window_view(np.pad(position, 3), (7, 7)).max(axis=(2, 3))
    expected = np.argwhere((position == around) & (position >= np.float32(QUALITY_MIN)))
    places, quality = peaks_of(position)
    assert {tuple(place) for place in places} == {tuple(place) for place in expected}
    assert [0, 0] in places.tolist() and [39, 20] in places.tolist() and [17, 49] in places.tolist()
    assert (np.diff(quality) <= 0).all()
    assert (quality == position[tuple(places.T.astype(int))]).all()


@pytest.mark.parametrize("value", [0.0, 0.59, np.nan])
def test_no_peak_is_an_empty_list(value: float) -> None:
    assert len(peaks_of(np.full((32, 32), value, np.float32))[0]) == 0


def test_a_plateau_gives_as_many_as_a_record_holds_the_first_of_equals_first() -> None:
    places, quality = peaks_of(np.full((32, 64), 0.75, np.float32))
    assert (quality == 0.75).all()
    assert places.tolist() == [list(divmod(index, 64)) for index in range(MINUTIAE_MAX)]


def test_windows_are_cut_around_peaks_with_zeros_beyond_the_border() -> None:
    value = planes(16, 20, 24)
    places = np.array([[0, 1], [39, 46], [20, 21], [7, 0]])
    position = np.zeros((40, 48), np.float32)
    position[tuple(places.T)] = [1.0, 0.9, 0.8, 0.7]
    nodes = Nodes()
    windows = add_windows(nodes, Planes("value", np.arange(16)), add_peaks(nodes, "position", NOTHING))
    results = [windows.rows, windows.inside, windows.phase]
    rows, inside, phase = run(nodes, results, value=value, position=position[None, None])
    side = OUTER // 2
    bordered = np.pad(value[0], ((0, 0), (side, side), (side, side)))
    mask = np.pad(np.ones((20, 24)), side)
    for index, (row, column) in enumerate(places):
        top, left = row // 2, column // 2
        part = np.s_[top : top + OUTER, left : left + OUTER]
        assert (rows[index] == bordered[:, *part].transpose(1, 2, 0)).all()
        assert (inside[index, :, :, 0] == mask[part]).all()
        assert phase[index] == 2 * (row % 2) + column % 2
    assert not inside[0].all() and inside[2].all()


@pytest.mark.parametrize("data", [b"garbage", quantised_network(weights_as_inputs=False).SerializeToString()])
def test_another_file_is_a_model_error(data: bytes) -> None:
    with pytest.raises(ModelError):
        CONVERSIONS["onnx-leader"](data)
