"""Goal: local.toml says exactly what was added, in the manifest's strict format, and never overrides the manifest."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.errors import ModelError
from egate.inference.weights.local import EMPTY, format_local, merged, parse_local
from egate.inference.weights.manifest import FILE, CalibrationFile, Manifest, Model
from egate.inference.weights.network import Network

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
HASHES = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NUMBERS = st.floats(-1e6, 1e6)
TRIPLES = st.tuples(NUMBERS, NUMBERS, NUMBERS)
POSITIVE = st.floats(1e-6, 1e6)
PAIRS = st.tuples(NUMBERS, NUMBERS)

NETWORKS = st.builds(
    Network,
    input=TEXTS.filter(bool),
    output=TEXTS.filter(bool),
    side_px=st.integers(16, 1024),
    colour=st.sampled_from(["RGB", "BGR"]),
    mean=TRIPLES,
    deviation=st.tuples(POSITIVE, POSITIVE, POSITIVE),
    batch=st.booleans(),
    points=st.just(()) | st.tuples(PAIRS, PAIRS, PAIRS, PAIRS, PAIRS),
    mirror=st.booleans(),
    margin=st.floats(0.0, 16.0),
    bona_fide=st.integers(-1, 20),
)
MODELS = st.builds(
    Model,
    id=NAMES.filter(lambda name: name != "samples"),
    role=TEXTS,
    artefact=st.just(FILE),
    member=TEXTS,
    member_sha256=HASHES,
    conversion=TEXTS,
    file=NAMES.map(lambda name: name + ".onnx"),
    sha256=HASHES,
    licence=TEXTS,
    input=TEXTS,
    preprocessing=TEXTS,
    output=TEXTS,
    network=st.none() | NETWORKS,
)
CALIBRATIONS = st.builds(
    CalibrationFile, id=NAMES, models=st.lists(NAMES, max_size=3).map(tuple), sha256=st.just("") | HASHES
)


def manifest(models: list[Model], calibrations: list[CalibrationFile]) -> Manifest:
    return Manifest((), {}, {model.id: model for model in models}, {item.id: item for item in calibrations}, {})


@given(st.lists(MODELS, max_size=3), st.lists(CALIBRATIONS, max_size=3))
def test_what_is_written_is_what_is_read(models: list[Model], calibrations: list[CalibrationFile]) -> None:
    local = manifest(models, calibrations)
    assert parse_local(format_local(local), "local.toml") == local


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: b"format = 1\n" + text.encode()))
def test_any_text_parses_or_is_a_named_error(text: bytes) -> None:
    try:
        parse_local(text, "local.toml")
    except ModelError as error:
        assert error.code == "MODEL_MANIFEST"


def test_an_entry_is_written_as_its_author_wrote_it() -> None:
    network = Network(input="a", output="b", side_px=112, mirror=True)
    model = Model("m", "face embedding", FILE, "m", "0" * 64, "none", "m.onnx", "0" * 64, "MIT", "", "", "", network)
    row = tomllib.loads(format_local(manifest([model], [])).decode())["model"][0]
    assert row["network"] == {"input": "a", "output": "b", "side_px": 112, "mirror": True}


def test_the_same_id_twice_is_an_error_for_models_and_for_engines() -> None:
    model = Model("m", "r", FILE, "m", "0" * 64, "none", "m.onnx", "0" * 64, "MIT", "", "", "")
    engine = CalibrationFile("e", ("m",), "")
    one, other = manifest([model], [engine]), manifest([], [engine])
    assert merged(one, EMPTY) == merged(EMPTY, one) == one
    for ours, theirs in ((one, manifest([model], [])), (one, other)):
        with pytest.raises(ModelError, match="already in the manifest") as caught:
            merged(ours, theirs)
        assert caught.value.code == "MODEL_MANIFEST"
