from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.domain.decision import Verdict
from egate.errors import JournalError
from egate.journal import canonical

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | texts
    | st.binary(max_size=64)
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)
bodies = st.dictionaries(texts, values, max_size=5)


@given(bodies)
def test_decode_gives_back_what_was_encoded(body: dict[str, object]) -> None:
    try:
        data = canonical.encode(body)
    except JournalError as refused:  # the strategy may nest too deep
        assert "nested" in str(refused)
        return
    assert canonical.decode(data) == body


@given(bodies)
def test_the_order_of_keys_does_not_matter(body: dict[str, object]) -> None:
    try:
        assert canonical.encode(body) == canonical.encode(dict(reversed(body.items())))
    except JournalError as refused:
        assert "nested" in str(refused)


def test_numbers_have_one_shortest_form() -> None:
    # RFC 8949, appendix A: 1.5 = f93e00, NaN = f97e00, 1.1 = fb3ff199999999999a, 1000 = 1903e8
    body = {"a": 1.5, "b": math.nan, "c": 1.1, "d": 1000}
    assert canonical.encode(body).hex() == "a46161f93e006162f97e006163fb3ff199999999999a61641903e8"


def test_nan_is_not_null() -> None:
    assert canonical.encode({"score": math.nan}) != canonical.encode({"score": None})
    score = canonical.decode(canonical.encode({"score": math.nan}))["score"]
    assert isinstance(score, float) and math.isnan(score)


def test_every_nan_is_the_same_nan() -> None:
    negative = float(np.frombuffer(bytes.fromhex("010000000000f8ff"), dtype="<f8")[0])
    assert math.isnan(negative)
    assert canonical.encode({"score": negative}) == canonical.encode({"score": math.nan})


def test_enum_members_and_numpy_scalars_are_recorded_as_plain_values() -> None:
    body = {"verdict": Verdict.ADMIT, "score": np.float32(0.5), "count": np.int64(3), "ok": True, "list": (1, 2)}
    assert canonical.decode(canonical.encode(body)) == {
        "verdict": "ADMIT",
        "score": 0.5,
        "count": 3,
        "ok": True,
        "list": [1, 2],
    }


@pytest.mark.parametrize(
    "value",
    [bytes(65), bytearray(3), {1: 2}, 2**64, {"x"}, np.zeros(3, np.float32), object(), "\udcff", {"k": b"x" * 100}],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_recordable_is_named_by_key_and_not_shown(value: object) -> None:
    with pytest.raises(JournalError) as refused:
        canonical.encode({"portrait": value})
    assert refused.value.code == "JOURNAL_BODY"
    assert "body.portrait" in str(refused.value) and "xxxx" not in str(refused.value)


def test_limits() -> None:
    deep: object = 1
    for _ in range(20):
        deep = [deep]
    for body in ({"deep": deep}, {"long": "x" * canonical.BODY_BYTES_MAX}):
        with pytest.raises(JournalError):
            canonical.encode(body)


@given(st.binary(max_size=60))
def test_any_bytes_decode_to_a_map_or_are_refused(data: bytes) -> None:
    try:
        assert isinstance(canonical.decode(data), dict)
    except JournalError:
        pass
