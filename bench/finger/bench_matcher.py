"""How long does a finger take? Budget on one thread: extraction 200 ms, template made ready 0.1 ms, comparison 0.1 ms.

    python -m pytest bench/finger/bench_matcher.py --benchmark-columns=min,median,max,rounds
    AFIS_LFS_LIB=libafis_lfs.so python -m pytest -s bench/finger/bench_matcher.py -k protocol

Estimate: 500 x 400 px take 150 ms (bench_extraction.py); a comparison of 40 by 40 minutiae is
1,600 pairs of six words, 12,500 agreements of candidates and five alignments: 5 + 10 + 5 * 5 us, and 5 to call it.
Peer: `afis` 1.2.7, where that is installed; skipped otherwise. Its package has no bozorth3: the C sources are in its sdist, `make -C
native` there makes the library that AFIS_LFS_LIB names. Its own bozorth3, in Python, takes a hundred times as long. SourceAFIS is
Java and not run here.
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import os
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from bench.turns import Ratio, Times, ratio
from egate.domain.biometric import FingerTemplate, Image
from egate.inference.finger.engine import MinutiaeFingerEngine, load_finger_engine
from egate.inference.image.decoder import decode_grey
from egate.inference.weights.store import ModelStore
from egate.matching.finger import minutiae
from egate.matching.finger.format.iso19794 import read_record, write_record
from tests.corpus import CORPUS

SETS = ("fvc2002/DB1_B", "fvc2002/DB3_B", "fvc2002/DB4_B", "fvc2004/DB2_B", "fvc2004/DB4_B")
FINGERS, IMPRESSIONS = (
    range(101, 111),
    (1, 2),
)  # of each set: 10 mated pairs, 180 non-mated ones of which NON_MATED are drawn
NON_MATED = 103  # to 10 mated ones, as 2,880 are to 280
COMPARE_US_MAX, PEER_RATIO_MIN = 100.0, 6.0


@pytest.fixture(scope="module")
def store() -> ModelStore:
    return ModelStore()


@pytest.fixture(scope="module")
def engine(store: ModelStore) -> MinutiaeFingerEngine:
    return load_finger_engine(store)


@pytest.fixture(scope="module")
def images(store: ModelStore) -> dict[str, Image]:
    names = ("p1_1", "p1_2", "p2_1")
    return {name: decode_grey(store.sample(f"{name}.png").read_bytes()).pixels for name in names}


@pytest.fixture(scope="module")
def templates(engine: MinutiaeFingerEngine, images: dict[str, Image]) -> dict[str, FingerTemplate]:
    return {name: engine.capture(image).template for name, image in images.items()}


def test_capture(benchmark: BenchmarkFixture, engine: MinutiaeFingerEngine, images: dict[str, Image]) -> None:
    benchmark.pedantic(  # type: ignore[no-untyped-call]
        engine.capture, args=(images["p1_1"],), rounds=5, warmup_rounds=1
    )


def test_prepare(benchmark: BenchmarkFixture, templates: dict[str, FingerTemplate]) -> None:
    benchmark(minutiae.prepare, templates["p1_1"])


@pytest.mark.parametrize("other", ["p1_2", "p2_1"])
def test_compare_prepared(benchmark: BenchmarkFixture, templates: dict[str, FingerTemplate], other: str) -> None:
    probe, reference = minutiae.prepare(templates["p1_1"]), minutiae.prepare(templates[other])
    benchmark(minutiae.compare, probe, reference)


def test_compare_templates(
    benchmark: BenchmarkFixture, engine: MinutiaeFingerEngine, templates: dict[str, FingerTemplate]
) -> None:
    """As the lane does it: both templates made ready, compared, and the score looked up in the calibration."""
    benchmark(engine.compare, templates["p1_1"], templates["p1_2"])


def test_iso_record(benchmark: BenchmarkFixture, templates: dict[str, FingerTemplate]) -> None:
    benchmark(lambda: read_record(write_record([templates["p1_1"]])))


@pytest.fixture(scope="module")
def protocol(engine: MinutiaeFingerEngine) -> list[tuple[FingerTemplate, FingerTemplate]]:
    """Pairs of the corpus, mated and non-mated as in the protocol of `egate bench accuracy finger`."""
    if not CORPUS.joinpath("fingers").is_dir():
        pytest.skip("no corpus (EGATE_CORPUS)")
    rng = np.random.default_rng(1)
    pairs = []
    for name in SETS:
        found = {
            (finger, impression): engine.capture(
                decode_grey((CORPUS / "fingers" / name / f"{finger}_{impression}.png").read_bytes()).pixels
            ).template
            for finger, impression in itertools.product(FINGERS, IMPRESSIONS)
        }
        every = list(itertools.combinations(sorted(found), 2))
        non_mated = [pair for pair in every if pair[0][0] != pair[1][0]]
        chosen = [non_mated[k] for k in rng.choice(len(non_mated), NON_MATED, replace=False)]
        chosen += [pair for pair in every if pair[0][0] == pair[1][0]]
        pairs += [(found[a], found[b]) for a, b in chosen]
    return pairs


def test_protocol_pairs(protocol: list[tuple[FingerTemplate, FingerTemplate]]) -> None:
    """The bar on the median, by CPU time: what else the host runs is not the matcher's."""
    ready = [(minutiae.prepare(a), minutiae.prepare(b)) for a, b in protocol]
    (ours,) = by_pair([[partial(minutiae.compare, *pair)] for pair in ready])
    print(f"\n1:1, {len(ready)} pairs: {summary(ours)}")
    (preparing,) = by_pair([[partial(minutiae.prepare, probe)] for probe, _ in protocol])
    print(f"made ready: {summary(preparing)}")
    assert 1e6 * float(np.median(ours.cpu)) <= COMPARE_US_MAX


