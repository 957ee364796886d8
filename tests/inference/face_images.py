"""What people send as a picture of a face, and what must come of it: one table for the engine and for both RPCs.

The pictures are made from two sample photographs and from drawings of our own.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

from egate.domain.biometric import Guidance, Image
from egate.inference.image.decoder import decode
from egate.inference.weights.store import ModelStore

HEIGHT, WIDTH = 480, 384
MATCH, NON_MATCH = "MATCH", "NON_MATCH"  # against another photograph of the same person
NO_FACE = "IMAGE_NO_FACE"


@dataclass(frozen=True, slots=True)
class Case:
    """verdicts: MATCH, NON_MATCH or the code of an error; one of them must come. guidance: one of them must be said, if any is named."""

    name: str
    make: Callable[[], bytes]
    verdicts: tuple[str, ...]
    guidance: tuple[Guidance, ...] = ()
    face_count: int | None = None


def cases(face: Image, other: Image) -> list[Case]:
    """Of two people's photographs, (HEIGHT, WIDTH, 3)."""
    return [*_shown(face, other), *_encoded(face), *_turned(face), *_sized(face), *_transparent(face), *_broken(face)]


def photographs(store: ModelStore) -> tuple[Image, Image]:
    first, second = (decode(store.sample(name).read_bytes()) for name in ("obama.jpg", "biden.jpg"))
    return resized(first, WIDTH, HEIGHT), resized(second, WIDTH, HEIGHT)


def _shown(face: Image, other: Image) -> list[Case]:
    """What is in the picture."""
    two = np.concatenate([face, other], axis=1)
    upside_down = np.ascontiguousarray(face[::-1, ::-1])
    lying = (Guidance.HOLD_HEAD_STRAIGHT, Guidance.LOOK_AT_CAMERA, Guidance.STEP_INTO_VIEW, Guidance.COME_CLOSER)
    return [
        Case("photograph", lambda: jpeg(face), (MATCH,), (Guidance.GO_AHEAD,), 1),
        Case("no face", lambda: jpeg(landscape()), (NO_FACE,), (Guidance.STEP_INTO_VIEW,), 0),
        Case("one colour", lambda: png(np.full_like(face, 127)), (NO_FACE,), (Guidance.STEP_INTO_VIEW,), 0),
        Case("two faces", lambda: jpeg(two), (MATCH, NON_MATCH), (Guidance.ONE_PERSON_ONLY,), 2),
        Case("upside down", lambda: jpeg(upside_down), (NO_FACE, NON_MATCH)),
        Case("on its side", lambda: jpeg(np.rot90(face)), (NO_FACE, NON_MATCH), lying),
        Case("cartoon", lambda: png(cartoon()), (NO_FACE, NON_MATCH)),
        Case("tiny face", lambda: jpeg(tiny(face)), (NO_FACE,), (Guidance.COME_CLOSER, Guidance.STEP_INTO_VIEW)),
    ]


def _encoded(face: Image) -> list[Case]:
    """How it is stored."""
    picture = Pillow.fromarray(face)
    grey = picture.convert("L")
    sixteen = face.astype(np.uint16) * 257
    moved = picture.rotate(180)
    return [
        Case("grey JPEG", lambda: encoded(grey, "JPEG", quality=95), (MATCH,)),
        Case("grey PNG", lambda: encoded(grey, "PNG"), (MATCH,)),
        Case("grey of 16 bits", lambda: cv(".png", np.asarray(grey).astype(np.uint16) * 257), (MATCH,)),
        Case("colour of 16 bits", lambda: cv(".png", sixteen[:, :, ::-1]), (MATCH,)),
        Case("black and white", lambda: encoded(grey.convert("1"), "PNG"), (MATCH, NON_MATCH, NO_FACE)),
        Case("palette", lambda: encoded(picture.quantize(256), "PNG"), (MATCH,)),
        Case("progressive JPEG", lambda: encoded(picture, "JPEG", progressive=True, quality=95), (MATCH,)),
        Case("JPEG in RGB", lambda: encoded(picture, "JPEG", keep_rgb=True, quality=95), (MATCH,)),
        Case("CMYK by Adobe", lambda: cmyk(face), (MATCH,)),
        Case("YCCK by Adobe", lambda: ycck(face), (MATCH,)),
        Case("CMYK that does not say which", lambda: without_adobe(cmyk(face)), ("IMAGE_FORMAT",)),
        Case("JPEG 2000", lambda: encoded(picture, "JPEG2000"), (MATCH,)),
        Case("BMP", lambda: encoded(picture, "BMP"), ("IMAGE_FORMAT",)),
        Case("TIFF", lambda: encoded(picture, "TIFF", compression="jpeg"), ("IMAGE_FORMAT",)),
        Case("GIF", lambda: encoded(picture, "GIF"), ("IMAGE_FORMAT",)),
        Case("animated GIF", lambda: animated(picture, moved, "GIF"), ("IMAGE_FORMAT",)),
        Case("animated PNG", lambda: animated(picture, moved, "PNG"), ("IMAGE_FORMAT",)),
        Case("WebP", lambda: encoded(picture, "WEBP"), ("IMAGE_FORMAT",)),
        Case("animated WebP", lambda: animated(picture, moved, "WEBP"), ("IMAGE_FORMAT",)),
    ]


