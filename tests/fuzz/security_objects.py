"""Any bytes are a signed object or a DocumentError; no store, no trust; no changed object binds another hash than was signed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from egate.document.passive_authentication import verify_passive, verify_signed_file
from egate.document.pki.security_object import parse_sod
from egate.document.pki.trust import EMPTY
from egate.domain.chip import SOD
from egate.errors import DocumentError
from tests.fuzz.sources import NOW, files, specimen, store
from tests.fuzz.target import Target


def parse(data: bytes) -> None:
    try:
        repr(parse_sod(data))
    except DocumentError:
        pass


def untrusted(data: bytes) -> None:
    assert not verify_passive({**files(), SOD: data}, EMPTY, NOW).bound


def trusted(data: bytes) -> None:
    result = verify_passive({**files(), SOD: data}, store(), NOW)
    if result.bound:
        assert parse_sod(data).hashes == _hashes()
        assert result.bound == {"dg1", "dg2"}


def card_security(data: bytes) -> None:
    assert verify_signed_file(data, EMPTY, NOW, country="UT") is None


@cache
def _hashes() -> dict[int, bytes]:
    return dict(parse_sod(files()[SOD]).hashes)


def seeds() -> Sequence[bytes]:
    return [files()[SOD], *specimen("SOD")]


TARGETS = (
    Target("parse", parse, seeds, 8),
    Target("untrusted", untrusted, seeds, 4),
    Target("trusted", trusted, seeds, 1),
    Target("card_security", card_security, seeds, 4),
)
