from __future__ import annotations

import pytest

from egate.domain.biometric import Image
from egate.inference.face.engine import OnnxFaceEngine, load_face_engine
from egate.inference.image.decoder import decode_grey
from egate.inference.weights.store import ModelStore


@pytest.fixture(scope="session")
def store() -> ModelStore:
    return ModelStore()


@pytest.fixture(scope="session")
def face_engine(store: ModelStore) -> OnnxFaceEngine:
    return load_face_engine(store)


@pytest.fixture(scope="session")
def prints(store: ModelStore) -> dict[str, Image]:
    """p1 is one finger twice, p2 another one; 500 dpi."""
    names = ("p1_1", "p1_2", "p2_1")
    return {name: decode_grey(store.sample(f"{name}.png").read_bytes()).pixels for name in names}
