"""Goal: finger quality says what NFIQ 2 says, guidance names the fault, and a forest that is none is refused.

The official examples are NIST's (github.com/usnistgov/NFIQ2, examples, public domain): images with all 69 measures and the score.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.finger.bench_quality import MINUTIAE, read_official, read_pgm
from bench.finger.faults import FAULTS, make_worse
from egate.domain.biometric import FingerTemplate, Image
from egate.errors import ModelError
from egate.inference.finger.engine import MinutiaeFingerEngine, load_finger_engine
from egate.inference.finger.quality import FOREST, load_forest, parse_forest
from egate.inference.weights.store import ModelStore
from egate.matching.finger.quality import Forest, block_kernels, finger_quality, guidance, usable, warm_up, wide_blur
from egate.matching.finger.quality.features import FEATURES, measure_features
from egate.matching.finger.quality.forest import votes
from tests.corpus import CORPUS

pytestmark = pytest.mark.models

EXAMPLES = CORPUS / "fingers" / "nfiq2_examples" / "examples"
NAMES = [f"SFinGe_Test0{number}" for number in range(1, 6)]
POINTS_MAX = 8.0
absent = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="corpus absent: set EGATE_CORPUS")

Columns = dict[str, np.ndarray[Any, Any]]


@pytest.fixture(scope="module")
def forest(store: ModelStore) -> Forest:
    return load_forest(store)


@pytest.fixture(scope="module")
def engine(store: ModelStore) -> MinutiaeFingerEngine:
    return load_finger_engine(store)


@pytest.fixture(scope="module")
def columns(store: ModelStore) -> Columns:
    with np.load(io.BytesIO(store.path(FOREST).read_bytes()), allow_pickle=False) as file:
        return {name: file[name].copy() for name in file.files}


def official(name: str) -> tuple[Image, Mapping[str, float]]:
    return read_pgm(EXAMPLES / "images" / f"{name}.pgm"), read_official(EXAMPLES / "output" / f"{name}_output.txt")


def minutiae(count: int = 40) -> FingerTemplate:
    """Spread over a sample print; of quality 1."""
    x, y = (
        side.ravel()[:count].astype(np.float32) for side in np.meshgrid(np.arange(80, 320, 30), np.arange(80, 400, 40))
    )
    return FingerTemplate(x, y, x * 0, x > 0, x * 0 + 1, 400, 500)


@absent
@pytest.mark.corpus
@pytest.mark.parametrize("name", NAMES)
def test_measures_of_the_image_are_the_official_ones(forest: Forest, name: str) -> None:
    """The outputs print six digits. The four features of minutiae are FingerJetFX's and taken from there."""
    image, expected = official(name)
    native = measure_features(image, minutiae()).native
    native[MINUTIAE] = [expected[feature] for feature in FEATURES[MINUTIAE]]
    np.testing.assert_allclose(native, [expected[feature] for feature in FEATURES], rtol=6e-6, atol=1e-6)
    assert votes(forest, native) == expected["UnifiedQualityScore"]


@absent
@pytest.mark.corpus
@pytest.mark.parametrize("name", NAMES)
def test_score_of_the_engine_is_near_the_official_one(engine: MinutiaeFingerEngine, name: str) -> None:
    image, expected = official(name)
    sample = engine.capture(image)
    assert abs(sample.quality.unified - expected["UnifiedQualityScore"]) <= POINTS_MAX
    assert usable(sample.quality)


def test_minutiae_count(forest: Forest, prints: dict[str, Image]) -> None:
    """Without them the official examples score 91 to 100 instead of 45 to 57: they must reach the forest."""
    some, none = (measure_features(prints["p1_1"], minutiae(count)).native for count in (40, 0))
    assert some[MINUTIAE].tolist() != none[MINUTIAE].tolist()
    assert votes(forest, some) != votes(forest, none)


