"""The demo's travellers: who they are, what they do, what must become of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import cv2
import numpy as np

from egate.demo.utopia import Utopia, copied, with_portrait
from egate.inference.weights.store import ModelStore
from hw.sim.issuer import IssuedDocument
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
    stranger_portrait: bytes
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
            stranger_portrait=_jpeg(_scaled(read("biden.jpg"), PORTRAIT_HEIGHT_PX)),
            finger=read("p1_1.png"),
            live_finger=read("p1_2.png"),
            wrong_finger=read("p2_1.png"),
        )


def demo_travellers(people: People, today: date, state: Utopia | None = None) -> list[Traveller]:
    """The nine of the demo, in their order. state: issues their documents; the site must trust it to find them genuine."""
    issuer = state or Utopia(today)

    def passport(index: int, portrait: bytes = people.portrait, **defects: Any) -> IssuedDocument:
        return issuer.passport(index, portrait, people.finger, **defects)

    def traveller(name: str, device: bool, document: IssuedDocument, expected: str, **facts: Any) -> Traveller:
        captures = {"faces": (people.live,), "fingers": (people.live_finger,), **facts}
        return Traveller(name, device, document, people.portrait, people.finger, expected=expected, **captures)

    def referred(name: str, device: bool, document: IssuedDocument, reason: str, **facts: Any) -> Traveller:
        return traveller(name, device, document, "REFERRED", reason=reason, **facts)

    both = side_by_side(people.live, people.stranger)
    wrong_digit = passport(3, wrong_check_digit="date_of_birth")
    # The forged portrait shows whoever stands there: only the issuer's signature tells.
    forged = with_portrait(passport(6), people.stranger_portrait)
    return [
        traveller("document holder", True, passport(0), "PASSED"),
        referred("another person's face", False, passport(1), "FACE_NON_MATCH", faces=(people.stranger,), officer=True),
        referred("wrong finger", True, passport(2), "FINGER_NON_MATCH", fingers=(people.wrong_finger,)),
        referred("wrong check digit", True, wrong_digit, "MRZ_CHECK_DIGIT", detail="date_of_birth"),
        referred("expired document", False, passport(4, expired=True), "DOCUMENT_EXPIRED", detail="date_of_expiry"),
        referred("nobody comes", True, passport(5), "NO_TRAVELLER", faces=(), fingers=(), comes=False),
        referred("two people", False, passport(0), "MULTIPLE_PERSONS", faces=(both,)),
        referred("changed portrait", True, forged, "DG_HASH_DIFFERS", detail="dg_hashes:dg2", faces=(people.stranger,)),
        referred("copied chip", False, copied(passport(7), 7), "CHIP_NOT_AUTHENTIC", detail="active_authentication"),
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
