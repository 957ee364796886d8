"""Goal: each score of the accuracy command is booked to the people, or fingers, it belongs to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from egate.commands.bench import face_trials
from egate.commands.bench.face_comparisons import face_comparisons
from egate.commands.bench.face_trials import Trials
from egate.commands.bench.finger_comparisons import finger_comparisons, pool_comparisons
from egate.commands.bench.finger_trials import SetScores
from egate.matching.face.fusion import FaceFusion, ModelFusion
from egate.matching.rates.accuracy import measure_accuracy

PEOPLE = ["A", "A", "A", "B", "C", "C", "D"]


def trials_of(folder: Path, excluded: set[tuple[str, str]]) -> Trials:
    """Image i is i.jpg of PEOPLE[i]; mated: 0 with 2, 5 with 4. Numbers of people are places in the alphabet."""
    paths = [f"{name}/{i}.jpg" for i, name in enumerate(PEOPLE)]
    pairs, exclude = folder / "pairs.csv", folder / "exclude.csv"
    rows = [(paths[0], paths[2], 1), (paths[5], paths[4], 1), (paths[1], paths[3], 0), (paths[1], paths[6], 0)]
    pairs.write_text("path_a,path_b,same\n" + "".join(f"{a},{b},{same}\n" for a, b, same in rows))
    exclude.write_text("name_a,name_b\n" + "".join(f"{a},{b}\n" for a, b in sorted(excluded)) + "Nobody,A\n")
    trials = face_trials.read_trials(pairs, exclude)
    assert trials.paths == tuple(paths)
    return trials


def cross_person_pairs(trials: Trials) -> list[tuple[int, int]]:
    n, person = len(trials.paths), trials.person.tolist()
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n) if person[i] != person[j]]
    return [(i, j) for i, j in pairs if (person[i], person[j]) not in trials.excluded]


@pytest.mark.parametrize("block", [1, 2, 3, 512])
@pytest.mark.parametrize("excluded", [set(), {("A", "C")}, {("A", "C"), ("C", "A"), ("D", "B"), ("B", "B")}])
def test_kept_scores_know_their_two_people(
    block: int, excluded: set[tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face_trials, "BLOCK_ROWS", block)
    trials = trials_of(tmp_path, excluded)
    pairs = cross_person_pairs(trials)
    scores = np.random.default_rng(1).permutation(len(pairs)).astype(np.float32)
    person = trials.person.tolist()
    expected = {float(score): (person[i], person[j]) for score, (i, j) in zip(scores, pairs, strict=True)}
    for share in (0.3, 1.0):
        found = face_comparisons(trials, np.ones(2), scores, share)
        kept = zip(found.top.tolist(), found.top_left.tolist(), found.top_right.tolist(), strict=True)
        told = {score: (left, right) for score, left, right in kept}
        assert told == {score: of for score, of in expected.items() if score >= len(pairs) - len(told)}
        assert len(told) == round(share * len(pairs))
        assert found.mated_subject.tolist() == [0, 2]
        assert found.images.tolist() == [3, 1, 2, 1]
        assert found.non_mated() == len(pairs)


def test_order_is_that_in_which_faces_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two images of two people are made equal; the highest score must be booked to those two."""
    monkeypatch.setattr(face_trials, "BLOCK_ROWS", 2)
    trials = trials_of(tmp_path, {("A", "C")})
    for left, right in cross_person_pairs(trials):
        rows = np.random.default_rng(2).standard_normal((len(PEOPLE), 16)).astype(np.float32)
        rows[right] = rows[left]
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        mated, non_mated = face_trials.compare(
            trials, {"one": rows}, FaceFusion({"one": ModelFusion(1.0, 0.0, 1.0)}, 0.0)
        )
        best = face_comparisons(trials, mated, non_mated, 1e-9)
        assert (best.top_left[0], best.top_right[0]) == (trials.person[left], trials.person[right])


def test_a_count_that_does_not_fit_is_a_fault_of_ours(tmp_path: Path) -> None:
    all_pairs = len(cross_person_pairs(trials_of(tmp_path, set())))
    with pytest.raises(AssertionError):
        face_comparisons(trials_of(tmp_path, {("A", "C")}), np.ones(2), np.ones(all_pairs), 1.0)


def finger_set(numbers: list[int], first: float) -> tuple[list[tuple[int, Path]], SetScores]:
    """Scores are numbered in the order in which the pairs are compared."""
    members = [(number, Path()) for number in numbers]
    n = len(numbers)
    pairs = [(numbers[i], numbers[j]) for i in range(n) for j in range(i + 1, n)]
    values = first + np.arange(len(pairs), dtype=np.float64)
    same = np.array([a == b for a, b in pairs])
    return members, SetScores(values[same], values[~same], measure_accuracy(values[same], values[~same]))


def test_fingers_of_a_set() -> None:
    part = finger_comparisons(*finger_set([7, 7, 9, 9, 9], 0.0))
    # 77 79 79 79 | 79 79 79 | 99 99 | 99
    assert part.mated.tolist() == [0, 7, 8, 9]
    assert part.mated_subject.tolist() == [0, 1, 1, 1]
    assert part.top.tolist() == [1, 2, 3, 4, 5, 6]
    assert set(zip(part.top_left.tolist(), part.top_right.tolist(), strict=True)) == {(0, 1)}
    assert part.images.tolist() == [2, 3]
    assert part.non_mated() == 6


def test_pooled_sets_keep_their_fingers_apart() -> None:
    one, two = finger_comparisons(*finger_set([1, 1, 2], 0.0)), finger_comparisons(*finger_set([1, 2, 2, 3], 10.0))
    whole = pool_comparisons([one, two])
    assert whole.images.tolist() == [2, 1, 1, 2, 1]
    assert whole.group.tolist() == [0, 0, 1, 1, 1]
    assert whole.mated_subject.tolist() == [0, 3]
    assert whole.non_mated() == len(whole.top) == 2 + 5
    assert whole.top_left.tolist()[2:] == [2, 2, 2, 3, 3]
    assert whole.top_right.tolist()[2:] == [3, 3, 4, 4, 4]
