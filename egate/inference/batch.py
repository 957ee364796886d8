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
from egate.inference.face.embedding import EmbeddingNetwork
from egate.inference.face.engine import OnnxFaceEngine
from egate.ports import FaceEngine

# Measured (bench/bench_batch.py): ms of CPU a face on one thread. dlib with its mirror image 10.8 alone, 9.8 in fours, 9.6 in sixteens;
# SFace 13.6, 12.9, 14.5: beyond four its layers no longer fit the cache. The gain is 7 %, so faces that come together are embedded
# together, and none waits for another caller's.
BATCH_SIZE = 4
BATCH_SIZE_MAX = 32


class FaceBatch:
    """Not thread-safe: it belongs to one job. An engine that is not ours captures image by image."""

    def __init__(self, engine: FaceEngine) -> None:
        self._engine = engine
        self._captures: list[FaceCapture] = []
        self._face_count = 0
        self._recorders: dict[str, _Recorder] = {}
        if isinstance(engine, OnnxFaceEngine):
            networks = engine.extractor.networks
            self._recorders = {id: _Recorder(each.id, each.session, each.network) for id, each in networks.items()}
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
        indices = [index for index, capture in enumerate(self._captures) if capture.face is not None]
        if not (self._recorders and indices):
            return self._captures
        with engine_errors():
            rows = {id: recorder.run() for id, recorder in self._recorders.items()}
        for row, index in enumerate(indices):
            capture = self._captures[index]
            assert capture.face is not None
            template = FaceTemplate({id: np.ascontiguousarray(values[row]) for id, values in rows.items()})
            self._captures[index] = replace(capture, face=replace(capture.face, template=template))
        return self._captures


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Recorder(EmbeddingNetwork):
    """Keeps the aligned faces in place of embedding them."""

    chips: list[Image] = field(default_factory=list)

    def embed(self, chips: Sequence[Image]) -> NDArray[np.float32]:
        self.chips.extend(chips)
        return np.full((len(chips), 1), np.nan, np.float32)  # never leaves the batch

    def run(self) -> NDArray[np.float32]:
        return EmbeddingNetwork.embed(self, self.chips)
