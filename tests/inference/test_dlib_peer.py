"""Goal: our conversion of dlib's network is dlib's network. Peer: `face_recognition` with dlib-bin (`make peer`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from egate.errors import ModelError
from egate.inference.image.decoder import decode
from egate.inference.weights.convert import CONVERSIONS
from egate.inference.weights.dlib_weights import parse_network
from egate.inference.weights.store import ModelStore

dlib = pytest.importorskip("dlib", reason="peer dlib is not installed (make peer)")
face_recognition = pytest.importorskip("face_recognition", reason="peer face_recognition is not installed (make peer)")
face_recognition_models = pytest.importorskip("face_recognition_models", reason="peer is not installed (make peer)")
pytestmark = [pytest.mark.peer, pytest.mark.models]

FILE_BYTES = 22_466_066
TOLERANCE = 1e-6  # float32 sums in another order; measured 2e-7


@pytest.fixture(scope="module")
def weights() -> bytes:
    return Path(face_recognition_models.face_recognition_model_location()).read_bytes()


def test_conversion_gives_the_pinned_bytes(weights: bytes, store: ModelStore) -> None:
    assert len(weights) == FILE_BYTES
    assert CONVERSIONS["dlib-resnet"](weights) == store.path("dlib-resnet29").read_bytes()


def test_every_byte_of_the_file_counts(weights: bytes) -> None:
    for cut in (1, 1000, FILE_BYTES // 2):
        with pytest.raises(ModelError):
            parse_network(weights[:-cut])
    with pytest.raises(ModelError):
        parse_network(weights + b"\x00")


@pytest.mark.parametrize("name", ["obama.jpg", "obama2.jpg", "biden.jpg"])
@pytest.mark.parametrize("mirrored", [False, True])
def test_embedding_of_a_dlib_chip_agrees_with_dlib(store: ModelStore, name: str, mirrored: bool) -> None:
    image = decode(store.sample(name).read_bytes())
    locations = face_recognition.face_locations(image)
    (landmarks,) = face_recognition.api._raw_face_landmarks(image, locations, "small")
    chip = np.ascontiguousarray(
        dlib.get_face_chip(image, landmarks, size=150, padding=0.25)[:, :: -1 if mirrored else 1]
    )
    network = dlib.face_recognition_model_v1(face_recognition_models.face_recognition_model_location())
    theirs = np.array(network.compute_face_descriptor(chip))
    planes = chip.transpose(2, 0, 1)[np.newaxis].astype(np.float32)
    ours = store.session("dlib-resnet29").run(["embedding"], {"image": planes})[0][0]
    np.testing.assert_allclose(ours, theirs, atol=TOLERANCE)


def test_batch_gives_the_same_embeddings_as_one_by_one(store: ModelStore) -> None:
    images = np.random.default_rng(1).uniform(0, 255, (3, 3, 150, 150)).astype(np.float32)
    session = store.session("dlib-resnet29")
    batch = session.run(["embedding"], {"image": images})[0]
    for image, embedding in zip(images, batch, strict=True):
        np.testing.assert_allclose(session.run(["embedding"], {"image": image[None]})[0][0], embedding, atol=TOLERANCE)
