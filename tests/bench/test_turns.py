"""Ratios of contestants, and what counts as growth: the arithmetic behind the face bars."""

from __future__ import annotations

import pytest

from bench.face.bench_memory import growth_mb, pairs
from bench.face.bench_throughput import Load, Loads
from bench.turns import Times, in_turns, ratio


def test_contestants_take_turns_and_warm_up_is_not_counted() -> None:
    calls: list[str] = []
    times = in_turns({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=4)
    assert "".join(calls) == "ab" * 7
    assert len(times["a"].wall) == len(times["a"].cpu) == len(times["b"].cpu) == 4


def test_ratio_is_the_median_of_the_rounds_own() -> None:
    slower, faster = Times([9.0, 6.0, 6.0], [3.0, 2.0, 8.0]), Times([3.0, 3.0, 3.0], [1.0, 1.0, 1.0])
    found = ratio(slower, faster)
    assert (found.cpu, found.wall) == (3.0, 2.0)
    assert (found.low, found.high) == (2.0, 8.0)


def test_growth_counts_from_the_end_of_the_warm_up() -> None:
    rising = [100.0, *[150.0] * 9, *[151.0] * 80, 171.0, *[160.0] * 9]
    assert growth_mb(rising) == 21.0
    assert growth_mb([200.0] * 100) == 0.0


def test_every_image_is_seen_before_one_is_seen_again_and_never_beside_itself() -> None:
    images = [bytes([number]) for number in range(5)]
    seen = list(pairs(images, 20))
    assert [probe for probe, _ in seen[:5]] == images
    assert len(set(seen)) == 20
    assert all(probe != reference for probe, reference in seen)


def test_throughput_compares_rounds_and_latency_percentiles() -> None:
    single = Load([10.0, 20.0, 10.0], [0.1] * 100)
    loads = Loads(single, Load([18.0, 30.0, 19.0]), Load([1.0], [0.2] * 98 + [0.5, 0.9]))
    assert loads.throughput == 1.8
    assert loads.latency == pytest.approx(5.0)
