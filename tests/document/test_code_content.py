"""What a scanned code is: never a guess. Whatever is recognised but spoilt, or fits two kinds, is unknown."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egate.document.boarding_pass.items import BoardingPass, BoardingPassError, Leg
from egate.document.boarding_pass.parser import parse_boarding_pass
from egate.document.boarding_pass.writer import write_boarding_pass
from egate.document.code_content import TOKEN_SIZE_MAX, CodeContent, ContentKind, code_content
from egate.document.seal.vds import Vds
from egate.document.seal.vds_nc import VdsNc

from .boarding_passes import passes
from .seals import HEALTH, VISA

PASS = b"M1DESMARAIS/LUC       EABC123 YULFRAAC 0834 326J001A0025 100"
JWT = b"eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiJxIn0.c2ln"


def test_each_kind_is_recognised() -> None:
    boarding_pass = code_content(PASS)
    assert boarding_pass == CodeContent(ContentKind.BOARDING_PASS, boarding_pass=parse_boarding_pass(PASS))
    visa, health = code_content(VISA), code_content(HEALTH)
    assert visa.kind is health.kind is ContentKind.SEAL
    assert isinstance(visa.seal, Vds) and isinstance(health.seal, VdsNc)
    for token in (
        JWT,
        b"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        b"12345678",
        b"QUJDREVGRw==",
        b"M1-token-of-a-site",
    ):
        assert code_content(token) == CodeContent(ContentKind.TOKEN, token=token.decode())


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", ""),
        (b"1234567", ""),  # too short to be no guess
        (b"x" * (TOKEN_SIZE_MAX + 1), ""),
        (b"https://example.org/token", ""),
        (b"two words of text", ""),
        (b"token-with-\x00", ""),
        (b"token-\xc3\xa9\xc3\xa9", ""),
        (b"===12345678", ""),
        (PASS[:-1], "BOARDING_PASS_TRUNCATED"),
        (PASS + b"\r", "BOARDING_PASS_ALPHABET"),
        (b" " + PASS, ""),
        (b"\xdc", "VDS_CUT_SHORT"),
        (VISA[:-1], "VDS_CUT_SHORT"),
        (b"{}", "VDS_NC_MEMBERS"),
        (b'{"a":1', "JSON_MALFORMED"),
        (b"\xdc" * 7090, ""),
    ],
)
def test_everything_else_is_unknown(content: bytes, problem: str) -> None:
    assert code_content(content) == CodeContent(ContentKind.UNKNOWN, problem=problem)


def test_pass_that_looks_like_a_token_is_neither() -> None:
    """No airline writes one without a blank, and no site should give out such tokens."""
    leg = Leg("YUL", "FRA", "AC1", "0834A", "326", "ABC1234", "J", "001A", "00251", "1")
    both = write_boarding_pass(BoardingPass("DESMARAISLUCDESMARAI", (leg,)))
    parse_boarding_pass(both)
    assert code_content(both) == CodeContent(ContentKind.UNKNOWN, problem="AMBIGUOUS")


@settings(max_examples=20)
@given(passes())
def test_written_passes_are_passes(boarding_pass: BoardingPass) -> None:
    found = code_content(write_boarding_pass(boarding_pass))
    assert found.boarding_pass == boarding_pass or found.problem == "AMBIGUOUS"


@given(st.binary(max_size=300) | st.text("M1S2{}DC<>^ ABC012", max_size=300).map(str.encode))
def test_any_bytes_have_one_kind(content: bytes) -> None:
    found = code_content(content)
    given = [found.boarding_pass, found.seal, found.token]
    assert sum(value is not None for value in given) == (found.kind is not ContentKind.UNKNOWN)
    if found.kind is not ContentKind.BOARDING_PASS and not found.problem:
        with pytest.raises(BoardingPassError):
            parse_boarding_pass(content)


def test_repr_shows_nothing() -> None:
    assert [repr(code_content(content)) for content in (PASS, JWT)] == [
        "CodeContent(BOARDING_PASS, redacted)",
        "CodeContent(TOKEN, redacted)",
    ]
