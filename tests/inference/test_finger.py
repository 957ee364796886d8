"""The finger engine on the three sample prints: p1_1 and p1_2 are one finger, p2_1 is another."""

from __future__ import annotations

import dataclasses
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from egate.domain.biometric import Image
from egate.errors import ConfigurationError, ImageError
from egate.inference.finger.engine import MinutiaeFingerEngine, load_finger_engine
from egate.inference.finger.minutiae import STRIDE
from egate.inference.finger.resolution import PIXELS_MAX
from egate.inference.weights.store import ModelStore
from egate.matching.finger.format.iso19794 import read_record, write_record
from egate.ports import FingerEngine

FMR = 5e-4
TURN = 2.0 * math.pi


@pytest.fixture(scope="module")
def engine(store: ModelStore) -> MinutiaeFingerEngine:
    return load_finger_engine(store)


def test_the_engine_is_a_finger_engine(engine: MinutiaeFingerEngine) -> None:
    port: FingerEngine = engine
    assert port.threshold(FMR) > 0.0


def test_one_finger_matches_and_another_does_not(engine: MinutiaeFingerEngine, prints: dict[str, Image]) -> None:
    p1_1, p1_2, p2_1 = (engine.capture(prints[name]).template for name in ("p1_1", "p1_2", "p2_1"))
    threshold = engine.threshold(FMR)
    mated, others = engine.compare(p1_1, p1_2), [engine.compare(p1_1, p2_1), engine.compare(p2_1, p1_2)]
    assert mated.value > threshold
    assert mated.fmr <= FMR
    assert mated.calibration == "finger-minutiae"
    for other in others:
        assert other.value < threshold
        assert other.fmr > FMR
    assert engine.compare(p1_2, p1_1) == mated


def test_one_finger_against_one_keeps_its_score(engine: MinutiaeFingerEngine, prints: dict[str, Image]) -> None:
    one, same, other = (engine.capture(prints[name]).template for name in ("p1_1", "p1_2", "p2_1"))
    for reference in (same, other):
        found, alone = engine.compare_fingers([one], [reference]), engine.compare(one, reference)
        assert found.score == alone.value
        assert found.fmr == pytest.approx(alone.fmr, rel=0.05)
    several = engine.compare_fingers([one], [same, other])
    assert several.fmr >= engine.compare(one, same).fmr
    assert engine.threshold(1e-3) <= several.score < engine.compare(one, same).value


def test_a_template_keeps_its_contract(engine: MinutiaeFingerEngine, prints: dict[str, Image]) -> None:
    sample = engine.capture(prints["p1_1"], position=7)
    found = sample.template
    assert 20 <= len(found.x) <= 80
    assert (found.width, found.height) == prints["p1_1"].shape[::-1]
    assert found.position == 7
    for column in (found.x, found.y, found.angle, found.quality):
        assert column.dtype == np.float32 and column.flags.c_contiguous
    assert found.ending.dtype == np.bool_
    assert ((found.x >= 0) & (found.x < found.width) & (found.y >= 0) & (found.y < found.height)).all()
    assert ((found.angle >= 0) & (found.angle < TURN)).all()
    assert ((found.quality >= 0.6) & (found.quality <= 1.0)).all()
    assert (np.diff(found.quality) <= 0).all()
    assert found.ending.any() and not found.ending.all()
    assert 0 <= sample.quality.unified <= 100
    assert all(0 <= value <= 100 for value in sample.quality.components.values())
    assert sample.guidance == ()
    assert repr(sample) == f"FingerSample(minutiae={len(found.x)}, redacted)"


def test_minutiae_stay_in_place_when_the_image_needs_padding(
    engine: MinutiaeFingerEngine, prints: dict[str, Image]
) -> None:
    """Cutting one row and column changes the padding, not where minutiae are."""
    image = prints["p1_2"]
    whole, cut = engine.capture(image).template, engine.capture(np.ascontiguousarray(image[1:, 1:])).template
    assert (image.shape[0] - 1) % STRIDE and (image.shape[1] - 1) % STRIDE
    distance = np.hypot(whole.x[:, None] - 1 - cut.x, whole.y[:, None] - 1 - cut.y).min(axis=1)
    assert np.mean(distance <= 2.0) >= 0.9


