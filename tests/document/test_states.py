"""The state codes of Doc 9303-3, section 5, and what certificates call the same states."""

from __future__ import annotations

import pytest

from egate.document.zone.states import ISO_3166, alpha2, certificate_countries, is_issuer_code, is_state_code


def test_iso_table_is_complete_and_unambiguous() -> None:
    # ISO 3166-1 assigns 249 codes; a slip of the pen would make a key or a value occur twice or be missing
    assert len(ISO_3166) == 249
    assert len(set(ISO_3166.values())) == 249
    assert all(len(three) == 3 and len(two) == 2 and (three + two).isupper() for three, two in ISO_3166.items())


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("FRA", "FR"),
        ("CHE", "CH"),
        ("SVK", "SK"),
        ("SVN", "SI"),
        ("UKR", "UA"),
        ("PRT", "PT"),
        ("KOR", "KR"),
        ("PRK", "KP"),
    ],
)
def test_iso_states(state: str, code: str) -> None:
    assert alpha2(state) == code


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("D", "DE"),
        ("D<<", "DE"),
        ("GBD", "GB"),
        ("GBS", "GB"),
        ("EUE", "EU"),
        ("UNO", "UN"),
        ("UNK", "UN"),
        ("RKS", "KS"),
        ("UTO", "UT"),
    ],
)
def test_codes_beyond_iso(state: str, code: str) -> None:
    assert alpha2(state) == code
    assert is_issuer_code(state)


@pytest.mark.parametrize("state", ["XXA", "XXB", "XXC", "XXX"])
def test_persons_without_a_state_have_a_nationality_code_and_no_issuer(state: str) -> None:
    assert is_state_code(state)
    assert not is_issuer_code(state)
    assert alpha2(state) is None
    assert certificate_countries(state) == frozenset()


def test_organisation_without_published_certificate_code() -> None:
    assert is_issuer_code("XOM")
    assert alpha2("XOM") is None


def test_kosovo_has_two_certificate_codes() -> None:
    assert certificate_countries("RKS") == {"KS", "XK"}
    assert certificate_countries("D<<") == {"DE"}


@pytest.mark.parametrize("code", ["", "<<<", "fra", "FR", "FRAN", "ZZZ", "D<D", "XXD", "Ü", "F\n"])
def test_what_is_no_code(code: str) -> None:
    assert not is_state_code(code)
    assert alpha2(code) is None
