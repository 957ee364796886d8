"""Goal: the ONNX network built from a state dict computes what the published architecture does with it, and no other network passes for it.

Oracles: a forward pass in numpy from the same tensors, nothing folded; for the published weights the outputs of torch 1.13 (float64) with
modules written from the published architecture, on the same synthetic images.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from egate.errors import ModelError
from egate.inference.weights.minifasnet_onnx import minifasnet
from egate.inference.weights.session import open_session
from egate.inference.weights.store import ModelStore
from tests.inference import torch_files
from tests.inference.pad_store import corpus_file

Floats = NDArray[np.float64]
Tensors = dict[str, NDArray[np.generic]]

STAGES = (("conv_23", "conv_3", 4), ("conv_34", "conv_4", 6), ("conv_45", "conv_5", 2))
WIDTH, INNER, LAST = 8, 5, 12  # of the synthetic networks


def synthetic(*, excited: bool, prefix: str = "module.") -> Tensors:
    """A small state dict of the architecture, with random weights."""
    rng = np.random.default_rng(3)
    tensors: Tensors = {}

    def norm(name: str, channels: int) -> None:
        tensors[f"{name}.weight"] = rng.uniform(0.5, 1.5, channels).astype(np.float32)
        tensors[f"{name}.bias"] = rng.normal(0.0, 0.3, channels).astype(np.float32)
        tensors[f"{name}.running_mean"] = rng.normal(0.0, 0.3, channels).astype(np.float32)
        tensors[f"{name}.running_var"] = rng.uniform(0.5, 2.0, channels).astype(np.float32)
        tensors[f"{name}.num_batches_tracked"] = np.array(9, np.int64)

    def convolution(name: str, filters: int, channels: int, kernel: int, *, slope: bool = True) -> None:
        shape = (filters, channels, kernel, kernel)
        scale = 1.0 / np.sqrt(channels * kernel * kernel)
        tensors[f"{name}.conv.weight"] = rng.normal(0.0, scale, shape).astype(np.float32)
        norm(f"{name}.bn", filters)
        if slope:
            tensors[f"{name}.prelu.weight"] = rng.uniform(-0.5, 1.2, filters).astype(np.float32)

    def bottleneck(name: str) -> None:
        convolution(f"{name}.conv", INNER, WIDTH, 1)
        convolution(f"{name}.conv_dw", INNER, 1, 3)
        convolution(f"{name}.project", WIDTH, INNER, 1, slope=False)

    convolution("conv1", WIDTH, 3, 3)
    convolution("conv2_dw", WIDTH, 1, 3)
    for halving, residual, count in STAGES:
        bottleneck(halving)
        for index in range(count):
            bottleneck(f"{residual}.model.{index}")
        if excited:
            name = f"{residual}.model.{count - 1}.se_module"
            tensors[f"{name}.fc1.weight"] = rng.normal(0.0, 0.5, (2, WIDTH, 1, 1)).astype(np.float32)
            norm(f"{name}.bn1", 2)
            tensors[f"{name}.fc2.weight"] = rng.normal(0.0, 0.5, (WIDTH, 2, 1, 1)).astype(np.float32)
            norm(f"{name}.bn2", WIDTH)
    convolution("conv_6_sep", LAST, WIDTH, 1)
    convolution("conv_6_dw", LAST, 1, 5, slope=False)
    tensors["linear.weight"] = rng.normal(0.0, 0.3, (128, LAST)).astype(np.float32)
    norm("bn", 128)
    tensors["prob.weight"] = rng.normal(0.0, 0.1, (3, 128)).astype(np.float32)
    return {prefix + name: values for name, values in tensors.items()}


class Forward:
    """The architecture in numpy, float64."""

    def __init__(self, tensors: Tensors) -> None:
        self.tensors = {name.removeprefix("module."): values.astype(np.float64) for name, values in tensors.items()}

    def __call__(self, image: Floats) -> Floats:
        value = self.activated("conv1", self.normed("conv1", image, stride=2, padding=1))
        value = self.activated("conv2_dw", self.normed("conv2_dw", value, padding=1))
        for halving, residual, count in STAGES:
            value = self.bottleneck(halving, value, stride=2)
            for index in range(count):
                name = f"{residual}.model.{index}"
                branch = self.bottleneck(name, value)
                if f"{name}.se_module.fc1.weight" in self.tensors:
                    branch = branch * self.excitation(f"{name}.se_module", branch)
                value = value + branch
        value = self.activated("conv_6_sep", self.normed("conv_6_sep", value))
        value = self.normed("conv_6_dw", value).reshape(len(image), -1)
        value = self.norm("bn", value @ self.tensors["linear.weight"].T)
        return np.asarray(value @ self.tensors["prob.weight"].T)

    def bottleneck(self, name: str, value: Floats, stride: int = 1) -> Floats:
        value = self.activated(f"{name}.conv", self.normed(f"{name}.conv", value))
        value = self.activated(f"{name}.conv_dw", self.normed(f"{name}.conv_dw", value, stride=stride, padding=1))
        return self.normed(f"{name}.project", value)

    def excitation(self, name: str, value: Floats) -> Floats:
        squeezed = value.mean(axis=(2, 3), keepdims=True)
        hidden = np.maximum(self.norm(f"{name}.bn1", convolve(squeezed, self.tensors[f"{name}.fc1.weight"])), 0.0)
        return np.asarray(
            1.0 / (1.0 + np.exp(-self.norm(f"{name}.bn2", convolve(hidden, self.tensors[f"{name}.fc2.weight"]))))
        )

    def normed(self, name: str, value: Floats, stride: int = 1, padding: int = 0) -> Floats:
        return self.norm(f"{name}.bn", convolve(value, self.tensors[f"{name}.conv.weight"], stride, padding))

    def norm(self, name: str, value: Floats) -> Floats:
        parts = ("running_mean", "running_var", "weight", "bias")
        tail = (1,) * (value.ndim - 2)
        mean, variance, gamma, beta = (self.tensors[f"{name}.{part}"].reshape(1, -1, *tail) for part in parts)
        return np.asarray((value - mean) / np.sqrt(variance + 1e-5) * gamma + beta)

    def activated(self, name: str, value: Floats) -> Floats:
        slope = self.tensors[f"{name}.prelu.weight"].reshape(1, -1, 1, 1)
        return np.where(value >= 0.0, value, slope * value)


def convolve(value: Floats, weight: Floats, stride: int = 1, padding: int = 0) -> Floats:
    padded = np.pad(value, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = sliding_window_view(padded, weight.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    if weight.shape[1] == 1 and value.shape[1] > 1:  # depthwise
        return np.asarray(np.einsum("nchwij,cij->nchw", windows, weight[:, 0]))
    return np.asarray(np.einsum("nchwij,fcij->nfhw", windows, weight))


def images() -> NDArray[np.float32]:
    """Two synthetic images (2, 3, 80, 80), 0-255."""
    index = np.arange(2 * 3 * 80 * 80)
    return ((index * 7919 + index // 977 * 31) % 256).astype(np.float32).reshape(2, 3, 80, 80)


@pytest.mark.parametrize("excited", [False, True])
@pytest.mark.parametrize("write", [torch_files.chain, torch_files.archive])
def test_network_computes_what_its_tensors_define(excited: bool, write: object) -> None:
    tensors = synthetic(excited=excited)
    assert callable(write)
    session = open_session(minifasnet(write(tensors)), "synthetic")
    for count in (1, 2):
        found = session.run(["logits"], {"image": images()[:count]})[0]
        expected = Forward(tensors)(images()[:count].astype(np.float64))
        assert np.abs(expected[:, 0] - expected[:, 1]).min() > 0.1  # not a network that says nothing
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_bytes_are_the_same_each_time_and_whatever_the_order_of_the_tensors() -> None:
    tensors = synthetic(excited=True)
    backwards = dict(reversed(tensors.items()))
    assert minifasnet(torch_files.chain(tensors)) == minifasnet(torch_files.chain(backwards))
    assert minifasnet(torch_files.chain(synthetic(excited=True, prefix=""))) == minifasnet(torch_files.chain(tensors))


def changed(name: str, values: NDArray[np.generic] | None) -> Tensors:
    tensors = synthetic(excited=True)
    if values is None:
        del tensors[f"module.{name}"]
    else:
        tensors[f"module.{name}"] = values
    return tensors


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("conv_4.model.5.conv.bn.weight", None, "missing"),
        ("conv1.prelu.weight", None, "missing"),
        ("bn.num_batches_tracked", None, "missing"),
        ("prob.weight", None, "missing"),
        ("conv_3.model.3.se_module.fc1.weight", None, "no place"),
        ("conv_6_dw.prelu.weight", np.zeros(LAST, np.float32), "no place"),
        ("conv_3.model.4.conv.conv.weight", np.zeros((5, 8, 1, 1), np.float32), "no place"),
        ("conv1.conv.weight", np.zeros((8, 4, 3, 3), np.float32), "shape"),
        ("conv2_dw.conv.weight", np.zeros((7, 1, 3, 3), np.float32), "shape"),
        ("conv_6_dw.conv.weight", np.zeros((LAST, 1, 7, 7), np.float32), "shape"),
        ("conv_3.model.0.project.conv.weight", np.zeros((9, INNER, 1, 1), np.float32), "shape"),
        ("prob.weight", np.zeros((2, 128), np.float32), "shape"),
        ("linear.weight", np.full((128, LAST), np.nan, np.float32), "finite"),
        ("conv1.bn.running_var", np.full(WIDTH, -1.0, np.float32), "negative"),
    ],
)
def test_another_network_is_refused(name: str, values: NDArray[np.generic] | None, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        minifasnet(torch_files.chain(changed(name, values)))


# torch 1.13, float64, on images(): logits of both.
PUBLISHED = {
    "minifasnet-v2": [[-0.5475186, -0.92564387, 1.47372218], [-0.36495564, -1.22370209, 1.58928617]],
    "minifasnet-v1se": [[-2.28056188, 2.28347324, -0.00359071], [-2.22211686, 2.2148839, 0.00651791]],
}


@pytest.mark.parametrize("id", list(PUBLISHED))
def test_published_weights_give_what_torch_gives(id: str) -> None:
    model = ModelStore().manifest.models[id]
    data = corpus_file(f"models/{model.member}").read_bytes()
    assert hashlib.sha256(data).hexdigest() == model.member_sha256
    network = minifasnet(data)
    assert hashlib.sha256(network).hexdigest() == model.sha256
    found = open_session(network, id).run(["logits"], {"image": images()})[0]
    np.testing.assert_allclose(found, PUBLISHED[id], atol=1e-5)
