"""What MatchService computes with. The composition root fills it."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from egate.inference.image.budget import ImageBudget
from egate.ports import FaceEngine, FingerEngine, PadEngine

T = TypeVar("T")


class InferencePlace(Protocol):
    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """function(*arguments) in one of the pool's threads, in its turn."""


class InferencePool(Protocol):
    """The bounded pool all inference runs on."""

    def place(self) -> AbstractContextManager[InferencePlace]:
        """For work of one or more jobs. Raises ModelError INFERENCE_OVERLOADED if too many wait already."""


@dataclass(frozen=True, slots=True)
class Engines:
    """pad None: attack detection is not performed. pad_threshold: score from which on a face is bona fide; NaN: on record only.

    images: what may be decoded at once.
    """

    face: FaceEngine
    finger: FingerEngine
    pool: InferencePool
    pad: PadEngine | None = None
    pad_threshold: float = math.nan
    images: ImageBudget = field(default_factory=ImageBudget)
