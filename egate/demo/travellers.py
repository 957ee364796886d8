"""The demo's travellers: who they are, what they do, what must become of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import cv2
import numpy as np

from egate.inference.store import ModelStore
from hw.sim.issuer import IssuedDocument, invent_holder, issue
from hw.sim.world import Behaviour

PORTRAIT_HEIGHT_PX = 480  # about 40 kB, the size of a chip's portrait; larger ones exceed what a chip file may hold


@dataclass(frozen=True, slots=True, repr=False)
class Traveller:
    """expected: the outcome; reason: a code that must be among the reasons of a referral, with detail if given.

    device: uses the lane with a document reader over the stream; otherwise the lane whose gate sends everything at once.
    comes: False if nobody stands before the camera. faces, fingers: encoded live captures. portrait, finger: what the
    document's chip holds, for the gate that reads documents itself.
    """

    name: str
    device: bool
    document: IssuedDocument
    portrait: bytes
    finger: bytes
    faces: tuple[bytes, ...]
    fingers: tuple[bytes, ...]
    expected: str
    reason: str = ""
    detail: str = ""
    comes: bool = True
    behaviour: Behaviour = Behaviour.PASS
    officer: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class People:
    """The photographs and prints of the installed samples: one person twice, another one; one finger twice, another one."""

    portrait: bytes
    live: bytes
    stranger: bytes
    finger: bytes
    live_finger: bytes
    wrong_finger: bytes

    @classmethod
    def load(cls, store: ModelStore) -> People:
        """Raises ModelError if the samples are not installed."""

        def read(file: str) -> bytes:
            return store.sample(file).read_bytes()

        return cls(
            portrait=_jpeg(_scaled(read("obama.jpg"), PORTRAIT_HEIGHT_PX)),
            live=read("obama2.jpg"),
            stranger=read("biden.jpg"),
            finger=read("p1_1.png"),
            live_finger=read("p1_2.png"),
            wrong_finger=read("p2_1.png"),
        )


def demo_travellers(people: People, today: date) -> list[Traveller]:
    """The seven of the demo, in their order."""

    def passport(index: int, **defects: object) -> IssuedDocument:
        expired = bool(defects.pop("expired", False))
        holder = invent_holder(index, today, expired=expired)
        return issue(holder, people.portrait, people.finger, **defects)  # type: ignore[arg-type]

    def traveller(name: str, device: bool, document: IssuedDocument, expected: str, **facts: Any) -> Traveller:
        captures = {"faces": (people.live,), "fingers": (people.live_finger,), **facts}
        return Traveller(name, device, document, people.portrait, people.finger, expected=expected, **captures)

    both = side_by_side(people.live, people.stranger)
    wrong_digit = passport(3, wrong_check_digit="date_of_birth")
    return [
        traveller("document holder", True, passport(0), "PASSED"),
        traveller(
            "another person's face",
            False,
            passport(1),
            "REFERRED",
            reason="FACE_NON_MATCH",
            faces=(people.stranger,),
            officer=True,
        ),
        traveller(
            "wrong finger", True, passport(2), "REFERRED", reason="FINGER_NON_MATCH", fingers=(people.wrong_finger,)
        ),
        traveller("wrong check digit", True, wrong_digit, "REFERRED", reason="MRZ_CHECK_DIGIT", detail="date_of_birth"),
        traveller(
            "expired document",
            False,
            passport(4, expired=True),
            "REFERRED",
            reason="DOCUMENT_EXPIRED",
            detail="date_of_expiry",
        ),
        traveller(
            "nobody comes", True, passport(5), "REFERRED", reason="NO_TRAVELLER", faces=(), fingers=(), comes=False
        ),
        traveller("two people", False, passport(0), "REFERRED", reason="MULTIPLE_PERSONS", faces=(both,)),
    ]


def side_by_side(left: bytes, right: bytes, height: int = 720) -> bytes:
    """One frame with both pictures, as JPEG: two people before one camera."""
    frames = [_scaled(image, height) for image in (left, right)]
    return _jpeg(np.hstack(frames))


def _scaled(image: bytes, height: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    pixels = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    width = round(pixels.shape[1] * height / pixels.shape[0])
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)


def _jpeg(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 92])
    assert done
    return data.tobytes()
