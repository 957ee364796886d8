from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from egate.errors import TemplateError
from egate.matching.face import SCALES, normalised, scores


def embeddings(count: int, seed: int) -> dict[str, NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    return {
        model: np.stack([normalised(rng.standard_normal(128).astype(np.float32)) for _ in range(count)])
        for model in SCALES
    }


def test_batch_equals_one_by_one() -> None:
    probes, references = embeddings(7, 1), embeddings(5, 2)
    batch = scores(probes, references)
    assert batch.shape == (7, 5)
    for i in range(7):
        for j in range(5):
            one = scores({m: v[i : i + 1] for m, v in probes.items()}, {m: v[j : j + 1] for m, v in references.items()})
            assert one[0, 0] == pytest.approx(batch[i, j], abs=1e-5)


def test_score_is_the_mean_of_standardised_cosines() -> None:
    a, b = embeddings(1, 3), embeddings(1, 4)
    expected = np.mean([(float((a[m] @ b[m].T)[0, 0]) - s.mean) / s.deviation for m, s in SCALES.items()])
    assert scores(a, b)[0, 0] == pytest.approx(expected, abs=1e-4)


def test_score_is_symmetric_and_largest_with_itself() -> None:
    a = embeddings(6, 5)
    matrix = scores(a, a)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-4)
    assert (matrix.argmax(axis=1) == np.arange(6)).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("model", sorted(SCALES))
@pytest.mark.parametrize("side", [0, 1])
def test_one_value_that_is_not_finite_makes_the_score_nan(bad: float, model: str, side: int) -> None:
    pair = [embeddings(1, 6), embeddings(1, 6)]
    pair[side][model][0, 17] = bad
    assert np.isnan(scores(*pair)[0, 0])


def test_both_infinite_does_not_become_a_match() -> None:
    a = embeddings(1, 7)
    a["sface"][0, 0] = np.inf
    assert np.isnan(scores(a, a)[0, 0])


def test_embedding_that_is_not_normalised_makes_the_score_nan() -> None:
    a, b = embeddings(1, 8), embeddings(1, 8)
    b["sface"] *= 50  # would be the best match ever seen
    assert np.isnan(scores(a, b)[0, 0])


def test_missing_unknown_or_odd_model_is_refused() -> None:
    a = embeddings(1, 9)
    without = {m: v for m, v in a.items() if m != "sface"}
    with pytest.raises(TemplateError):
        scores(a, without)
    with pytest.raises(TemplateError):
        scores({**a, "other": a["sface"]}, a)
    with pytest.raises(TemplateError):
        scores(a, {**a, "sface": a["sface"][:, :64].copy()})


@pytest.mark.parametrize("values", [np.zeros(8), np.full(8, np.nan), np.full(8, np.inf)])
def test_what_has_no_direction_normalises_to_nan(values: NDArray[np.float64]) -> None:
    with np.errstate(invalid="ignore"):
        assert np.isnan(normalised(values.astype(np.float32))).all()


def test_normalised_has_length_one() -> None:
    assert np.linalg.norm(normalised(np.arange(1, 129, dtype=np.float32))) == pytest.approx(1, abs=1e-6)
