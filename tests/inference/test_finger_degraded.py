"""Prints that are turned, cut, faint, or of another resolution still match, and match nobody else; on the three sample prints.

Rates over the corpus: bench/finger/bench_degraded.py. p1_1 and p1_2 are one finger, p2_1 is another.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from bench.finger.degraded_prints import background, dry, partial, ridges, rotated, wet
from egate.domain.biometric import FingerTemplate, Image
from egate.inference.finger.engine import MinutiaeFingerEngine, load_finger_engine
from egate.inference.finger.resolution import DPI
from egate.inference.image.decoder import decode_grey
from egate.inference.weights.store import ModelStore

pytestmark = pytest.mark.models
FMR = 1e-3


@pytest.fixture(scope="module")
def engine() -> MinutiaeFingerEngine:
    return load_finger_engine(ModelStore())


@pytest.fixture(scope="module")
def probe() -> Image:
    return sample("p1_1")


@pytest.fixture(scope="module")
def references(engine: MinutiaeFingerEngine) -> tuple[FingerTemplate, FingerTemplate]:
    mated, other = (engine.capture(sample(name)).template for name in ("p1_2", "p2_1"))
    return mated, other


def sample(name: str) -> Image:
    """Without the empty margin: half the pixels, half the time."""
    image = decode_grey(ModelStore().sample(f"{name}.png").read_bytes()).pixels
    rows, columns = (np.flatnonzero(ridges(image).any(axis=axis)) for axis in (1, 0))
    return np.ascontiguousarray(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def scaled(dpi: float) -> Callable[[Image, np.random.Generator], Image]:
    return lambda image, _: np.asarray(
        cv2.resize(image, None, fx=dpi / DPI, fy=dpi / DPI, interpolation=cv2.INTER_CUBIC), np.uint8
    )


@pytest.mark.parametrize(
    ("spoil", "dpi"),
    [
        pytest.param(rotated(90), DPI, id="rotated 90"),
        pytest.param(rotated(-40), DPI, id="rotated -40"),
        pytest.param(partial(0.6), DPI, id="partial"),
        pytest.param(dry, DPI, id="dry"),
        pytest.param(wet, DPI, id="wet"),
        pytest.param(scaled(1000), 1000.0, id="1000 dpi"),
        pytest.param(scaled(385), 385.0, id="385 dpi"),
    ],
)
def test_degraded_print_matches_its_finger_alone(
    engine: MinutiaeFingerEngine,
    probe: Image,
    references: tuple[FingerTemplate, FingerTemplate],
    spoil: Callable[[Image, np.random.Generator], Image],
    dpi: float,
) -> None:
    found = engine.capture(spoil(probe, np.random.default_rng(1)), dpi=dpi).template
    mated, other = (engine.compare(found, reference).value for reference in references)
    assert mated >= engine.threshold(FMR) > other


def test_wrong_resolution_matches_nobody(
    engine: MinutiaeFingerEngine, probe: Image, references: tuple[FingerTemplate, FingerTemplate]
) -> None:
    """Why an image of unknown resolution is refused: a print of 385 dpi taken for 500 is not told from a stranger's."""
    small = scaled(385)(probe, np.random.default_rng(1))
    found = engine.capture(small).template
    assert not engine.compare(found, references[0]).value >= engine.threshold(FMR)


def test_degradations_do_what_they_say(probe: Image) -> None:
    random = np.random.default_rng(1)
    skin = ridges(probe).sum()
    for share in (0.6, 0.4):
        assert 0.9 * share <= ridges(partial(share)(probe, random)).sum() / skin <= 1.1 * share
    turned = rotated(45)(probe, random)
    assert turned.shape[0] > probe.shape[0]
    assert abs(int(turned[0, 0]) - background(probe)) <= 1
    assert ridges(turned).sum() >= 0.9 * skin
    assert dry(probe, random).mean() > probe.mean() > wet(probe, random).mean()
