"""Prints through the sensor's window, its 16 levels and its packets, into the finger engine: one finger still matches, another does not.

p1_1 and p1_2 are one finger, p2_1 is another (models/samples). The references are whole images with 256 levels, as a document has them.
"""

from __future__ import annotations

import pytest

from egate.domain.biometric import FingerTemplate
from egate.domain.captured import FingerImage
from egate.inference.finger.engine import MinutiaeFingerEngine, load_finger_engine
from egate.inference.image.decoder import decode_grey
from egate.inference.weights.store import ModelStore
from egate.settings import PolicySection
from hw.finger.host import Wanted
from hw.finger.messages import PASSWORD_DEFAULT
from hw.finger.pd import FingerPeripheral
from hw.finger.picture import MODELS, unpack

from .finger_sensor_bench import Line

NAMES = ("p1_1", "p1_2", "p2_1")
STORE = ModelStore()
PRINTS = {name: decode_grey(STORE.sample(f"{name}.png").read_bytes()).pixels for name in NAMES}
FMR = float(PolicySection.model_fields["finger_fmr"].default)  # what a policy asks for that says nothing else


@pytest.fixture(scope="module")
def engine() -> MinutiaeFingerEngine:
    return load_finger_engine(STORE)


@pytest.fixture(scope="module")
def references(engine: MinutiaeFingerEngine) -> dict[str, FingerTemplate]:
    return {name: engine.capture(image).template for name, image in PRINTS.items()}


@pytest.fixture(scope="module", params=list(MODELS))
def captured(request: pytest.FixtureRequest) -> dict[str, FingerImage]:
    model = MODELS[request.param]
    line = Line(FingerPeripheral(model), Wanted(PASSWORD_DEFAULT, model=model)).ready()
    return {name: FingerImage(unpack(line.capture(PRINTS[name]), model), model.dpi, 0.0) for name in NAMES}


def test_sensed_prints_match_their_finger_and_no_other(
    engine: MinutiaeFingerEngine, references: dict[str, FingerTemplate], captured: dict[str, FingerImage]
) -> None:
    # The samples have 500 dpi: what the sensor is said to have does not change what was laid on the simulated one.
    probes = {name: engine.capture(image.pixels, 2).template for name, image in captured.items()}
    threshold = engine.threshold(FMR)
    mated = [engine.compare(probes[one], references[other]) for one, other in (("p1_1", "p1_2"), ("p1_2", "p1_1"))]
    others = [
        engine.compare(probes[one], references[other])
        for one, other in (("p1_1", "p2_1"), ("p1_2", "p2_1"), ("p2_1", "p1_1"), ("p2_1", "p1_2"))
    ]
    assert min(score.value for score in mated) > threshold
    assert max(score.fmr for score in mated) <= FMR
    assert max(score.value for score in others) < threshold
    assert min(score.fmr for score in others) > FMR


def test_the_sensors_own_resolution_goes_through_the_same_way(
    engine: MinutiaeFingerEngine, references: dict[str, FingerTemplate], captured: dict[str, FingerImage]
) -> None:
    image = captured["p1_1"]
    found = engine.capture(image.pixels, 2, image.dpi).template
    assert engine.compare(found, references["p1_2"]).value > engine.threshold(FMR)
