"""Goal: LEADER rewritten finds what LEADER finds, for images of every size. Oracle: the unmodified network, on parts of the sample prints.

All 400 images of the corpus: `python -m bench.finger.bench_extraction`.
"""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from egate.domain.biometric import FingerTemplate, Image
from egate.errors import ModelError
from egate.inference.finger.minutiae import STRIDE, extract
from egate.inference.weights.convert import CONVERSIONS
from egate.inference.weights.leader.blocks import Planes, add_bottleneck
from egate.inference.weights.leader.heads import add_window_head, head_block
from egate.inference.weights.leader.network import leader
from egate.inference.weights.leader.nodes import Nodes
from egate.inference.weights.leader.peaks import QUALITY_MIN, add_peaks, add_windows
from egate.inference.weights.leader.weights import Layer, LeaderWeights
from egate.inference.weights.onnx_bytes import parse
from egate.inference.weights.store import ModelStore
from tests.inference.leader_toys import run

PART = np.s_[96:288, 96:288]  # ridges to its borders: minutiae stand there too
STRIPE, BAR, MIDDLE = np.s_[:, 160:224], np.s_[150:214, :], np.s_[97:250, 80:301]


@pytest.fixture(scope="module")
def rewritten(store: ModelStore) -> onnxruntime.InferenceSession:
    return store.session("leader")


@pytest.fixture(scope="module")
def original(store: ModelStore) -> onnxruntime.InferenceSession:
    return store.session("leader-original")


def expected(original: onnxruntime.InferenceSession, image: Image) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """(n, 5) x, y, angle, type, quality of the unmodified network's peaks by falling quality; sides are multiples of STRIDE."""
    assert not (image.shape[0] % STRIDE or image.shape[1] % STRIDE)
    maps = original.run(None, {original.get_inputs()[0].name: image[None, :, :, None].astype(np.float32)})[0][0]
    rows, columns = np.nonzero(maps[..., 3] >= QUALITY_MIN)
    found = maps[rows, columns, 1:]
    table = np.column_stack([columns, rows, found])
    return table[np.argsort(-found[:, 2], kind="stable")]


def check(found: FingerTemplate, table: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> None:
    assert len(found.x) == len(table)
    order, wanted = np.lexsort((found.x, found.y)), np.lexsort((table[:, 0], table[:, 1]))
    table = table[wanted]
    assert (found.x[order] == table[:, 0]).all() and (found.y[order] == table[:, 1]).all()
    off = np.angle(np.exp(1j * (found.angle[order] - table[:, 2])))
    np.testing.assert_allclose(off, 0.0, atol=1e-4)
    assert (found.ending[order] == (table[:, 3] >= 0.5)).all()
    np.testing.assert_allclose(found.quality[order], np.clip(table[:, 4], 0.0, 1.0), atol=1e-4)


@pytest.mark.parametrize("name", ["p1_1", "p1_2", "p2_1"])
def test_prints_give_the_minutiae_they_gave(
    rewritten: onnxruntime.InferenceSession, original: onnxruntime.InferenceSession, prints: dict[str, Image], name: str
) -> None:
    image = np.ascontiguousarray(prints[name][PART])
    table = expected(original, image)
    assert len(table) >= 8
    check(extract(rewritten, image, 0), table)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (64, 640), (640, 64), (96, 352), (288, 32)])
def test_any_size_and_ratio(
    rewritten: onnxruntime.InferenceSession,
    original: onnxruntime.InferenceSession,
    prints: dict[str, Image],
    height: int,
    width: int,
) -> None:
    image = np.resize(np.tile(prints["p2_1"][64:320, 64:320], (3, 3)), (768, 768))[40 : 40 + height, 50 : 50 + width]
    image = np.ascontiguousarray(image)
    check(extract(rewritten, image, 0), expected(original, image))


def test_minutiae_at_the_border_have_the_directions_they_had(
    rewritten: onnxruntime.InferenceSession, original: onnxruntime.InferenceSession, prints: dict[str, Image]
) -> None:
    """Windows reach beyond the border there. The parts are moved until one holds a minutia a few pixels from it."""
    near = 0
    for top in (70, 91, 112):
        image = np.ascontiguousarray(prints["p1_1"][top : top + 96, 100:228])
        table = expected(original, image)
        x, y = table[:, 0], table[:, 1]
        near += int(((x < 8) | (y < 8) | (x >= 120) | (y >= 88)).sum())
        check(extract(rewritten, image, 0), table)
    assert near >= 2