def _turned(face: Image) -> list[Case]:
    """Stored otherwise than it is to be seen, and saying so."""
    return [
        Case(f"{kind} turned {orientation}", partial(turned, face, orientation, kind), (MATCH,), (Guidance.GO_AHEAD,))
        for kind in ("JPEG", "PNG")
        for orientation in range(1, 9)
    ]


def _sized(face: Image) -> list[Case]:
    return [
        Case("8 pixels", lambda: jpeg(resized(face, 8, 8)), ("IMAGE_SIZE",)),
        Case("16 pixels", lambda: jpeg(resized(face, 16, 16)), (NO_FACE,)),
        Case("strip", lambda: jpeg(resized(face, 700, 20)), ("IMAGE_SIZE",)),
        Case("100 megapixels, PNG", lambda: encoded(Pillow.new("L", (10_000, 10_000)), "PNG"), ("IMAGE_SIZE",)),
        Case("100 megapixels, JPEG", lambda: encoded(Pillow.new("L", (10_000, 10_000)), "JPEG"), ("IMAGE_SIZE",)),
    ]


def _transparent(face: Image) -> list[Case]:
    opaque = np.full(face.shape[:2], 255, np.uint8)
    hiding = opaque.copy()
    hiding[:, : WIDTH // 2] = 0
    picture, grey = Pillow.fromarray(face), Pillow.fromarray(face).convert("L")
    sixteen = np.dstack([face[:, :, ::-1], hiding]).astype(np.uint16) * 257
    return [
        Case("alpha, opaque", lambda: encoded(with_alpha(picture, opaque), "PNG"), (MATCH,)),
        Case("grey with alpha, opaque", lambda: encoded(with_alpha(grey, opaque), "PNG"), (MATCH,)),
        Case("alpha that hides", lambda: encoded(with_alpha(picture, hiding), "PNG"), ("IMAGE_ALPHA",)),
        Case("grey with alpha that hides", lambda: encoded(with_alpha(grey, hiding), "PNG"), ("IMAGE_ALPHA",)),
        Case("alpha of 16 bits that hides", lambda: cv(".png", sixteen), ("IMAGE_ALPHA",)),
        Case(
            "palette that hides",
            lambda: encoded(picture.quantize(200), "PNG", transparency=bytes(100)),
            ("IMAGE_ALPHA",),
        ),
        Case("grey that hides", lambda: encoded(grey, "PNG", transparency=int(face[0, 0, 0])), ("IMAGE_ALPHA",)),
    ]


def _broken(face: Image) -> list[Case]:
    whole, lossless = jpeg(face), png(face)
    flipped = bytearray(lossless)
    flipped[len(flipped) // 2] ^= 0xFF
    noisy = bytearray(whole)
    for position in range(len(noisy) // 2, len(noisy) - 2, 97):
        noisy[position] = 0x55
    return [
        Case("no bytes", lambda: b"", ("IMAGE_EMPTY",)),
        Case("zeros", lambda: bytes(5000), ("IMAGE_FORMAT",)),
        Case("a web page", lambda: b"<!DOCTYPE html><title>404 Not Found</title>", ("IMAGE_FORMAT",)),
        Case("truncated JPEG", lambda: whole[: len(whole) // 2], ("IMAGE_TRUNCATED",)),
        Case("truncated PNG", lambda: lossless[: len(lossless) // 2], ("IMAGE_TRUNCATED",)),
        Case("PNG with a wrong byte", lambda: bytes(flipped), ("IMAGE_CORRUPT",)),
        Case("JPEG without its tables", lambda: whole[:2] + whole[-400:], ("IMAGE_CORRUPT", "IMAGE_TRUNCATED")),
        # Decodes, with stripes; libjpeg can't tell. The upper half is intact.
        Case("JPEG with wrong bytes", lambda: bytes(noisy), (MATCH, NON_MATCH, NO_FACE, "IMAGE_CORRUPT")),
    ]


def encoded(picture: Pillow.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def jpeg(image: Image) -> bytes:
    return encoded(Pillow.fromarray(np.ascontiguousarray(image)), "JPEG", quality=95)


def png(image: Image) -> bytes:
    return encoded(Pillow.fromarray(image), "PNG")


def cv(extension: str, pixels: Any) -> bytes:
    done, data = cv2.imencode(extension, pixels)
    assert done
    return bytes(data.tobytes())


def animated(picture: Pillow.Image, second: Pillow.Image, kind: str) -> bytes:
    return encoded(picture, kind, save_all=True, append_images=[second], duration=100)


def with_alpha(picture: Pillow.Image, alpha: Image) -> Pillow.Image:
    result = picture.copy()
    result.putalpha(Pillow.fromarray(alpha))
    return result


def turned(face: Image, orientation: int, kind: str) -> bytes:
    """Stored so that a viewer that follows the orientation shows the face upright."""
    move = Pillow.Transpose
    stored = {
        2: move.FLIP_LEFT_RIGHT,
        3: move.ROTATE_180,
        4: move.FLIP_TOP_BOTTOM,
        5: move.TRANSPOSE,
        6: move.ROTATE_90,
        7: move.TRANSVERSE,
        8: move.ROTATE_270,
    }
    picture = Pillow.fromarray(face)
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"quality": 95} if kind == "JPEG" else {}
    if orientation in stored:
        picture = picture.transpose(stored[orientation])
    return encoded(picture, kind, exif=exif.tobytes(), **options)


def cmyk(face: Image) -> bytes:
    return encoded(Pillow.fromarray(face).convert("CMYK"), "JPEG", quality=95)


def ycck(face: Image) -> bytes:
    """CMY as YCbCr, and black (Adobe technical note 5116). Inverted CMY without black is RGB, and the transform inverts once more."""
    negative = Pillow.fromarray(255 - face).convert("YCbCr")
    bands = (*negative.split(), Pillow.new("L", negative.size, 255))
    data = bytearray(encoded(Pillow.merge("CMYK", [inverted(band) for band in bands]), "JPEG", quality=95))
    data[data.index(b"Adobe") + 11] = 2  # its transform: YCCK
    return bytes(data)


def inverted(band: Pillow.Image) -> Pillow.Image:
    """Pillow inverts what it writes, as Adobe does."""
    return band.point(lambda value: 255 - value)


def without_adobe(data: bytes) -> bytes:
    at = data.index(b"\xff\xee")
    return data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]


def landscape() -> Image:
    rows = np.linspace(220, 120, HEIGHT)[:, None, None] * np.array([0.6, 0.8, 1.0])
    image = np.broadcast_to(rows, (HEIGHT, WIDTH, 3)).astype(np.uint8).copy()
    image[HEIGHT // 2 :] = (70, 110, 60)
    cv2.circle(image, (300, 90), 40, (250, 240, 180), -1)
    return image


def tiny(face: Image) -> Image:
    image = np.full((HEIGHT, 640, 3), 90, np.uint8)
    image[200:236, 300:329] = resized(face, 29, 36)
    return image


def cartoon() -> Image:
    image = np.full((HEIGHT, HEIGHT, 3), (120, 180, 230), np.uint8)
    ink = (0, 0, 0)
    for colour, thickness in (((255, 205, 160), -1), (ink, 4)):
        cv2.ellipse(image, (240, 250), (120, 150), 0, 0, 360, colour, thickness)
    for x in (195, 285):
        cv2.ellipse(image, (x, 220), (28, 20), 0, 0, 360, (255, 255, 255), -1)
        cv2.ellipse(image, (x, 220), (28, 20), 0, 0, 360, ink, 3)
        cv2.circle(image, (x, 220), 9, (20, 20, 20), -1)
        cv2.line(image, (x - 30, 185), (x + 30, 182), (60, 30, 10), 7)
    cv2.line(image, (240, 235), (228, 285), (160, 110, 80), 5)
    cv2.ellipse(image, (240, 330), (50, 22), 0, 10, 170, (180, 30, 30), 7)
    cv2.ellipse(image, (240, 150), (125, 70), 0, 180, 360, (60, 30, 10), -1)
    return image


def resized(image: Image, width: int, height: int) -> Image:
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


NAMES = tuple(
    case.name for case in cases(np.zeros((HEIGHT, WIDTH, 3), np.uint8), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
)
