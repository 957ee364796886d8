"""How an engine feeds a network and reads it: the `[model.network]` table of the manifest, the same for every model of a role.

With it a face embedding or an attack detector is data: exchanging one is a manifest entry and a calibration, not code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egate.errors import ModelError

COLOURS = ("RGB", "BGR")
SIDE_PX_MIN, SIDE_PX_MAX = 16, 1024  # chosen: bounds the memory of one crop
POINTS = 5  # right eye, left eye, nose, right and left mouth corner (the subject's right)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Input (n, 3, side_px, side_px) float32: (pixel - mean) / deviation per channel, in the order of colour.

    input, output: names in the graph. batch: the graph takes any n; otherwise one image at a time.
    Face embedding: points, (5, 2) pixels of the input onto which the face's points are fitted; mirror: the embedding is the mean of
    the image's and its mirror image's. Attack detection: margin, the crop's side in sides of the face's box (larger one);
    bona_fide: the index of that class in the output.
    """

    input: str
    output: str
    side_px: int
    colour: str = "RGB"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)
    batch: bool = False
    points: tuple[tuple[float, float], ...] = ()
    mirror: bool = False
    margin: float = 0.0
    bona_fide: int = -1

    @property
    def template(self) -> NDArray[np.float32]:
        """points as (5, 2) float32."""
        return np.array(self.points, np.float32)


def read_network(model: str, table: Mapping[str, Any]) -> Network:
    """Raises ModelError MODEL_MANIFEST naming the model and the key."""
    names = {field.name for field in fields(Network)}
    if unknown := sorted(set(table) - names):
        raise _bad(model, f"unknown key {unknown[0]!r}")
    if missing := sorted({"input", "output", "side_px"} - set(table)):
        raise _bad(model, f"key {missing[0]!r} is missing")
    values: dict[str, Any] = dict(table)
    for key in ("input", "output"):
        if not isinstance(values[key], str) or not values[key]:
            raise _bad(model, f"{key} must be a name")
    for key in ("mean", "deviation"):
        if key in values:
            values[key] = _numbers(model, key, values[key], 3)
    if "points" in values:
        rows = values["points"]
        if not isinstance(rows, list) or len(rows) not in (0, POINTS):
            raise _bad(model, f"points must be {POINTS} pairs")
        values["points"] = tuple(_numbers(model, "points", row, 2) for row in rows)
    for key, kind in (("side_px", int), ("bona_fide", int), ("batch", bool), ("mirror", bool)):
        if key in values and type(values[key]) is not kind:
            raise _bad(model, f"{key} must be of type {kind.__name__}")
    if "margin" in values:
        (values["margin"],) = _numbers(model, "margin", [values["margin"]], 1)
    network = Network(**values)
    _check(model, network)
    return network


def _check(model: str, network: Network) -> None:
    if not SIDE_PX_MIN <= network.side_px <= SIDE_PX_MAX:
        raise _bad(model, f"side_px must be {SIDE_PX_MIN} to {SIDE_PX_MAX}")
    if network.colour not in COLOURS:
        raise _bad(model, f"colour must be one of {COLOURS}")
    if min(network.deviation) <= 0.0:
        raise _bad(model, "deviation must be greater than 0")
    if not 0.0 <= network.margin <= 16.0:
        raise _bad(model, "margin must be 0 to 16")


def _numbers(model: str, key: str, value: object, count: int) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != count:
        raise _bad(model, f"{key} must hold {count} numbers")
    if any(isinstance(item, bool) or not isinstance(item, int | float) or not np.isfinite(item) for item in value):
        raise _bad(model, f"{key} must hold finite numbers")
    return tuple(float(item) for item in value)


def _bad(model: str, what: str) -> ModelError:
    return ModelError(f"models manifest: network of {model}: {what}", code="MODEL_MANIFEST")
