from __future__ import annotations

import pytest

from egate.inference.face.engine import OnnxFaceEngine, load_face_engine
from egate.inference.weights.store import ModelStore


@pytest.fixture(scope="session")
def store() -> ModelStore:
    return ModelStore()


@pytest.fixture(scope="session")
def face_engine(store: ModelStore) -> OnnxFaceEngine:
    return load_face_engine(store)
