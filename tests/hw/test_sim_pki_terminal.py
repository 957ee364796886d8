"""The simulated verifying authority: its chain holds, and opens what it says."""

from __future__ import annotations

from datetime import date

import pytest

from egate.document.chip.cvc import Role, parse_cv_certificate
from egate.errors import DocumentError
from hw.emrtd.protocol.terminal_chain import parse_terminal_chain
from hw.sim.pki_keys import Algorithm
from hw.sim.pki_terminal import make_terminal_pki

TODAY = date(2026, 6, 1)


@pytest.mark.parametrize(
    ("key", "hash_name"), [("brainpoolP256r1", "sha256"), ("secp384r1", "sha384"), ("secp521r1", "sha512")]
)
def test_chain_holds(key: str, hash_name: str) -> None:
    made = make_terminal_pki(TODAY, algorithm=Algorithm(key, hash_name))
    chain = parse_terminal_chain(made.certificates, made.key)
    assert [item.role for item in chain.certificates] == [Role.CVCA, Role.DV_DOMESTIC, Role.TERMINAL]
    assert chain.rights == {3}
    assert chain.expires > TODAY
    assert parse_cv_certificate(made.cvca).self_signed


def test_rights_are_those_asked_for() -> None:
    made = make_terminal_pki(TODAY, rights=frozenset())
    assert parse_terminal_chain(made.certificates, made.key).rights == frozenset()


def test_strange_parts_make_no_chain() -> None:
    one, two = make_terminal_pki(TODAY), make_terminal_pki(TODAY)
    with pytest.raises(DocumentError) as mixed:
        parse_terminal_chain((two.cvca, *one.certificates[1:]), one.key)
    assert mixed.value.code == "CVC_SIGNATURE"
    with pytest.raises(DocumentError) as stolen:
        parse_terminal_chain(one.certificates, two.key)
    assert stolen.value.code == "TERMINAL_KEY_MISMATCH"
    with pytest.raises(ValueError, match="curves"):
        make_terminal_pki(TODAY, algorithm=Algorithm("rsa2048"))
