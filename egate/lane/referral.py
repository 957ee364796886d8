"""A referral's case: who, why, and the dossier the officer compares."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from datetime import date, datetime

import cv2
import numpy as np

from egate.cases.case import Case, new_case_id
from egate.cases.dossier import Dossier
from egate.document.data import DocumentData
from egate.domain.biometric import Image
from egate.domain.decision import Decision, ReasonDetail
from egate.domain.ids import CrossingId, LaneId
from egate.lane.samples import Samples


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
    """All there is: crops and prints as PNG; where a face was never compared, the portrait and the newest frame as they came."""
    images = await asyncio.to_thread(_encoded, dict(samples.images))
    document = samples.document
    if "document_face" not in images and document is not None and document.portrait:
        images["document_face"] = document.portrait
    if "live_face" not in images and samples.faces:
        images["live_face"] = samples.faces[max(samples.faces)]
    if "live_finger" not in images and samples.fingers:
        images["live_finger"] = samples.fingers[max(samples.fingers)][0]
    return Dossier(images, dict(samples.holder))


def holder_fields(data: DocumentData | None) -> dict[str, str]:
    """The document data by field name, as text; dates as YYYY-MM-DD, with X for what of a birth is unknown."""
    if data is None:
        return {}
    values = {field.name: getattr(data, field.name) for field in fields(data)}
    return {name: _text(value) for name, value in values.items() if value not in (None, "")}


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _encoded(images: dict[str, Image]) -> dict[str, bytes]:
    encoded = {}
    for name, image in images.items():
        bgr = image[:, :, ::-1] if image.ndim == 3 else image
        done, data = cv2.imencode(".png", np.ascontiguousarray(bgr))
        if done:
            encoded[name] = data.tobytes()
    return encoded