def test_angles_turn_with_the_image(engine: MinutiaeFingerEngine, prints: dict[str, Image]) -> None:
    """np.rot90 turns counter-clockwise: angles grow by a quarter turn, and the comparison does not mind."""
    image = prints["p1_1"]
    upright = engine.capture(image).template
    turned = engine.capture(np.ascontiguousarray(np.rot90(image))).template
    dx = upright.y[:, None] - turned.x
    dy = (image.shape[1] - 1 - upright.x[:, None]) - turned.y
    near = np.hypot(dx, dy) <= 4.0
    off = np.angle(np.exp(1j * (turned.angle[None, :] - upright.angle[:, None] - math.pi / 2)))
    assert near.sum() >= 20
    assert np.median(np.abs(off[near])) < 0.15
    assert engine.compare(upright, turned).value > engine.threshold(FMR)


def test_records_of_the_standard_match_like_templates(engine: MinutiaeFingerEngine, prints: dict[str, Image]) -> None:
    p1_1, p1_2 = (engine.capture(prints[name]).template for name in ("p1_1", "p1_2"))
    (read,) = read_record(write_record([p1_2]))
    assert engine.compare(p1_1, read).value > engine.threshold(FMR)


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (np.zeros((300, 300), np.uint8), "FINGER_IMAGE_BLANK"),
        (np.full((300, 300), 255, np.uint8), "FINGER_IMAGE_BLANK"),
        (np.random.default_rng(1).integers(0, 256, (300, 300), np.uint8), "FINGER_NOT_FOUND"),
        (np.tile(np.arange(256, dtype=np.uint8), (256, 1)), "FINGER_NOT_FOUND"),
        (np.zeros((63, 300), np.uint8), "FINGER_IMAGE_SIZE"),
        (np.zeros((0, 0), np.uint8), "FINGER_IMAGE_SIZE"),
        (np.zeros((PIXELS_MAX // 640 + 1, 640), np.uint8), "FINGER_IMAGE_SIZE"),
        (np.zeros((300, 300, 3), np.uint8), "FINGER_IMAGE_TYPE"),
        (np.zeros((300, 300), np.float32), "FINGER_IMAGE_TYPE"),
    ],
)
def test_what_holds_no_print_is_refused(engine: MinutiaeFingerEngine, image: Image, code: str) -> None:
    with pytest.raises(ImageError) as refusal:
        engine.capture(image)
    assert refusal.value.code == code


@pytest.mark.parametrize("position", [-1, 11])
def test_unknown_finger_positions_are_misuse(
    engine: MinutiaeFingerEngine, prints: dict[str, Image], position: int
) -> None:
    with pytest.raises(ValueError):
        engine.capture(prints["p1_1"], position)


def test_a_template_with_nan_never_matches(engine: MinutiaeFingerEngine, prints: dict[str, Image]) -> None:
    good = engine.capture(prints["p1_1"]).template
    broken = dataclasses.replace(good, y=np.where(np.arange(len(good.y)) == 3, np.float32(np.nan), good.y))
    result = engine.compare(broken, good)
    assert math.isnan(result.value) and math.isnan(result.fmr)
    assert not result.value >= engine.threshold(FMR)


def test_thresholds_the_calibration_cannot_support_are_refused(engine: MinutiaeFingerEngine) -> None:
    assert engine.threshold(1e-2) < engine.threshold(1e-3) < engine.threshold(FMR)
    with pytest.raises(ConfigurationError):
        engine.threshold(1e-5)


def test_threads_get_the_answers_that_one_gets(engine: MinutiaeFingerEngine, prints: dict[str, Image]) -> None:
    small = {name: np.ascontiguousarray(image[120:340, 90:310]) for name, image in prints.items()}
    alone = {name: engine.capture(image).template for name, image in small.items()}
    with ThreadPoolExecutor(3) as pool:
        together = dict(zip(small, pool.map(lambda image: engine.capture(image).template, small.values()), strict=True))
        pairs = [(a, b) for a in alone for b in alone] * 20
        scores = list(pool.map(lambda pair: engine.compare(together[pair[0]], together[pair[1]]).value, pairs))
    for name, template in alone.items():
        assert (template.x == together[name].x).all() and (template.angle == together[name].angle).all()
    assert scores == [engine.compare(alone[a], alone[b]).value for a, b in pairs]
