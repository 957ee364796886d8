"""Builds an ONNX network from the state dict of a MiniFASNet, V2 or V1SE (Silent-Face-Anti-Spoofing).

Input "image": (n, 3, 80, 80) float32 BGR 0-255; output "logits": (n, 3), not normalised, class 1 = bona fide.
A MobileFaceNet of inverted bottlenecks: 1x1 convolution, depthwise 3x3, 1x1 without activation, three stages of them with residuals;
where the state dict has squeeze-and-excitation, the last block of a stage weighs its channels by it. Widths are the tensors' own.
Batch norms are folded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from egate.errors import ModelError
from egate.inference.weights.onnx_bytes import canonical
from egate.inference.weights.torch_tensors import Tensor, parse_tensors

OPSET = 17
SIDE_PX = 80
CLASSES = 3
EMBEDDING = 128
EPSILON = 1e-5  # torch.nn.BatchNorm's default
PREFIX = "module."  # of torch.nn.DataParallel
STAGES = (
    ("conv_23", "conv_3", 4),
    ("conv_34", "conv_4", 6),
    ("conv_45", "conv_5", 2),
)  # halving block, residual blocks
LAST_KERNEL = 5  # 80 px halved four times

Floats = NDArray[np.float64]


def minifasnet(data: bytes) -> bytes:
    """ONNX bytes of a `.pth` of MiniFASNet V2 or V1SE. Raises ModelError if it is another network, or no weights file."""
    return canonical(_Graph(_Tensors(parse_tensors(data))).build())


class _Tensors:
    """A state dict of which each tensor is taken once, with the shape that its place in the network asks for."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        self._left = {name.removeprefix(PREFIX): values for name, values in tensors.items()}

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def take(self, name: str, *shape: int | None) -> Floats:
        """None in shape: any length. float64, so that folding rounds once."""
        values = self._left.pop(name, None)
        if values is None:
            raise ModelError(f"not a MiniFASNet: {name} is missing")
        fits = len(values.shape) == len(shape) and all(
            wanted in (None, length) for length, wanted in zip(values.shape, shape, strict=True)
        )
        if not fits or not np.isfinite(values).all():
            raise ModelError(f"not a MiniFASNet: {name} has another shape, or values that are not finite")
        return values.astype(np.float64)

    def norm(self, name: str, channels: int) -> tuple[Floats, Floats]:
        """Batch norm as factor and offset per channel."""
        gamma, beta, mean, variance = (
            self.take(f"{name}.{part}", channels) for part in ("weight", "bias", "running_mean", "running_var")
        )
        self.take(f"{name}.num_batches_tracked")
        if not (variance >= 0.0).all():
            raise ModelError(f"not a MiniFASNet: {name} has a negative variance")
        factor = gamma / np.sqrt(variance + EPSILON)
        return factor, beta - mean * factor

    def finish(self) -> None:
        if self._left:
            raise ModelError(f"not a MiniFASNet: {sorted(self._left)[0]} has no place in it")


