"""Any bytes are a revocation, master, defect or deviation list or a DocumentError; nothing opens that its signer did not sign."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from egate.document.pki.crl import parse_crl
from egate.document.pki.defect_list import parse_defects, parse_deviations
from egate.document.pki.master_list import parse_master_list
from egate.document.pki.signed_list import open_signed_list
from egate.errors import DocumentError
from egate.trust.items import items_of
from tests.fuzz.sources import NOW, published, state
from tests.fuzz.target import Target


def crl(data: bytes) -> None:
    try:
        repr(parse_crl(data))
    except DocumentError:
        pass


def signed(data: bytes) -> None:
    try:
        opened = open_signed_list(data)
    except DocumentError:
        return
    if opened.signer == open_signed_list(_master_list()).signer:  # by our signer: then it is what we gave it to sign
        assert opened.content == _content()


def content(data: bytes) -> None:
    try:
        parse_master_list(data)
    except DocumentError:
        pass


def defects(data: bytes) -> None:
    for parse in (parse_defects, parse_deviations):
        try:
            parse(data, "DE")
        except DocumentError:
            pass


def items(data: bytes) -> None:
    try:
        items_of("file", data)
    except DocumentError:
        pass


@cache
def _master_list() -> bytes:
    return state().write_master_list(state().anchors(), NOW)


@cache
def _content() -> bytes:
    return open_signed_list(_master_list()).content


def _crls() -> Sequence[bytes]:
    empty = state().write_crl(NOW)
    state().revoke(state().issue_signer(NOW), NOW)
    return [empty, state().write_crl(NOW), *published("pki/**/*.crl", 4)]


TARGETS = (
    Target("crl", crl, _crls, 8),
    Target("signed", signed, lambda: [_master_list()], 2),
    Target("content", content, lambda: [_content()], 4),
    Target("defects", defects, lambda: [_content()], 8),
    Target("items", items, lambda: [_master_list(), *_crls(), *state().anchors()], 2),
)