@pytest.mark.peer
@pytest.mark.skipif(importlib.util.find_spec("afis") is None, reason="peer afis is not installed")
@pytest.mark.skipif("AFIS_LFS_LIB" not in os.environ, reason="afis's C bozorth3 is not built (see above)")
def test_protocol_pairs_by_peer(protocol: list[tuple[FingerTemplate, FingerTemplate]]) -> None:
    """Ours and bozorth3 on the same minutiae, pair by pair in turns; bozorth3 by afis and bare, its templates ready."""
    ours, by_afis, bare = by_pair([contestants(*pair) for pair in protocol])
    print(f"\nours: {summary(ours)}\nbozorth3 by afis: {summary(by_afis)}\nbozorth3 alone: {summary(bare)}")
    found = ratio(by_afis, ours)
    print(f"bozorth3 by afis takes {said(found)}, alone {said(ratio(bare, ours))}")
    assert found.low >= PEER_RATIO_MIN


def contestants(a: FingerTemplate, b: FingerTemplate) -> list[Callable[[], object]]:
    matcher, native = (importlib.import_module(f"afis.{name}") for name in ("algorithms.matcher", "_native.loader"))
    ready, rows_a, rows_b = (minutiae.prepare(a), minutiae.prepare(b)), rows(a), rows(b)
    sizes = {"height_a": a.height, "height_b": b.height, "width_a": a.width, "width_b": b.width}
    one, other = (native.template_from_array(r, t.width, t.height) for r, t in ((rows_a, a), (rows_b, b)))
    return [
        lambda: minutiae.compare(*ready),
        lambda: matcher.match_templates(rows_a, rows_b, method="nbis_bozorth3", **sizes),
        lambda: native._LIB.afis_bozorth3_match(native.ctypes.byref(one), native.ctypes.byref(other)),
    ]


def by_pair(calls: list[list[Callable[[], object]]]) -> list[Times]:
    """Times of each contestant over the pairs; of each pair the second call, so that its arrays are in the cache for all."""
    times = [Times() for _ in calls[0]]
    for pair in calls:
        for contestant, call in zip(times, pair, strict=True):
            call()
            wall, cpu = time.perf_counter(), time.process_time()
            call()
            contestant.cpu.append(time.process_time() - cpu)
            contestant.wall.append(time.perf_counter() - wall)
    return times


def summary(times: Times) -> str:
    cpu, wall = (1e6 * np.percentile(values, (50, 90, 99)) for values in (times.cpu, times.wall))
    return f"median {cpu[0]:.0f}, p90 {cpu[1]:.0f}, p99 {cpu[2]:.0f} us of CPU time; wall {wall[0]:.0f} us"


def said(found: Ratio) -> str:
    return f"{found.cpu:.1f} (95 % {found.low:.1f} to {found.high:.1f}) times as long, by wall {found.wall:.1f}"


def rows(template: FingerTemplate) -> NDArray[np.float64]:
    """(n, 5): x, y, angle, 0 for an ending and 1 for a bifurcation, quality."""
    kind = np.where(template.ending, 0.0, 1.0)
    columns = (template.x, template.y, template.angle, kind, template.quality)
    return np.column_stack(columns).astype(np.float64)
