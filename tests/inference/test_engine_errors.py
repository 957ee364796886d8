"""Goal: what the libraries say of odd images and of a poor machine are our errors at the engine's door, and bugs stay bugs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from onnxruntime.capi.onnxruntime_pybind11_state import EPFail, Fail, InvalidArgument, RuntimeException

from egate.errors import ImageError, ModelError
from egate.inference.face.engine import OnnxFaceEngine
from egate.inference.finger.engine import MinutiaeFingerEngine
from egate.inference.weights.store import ModelStore


class Raises:
    """Stands for an extractor or a network that raises error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def capture(self, *_: object) -> Any:
        raise self.error

    def run(self, *_: object) -> Any:
        raise self.error

    def get_inputs(self) -> Any:
        raise self.error


FACE = np.zeros((64, 64, 3), np.uint8)
PRINT = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (64, 1))
CALIBRATION: Any = SimpleNamespace(fusion="offset=0.0 sface=1.0,0.0,1.0")  # never reached
FOREST: Any = None  # never reached


def face(error: Exception) -> None:
    extractor: Any = Raises(error)
    OnnxFaceEngine(extractor, CALIBRATION).capture(FACE)


def finger(error: Exception) -> None:
    network: Any = Raises(error)
    MinutiaeFingerEngine(network, ModelStore().calibration("finger-minutiae"), FOREST).capture(PRINT)


@pytest.mark.parametrize("capture", [face, finger])
@pytest.mark.parametrize("error", [EPFail(), Fail(), RuntimeException()])
def test_network_that_cannot_run_is_a_model_error(capture: Any, error: Exception) -> None:
    with pytest.raises(ModelError) as caught:
        capture(error)
    assert caught.value.code == "MODEL_RUN"


@pytest.mark.parametrize("capture", [face, finger])
def test_image_that_cannot_be_resampled_is_an_image_error(capture: Any) -> None:
    with pytest.raises(cv2.error) as real:
        cv2.resize(FACE, (0, 16))
    with pytest.raises(ImageError) as caught:
        capture(real.value)
    assert caught.value.code == "IMAGE_UNUSABLE"


@pytest.mark.parametrize("capture", [face, finger])
@pytest.mark.parametrize("error", [InvalidArgument(), ValueError(), IndexError(), AssertionError()])
def test_bug_stays_a_bug(capture: Any, error: Exception) -> None:
    with pytest.raises(type(error)):
        capture(error)
