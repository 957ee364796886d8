"""The attack detection networks of an engine: one face to each network's log odds of bona fide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import onnxruntime

from egate.domain.biometric import Image
from egate.errors import ImageError, ModelError
from egate.inference.pad.crop import Box, square, visible
from egate.inference.weights.network import Network
from egate.inference.weights.onnx_role import ATTACK_DETECTION, FACE_DETECTION
from egate.inference.weights.store import ModelStore
from egate.matching.pad.combination import Floats, log_odds

# Larger side of the face's box. Measured on NUAA 0001-0004, frames reduced: no error of 160 from 40 px on, 1 print accepted at 32 px and 7
# at 24 px. Chosen above that, for cameras that blur more.
FACE_PX_MIN = 64.0
# Share of the face's box that is in the frame. Measured there too, frames cut off on one side: 1 of 80 prints and 1 of 80 live frames wrong
# with 90 % of the box left, 7 and 2 with 50 %; none where the frame ends at the box.
VISIBLE_MIN = 0.95


@dataclass(frozen=True, slots=True)
class PadNetwork:
    session: onnxruntime.InferenceSession
    network: Network

    def log_odds(self, image: Image, box: Box) -> float:
        """Log odds of bona fide; NaN if an output is not finite."""
        network = self.network
        face = square(image, box, network.margin, network.side_px)
        pixels = face[:, :, ::-1] if network.colour == "BGR" else face
        values = (pixels - np.array(network.mean, np.float32)) / np.array(network.deviation, np.float32)
        blob = np.ascontiguousarray(values.transpose(2, 0, 1)[np.newaxis], np.float32)
        outputs = np.asarray(self.session.run([network.output], {network.input: blob})[0])
        if outputs.ndim != 2 or len(outputs) != 1 or network.bona_fide >= outputs.shape[1] or outputs.shape[1] < 2:
            raise ModelError("an attack detection network gives no classes", code="MODEL_OUTPUT")
        return float(log_odds(outputs, network.bona_fide)[0])


class PadNetworks:
    """Thread-safe: it holds no state but the networks."""

    def __init__(self, networks: Mapping[str, PadNetwork]) -> None:
        """networks: by model id, in the order of the engine."""
        self._networks = networks

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(self._networks)

    def log_odds(self, image: Image, box: Box) -> Floats:
        """(models,) log odds of bona fide for the face in box (x, y, width, height in pixels) of an RGB image (h, w, 3) uint8.

        All NaN if the face is smaller than FACE_PX_MIN or less than VISIBLE_MIN of it is in the frame: a network would answer, but about
        interpolated or missing pixels. Raises ImageError (IMAGE_TYPE) if image is not (h, w, 3) uint8.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ImageError("attack detection takes an RGB image, 8 bits a channel", code="IMAGE_TYPE")
        if not (visible(image, box) >= VISIBLE_MIN and max(box[2:]) >= FACE_PX_MIN):
            return np.full(len(self._networks), np.nan)
        return np.array([network.log_odds(image, box) for network in self._networks.values()], np.float64)

    def warm_up(self) -> None:
        """Runs every network once, so that the first traveller does not wait for their memory plans."""
        self.log_odds(np.full((480, 480, 3), 127, np.uint8), (160.0, 160.0, 160.0, 160.0))


def load_pad_networks(store: ModelStore, models: Sequence[str]) -> PadNetworks:
    """The networks of an engine whose models are these, its detector aside. Raises ModelError as choose_models, or if one is missing or
    has another hash.
    """
    cv2.setNumThreads(1)  # parallelism is the caller's pool, as with onnxruntime
    _, attack = choose_models(store, models)
    tables = {id: _network(store, id) for id in attack}
    return PadNetworks({id: PadNetwork(store.session(id), network) for id, network in tables.items()})


def choose_models(store: ModelStore, models: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The detector whose boxes the crops are measured in, and the attack detection networks in the order given.

    Raises ModelError MODEL_MANIFEST if a model is unknown or neither, or there is not one detector and at least one network.
    """
    roles = {id: store.manifest.models[id].role if id in store.manifest.models else "" for id in models}
    detectors = [id for id, role in roles.items() if role == FACE_DETECTION]
    attack = tuple(id for id, role in roles.items() if role == ATTACK_DETECTION)
    if len(detectors) != 1 or not attack or len(roles) != len(attack) + 1:
        raise ModelError(
            "an attack detection engine has one face detection and models of role presentation attack detection, not "
            + ", ".join(models),
            code="MODEL_MANIFEST",
        )
    return detectors[0], attack


def _network(store: ModelStore, id: str) -> Network:
    network = store.manifest.models[id].network
    if network is None or not network.margin > 0.0 or network.bona_fide < 0:
        raise ModelError(f"{id} needs a [model.network] with margin and bona_fide", code="MODEL_MANIFEST")
    return network
