"""Faces of several images, embedded together: each network runs once for all of them.

Images are looked at one by one and let go; what stays of each until the end is the piece the networks need (80 kB a network).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import FaceCapture, FaceTemplate, Image
from egate.errors import ImageError
from egate.inference.engine_errors import engine_errors
from egate.inference.face.embedding import EmbeddingNetwork, Networks
from egate.inference.face.engine import OnnxFaceEngine
from egate.inference.face.magnitude import MeasuringNetwork
from egate.matching.face_quality import with_magnitude
from egate.ports import FaceEngine

# Measured (bench/bench_face_batch.py): ms of CPU a face on one thread, dlib and SFace together: 24.8 alone, 24.1 in twos, 24.7 in fours,
# 25.3 in eights, where SFace's layers leave the cache. So faces of one request are embedded in twos, and none waits for another caller's.
BATCH_SIZE = 2


class FaceBatch:
    """Not thread-safe: it belongs to one job. An engine that is not ours captures image by image."""

    def __init__(self, engine: FaceEngine) -> None:
        self._engine = engine
        self._captures: list[FaceCapture] = []
        self._face_count = 0
        self._networks: Networks = {}
        self._recorders: dict[str, _Recorder] = {}
        if isinstance(engine, OnnxFaceEngine):
            self._networks = engine.extractor.networks
            self._recorders = {
                id: _Recorder(each.id, each.session, each.network) for id, each in self._networks.items()
            }
            self._extractor = engine.extractor.with_networks(self._recorders)

    def add(self, image: Image) -> None:
        """Finds and measures the faces of one more image. Raises ImageError: then the batch is as it was."""
        if not self._recorders:
            self._captures.append(self._engine.capture(image))
            return
        try:
            with engine_errors():
                capture = self._extractor.capture(image)
        except ImageError:
            for recorder in self._recorders.values():
                del recorder.chips[self._face_count :]
            raise
        self._captures.append(capture)
        self._face_count += capture.face is not None

    def captures(self) -> list[FaceCapture]:
        """Of every image added, in order. Raises ModelError."""
        if not (self._recorders and self._face_count):
            return self._captures
        faces = iter(self._embedded())
        return [capture if capture.face is None else _with(capture, *next(faces)) for capture in self._captures]

    def _embedded(self) -> list[tuple[FaceTemplate, dict[str, float]]]:
        """Template of each face, and the lengths of its embeddings by each network that measures them."""
        rows: dict[str, NDArray[np.float32]] = {}
        lengths: dict[str, NDArray[np.float64]] = {}
        with engine_errors():
            for id, network in self._networks.items():
                chips = self._recorders[id].chips
                if isinstance(network, MeasuringNetwork):
                    rows[id], lengths[id] = network.embed_measured(chips)
                else:
                    rows[id] = network.embed(chips)
        return [
            (
                FaceTemplate({id: np.ascontiguousarray(values[index]) for id, values in rows.items()}),
                {id: float(values[index]) for id, values in lengths.items()},
            )
            for index in range(self._face_count)
        ]


def _with(capture: FaceCapture, template: FaceTemplate, lengths: dict[str, float]) -> FaceCapture:
    face = capture.face
    assert face is not None
    return replace(capture, face=replace(face, template=template, quality=with_magnitude(face.quality, lengths)))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Recorder(EmbeddingNetwork):
    """Keeps the aligned faces in place of embedding them."""

    chips: list[Image] = field(default_factory=list)

    def embed(self, chips: Sequence[Image]) -> NDArray[np.float32]:
        self.chips.extend(chips)
        return np.full((len(chips), 1), np.nan, np.float32)  # never leaves the batch
