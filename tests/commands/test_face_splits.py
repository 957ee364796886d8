"""Goal: nobody is judged by what was fitted on them. Method: synthetic people whose folds differ so much that any leak shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from egate.commands.bench import face_splits
from egate.commands.bench.face_splits import SplitReport, measure_splits, of_folds
from egate.commands.bench.face_trials import Trials, compare, compare_models, fit_face, read_trials
from egate.errors import ConfigurationError
from egate.matching.face.comparison import normalised
from egate.matching.face.fusion import FaceFusion
from egate.matching.rates.calibration import TARGETS

FOLDS, PEOPLE, IMAGES = 4, 12, 3  # people of a fold, images of a person
Templates = Mapping[str, NDArray[np.float32]]


def trials(excluded: frozenset[tuple[int, int]] = frozenset()) -> Trials:
    person = np.repeat(np.arange(FOLDS * PEOPLE), IMAGES)
    paths = tuple(f"{number:03}/{index}" for index, number in enumerate(person))
    mated = [(IMAGES * p + a, IMAGES * p + b) for p in range(FOLDS * PEOPLE) for a, b in combinations(range(IMAGES), 2)]
    return Trials(paths, person, np.array(mated), excluded, person // PEOPLE)


def templates(of: Trials, noise: float = 0.6, seed: int = 1) -> Templates:
    """Two models that see a person with independent errors; a common direction, as real embeddings have one."""
    rng = np.random.default_rng(seed)
    people = rng.standard_normal((2, FOLDS * PEOPLE, 24)) + 0.4
    seen = people[:, of.person] + noise * rng.standard_normal((2, len(of.person), 24))
    return {
        model: np.stack([normalised(row.astype(np.float32)) for row in seen[index]])
        for index, model in enumerate(("one", "two"))
    }


def test_all_ways_to_choose_half_the_folds_people_disjoint() -> None:
    of = trials()
    fitted_on: list[set[int]] = []

    def watched(part: Trials, rows: Templates) -> FaceFusion:
        fitted_on.append(set(part.person.tolist()))
        return fit_face(part, rows)

    report = measure_splits(of, templates(of), fit=watched)
    assert [split.fitted for split in report.splits] == list(combinations(range(FOLDS), 2))
    for split, people in zip(report.splits, fitted_on, strict=True):
        assert set(split.fitted) | set(split.judged) == set(range(FOLDS))
        assert people == {p for p in range(FOLDS * PEOPLE) if p // PEOPLE in split.fitted}
        assert people.isdisjoint(p for p in range(FOLDS * PEOPLE) if p // PEOPLE in split.judged)
        assert split.accuracy.mated == 2 * PEOPLE * 3
        assert split.accuracy.non_mated == (2 * PEOPLE * (2 * PEOPLE - 1) // 2) * IMAGES**2


def test_figures_are_those_of_the_judged_folds_by_the_fusion_of_the_fitted_ones() -> None:
    of = trials()
    rows = templates(of, noise=1.2)
    split = measure_splits(of, rows).splits[1]
    fusion = fit_face(*of_folds(of, rows, split.fitted))
    mated, non_mated = compare(*of_folds(of, rows, split.judged), fusion)
    _, known = compare(*of_folds(of, rows, split.fitted), fusion)
    threshold = float(np.nextafter(np.sort(known)[-1 - int(0.01 * len(known))].astype(np.float64), np.inf))
    assert split.realised[0.01] == pytest.approx(np.mean(non_mated >= threshold))
    strict = np.sort(non_mated)[-1 - int(0.01 * len(non_mated))]
    assert split.accuracy.fnmr[0.01] == pytest.approx(np.mean(mated <= strict))
    assert split.accuracy.fnmr[0.01] != 0.0


def test_no_comparison_of_excluded_people() -> None:
    """Person 0 and 1, of fold 0, are one under two names: the templates say so, and nothing may notice."""
    of, plain = trials(frozenset({(0, 1), (1, 0)})), trials()
    rows = {model: values.copy() for model, values in templates(of, noise=0.3).items()}
    for values in rows.values():
        values[IMAGES : 2 * IMAGES] = values[:IMAGES]
    assert _highest(of, rows) < 0.99
    assert _highest(plain, rows) == pytest.approx(1.0, abs=1e-5)  # they would be there
    with_fold_0 = [s for s in measure_splits(of, rows).splits if 0 in s.judged]
    everyone = (2 * PEOPLE * (2 * PEOPLE - 1) // 2) * IMAGES**2
    assert {split.accuracy.non_mated for split in with_fold_0} == {everyone - IMAGES**2}


def _highest(of: Trials, rows: Templates) -> float:
    _, non_mated = compare_models(of, rows, dict.fromkeys(rows, ()))
    return float(min(np.max(values) for values in non_mated.values()))


def test_fitting_on_the_judged_folds_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault. Model two sees nothing in folds 2 and 3: only a fit that has looked at those it judges knows to ignore it."""
    of = trials()
    rows = dict(templates(of, noise=1.0))
    late = of.fold >= 2
    noise = np.random.default_rng(5).standard_normal(rows["two"].shape)
    rows["two"] = np.stack(
        [normalised(row.astype(np.float32)) for row in rows["two"] + 0.6 * late[:, np.newaxis] * noise]
    )
    honest = _first(measure_splits(of, rows))

    def leaky(trials: Trials, templates: Templates, folds: Sequence[int]) -> tuple[Trials, Templates]:
        return of_folds(trials, templates, (2, 3))

    monkeypatch.setattr(face_splits, "of_folds", leaky)
    leaked = _first(measure_splits(of, rows))
    assert honest.fitted == leaked.fitted == (0, 1)
    assert honest.accuracy.eer > leaked.accuracy.eer + 0.01


