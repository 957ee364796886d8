"""Goal: every face is found whatever the frame's size and shape, the traveller's first, and a large frame is not sampled into patterns."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.domain.biometric import Image
from egate.inference.face.engine import OnnxFaceEngine
from egate.inference.face.search import COMPARABLE_WIDTH, FACES_MAX, find_faces, look_side_px
from egate.inference.face.shrink import shrunk
from egate.inference.image.decoder import decode
from egate.inference.weights.store import ModelStore

SIZES = ((480, 640), (720, 1280), (1080, 1920), (1920, 1080))


@pytest.fixture(scope="module")
def heads(store: ModelStore, face_engine: OnnxFaceEngine) -> dict[str, Image]:
    """Head and shoulders, 3:4, eyes about a fifth of the width apart."""
    found = {}
    for name in ("obama.jpg", "biden.jpg"):
        photograph = decode(store.sample(name).read_bytes())
        box = find_faces(store.session("yunet"), photograph).boxes[0]
        x, y = int(box.x + box.width / 2 - 1.1 * box.width), max(0, int(box.y - 0.4 * box.height))
        found[name] = photograph[y : y + int(2.9 * box.width), max(0, x) : x + int(2.2 * box.width)]
    return found


def placed(frame: Image, head: Image, x: int, y: int, iod_px: int) -> None:
    """The head with its left upper corner at x, y. Eyes: 0.23 of its width."""
    width = round(iod_px / 0.23)
    height = head.shape[0] * width // head.shape[1]
    frame[y : y + height, x : x + width] = cv2.resize(head, (width, height), interpolation=cv2.INTER_AREA)


def grey(height: int, width: int) -> Image:
    return np.full((height, width, 3), 120, np.uint8)


@pytest.mark.models
@pytest.mark.parametrize(
    ("height", "width", "iod_px"),
    [
        *((height, width, iod_px) for height, width in SIZES for iod_px in (30, 60, 75)),
        (2160, 3840, 60),  # 30 px are 5 px in the largest look: four of five are found
        (2160, 3840, 300),
    ],
)
def test_face_is_found_in_frames_of_any_size(
    store: ModelStore, heads: dict[str, Image], height: int, width: int, iod_px: int
) -> None:
    frame = grey(height, width)
    placed(frame, heads["obama.jpg"], width // 2 - 2 * iod_px, height // 20, iod_px)
    found = find_faces(store.session("yunet"), frame)
    assert found.traveller is not None
    points = found.traveller.points
    assert float(np.linalg.norm(points[1] - points[0])) == pytest.approx(iod_px, rel=0.2)
    assert found.count == len(found.boxes) == 1


@pytest.mark.models
def test_every_face_is_reported_and_the_traveller_first(store: ModelStore, heads: dict[str, Image]) -> None:
    frame = grey(1080, 1920)
    placed(frame, heads["biden.jpg"], 100, 100, 40)
    placed(frame, heads["obama.jpg"], 800, 150, 110)
    placed(frame, heads["biden.jpg"], 1500, 100, 70)
    found = find_faces(store.session("yunet"), frame)
    assert [box.width for box in found.boxes] == sorted((box.width for box in found.boxes), reverse=True)
    assert [500 * round(box.x / 500) for box in found.boxes] == [1000, 1500, 0]
    assert found.traveller is not None
    assert found.boxes[0].x == pytest.approx(float(found.traveller.box[0]))
    assert found.count == sum(box.width >= COMPARABLE_WIDTH * found.boxes[0].width for box in found.boxes)


@pytest.mark.models
def test_large_face_at_the_side_gives_way_to_one_in_the_middle(store: ModelStore, heads: dict[str, Image]) -> None:
    frame = grey(480, 640)
    placed(frame, heads["biden.jpg"], 0, 20, 42)
    placed(frame, heads["obama.jpg"], 240, 100, 38)
    found = find_faces(store.session("yunet"), frame)
    assert len(found.boxes) == 2
    assert found.boxes[0].x > 200
    assert found.boxes[1].width > 0.9 * found.boxes[0].width


@pytest.mark.models
def test_crowd_is_counted_and_its_report_bounded(store: ModelStore, heads: dict[str, Image]) -> None:
    frame = grey(960, 1280)
    for number in range(24):
        placed(frame, heads["obama.jpg"], 200 * (number % 6) + 10, 235 * (number // 6) + 5, 40)
    found = find_faces(store.session("yunet"), frame)
    assert found.count == 24
    assert len(found.boxes) == FACES_MAX


@pytest.mark.parametrize(
    ("shape", "side"),
    [((480, 640), 320), ((1080, 1920), 384), ((1920, 1080), 384), ((250, 250), 320), ((16, 9000), 480)],
)
def test_first_look_has_as_many_pixels_whatever_the_shape(shape: tuple[int, int], side: int) -> None:
    assert look_side_px(np.zeros((*shape, 3), np.uint8), 320) == side


@given(height=st.integers(1, 400), width=st.integers(1, 400), side=st.integers(1, 400), level=st.integers(0, 255))
def test_shrunk_image_has_the_side_and_the_brightness(height: int, width: int, side: int, level: int) -> None:
    small = shrunk(np.full((height, width, 3), level, np.uint8), side)
    assert max(small.shape[:2]) == side
    assert min(small.shape[:2]) == max(1, round(min(height, width) * side / max(height, width)))
    assert (small == level).all()


@pytest.mark.parametrize("period", [2, 3, 4, 5, 6])
def test_fine_stripes_become_grey(period: int) -> None:
    """Sampling every fifth pixel of a 1080p frame would show stripes of a false width at full contrast."""
    stripes = np.where(np.arange(1920) % period < period / 2, 255, 0).astype(np.uint8)
    frame = np.ascontiguousarray(np.broadcast_to(stripes[None, :, None], (1080, 1920, 3)))
    nearest = cv2.resize(frame, (384, 216), interpolation=cv2.INTER_NEAREST)
    assert shrunk(frame, 384).std() < 0.65 * nearest.std() + 1
