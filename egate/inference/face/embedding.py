"""Face embeddings by any network whose manifest entry says how it is fed: role "face embedding" and a `[model.network]` table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from egate.domain.biometric import FaceTemplate, Image
from egate.errors import ModelError
from egate.inference.face.chip import cut
from egate.inference.weights.network import Network
from egate.inference.weights.onnx_role import FACE_DETECTION, FACE_EMBEDDING
from egate.inference.weights.store import ModelStore
from egate.matching.face.align import similarity
from egate.matching.face.comparison import normalised


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EmbeddingNetwork:
    """One network of an engine. Thread-safe: it holds no mutable state."""

    id: str
    session: onnxruntime.InferenceSession
    network: Network

    def chip(self, image: Image, points: NDArray[np.float32]) -> Image:
        """(side_px, side_px, 3) RGB: the face of the (5, 2) points, fitted onto the network's own by Umeyama.

        Raises ValueError if the points coincide or are not finite.
        """
        side = self.network.side_px
        return cut(image, similarity(points, self.network.template), side, side)

    def embed(self, chips: Sequence[Image]) -> NDArray[np.float32]:
        """The rows of embed_measured."""
        return self.embed_measured(chips)[0]

    def embed_measured(self, chips: Sequence[Image]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """(n, d) float32, L2-normalised rows, of n >= 1 aligned faces, and (n,) how long each was: the best predictor of a face's
        recognition there is (face_quality). A row is NaN where the network gave no direction, its length NaN where it gave no number.

        Where the network is mirrored a row is the mean of the face's output and its mirror image's.
        Raises ModelError if the output is no vector for each face.
        """
        faces = np.stack(chips)
        raw = self._run(np.concatenate([faces, faces[:, :, ::-1]]) if self.network.mirror else faces)
        if self.network.mirror:
            raw = np.asarray((raw[: len(faces)] + raw[len(faces) :]) / 2, np.float32)
        lengths = np.linalg.norm(raw.astype(np.float64), axis=1)
        return np.stack([normalised(row) for row in raw]), lengths

    def _run(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, d) outputs for (n, side_px, side_px, 3) images."""
        blob = self._planes(faces)
        batches = [blob] if self.network.batch else [blob[index : index + 1] for index in range(len(blob))]
        outputs = [self.session.run([self.network.output], {self.network.input: batch})[0] for batch in batches]
        raw: NDArray[np.float32] = np.concatenate(outputs)
        if raw.ndim != 2 or len(raw) != len(faces) or raw.dtype != np.float32:
            raise ModelError(f"model {self.id} gives no vector for each face", code="MODEL_OUTPUT")
        return raw

    def _planes(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, 3, side_px, side_px) float32, C-contiguous: what the graph expects of (n, side_px, side_px, 3) RGB."""
        ordered = faces if self.network.colour == "RGB" else faces[..., ::-1]
        planes = np.ascontiguousarray(ordered.transpose(0, 3, 1, 2), np.float32)
        if any(self.network.mean):
            planes -= np.array(self.network.mean, np.float32)[:, np.newaxis, np.newaxis]
        if self.network.deviation != (1.0, 1.0, 1.0):
            planes /= np.array(self.network.deviation, np.float32)[:, np.newaxis, np.newaxis]
        return planes


Networks = Mapping[str, EmbeddingNetwork]


def embed_face(
    networks: Networks, image: Image, points: NDArray[np.float32]
) -> tuple[FaceTemplate, Mapping[str, float]]:
    """The template of one face and the lengths of its embeddings before normalisation, by model id. points: (5, 2) pixels of image."""
    found = {id: network.embed_measured([network.chip(image, points)]) for id, network in networks.items()}
    template = FaceTemplate({id: np.ascontiguousarray(rows[0]) for id, (rows, _) in found.items()})
    return template, {id: float(lengths[0]) for id, (_, lengths) in found.items()}


def choose_models(store: ModelStore, models: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The detector and the embeddings of an engine, in the order given.

    Raises ModelError (MODEL_ROLE) unless models name one face detector and, for the rest, one or more face embeddings that the
    manifest tells how to feed.
    """
    known = store.manifest.models
    if missing := sorted(set(models) - set(known)):
        raise ModelError(f"no model {missing[0]!r} in the manifest", code="MODEL_MISSING")
    detectors = [id for id in models if known[id].role == FACE_DETECTION]
    embeddings = tuple(id for id in models if known[id].role == FACE_EMBEDDING)
    if (
        len(detectors) != 1
        or not embeddings
        or len(embeddings) + 1 != len(set(models))
        or len(set(models)) != len(models)
    ):
        raise ModelError(
            f"a face engine needs one model of role {FACE_DETECTION!r} and one or more of role {FACE_EMBEDDING!r}, not {', '.join(models)}",
            code="MODEL_ROLE",
        )
    for id in embeddings:
        network = known[id].network
        if network is None or not network.points:
            raise ModelError(
                f"the manifest does not say how to feed {id}: network table with points", code="MODEL_ROLE"
            )
    return detectors[0], embeddings


def load_networks(store: ModelStore, ids: Sequence[str]) -> Networks:
    """Raises ModelError if a model is missing, has another hash, or its graph has no such input and output."""
    return {id: _load(store, id) for id in ids}


def _load(store: ModelStore, id: str) -> EmbeddingNetwork:
    network, session = store.manifest.models[id].network, store.session(id)
    assert network is not None  # choose_models
    inputs, outputs = ({node.name for node in nodes} for nodes in (session.get_inputs(), session.get_outputs()))
    if inputs != {network.input} or network.output not in outputs:
        raise ModelError(
            f"model {id} has no input {network.input!r} or no output {network.output!r}", code="MODEL_ROLE"
        )
    return EmbeddingNetwork(id, session, network)