@pytest.mark.parametrize(("name", "filters"), [("head_1", 2), ("head_2", 1)])
def test_windows_say_what_the_head_says_of_the_whole_image(store: ModelStore, name: str, filters: int) -> None:
    """With the real weights, on features and peaks drawn at random, corners among them: no print has a minutia that close to them.

    Oracle: the head as the file has it, upsampling first.
    """
    generator = np.random.default_rng(3)
    given = LeaderWeights(parse(store.read(store.manifest.models["leader-original"])))
    last = given.layer("head_conv_dir_1/BiasAdd:0") if filters == 2 else given.layer_before("head_conv_typ_1/Sigmoid:0")
    features = np.zeros((1, 64, 8, 12), np.float32)
    features[:, :52] = generator.standard_normal((1, 52, 8, 12))
    position = np.zeros((1, 1, 16, 24), np.float32)
    places = np.array([[0, 0], [15, 23], [0, 23], [8, 1], [1, 10], [9, 14]])
    position[0, 0, places[:, 0], places[:, 1]] = np.linspace(1.0, 0.7, len(places))

    nodes, value = Nodes(), Planes("features", np.arange(52))
    peaks = add_peaks(nodes, "position", Layer(np.ones((1, 1, 1, 1)), np.zeros(1)))
    by_window = add_window_head(nodes, given, value, add_windows(nodes, value, peaks), name, last)
    block = add_bottleneck(nodes, value, head_block(given, name, value), 4, strips=False)
    rows = nodes.normalised(nodes.rows(nodes.doubled(block)), *given.normalisation(f"{name}_ln_1"))
    rows = nodes.gelu(nodes.matrix(rows, given.layer(f"{name}_conv2_1/BiasAdd:0")))
    whole = nodes.convolution(nodes.planes(rows), last)

    found, maps = run(nodes, [by_window, whole], features=features, position=position)
    expected_values = maps[0, :, places[:, 0], places[:, 1]]
    assert found.shape == (len(places) + 1, filters)
    np.testing.assert_allclose(found[:-1], expected_values, atol=1e-4)


def test_a_turned_print_simply_works(
    rewritten: onnxruntime.InferenceSession, original: onnxruntime.InferenceSession, prints: dict[str, Image]
) -> None:
    image = np.ascontiguousarray(np.rot90(prints["p1_2"][100:260, 90:282]))
    check(extract(rewritten, image, 0), expected(original, image))


def test_an_image_without_a_print_gives_an_empty_template(rewritten: onnxruntime.InferenceSession) -> None:
    found = extract(rewritten, np.full((64, 96), 255, np.uint8), 3)
    assert len(found.x) == len(found.angle) == 0
    assert (found.width, found.height, found.position) == (96, 64, 3)


def test_minutiae_are_where_they_are_in_the_image_whatever_the_padding(
    rewritten: onnxruntime.InferenceSession, original: onnxruntime.InferenceSession, prints: dict[str, Image]
) -> None:
    """Odd sides, padded by 2 and 3 rows, 4 and 5 columns. In this part the network sees one in the padding, found by a search."""
    image = np.ascontiguousarray(prints["p1_1"][192:283, 166:253])
    padded = np.pad(image, ((2, 3), (4, 5)), constant_values=image[0, 0])
    table = expected(original, padded)
    table[:, :2] -= (4, 2)
    assert (table[:, 0] >= image.shape[1]).any()
    check(extract(rewritten, image, 0), table)


def test_the_conversion_gives_the_bytes_that_are_pinned(store: ModelStore) -> None:
    """Wherever it runs: with the same sums in another order, the hash would differ."""
    member = store.read(store.manifest.models["leader-original"])
    assert CONVERSIONS["onnx-leader"](member) == store.read(store.manifest.models["leader"])


def test_a_file_whose_tensors_have_other_shapes_is_not_leader(store: ModelStore) -> None:
    model = onnx.load_from_string(store.read(store.manifest.models["leader-original"]))
    spoilt = 0
    for number, tensor in enumerate(model.graph.initializer):
        if len(tensor.dims) != 4 or number % 7:
            continue
        kept = list(tensor.dims)
        tensor.dims[0] += 1  # more values than there are bytes
        with pytest.raises(ModelError):
            leader(model.SerializeToString())
        tensor.dims[:] = kept
        spoilt += 1
    assert spoilt > 3
