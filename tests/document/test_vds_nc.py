"""The form of health proofs: bounded JSON, one canonical form, nothing unsigned beside the signature."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.document.seal.canonical_json import DEPTH_MAX, INTEGER_MAX, SIZE_MAX, JsonValue, canonical_json, parse_json
from egate.document.seal.vds_nc import parse_vds_nc
from egate.errors import DocumentError
from tests.document.seals import HEALTH, VDS_NC

GENUINE: dict[str, Any] = json.loads(HEALTH)


def refused(data: bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        parse_vds_nc(data)
    return caught.value.code


def changed(path: str, value: object) -> bytes:
    """The genuine proof with another value at a path, "" to remove it."""
    root = copy.deepcopy(GENUINE)
    *parents, last = path.split(".")
    place: Any = root
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    if value == "":
        del place[last]
    else:
        place[last] = value
    return json.dumps(root).encode()


@pytest.mark.parametrize("name", VDS_NC)
@pytest.mark.parametrize("indent", [None, 2])
def test_published_proofs(name: str, indent: int | None) -> None:
    seal = VDS_NC[name]["seal"]
    found = parse_vds_nc(json.dumps(seal, indent=indent).encode())
    assert found.known
    assert (found.type, found.issuing_state) == (seal["data"]["hdr"]["t"], seal["data"]["hdr"]["is"])
    assert found.message == seal["data"]["msg"]
    assert found.is_signed_by(found.certificate.public_key)


def test_the_example_of_the_canonical_form() -> None:
    """RFC 8785, 3.2.2 and 3.2.3, without its numbers: escapes and the order of names by UTF-16 units."""
    value = parse_json(
        rb'{"string": "\u20ac$\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}'
    )
    written = '{"literals":[null,true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    assert canonical_json(value) == written.encode()
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\x80", "\u00f6"]
    ordered = ["\r", "1", "\x80", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(canonical_json(dict.fromkeys(names)))) == ordered


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(_JSON)
def test_the_canonical_form_says_the_same(value: JsonValue) -> None:
    written = canonical_json(value)
    assert parse_json(written) == value
    assert canonical_json(parse_json(written)) == written


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"[" * SIZE_MAX, "JSON_TOO_DEEP"),
        (b'{"a":' * (DEPTH_MAX + 1) + b"1" + b"}" * (DEPTH_MAX + 1), "JSON_TOO_DEEP"),
        (b" " * (SIZE_MAX + 1), "JSON_TOO_LONG"),
        (b'{"a":1,"a":1}', "JSON_TWICE"),
        (b'{"a":{"b":1,"\\u0062":2}}', "JSON_TWICE"),
        (b'{"a":NaN}', "JSON_NUMBER"),
        (b'{"a":-Infinity}', "JSON_NUMBER"),
        (b'{"a":1.0}', "JSON_NUMBER"),
        (b'{"a":1e3}', "JSON_NUMBER"),
        (b'{"a":9007199254740992}', "JSON_NUMBER"),
        (b'{"a":' + b"9" * 6000 + b"}", "JSON_NUMBER"),
        (b'{"a":"\xff"}', "JSON_MALFORMED"),
        (b'\xef\xbb\xbf{"a":1}', "JSON_MALFORMED"),
        ('{"a":1}'.encode("utf-16"), "JSON_MALFORMED"),
        (b'{"a":"\n"}', "JSON_MALFORMED"),
        (b'{"a":1}{', "JSON_MALFORMED"),
        (b"", "JSON_MALFORMED"),
    ],
)
def test_json_refused(data: bytes, code: str) -> None:
    assert refused(data) == code


def test_depth_is_counted_outside_of_strings() -> None:
    text = "[{" * DEPTH_MAX + '\\"['
    assert parse_json(json.dumps({"a": text}).encode()) == {"a": text}
    assert parse_json(b"[" * DEPTH_MAX + b"]" * DEPTH_MAX)


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("data", "", "VDS_NC_MEMBERS"),
        ("sig", [], "VDS_NC_MEMBERS"),
        ("more", 1, "VDS_NC_MEMBERS"),
        ("data.more", 1, "VDS_NC_MEMBERS"),
        ("data.hdr.more", 1, "VDS_NC_MEMBERS"),
        ("sig.more", 1, "VDS_NC_MEMBERS"),
        ("data.hdr.v", "1", "VDS_NC_MEMBERS"),
        ("data.hdr.v", True, "VDS_NC_MEMBERS"),
        ("data.hdr.is", None, "VDS_NC_MEMBERS"),
        ("data.msg", [], "VDS_NC_MEMBERS"),
        ("data.msg", "\ud800", "VDS_NC_MEMBERS"),
        ("data.msg.uvci", "\ud800", "JSON_MALFORMED"),  # a lone surrogate
        ("data.msg.uvci", "", "VDS_NC_FIELD"),
        ("data.msg.pid.n", 1, "VDS_NC_FIELD"),
        ("data.msg.pid", None, "VDS_NC_FIELD"),
        ("data.msg.ve", {}, "VDS_NC_FIELD"),
        ("data.msg.ve", [1], "VDS_NC_FIELD"),
        ("data.msg.ve.0.vd", [], "VDS_NC_FIELD"),
        ("sig.sigvl", "****", "VDS_NC_BASE64"),
        ("sig.sigvl", "é", "VDS_NC_BASE64"),
        ("sig.sigvl", "AAB=", "VDS_NC_BASE64"),  # bits that no byte holds
        ("sig.sigvl", "AAA==", "VDS_NC_BASE64"),
        ("sig.sigvl", "++//", "VDS_NC_BASE64"),
        ("sig.cer", "AAAA", "CERTIFICATE_MALFORMED"),
    ],
)
def test_members_refused(path: str, value: object, code: str) -> None:
    assert refused(changed(path, value)) == code


def test_an_empty_signature_is_refused() -> None:
    text = json.dumps(GENUINE).replace(GENUINE["sig"]["sigvl"], "")
    assert refused(text.encode()) == "VDS_NC_BASE64"


def test_other_types_and_versions_are_not_known() -> None:
    assert not parse_vds_nc(changed("data.hdr.t", "icao.other")).known
    assert not parse_vds_nc(changed("data.hdr.v", 2)).known
    assert repr(parse_vds_nc(changed("data.hdr.t", "icao.other"))) == "VdsNc(unknown, redacted)"


def test_nothing_sealed_is_shown() -> None:
    found = parse_vds_nc(HEALTH)
    assert repr(found) == "VdsNc(icao.vacc, redacted)"
    for path in ("data.msg.pid.n", "data.msg.ve.0.des"):
        with pytest.raises(DocumentError) as caught:
            parse_vds_nc(changed(path, {"secret": "Smith"}))
        assert "Smith" not in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    for text in (data, b'{"data":' + data, HEALTH[:60] + data + HEALTH[60:]):
        try:
            parse_vds_nc(text)
        except DocumentError as error:
            assert error.code.startswith(("JSON_", "VDS_NC_", "CERTIFICATE_"))
