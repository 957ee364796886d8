"""The protocol of `egate bench morph`, on comparisons that are made up, and once as a whole on a few people of the corpus."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from egate.cli import main as egate
from egate.commands.bench import morph as bench_morph
from egate.commands.bench import morph_trials
from egate.commands.bench.face_trials import Trials
from egate.commands.bench.morph_trials import Compared
from egate.inference.face.engine import OnnxFaceEngine, load_face_engine
from egate.inference.weights.store import ModelStore
from tests.corpus import CORPUS


@pytest.fixture(scope="module")
def engine() -> OnnxFaceEngine:
    return load_face_engine(ModelStore())


def people(counts: list[int]) -> Trials:
    person = np.repeat(np.arange(len(counts)), counts)
    paths = tuple(f"{number}/{image}.jpg" for image, number in enumerate(person))
    return Trials(paths, person, mated=np.zeros((0, 2), np.int64), excluded=frozenset())


def compared(live: int, other: int, value: float, spread: float = 0.0, **changed: object) -> Compared:
    fields = {"kind": "alike", "share": 0.5, "of_second": False, "frames": 1, "both": True} | changed
    return Compared(live, other, value=value, parts={"a": value, "b": value + spread}, **fields)  # type: ignore[arg-type]


def test_halves_share_nobody_and_leave_out_who_has_one_image() -> None:
    trials = people([1, 2, 3, 1, 2, 5, 2, 2])
    fit, report = morph_trials.halves(trials)
    drawn = [{int(trials.person[images[0]]) for images in half} for half in (fit, report)]
    assert drawn[0].isdisjoint(drawn[1])
    assert drawn[0] | drawn[1] == {1, 2, 4, 5, 6, 7}
    again = morph_trials.halves(trials)
    assert [list(images) for half in again for images in half] == [
        list(images) for half in (fit, report) for images in half
    ]


def test_comparisons_that_do_not_match_are_left_out(engine: OnnxFaceEngine) -> None:
    minimum = engine.threshold(1e-3)
    scored = bench_morph.scored(
        engine, [compared(1, 2, minimum), compared(3, 4, minimum - 0.1), compared(5, 6, np.nan)]
    )
    assert scored.subjects.tolist() == [[1, 2]]


def test_each_morph_counts_once_for_matching_both() -> None:
    rows = [
        compared(live, other, 9.0, of_second=second, frames=frames, both=both, share=0.7 if second else 0.3)
        for first, both in ((1, True), (5, False))
        for live, other, second in ((first, first + 1, False), (first + 1, first, True))
        for frames in (1, 2, 3)
    ]
    table = bench_morph.matching_both(rows)
    assert table == {"alike 0.7": {"morphs": 2, "share": 0.5, "interval": [0.0126, 0.9874]}}


def test_more_live_images_are_compared_on_the_same_people() -> None:
    rows = [compared(1, 2, 9.0, frames=frames) for frames in (1, 2, 3)] + [compared(3, 4, 9.0, frames=1)]
    for frames in (1, 2, 3):
        assert [one.live for one in bench_morph.with_frames(rows, frames)] == [1]


def test_fit_finds_the_weight_of_what_separates(engine: OnnxFaceEngine) -> None:
    random = np.random.default_rng(5)
    base = engine.threshold(1e-3) + 10.0
    sides = [
        [compared(n, n, base + shift + float(value), 1.0 + n % 3) for n, value in enumerate(random.normal(0, 2, 500))]
        for shift in (4.0, 0.0)
    ]
    constants, errors = bench_morph.fit(engine, *sides)
    assert constants[1] == pytest.approx(
        1.0, abs=4 * errors[1]
    )  # two normal distributions: distance / variance = 4 / 4
    assert abs(constants[2]) <= 4 * errors[2]


def test_whole_command_on_a_few_people(tmp_path: Path) -> None:
    root = CORPUS / "faces"
    if not root.is_dir():
        pytest.skip("the measurement corpus is not here (EGATE_CORPUS)")
    with (root / "pairs_lfw.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["same"] == "1"][:14]
    pairs = tmp_path / "few.csv"
    lines = [f"{row['path_a']},{row['path_b']},1" for row in rows]
    pairs.write_text("path_a,path_b,same\n" + "\n".join(lines) + "\n", encoding="utf-8")
    out, plot = tmp_path / "morph.json", tmp_path / "morph.svg"
    before = sorted(tmp_path.iterdir())
    words = ["bench", "morph", "--pairs", str(pairs), "--root", str(root), "--count", "3", "--json", str(out)]
    assert egate([*words, "--svg", str(plot)]) == 0
    first = json.loads(out.read_text())
    assert sorted(tmp_path.iterdir()) == sorted([*before, out, plot])  # no morph is left behind
    assert first["morphs_matching_both"]["alike 0.5"]["morphs"] == 3
    assert first["detection"]["all that match"]["morphs"] > 0
    assert egate(words) == 0
    assert json.loads(out.read_text())["detection"] == first["detection"]  # same seed, same morphs
