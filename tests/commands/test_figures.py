"""Goal: the table prints what the trials support, and what they would need for the rest; nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from egate.commands.bench.figures import bootstrap_json, counts_json, draw, table
from egate.commands.bench.plots_accuracy import plot_accuracy
from egate.matching.rates.accuracy import measure_accuracy
from egate.matching.rates.comparisons import Comparisons
from egate.matching.rates.det_curve import det_curve
from tests.matching.populations import Population


def population(subjects: int, mean: float = 3.0) -> Population:
    return Population(subjects=subjects, images=2, mated_each=3, mean=mean)


def shown(part: Comparisons) -> str:
    drawn = draw(lambda _: part, 100)
    return table("engine", drawn.figures, measure_accuracy(part.mated, part.top, 4), part.subjects)


def test_figures_stand_with_their_intervals() -> None:
    part = population(150).draw(np.random.default_rng(1))  # 44,700 non-mated
    lines = shown(part).splitlines()
    accuracy = measure_accuracy(part.mated, part.top)
    assert lines[0].startswith(f"engine: EER {100 * accuracy.eer:.3g} % [")
    assert lines[0].endswith("(450 mated, 44,700 non-mated, 4 not enrolled)")
    assert [line.split(":")[0] for line in lines[1:]] == ["  FMR 0.01", "  FMR 0.001", "  FMR 0.0005", "  FMR 0.0001"]
    fnmr = accuracy.fnmr[0.001]
    assert fnmr is not None
    assert f"FNMR {100 * fnmr:.3g} % [" in lines[2]
    assert "no figure" not in "".join(lines)


def test_what_is_not_supported_is_not_printed() -> None:
    lines = shown(population(30).draw(np.random.default_rng(1))).splitlines()  # 1,740 non-mated
    assert lines[1] == "  30 subjects: any interval here is too narrow"
    assert "FNMR" in lines[2]
    assert lines[3:] == [
        "  FMR 0.001: no figure, it needs 3,000 non-mated comparisons",
        "  FMR 0.0005: no figure, it needs 6,000 non-mated comparisons",
        "  FMR 0.0001: no figure, it needs 30,000 non-mated comparisons",
    ]


def test_no_error_is_printed_as_a_bound() -> None:
    lines = shown(population(100, mean=30.0).draw(np.random.default_rng(1))).splitlines()
    assert "EER < 1 % (no error seen)" in lines[0]
    assert "FNMR < 1 % (no error seen), threshold" in lines[1]  # 3 / 300


def test_more_scores_are_kept_where_the_error_rates_need_them() -> None:
    asked: list[float] = []

    def keep(share: float) -> Comparisons:
        asked.append(share)
        return population(40, mean=1.0).draw(np.random.default_rng(1), share)  # EER above 20 %

    drawn = draw(keep, 50)
    assert asked == [0.03, 0.1, 0.3, 1.0][: len(asked)]
    assert len(asked) >= 3
    whole = population(40, mean=1.0).draw(np.random.default_rng(1))
    assert drawn.figures.eer.value == measure_accuracy(whole.mated, whole.top).eer
    assert drawn.figures == draw(lambda _: whole, 50).figures  # not a matter of how many are kept


def test_counts_and_method_are_told() -> None:
    part = population(20).draw(np.random.default_rng(1))
    assert counts_json(part) == {"images": 40, "subjects": 20, "mated_subjects": 20, "excluded_subject_pairs": 0}
    assert bootstrap_json() == {"confidence": 0.95, "resampled": "subjects", "replicates": 2_000, "seed": 19795}


def test_plots_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    part = population(60).draw(np.random.default_rng(1))
    found = draw(lambda _: part, 50).figures
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        curves = {"engine": det_curve(part.mated, part.top)}
        plot_accuracy(tmp_path / name, "title", curves, part.mated, part.top, found)
    one, two = (sorted(path.read_bytes() for path in (tmp_path / name).iterdir()) for name in ("one", "two"))
    assert len(one) == 4
    assert one == two