@pytest.mark.parametrize("name", ["p1_1", "p1_2", "p2_1"])
def test_sample_prints_are_good(forest: Forest, prints: dict[str, Image], name: str) -> None:
    quality = finger_quality(prints[name], minutiae(), forest)
    assert 40 <= quality.unified <= 100
    assert guidance(minutiae(), quality) == ()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", ["p1_1", "p1_2", "p2_1"])
def test_guidance_names_the_fault(forest: Forest, prints: dict[str, Image], fault: str, name: str) -> None:
    other = prints["p1_1" if name == "p2_1" else "p2_1"]
    quality = finger_quality(make_worse(prints[name], fault, other), minutiae(), forest)
    assert guidance(minutiae(), quality) == (FAULTS[fault],)


def test_everything_is_compiled_after_warm_up(forest: Forest, prints: dict[str, Image]) -> None:
    """A signature that first appears with a traveller would cost her seconds."""
    kernels: tuple[Any, ...] = (
        block_kernels.plain_blocks,
        block_kernels.slanted_blocks,
        block_kernels.certainties,
        wide_blur.add_boxes,
    )
    for kernel in kernels:
        kernel._reset_overloads()  # what other tests compiled
    warm_up(forest)
    known = [len(kernel.signatures) for kernel in kernels]
    finger_quality(prints["p1_1"], minutiae(), forest)
    finger_quality(np.ascontiguousarray(prints["p2_1"][:300, ::-1]), minutiae(7), forest)
    assert [len(kernel.signatures) for kernel in kernels] == known == [1, 1, 1, 1]


def test_the_forest_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as missing:
        load_forest(ModelStore(tmp_path))
    assert missing.value.code == "MODEL_MISSING"


def packed(columns: Mapping[str, Any]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **columns)
    return file.getvalue()


def changed(column: str, value: Any, place: Any = ...) -> Any:
    """A fault planted in one column."""

    def plant(columns: Columns) -> Columns:
        values = columns[column].copy()
        values[place] = value
        return {**columns, column: values}

    return plant


@pytest.mark.parametrize(
    "plant",
    [
        lambda columns: {name: values for name, values in columns.items() if name != "left"},
        lambda columns: {**columns, "var": columns["var"].astype(object)},
        lambda columns: {**columns, "thr": columns["thr"].astype(np.int64)},
        lambda columns: {**columns, "right": columns["right"][:-1]},
        lambda columns: {**columns, "left": columns["left"].reshape(2, -1)},
        lambda columns: {**columns, "feature_names": columns["feature_names"][::-1]},
        lambda columns: {**columns, "tree_off": columns["tree_off"][:50]},
        lambda columns: {**columns, "beside": np.zeros(3 * 2**20, np.float32)},  # 12 MiB when unpacked
        changed("left", 0, 0),
        changed("right", 10**6, 0),
        changed("var", 69, 0),
        changed("thr", np.nan, 0),
        changed("value", 0.5),
        changed("tree_off", 7, 0),
    ],
)
def test_what_is_no_forest_is_refused(columns: Columns, plant: Any) -> None:
    with pytest.raises(ModelError) as refused:
        parse_forest(packed(plant(columns)))
    assert refused.value.code == "MODEL_FILE"


UNPICKLED: list[str] = []


class Pickled:
    """Says so when it is unpickled."""

    def __reduce__(self) -> Any:
        return unpickle, ()


def unpickle() -> str:
    UNPICKLED.append("ran")
    return ""


def test_nothing_in_a_forest_is_unpickled(columns: Columns) -> None:
    with pytest.raises(ModelError):
        parse_forest(packed({**columns, "feature_names": np.array([Pickled()], object)}))
    assert not UNPICKLED


def test_bytes_that_are_no_archive_are_refused(store: ModelStore) -> None:
    data = store.path(FOREST).read_bytes()
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    for bad in (b"", b"PK\x03\x04", data[:1000], data[:-30], data[:5000] + bytes(100) + data[5100:], empty.getvalue()):
        with pytest.raises(ModelError) as refused:
            parse_forest(bad)
        assert refused.value.code == "MODEL_FILE"