class _Graph:
    """The network under construction. `name` and `channels` are those of the newest result."""

    def __init__(self, tensors: _Tensors) -> None:
        self.tensors = tensors
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.name = "image"
        self.channels = 3

    def build(self) -> onnx.ModelProto:
        self._convolution("conv1", kernel=3, stride=2, activated=True)
        self._convolution("conv2_dw", kernel=3, depthwise=True, activated=True)
        for halving, residual, count in STAGES:
            self._bottleneck(halving, stride=2)
            for index in range(count):
                self._residual(f"{residual}.model.{index}")
        self._convolution("conv_6_sep", kernel=1, activated=True)
        self._convolution("conv_6_dw", kernel=LAST_KERNEL, padding=0, depthwise=True)
        self._node("Flatten", [self.name], axis=1)
        self._classes()
        self.tensors.finish()
        return self._model()

    def _convolution(
        self,
        name: str,
        *,
        kernel: int,
        stride: int = 1,
        padding: int | None = None,
        depthwise: bool = False,
        activated: bool = False,
    ) -> None:
        """Convolution and batch norm, with a PReLU if activated."""
        groups = self.channels if depthwise else 1
        filters = self.channels if depthwise else None
        weight = self.tensors.take(f"{name}.conv.weight", filters, self.channels // groups, kernel, kernel)
        factor, offset = self.tensors.norm(f"{name}.bn", len(weight))
        self._folded(name, weight, factor, offset, stride, kernel // 2 if padding is None else padding, groups)
        if activated:
            self._prelu(name)

    def _folded(
        self, name: str, weight: Floats, factor: Floats, offset: Floats, stride: int, padding: int, groups: int
    ) -> None:
        inputs = [
            self.name,
            self._weight(f"{name}.weight", weight * factor[:, None, None, None]),
            self._weight(f"{name}.bias", offset),
        ]
        kernel = list(weight.shape[2:])
        self._node("Conv", inputs, kernel_shape=kernel, strides=[stride] * 2, pads=[padding] * 4, group=groups)
        self.channels = len(weight)

    def _prelu(self, name: str) -> None:
        """slope * x + (1 - slope) * relu(x): PRelu has no kernel in onnxruntime's blocked layout; 3.7 ms -> 1.8 ms on one thread."""
        slope = self.tensors.take(f"{name}.prelu.weight", self.channels).reshape(1, -1, 1, 1)
        value = self.name
        self._node("Relu", [value])
        self._node("Mul", [self.name, self._weight(f"{name}.positive", 1.0 - slope)])
        positive = self.name
        self._node("Mul", [value, self._weight(f"{name}.linear", slope)])
        self._node("Add", [positive, self.name])

    def _bottleneck(self, name: str, *, stride: int) -> None:
        self._convolution(f"{name}.conv", kernel=1, activated=True)
        self._convolution(f"{name}.conv_dw", kernel=3, stride=stride, depthwise=True, activated=True)
        self._convolution(f"{name}.project", kernel=1)

    def _residual(self, name: str) -> None:
        shortcut, channels = self.name, self.channels
        self._bottleneck(name, stride=1)
        if self.channels != channels:
            raise ModelError(f"not a MiniFASNet: {name} changes the number of channels")
        if f"{name}.se_module.fc1.weight" in self.tensors:
            self._excitation(f"{name}.se_module")
        self._node("Add", [shortcut, self.name])

    def _excitation(self, name: str) -> None:
        """Squeeze and excitation: each channel times a weight from all channels' means."""
        value, channels = self.name, self.channels
        self._node("GlobalAveragePool", [self.name])
        for fc, norm, activation in (("fc1", "bn1", "Relu"), ("fc2", "bn2", "Sigmoid")):
            weight = self.tensors.take(f"{name}.{fc}.weight", None, self.channels, 1, 1)
            factor, offset = self.tensors.norm(f"{name}.{norm}", len(weight))
            self._folded(f"{name}.{fc}", weight, factor, offset, 1, 0, 1)
            self._node(activation, [self.name])
        if self.channels != channels:
            raise ModelError(f"not a MiniFASNet: {name} weighs another number of channels")
        self._node("Mul", [value, self.name])

    def _classes(self) -> None:
        """linear, batch norm, (dropout), linear. Not multiplied out to one: a matrix product's last bits depend on the machine."""
        linear = self.tensors.take("linear.weight", EMBEDDING, self.channels)
        factor, offset = self.tensors.norm("bn", EMBEDDING)
        prob = self.tensors.take("prob.weight", CLASSES, EMBEDDING)
        weights = [self._weight("linear.weight", linear * factor[:, None]), self._weight("linear.bias", offset)]
        self._node("Gemm", [self.name, *weights], transB=1)
        self._node("MatMul", [self.name, self._weight("prob.weight", prob.T)])

    def _node(self, operator: str, inputs: list[str], **attributes: Any) -> None:
        self.name = f"{operator.lower()}{len(self.nodes):03d}"
        self.nodes.append(helper.make_node(operator, inputs, [self.name], **attributes))

    def _weight(self, name: str, values: Floats) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name

    def _model(self) -> onnx.ModelProto:
        self.nodes[-1].output[0] = "logits"
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, SIDE_PX, SIDE_PX])
        logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", CLASSES])
        graph = helper.make_graph(self.nodes, "egate", [image], [logits], self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
