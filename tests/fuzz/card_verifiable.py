"""Any bytes are a card verifiable certificate or a DocumentError; none but the genuine one is taken for its issuer's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from egate.document.chip.cvc import parse_cv_certificate, parse_cv_content
from egate.document.chip.cvc_chain import parse_ef_cvca, trust_point, verify_certificate, write_ef_cvca
from egate.errors import DocumentError
from hw.sim.pki_terminal import TerminalPki, make_terminal_pki
from tests.fuzz.sources import TODAY
from tests.fuzz.target import Target


def parse(data: bytes) -> None:
    for function in (parse_cv_certificate, parse_cv_content):
        try:
            repr(function(data))
        except DocumentError:
            pass


def chain(data: bytes) -> None:
    """A verifier's certificate before its trust point."""
    try:
        certificate = parse_cv_certificate(data)
        verify_certificate(certificate, trust_point(parse_cv_certificate(_pki().cvca)), TODAY)
    except DocumentError:
        return
    assert certificate.body in [parse_cv_certificate(each).body for each in _certificates()]


def trust_points(data: bytes) -> None:
    try:
        parse_ef_cvca(data)
    except DocumentError:
        pass


@cache
def _pki() -> TerminalPki:
    return make_terminal_pki(TODAY)


def _certificates() -> Sequence[bytes]:
    return [*_pki().certificates]


TARGETS = (
    Target("parse", parse, _certificates, 20),
    Target("chain", chain, _certificates, 1),
    Target("trust_points", trust_points, lambda: [write_ef_cvca(["DECVCAEGATE00001", "DECVCAEGATE00002"])], 20),
)
