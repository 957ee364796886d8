"""A morph resembles both people, the more of one the less of the other. On the sample photographs: two people are enough for that."""

from __future__ import annotations

import numpy as np
import pytest

from egate.commands.bench.face_morph import morph
from egate.domain.biometric import FaceSample, Image
from egate.inference.face.engine import OnnxFaceEngine, load_face_engine
from egate.inference.image.decoder import decode
from egate.inference.weights.store import ModelStore
from egate.matching.face.morph import morph_score

SHARES = (0.0, 0.2, 0.4, 0.65)  # of the second person, as far as the first one still matches

Photograph = tuple[Image, FaceSample]


@pytest.fixture(scope="module")
def engine() -> OnnxFaceEngine:
    return load_face_engine(ModelStore())


@pytest.fixture(scope="module")
def people(engine: OnnxFaceEngine) -> dict[str, Photograph]:
    store = ModelStore()
    return {name: photograph(engine, store, name) for name in ("obama", "obama2", "obama3", "biden")}


def photograph(engine: OnnxFaceEngine, store: ModelStore, name: str) -> Photograph:
    image = decode(store.sample(f"{name}.jpg").read_bytes())
    face = engine.capture(image).face
    assert face is not None
    return image, face


def mixed(engine: OnnxFaceEngine, first: Photograph, second: Photograph, share: float) -> FaceSample:
    face = engine.capture(morph(first[0], first[1].points, second[0], second[1].points, share)).face
    assert face is not None
    return face


@pytest.fixture(scope="module")
def morphs(engine: OnnxFaceEngine, people: dict[str, Photograph]) -> list[FaceSample]:
    return [mixed(engine, people["obama"], people["biden"], share) for share in SHARES]


def test_the_more_of_the_second_the_less_of_the_first(
    engine: OnnxFaceEngine, people: dict[str, Photograph], morphs: list[FaceSample]
) -> None:
    first = [engine.compare(people["obama2"][1].template, face.template).value for face in morphs]
    second = [engine.compare(people["biden"][1].template, face.template).value for face in morphs]
    assert first == sorted(first, reverse=True)
    assert second == sorted(second)
    assert len({*first, *second}) == 2 * len(SHARES)


def test_a_morph_matches_both_people_who_do_not_match_each_other(
    engine: OnnxFaceEngine, people: dict[str, Photograph], morphs: list[FaceSample]
) -> None:
    minimum = engine.threshold(1e-3)
    assert engine.compare(people["obama2"][1].template, people["biden"][1].template).value < minimum
    morphed = morphs[SHARES.index(0.65)].template
    for name in ("obama2", "biden"):
        assert engine.compare(people[name][1].template, morphed).value >= minimum


def test_morph_score_rises_with_the_share_and_is_above_every_bona_fide_pair(
    engine: OnnxFaceEngine, people: dict[str, Photograph], morphs: list[FaceSample]
) -> None:
    own = [people[name][1].template for name in ("obama", "obama2", "obama3")]
    bona_fide = [
        morph_score(engine.compare(live, reference)).value for live in own for reference in own if live is not reference
    ]
    scores = [morph_score(engine.compare(own[1], face.template)).value for face in morphs]
    assert scores == sorted(scores)
    assert scores[SHARES.index(0.4)] > max(bona_fide)


def test_same_input_same_pixels_and_no_share_is_the_photograph_itself(people: dict[str, Photograph]) -> None:
    (left, face), (right, other) = people["obama"], people["biden"]
    one, two = (morph(left, face.points, right, other.points, 0.5) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert one.shape == left.shape
    assert one.dtype == np.uint8
    np.testing.assert_array_equal(morph(left, face.points, right, other.points, 0.0), left)


def test_outside_the_face_the_photograph_stays(people: dict[str, Photograph]) -> None:
    (left, face), (right, other) = people["obama"], people["biden"]
    changed = np.abs(morph(left, face.points, right, other.points, 0.5).astype(int) - left).max(axis=2)
    x, y, width, height = (round(value) for value in face.box)
    assert changed[y : y + height, x : x + width].max() > 50
    assert changed[y + 2 * height :].max() == 0


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_impossible_share_is_refused(people: dict[str, Photograph], share: float) -> None:
    image, face = people["obama2"]
    with pytest.raises(ValueError, match="share"):
        morph(image, face.points, image, face.points, share)


def test_points_that_coincide_are_refused(people: dict[str, Photograph]) -> None:
    image, face = people["obama2"]
    with pytest.raises(ValueError, match="points"):
        morph(image, face.points, image, np.zeros((5, 2), np.float32), 0.5)
