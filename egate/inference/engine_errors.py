"""What libraries raise inside an engine for an image or a machine they cannot cope with, as our own errors.

Only what says that: cv2.error from resampling (an image of odd size), and onnxruntime's failures to run (memory). Whatever else is raised,
onnxruntime's InvalidArgument for an input of another shape among it, is a bug and stays one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
from onnxruntime.capi.onnxruntime_pybind11_state import EPFail, Fail, RuntimeException

from egate.errors import ImageError, ModelError


@contextmanager
def engine_errors() -> Iterator[None]:
    """Raises ImageError (IMAGE_UNUSABLE) and ModelError (MODEL_RUN) for those of the libraries."""
    try:
        yield
    except cv2.error as error:
        raise ImageError("image cannot be resampled", code="IMAGE_UNUSABLE") from error
    except (EPFail, Fail, RuntimeException) as error:
        raise ModelError("a network failed to run", code="MODEL_RUN") from error