def _first(report: SplitReport) -> face_splits.Split:
    return report.splits[0]


def test_means_are_over_the_splits_and_none_where_a_split_has_none() -> None:
    of = trials()
    report = measure_splits(of, templates(of, noise=1.2))
    assert report.eer == pytest.approx(np.mean([split.accuracy.eer for split in report.splits]))
    first = report.fnmr[0.01]
    assert first == pytest.approx(np.mean([split.accuracy.fnmr[0.01] for split in report.splits]))
    assert report.fnmr[1e-4] is None  # 2,484 comparisons do not support it
    assert report.realised[1e-4] is report.realised_worst[1e-4] is None
    factors = [(split.realised[0.01] or 0.0) / 0.01 for split in report.splits]
    assert report.realised_worst[0.01] == pytest.approx(max(max(f, 1 / f if f else np.inf) for f in factors))
    written = report.to_json()
    assert written["fnmr"] == {"0.01": first, "0.001": report.fnmr[1e-3], "0.0005": None, "0.0001": None}
    assert written["splits"] == [split.to_json() for split in report.splits]
    assert len(report.splits) == 6
    assert set(report.fnmr) == set(TARGETS)


def test_faces_that_were_not_found_are_failures_of_their_split() -> None:
    of = trials()
    rows = dict(templates(of))
    rows["one"] = rows["one"].copy()
    rows["one"][of.fold == 3, :] = np.nan
    for split in measure_splits(of, rows).splits:
        assert split.accuracy.failures_to_enrol == (PEOPLE * IMAGES if 3 in split.judged else 0)
        if 3 in split.judged:
            assert (split.accuracy.fnmr[0.01] or 0.0) >= 0.5


def test_folds_must_be_even_in_number_and_disjoint_in_people() -> None:
    of = trials()
    rows = templates(of)
    odd = Trials(of.paths, of.person, of.mated, of.excluded, np.minimum(of.fold, 2))
    none = Trials(of.paths, of.person, of.mated, of.excluded)
    shared = Trials(of.paths, of.person, of.mated, of.excluded, np.where(np.arange(len(of.fold)) == 0, 1, of.fold))
    for bad in (odd, none, shared):
        with pytest.raises(ConfigurationError):
            measure_splits(bad, rows)


def test_fold_is_the_row_of_the_pairs_by_six_hundreds(tmp_path: Path) -> None:
    rows = [f"P{row:04}/1,P{row:04}/2,1" for row in range(1201)]
    (tmp_path / "pairs.csv").write_text("path_a,path_b,same\n" + "\n".join(rows) + "\n")
    found = read_trials(tmp_path / "pairs.csv", None)
    assert found.fold.tolist() == [int(path[1:5]) // 600 for path in found.paths]
    assert found.fold.max() == 2
