"""A batch gives what image by image gives, with one run of each network that takes batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from egate.domain.biometric import FaceCapture, Image
from egate.errors import ImageError
from egate.inference.batch import FaceBatch
from egate.inference.face.engine import OnnxFaceEngine
from egate.inference.image.decoder import decode
from egate.inference.weights.store import ModelStore

pytestmark = pytest.mark.models
NOTHING = np.full((120, 160, 3), 127, np.uint8)
UNUSABLE = np.zeros((8, 8, 3), np.uint8)


@pytest.fixture(scope="module")
def photographs(store: ModelStore) -> list[Image]:
    names = ("obama.jpg", "biden.jpg", "obama2.jpg")
    return [decode(store.sample(name).read_bytes()) for name in names]


def same(one: FaceCapture, other: FaceCapture) -> bool:
    """All but rounding: a network may add up in another order for several faces."""
    if one.face is None or other.face is None:
        return one.face is other.face and one.guidance == other.guidance
    assert one.face.quality.components.keys() == other.face.quality.components.keys()
    for name, value in one.face.quality.components.items():
        assert other.face.quality.components[name] == pytest.approx(value, abs=0.01), name
    assert other.face.quality.unified == pytest.approx(one.face.quality.unified, abs=0.01)
    assert one.face.template.embeddings.keys() == other.face.template.embeddings.keys()
    for model, row in one.face.template.embeddings.items():
        again = other.face.template.embeddings[model]
        assert (again.dtype, again.shape, again.flags.c_contiguous) == (row.dtype, row.shape, True)
        assert np.abs(again - row).max() < 1e-5, model
    parts = (one.face_count, one.faces, one.guidance, one.face.box, one.face.confidence)
    return parts == (other.face_count, other.faces, other.guidance, other.face.box, other.face.confidence)


def test_a_batch_is_image_by_image(face_engine: OnnxFaceEngine, photographs: list[Image]) -> None:
    first, second, third = photographs
    images = [first, NOTHING, second, third, NOTHING]
    batch = FaceBatch(face_engine)
    for image in images[:2]:
        batch.add(image)
    with pytest.raises(ImageError):
        batch.add(UNUSABLE)
    for image in images[2:]:
        batch.add(image)
    captures = batch.captures()
    assert len(captures) == len(images)
    assert sum(capture.face is not None for capture in captures) == 3
    for image, capture in zip(images, captures, strict=True):
        assert same(face_engine.capture(image), capture)


def test_a_batch_without_a_face_runs_no_network(face_engine: OnnxFaceEngine) -> None:
    assert FaceBatch(face_engine).captures() == []
    batch = FaceBatch(face_engine)
    batch.add(NOTHING)
    assert [capture.face for capture in batch.captures()] == [None]


def test_an_image_that_fails_behind_its_embedding_leaves_the_batch_as_it_was(
    face_engine: OnnxFaceEngine, photographs: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = FaceBatch(face_engine)
    batch.add(photographs[0])

    def fail(*arguments: object) -> None:
        raise ImageError("image cannot be resampled", code="IMAGE_UNUSABLE")

    with monkeypatch.context() as patch:
        patch.setattr("egate.inference.face.extractor.face_quality", fail)
        with pytest.raises(ImageError):
            batch.add(photographs[2])
    batch.add(photographs[1])
    captures = batch.captures()
    assert len(captures) == 2
    for image, capture in zip(photographs[:2], captures, strict=True):
        assert same(face_engine.capture(image), capture)


class Counting:
    """A session that says how many images each of its runs had."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.sizes: list[int] = []

    def run(self, names: Sequence[str], feeds: dict[str, Any]) -> Any:
        self.sizes.append(len(next(iter(feeds.values()))))
        return self._session.run(names, feeds)


def test_each_network_runs_once_for_all_faces(face_engine: OnnxFaceEngine, photographs: list[Image]) -> None:
    networks = face_engine.extractor.networks
    counted = {id: type(each)(each.id, Counting(each.session), each.network) for id, each in networks.items()}
    engine = OnnxFaceEngine(face_engine.extractor.with_networks(counted), face_engine._calibration)
    batch = FaceBatch(engine)
    for image in photographs:
        batch.add(image)
    batch.captures()
    for id, each in counted.items():
        rows = len(photographs) * (2 if each.network.mirror else 1)
        assert each.session.sizes == ([rows] if each.network.batch else [1] * rows), id
    assert any(each.network.batch for each in counted.values())
