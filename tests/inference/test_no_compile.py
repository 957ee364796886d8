"""Goal: nothing is compiled once the engine is loaded; a traveller must not wait seconds for a kernel.

In a process of its own: elsewhere other tests have compiled already. numba tells of each compilation and of each load from its cache.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import cv2, numpy as np
from numba.core import event
from egate.inference.finger.engine import load_finger_engine
from egate.inference.finger.image import finger_image
from egate.inference.weights.store import ModelStore

store = ModelStore()
engine = load_finger_engine(store)
with event.install_recorder("numba:compile") as recorder:
    prints = []
    for name in ("p1_1.png", "p2_1.png"):
        grey = finger_image(store.sample(name).read_bytes(), 500.0).pixels
        prints.append(engine.capture(grey, 2))
    doubled = cv2.resize(grey, None, fx=2, fy=2)
    prints.append(engine.capture(doubled, 0, 1000.0))
    for kind, options in ((".tiff", [cv2.IMWRITE_TIFF_COMPRESSION, 5]), (".tiff", [cv2.IMWRITE_TIFF_COMPRESSION, 32773]), (".bmp", [])):
        finger_image(cv2.imencode(kind, grey, options)[1].tobytes(), 500.0)
    templates = [each.template for each in prints]
    engine.compare(templates[0], templates[1])
    engine.compare_fingers(templates[:1], templates)
    engine.enrol(prints)
assert len(prints) == 3
print(len(recorder.buffer))
"""


PLANTED = """
import numba
from numba.core import event

with event.install_recorder("numba:compile") as recorder:
    numba.njit(lambda x: x + 1)(1)
print(len(recorder.buffer))
"""


def compilations(program: str) -> int:
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr[-2000:]
    return int(found.stdout)


@pytest.mark.models
def test_no_kernel_is_compiled_after_the_engine_is_loaded() -> None:
    assert compilations(PROGRAM) == 0


def test_a_kernel_that_was_not_warmed_up_would_be_noticed() -> None:
    assert compilations(PLANTED) > 0
