from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from egate.errors import TemplateError
from egate.matching.face.comparison import cosines, llrs, normalised, scores
from egate.matching.face.fusion import FaceFusion, ModelFusion

FUSION = FaceFusion({"dlib-resnet29": ModelFusion(40.0, -35.0, 0.5), "sface": ModelFusion(30.0, -9.0, 1.5)}, 0.5)
CENTRED = FaceFusion(
    {"dlib-resnet29": ModelFusion(40.0, -35.0, 0.5, tuple(range(-64, 64))), "sface": FUSION.models["sface"]}, 0.5
)
FUSIONS = pytest.mark.parametrize("fusion", [FUSION, CENTRED], ids=["plain", "centred"])


def embeddings(count: int, seed: int) -> dict[str, NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    return {
        model: np.stack([normalised(rng.standard_normal(128).astype(np.float32)) for _ in range(count)])
        for model in FUSION.models
    }


@FUSIONS
def test_batch_equals_one_by_one(fusion: FaceFusion) -> None:
    probes, references = embeddings(7, 1), embeddings(5, 2)
    batch = scores(fusion, probes, references)
    assert batch.shape == (7, 5)
    assert batch.dtype == np.float32
    for i in range(7):
        for j in range(5):
            left, right = ({m: v[k : k + 1] for m, v in side.items()} for side, k in ((probes, i), (references, j)))
            assert scores(fusion, left, right)[0, 0] == pytest.approx(batch[i, j], abs=1e-4)


def test_score_is_the_weighted_sum_of_the_models_llrs() -> None:
    a, b = embeddings(1, 3), embeddings(1, 4)
    cosine = {m: float((a[m].astype(np.float64) @ b[m].T.astype(np.float64))[0, 0]) for m in FUSION.models}
    expected = {m: row.slope * cosine[m] + row.offset for m, row in FUSION.models.items()}
    found = llrs(FUSION, a, b)
    assert {m: float(v[0, 0]) for m, v in found.items()} == pytest.approx(expected, abs=1e-4)
    assert scores(FUSION, a, b)[0, 0] == pytest.approx(
        0.5 * expected["dlib-resnet29"] + 1.5 * expected["sface"] + 0.5, abs=1e-4
    )


@FUSIONS
def test_score_is_symmetric_and_largest_with_itself(fusion: FaceFusion) -> None:
    a = embeddings(6, 5)
    matrix = scores(fusion, a, a)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-4)
    assert (matrix.argmax(axis=1) == np.arange(6)).all()


def test_cosine_as_seen_from_a_centre() -> None:
    a, b = embeddings(3, 1)["sface"], embeddings(4, 2)["sface"]
    centre = embeddings(1, 3)["sface"][0] / 3
    left, right = (np.stack([normalised(row - centre) for row in side]) for side in (a, b))
    np.testing.assert_allclose(cosines(a, b, centre), left @ right.T, atol=1e-5)
    with pytest.raises(TemplateError):
        cosines(a, b, centre[:64])


def test_face_that_is_the_centre_itself_has_no_direction() -> None:
    rows = np.eye(4, dtype=np.float32)
    found = cosines(rows, rows, rows[2])
    assert np.isnan(found[2]).all()
    assert np.isnan(found[:, 2]).all()
    assert np.isfinite(np.delete(np.delete(found, 2, 0), 2, 1)).all()


@FUSIONS
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("model", sorted(FUSION.models))
@pytest.mark.parametrize("side", [0, 1])
def test_one_value_that_is_not_finite_makes_the_score_nan(
    fusion: FaceFusion, bad: float, model: str, side: int
) -> None:
    pair = [embeddings(1, 6), embeddings(1, 6)]
    pair[side][model][0, 17] = bad
    assert np.isnan(scores(fusion, *pair)[0, 0])


@FUSIONS
def test_both_infinite_does_not_become_a_match(fusion: FaceFusion) -> None:
    a = embeddings(1, 7)
    a["sface"][0, 0] = np.inf
    assert np.isnan(scores(fusion, a, a)[0, 0])


@FUSIONS
@pytest.mark.parametrize("factor", [50.0, 1.01, 0.9, 0.0])
@pytest.mark.parametrize("model", sorted(FUSION.models))
def test_embedding_that_is_not_normalised_makes_the_score_nan(fusion: FaceFusion, model: str, factor: float) -> None:
    a, b = embeddings(1, 8), embeddings(1, 8)
    b[model] *= factor  # the best match ever seen, if it were compared
    assert np.isnan(scores(fusion, a, b)[0, 0])
    assert np.isnan(scores(fusion, b, a)[0, 0])


def test_missing_unknown_or_odd_model_is_refused() -> None:
    a = embeddings(1, 9)
    without = {m: v for m, v in a.items() if m != "sface"}
    with pytest.raises(TemplateError):
        scores(FUSION, a, without)
    with pytest.raises(TemplateError):
        scores(FUSION, {**a, "other": a["sface"]}, a)
    with pytest.raises(TemplateError):
        scores(FUSION, a, {**a, "sface": a["sface"][:, :64].copy()})


@pytest.mark.parametrize("values", [np.zeros(8), np.full(8, np.nan), np.full(8, np.inf)])
def test_what_has_no_direction_normalises_to_nan(values: NDArray[np.float64]) -> None:
    with np.errstate(invalid="ignore"):
        assert np.isnan(normalised(values.astype(np.float32))).all()


def test_normalised_has_length_one() -> None:
    assert np.linalg.norm(normalised(np.arange(1, 129, dtype=np.float32))) == pytest.approx(1, abs=1e-6)
