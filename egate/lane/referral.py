"""A referral's case: who, why, and the dossier the officer compares."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime

import cv2
import numpy as np

from egate.cases.case import Case, new_case_id
from egate.cases.dossier import Dossier
from egate.document.data import DocumentData
from egate.document.lds.chip_details import chip_details
from egate.document.lds.displayed_image import parse_dg7
from egate.domain.biometric import Image
from egate.domain.decision import Decision, ReasonDetail
from egate.domain.ids import CrossingId, LaneId
from egate.errors import DocumentError, ImageError
from egate.inference.image.decoder import decode
from egate.lane.samples import Samples

SIGNATURE_PIXELS_MAX = (
    2_000_000  # chosen: a dossier travels in one answer; twice what 600 dpi make of a signature panel
)


def new_case(
    lane: LaneId,
    crossing: CrossingId,
    decision: Decision | None,
    reasons: tuple[ReasonDetail, ...],
    opened_at: datetime,
) -> Case:
    return Case(
        id=new_case_id(),
        crossing=crossing,
        lane=lane,
        opened_at=opened_at,
        reasons=reasons,
        checks=decision.checks if decision is not None else (),
        not_performed=decision.not_performed if decision is not None else (),
        policy_version=decision.policy_version if decision is not None else "",
    )


async def build_dossier(samples: Samples) -> Dossier:
    """All there is: crops and prints as PNG; where a face was never compared, the portrait and the newest frame as they came.

    What the chip says beyond the zone stands in fields "chip_…": what of it the issuer signed, the case's checks tell.
    """
    document = samples.document
    files = {} if document is None or document.chip is None else document.chip.files
    images = await asyncio.to_thread(lambda: _encoded({**samples.images, **_signature(files)}))
    if "document_face" not in images and document is not None and document.portrait:
        images["document_face"] = document.portrait
    if "live_face" not in images and samples.faces:
        images["live_face"] = samples.faces[max(samples.faces)].image
    if "live_finger" not in images and samples.fingers:
        images["live_finger"] = samples.fingers[max(samples.fingers)].image
    details = await asyncio.to_thread(chip_details, files)
    return Dossier(images, {**samples.holder, **details})


def holder_fields(data: DocumentData | None) -> dict[str, str]:
    """The document data by field name, as text; dates as YYYY-MM-DD, with X for what of a birth is unknown."""
    if data is None:
        return {}
    values = {field.name: getattr(data, field.name) for field in fields(data)}
    return {name: _text(value) for name, value in values.items() if value not in (None, "")}


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _signature(files: Mapping[str, bytes]) -> dict[str, Image]:
    """The holder's signature as it is printed (DG7), if there is one that can be shown."""
    try:
        signatures = parse_dg7(files["dg7"])
        return (
            {"document_signature": decode(signatures[0].image, pixels_max=SIGNATURE_PIXELS_MAX)} if signatures else {}
        )
    except (KeyError, DocumentError, ImageError):
        return {}


def _encoded(images: dict[str, Image]) -> dict[str, bytes]:
    encoded = {}
    for name, image in images.items():
        bgr = image[:, :, ::-1] if image.ndim == 3 else image
        done, data = cv2.imencode(".png", np.ascontiguousarray(bgr))
        if done:
            encoded[name] = data.tobytes()
    return encoded
