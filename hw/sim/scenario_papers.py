"""What travellers of a scenario carry: documents of the specimen state, pictures of fingers, as arguments of the simulator's commands."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from egate.document.zone.mrz_format import MrzFormat
from egate.errors import ConfigurationError
from hw.sim import wire
from hw.sim.issuer import invent_holder, specimen_issuer
from hw.sim.scenario import DocumentKind

FILE_BYTES_MAX = 2_000_000  # chosen: a portrait has some 20,000, a finger 100,000
PORTRAIT_SHAPE = (320, 240)


def presentation(kind: DocumentKind, number: int, portrait: Path | None, today: date | None = None) -> dict[str, Any]:
    """mrz_lines and chip of `present_document`. number: whose; the same one is always the same person. portrait: None for a made picture
    that shows nobody. Raises ConfigurationError."""
    holder = invent_holder(number, today or datetime.now(UTC).date(), expired=kind is DocumentKind.EXPIRED)
    card = kind is DocumentKind.CARD
    picture = _no_portrait() if portrait is None else _content(portrait)
    try:
        document = specimen_issuer().issue(
            replace(holder, document_code="I") if card else holder,
            picture,
            mrz_format=MrzFormat.TD1 if card else MrzFormat.TD3,
        )
    except ValueError:
        raise ConfigurationError(f"{portrait} is no JPEG") from None
    chip = None if kind is DocumentKind.ZONE_ONLY or document.personalisation is None else document.personalisation
    return {"mrz_lines": list(document.mrz_lines), "chip": None if chip is None else wire.encode(chip)}


def read_finger(path: Path) -> Mapping[str, Any]:
    """Arguments of `lay_finger`: a grey picture of 500 dpi, dark ridges. Raises ConfigurationError."""
    picture = cv2.imdecode(np.frombuffer(_content(path), np.uint8), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise ConfigurationError(f"{path} is no picture")
    height, width = picture.shape
    return {"pixels": base64.b64encode(picture.tobytes()).decode("ascii"), "height": height, "width": width}


@cache
def _no_portrait() -> bytes:
    """A grey ramp."""
    height, width = PORTRAIT_SHAPE
    ramp = np.linspace(64, 192, width, dtype=np.uint8)
    return cv2.imencode(".jpg", np.repeat(ramp[None], height, axis=0)[..., None].repeat(3, axis=2))[1].tobytes()


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from None
    if not 0 < len(content) <= FILE_BYTES_MAX:
        raise ConfigurationError(f"{path}: empty, or larger than {FILE_BYTES_MAX} bytes")
    return content
