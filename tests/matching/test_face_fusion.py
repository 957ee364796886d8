"""Goal: a fused score rises with every cosine, refuses what is no number, reads back as written, and is fitted alike on every run."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from egate.errors import ModelError
from egate.matching.face import fusion_fit as face_fusion_fit
from egate.matching.face.fusion import COSINE_MAX, FaceFusion, ModelFusion, format_fusion, parse_fusion
from egate.matching.face.fusion_fit import centre_of, fit_fusion, loss_alone

FUSION = FaceFusion({"one": ModelFusion(40.0, -35.0, 0.5), "two": ModelFusion(30.0, -9.0, 1.5, (-12, 0, 3401))}, 0.5)
Cosines = dict[str, NDArray[np.float32]]

finite = st.floats(-1e6, 1e6, allow_nan=False)
positive = st.floats(1e-6, 1e6)
models = st.builds(
    ModelFusion, positive, finite, positive, st.lists(st.integers(-10_000, 10_000), max_size=4).map(tuple)
)
fusions = st.builds(
    FaceFusion,
    st.dictionaries(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,9}", fullmatch=True), models, min_size=1, max_size=4),
    finite,
)


def people(count: int, seed: int, apart: tuple[float, float]) -> tuple[Cosines, Cosines]:
    """Cosines of two models with independent errors: mated ones higher by `apart` deviations of 0.1."""
    rng = np.random.default_rng(seed)

    def drawn(n: int, shift: float) -> NDArray[np.float32]:
        return np.clip(0.1 * (rng.standard_normal(n) + shift), -1, 1).astype(np.float32)

    mated = {"one": drawn(count, apart[0]), "two": drawn(count, apart[1])}
    return mated, {"one": drawn(20 * count, 0.0), "two": drawn(20 * count, 0.0)}


@given(fusions)
def test_line_reads_back_as_written(fusion: FaceFusion) -> None:
    line = format_fusion(fusion)
    assert "\n" not in line
    assert parse_fusion(line) == fusion
    assert list(parse_fusion(line).models) == list(fusion.models)


LINE = format_fusion(FUSION)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "offset=0.5",
        LINE + " ",
        " " + LINE,
        LINE.replace(" ", "  ", 1),
        LINE + "\n",
        LINE.replace("offset", "bias"),
        LINE.replace("40.0", "nan"),
        LINE.replace("40.0", "inf"),
        LINE.replace("40.0", "-40.0"),
        LINE.replace("40.0", "0.0"),
        LINE.replace("40.0", "4_0.0"),
        LINE.replace("40.0", "40"),
        LINE.replace("40.0", "+40.0"),
        LINE.replace("40.0,", ""),
        LINE.replace("40.0", "40.0,1.0"),
        LINE.replace(",0.5 ", ",-0.5 "),
        LINE.replace(",0.5 ", ",nan "),
        LINE.replace(",0.5 ", ",0.0 ").replace(",1.5:", ",0.0:"),
        LINE.replace("offset=0.5", "offset=nan"),
        LINE.replace("two", "one"),
        LINE.replace("two", "t/w"),
        LINE.replace("two", ""),
        LINE.replace("3401", "3401.0"),
        LINE.replace("3401", ""),
        LINE.replace(":-12,0,3401", ":"),
        LINE.replace("=30.0", "30.0"),
    ],
)
def test_malformed_line_is_refused(line: str) -> None:
    assert line != LINE
    with pytest.raises(ModelError):
        parse_fusion(line)


@given(st.text(max_size=60))
def test_any_text_parses_or_is_refused(text: str) -> None:
    try:
        fusion = parse_fusion(text)
    except ModelError:
        return
    assert format_fusion(fusion) == text


@given(fusions, st.floats(-1, 1, width=32), st.floats(-1, 1, width=32))
def test_score_never_falls_where_a_cosine_rises(fusion: FaceFusion, low: float, high: float) -> None:
    low, high = sorted((low, high))
    steady = {model: fusion.llr(model, np.array([0.3, 0.3])) for model in fusion.models}
    for model in fusion.models:
        raised = {**steady, model: fusion.llr(model, np.array([low, high]))}
        scores = fusion.fuse(raised)
        assert scores[0] <= scores[1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_score_rises_strictly_over_the_whole_range_of_cosines(dtype: type[np.floating]) -> None:
    cosine = np.linspace(-1.0, COSINE_MAX - 1e-4, 200).astype(dtype)
    parts = {model: FUSION.llr(model, cosine) for model in FUSION.models}
    assert all((np.diff(part) > 0).all() for part in parts.values())
    scores = FUSION.fuse(parts)
    assert scores.dtype == dtype
    assert (np.diff(scores) > 0).all()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1.01, -1.01, 50.0])
@pytest.mark.parametrize("model", ["one", "two"])
def test_what_is_no_cosine_makes_llr_and_score_nan(bad: float, model: str) -> None:
    cosines = {
        "one": np.array([0.9], np.float32),
        "two": np.array([0.5], np.float32),
        model: np.array([bad], np.float32),
    }
    parts = {name: FUSION.llr(name, values) for name, values in cosines.items()}
    assert np.isnan(parts[model])
    assert np.isnan(FUSION.fuse(parts))


def test_fusing_other_models_is_an_error() -> None:
    one = {"one": np.zeros(1)}
    for parts in (one, {**one, "three": np.zeros(1)}, {**one, "two": np.zeros(1), "three": np.zeros(1)}):
        with pytest.raises(KeyError):
            FUSION.fuse(parts)


def test_parts_are_not_changed_by_fusing() -> None:
    parts = {"one": np.ones(3), "two": np.ones(3)}
    FUSION.fuse(parts)
    assert all((part == 1.0).all() for part in parts.values())


def test_fit_is_the_llr_of_what_made_the_data() -> None:
    """Normal cosines m deviations apart: each LLR is m * (z - m / 2), independent models add up: weights 1, offset 0."""
    fusion = fit_fusion(*people(20_000, 1, (2.0, 3.0)))
    z = np.array([-1.0, 0.0, 1.0, 2.0, 4.0])
    for model, apart in (("one", 2.0), ("two", 3.0)):
        np.testing.assert_allclose(fusion.llr(model, 0.1 * z), apart * (z - apart / 2), atol=0.35)
        assert fusion.models[model].weight == pytest.approx(1.0, abs=0.1)
    assert fusion.offset == pytest.approx(0.0, abs=0.3)


def test_fused_scores_tell_people_apart_better_than_either_model() -> None:
    mated, non_mated = people(20_000, 2, (2.0, 2.5))
    fusion = fit_fusion(mated, non_mated)

    def fnmr(same: NDArray[np.floating], different: NDArray[np.floating]) -> float:
        return float(np.mean(same < np.quantile(different, 0.999)))

    fused = fnmr(*(fusion.fuse({m: fusion.llr(m, v) for m, v in side.items()}) for side in (mated, non_mated)))
    assert fused < 0.8 * min(fnmr(mated[model], non_mated[model]) for model in mated)


def test_fit_is_the_same_on_every_run_and_in_any_order_of_models() -> None:
    mated, non_mated = people(3_000, 3, (2.0, 3.0))
    first = fit_fusion(mated, non_mated)
    assert format_fusion(fit_fusion(mated, non_mated)) == format_fusion(first)
    mated, non_mated = ({model: side[model] for model in ("two", "one")} for side in (mated, non_mated))
    swapped = fit_fusion(mated, non_mated)
    assert swapped.models["one"].weight == pytest.approx(first.models["one"].weight, rel=1e-6)


def test_thinning_hardly_moves_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    mated, non_mated = people(20_000, 4, (2.0, 3.0))
    monkeypatch.setattr(face_fusion_fit, "TOP_ROWS", 10**9)
    whole = fit_fusion(mated, non_mated)
    monkeypatch.setattr(face_fusion_fit, "TOP_ROWS", 20_000)
    thinned = fit_fusion(mated, non_mated)
    for model in whole.models:
        assert thinned.models[model].weight == pytest.approx(whole.models[model].weight, rel=0.03)
        assert thinned.models[model].slope == pytest.approx(whole.models[model].slope, rel=0.03)


def test_comparisons_that_are_no_number_do_not_count() -> None:
    mated, non_mated = people(500, 5, (2.0, 3.0))
    bad = np.array([np.nan, np.inf, 2.0], np.float32)
    holed, holed_too = ({m: np.append(v, bad) for m, v in side.items()} for side in (mated, non_mated))
    assert fit_fusion(holed, holed_too) == fit_fusion(mated, non_mated)


def test_model_that_only_worsens_the_other_gets_weight_zero() -> None:
    """Its errors are those of the other: a regression would subtract it, and a higher cosine would lower the score."""
    mated, non_mated = people(3_000, 11, (2.0, 0.0))
    for side in (mated, non_mated):
        side["two"] = (0.8 * side["one"] + 0.3 * side["two"]).astype(np.float32)
        side["one"] = (side["one"] * 0.9 + (0.05 if side is mated else 0.0)).astype(np.float32)
    fusion = fit_fusion(mated, non_mated)
    assert fusion.models["two"].weight == 0.0
    assert fusion.models["one"].weight > 0.0


def test_model_that_tells_nothing_gets_no_say() -> None:
    mated, non_mated = people(3_000, 6, (2.5, 0.05))
    noisy = fit_fusion(mated, non_mated)
    assert noisy.models["two"].weight * noisy.models["two"].slope < 0.1 * noisy.models["one"].slope


def test_copy_of_a_model_changes_no_decision() -> None:
    mated, non_mated = people(3_000, 7, (2.0, 3.0))
    alone = fit_fusion({"one": mated["one"]}, {"one": non_mated["one"]})
    copied, copied_too = ({"one": side["one"], "copy": side["one"]} for side in (mated, non_mated))
    twice = fit_fusion(copied, copied_too)
    cosine = np.linspace(-0.5, 0.9, 50)
    fused = twice.fuse({m: twice.llr(m, cosine) for m in twice.models})
    np.testing.assert_allclose(fused, alone.fuse({"one": alone.llr("one", cosine)}), atol=0.05)


def test_single_model_is_a_fusion() -> None:
    mated, non_mated = people(3_000, 8, (2.0, 3.0))
    fusion = fit_fusion({"two": mated["two"]}, {"two": non_mated["two"]})
    assert list(parse_fusion(format_fusion(fusion)).models) == ["two"]


def test_what_cannot_be_fitted_is_a_value_error() -> None:
    mated, non_mated = people(50, 9, (2.0, 3.0))
    nothing = {model: np.full(3, np.nan, np.float32) for model in mated}
    for bad in (
        ({}, {}),
        (mated, {"one": non_mated["one"]}),
        (nothing, non_mated),
        (mated, nothing),
        (non_mated, mated),  # less alike between images of one person
    ):
        with pytest.raises(ValueError):
            fit_fusion(*bad)


def test_loss_of_the_better_model_is_smaller() -> None:
    mated, non_mated = people(2_000, 10, (2.0, 3.0))
    assert loss_alone(mated["two"], non_mated["two"]) < loss_alone(mated["one"], non_mated["one"])


def test_centre_is_the_mean_without_faces_that_were_not_found() -> None:
    rows = np.array([[1.0, 0.0], [0.6, 0.8], [np.nan, np.nan]], np.float32)
    assert centre_of(rows) == (8000, 4000)
    fusion = FaceFusion({"one": ModelFusion(1.0, 0.0, 1.0, centre_of(rows))}, 0.0)
    centre = fusion.centre("one")
    assert centre is not None
    np.testing.assert_allclose(centre, np.array([0.8, 0.4]), atol=1e-6)
    with pytest.raises(ValueError):
        centre_of(rows[2:])
