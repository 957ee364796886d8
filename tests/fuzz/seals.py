"""Any bytes are a visible digital seal or a DocumentError, and verify to a result; none but the genuine ones pass."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from egate.document.pki.certificate import parse_certificate
from egate.document.pki.trust import TrustStore
from egate.document.seal.canonical_json import JsonValue, canonical_json, parse_json
from egate.document.seal.seal import verify_seal
from egate.document.seal.vds import parse_vds
from egate.document.seal.vds_nc import parse_vds_nc
from egate.document.seal.vds_zone import Stay
from egate.domain.evidence import CheckResult
from egate.errors import DocumentError
from hw.sim.pki_certificate import Authority
from hw.sim.seal import issue_seal_signer, visa_message, write_vds, write_vds_nc
from tests.fuzz.sources import NOW, TODAY, state, store
from tests.fuzz.target import Target

_VISA = ("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "L898902C<3UTO6908061F9406236ZE184226")


def vds(data: bytes) -> None:
    try:
        seal = parse_vds(data)
    except DocumentError:
        return
    assert data.startswith(seal.signed)
    assert len(repr(seal)) < 100
    if seal.zone is not None:
        seal.zone.wrong_check_digits()


def vds_nc(data: bytes) -> None:
    try:
        seal = parse_vds_nc(data)
    except DocumentError:
        return
    assert canonical_json(parse_json(seal.signed)) == seal.signed


def verify(data: bytes) -> None:
    found = verify_seal(data, _trusted(), NOW)
    assert len(repr(found)) < 500
    if found.verdict is CheckResult.PASS:
        assert _said(data) in [_said(seal) for seal in _seals()]


def _said(seal: bytes) -> bytes:
    return parse_vds_nc(seal).signed if seal[:1] != b"\xdc" else seal


@cache
def _signers() -> tuple[Authority, Authority]:
    health = issue_seal_signer(state(), NOW, "HE", 0x77, usage="2.23.136.1.1.14.2", document_types=("NV",))
    return issue_seal_signer(state(), NOW, "TS", 0x5B, document_types=("V",)), health


@cache
def _trusted() -> TrustStore:
    signers = tuple(parse_certificate(signer.certificate) for signer in _signers())
    return TrustStore(anchors=store().anchors, document_signers=signers)


@cache
def _seals() -> Sequence[bytes]:
    visas, health = _signers()
    message = visa_message(_VISA, Stay(90, 0, 0), "N1234567X", entries=2)
    proof: dict[str, JsonValue] = {
        "uvci": "U32870",
        "pid": {"n": "Smith Bill"},
        "ve": [{"des": "X", "nam": "Y", "vd": [{"dvc": "2026-03-03", "seq": 1, "ctr": "UTO", "lot": "V3"}]}],
    }
    return [
        *(write_vds(visas, "UTO", (0x5D, 0x01), message, TODAY, version=version) for version in (3, 4)),
        write_vds_nc(health, "icao.vacc", "UTO", proof),
    ]


TARGETS = (Target("vds", vds, _seals, 20), Target("vds_nc", vds_nc, _seals, 20), Target("verify", verify, _seals, 1))
