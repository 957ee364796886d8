"""Embeddings together with their lengths before normalisation: the best predictor of a face's recognition there is (face_quality)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import FaceTemplate, Image
from egate.inference.face.embedding import EmbeddingNetwork, Networks
from egate.matching.face import normalised


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MeasuringNetwork(EmbeddingNetwork):
    """A network that also tells how long its vectors were."""

    def embed_measured(self, chips: Sequence[Image]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """(n, d) rows as embed gives them, and (n,) lengths before normalisation; NaN where the network gave no number."""
        faces = np.stack(chips)
        raw = self._run(np.concatenate([faces, faces[:, :, ::-1]]) if self.network.mirror else faces)
        if self.network.mirror:
            raw = np.asarray((raw[: len(faces)] + raw[len(faces) :]) / 2, np.float32)
        lengths = np.linalg.norm(raw.astype(np.float64), axis=1)
        return np.stack([normalised(row) for row in raw]), lengths


def measuring(networks: Networks) -> Networks:
    """The same networks, able to measure."""
    return {id: MeasuringNetwork(each.id, each.session, each.network) for id, each in networks.items()}


def embed_face(
    networks: Networks, image: Image, points: NDArray[np.float32]
) -> tuple[FaceTemplate, Mapping[str, float]]:
    """The template of one face and, of the networks that can measure, the lengths of its embeddings by model id.

    points: (5, 2) pixels of image.
    """
    rows: dict[str, NDArray[np.float32]] = {}
    lengths: dict[str, float] = {}
    for id, network in networks.items():
        chip = network.chip(image, points)
        if isinstance(network, MeasuringNetwork):
            found, measured = network.embed_measured([chip])
            rows[id], lengths[id] = found[0], float(measured[0])
        else:
            rows[id] = network.embed([chip])[0]
    return FaceTemplate({id: np.ascontiguousarray(row) for id, row in rows.items()}), lengths
