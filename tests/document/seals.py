"""Seals for tests: published ones, and those of a simulated state."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from egate.document.pki.certificate import parse_certificate
from egate.document.pki.crl import parse_crl
from egate.document.pki.trust import TrustAnchor, TrustedCrl, TrustStore
from egate.document.seal.canonical_json import JsonValue
from egate.document.seal.seal import SealCheck, SealResult
from egate.domain.evidence import CheckResult
from egate.domain.reason import Reason
from hw.sim.pki import SimulatedState
from hw.sim.pki_certificate import Authority
from hw.sim.seal import issue_seal_signer, write_vds_nc, write_visa
from tests.document.signed_documents import NOW

PUBLISHED: dict[str, Any] = json.loads(Path(__file__).with_name("vectors").joinpath("seals.json").read_text("utf-8"))
VDS, VDS_NC = PUBLISHED["vds"], PUBLISHED["vds_nc"]
AT = NOW + timedelta(days=1)
NC_USAGE = "2.23.136.1.1.14.2"
# Doc 9303-7, appendix B.
MRV_A = ("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C<3UTO6908061F9406236ZE184226B<<<<<<<")
MRV_B = ("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "L898902C<3UTO6908061F9406236ZE184226")
PASSPORT = "N1234567X"
PROOF: dict[str, JsonValue] = {
    "uvci": "U32870",
    "pid": {"n": "Smith Bill", "i": "A1234567Z"},
    "ve": [
        {"des": "XM68M6", "nam": "vaccine", "vd": [{"dvc": "2026-03-03", "seq": 1, "ctr": "UTO", "lot": "VC35679"}]}
    ],
}

STATE = SimulatedState(NOW)
SIGNER = issue_seal_signer(STATE, NOW, "TS", 0x5B, document_types=("V", "PU"))
NC_SIGNER = issue_seal_signer(STATE, NOW, "HE", 0x77, usage=NC_USAGE, document_types=("NV", "NT"))
VISA = write_visa(SIGNER, "UTO", MRV_B, PASSPORT, NOW.date())
HEALTH = write_vds_nc(NC_SIGNER, "icao.vacc", "UTO", PROOF)


def store_of(
    *signers: Authority, states: Sequence[SimulatedState] = (STATE,), crls: Sequence[tuple[bytes, Authority]] = ()
) -> TrustStore:
    return TrustStore(
        anchors=tuple(TrustAnchor(parse_certificate(each)) for state in states for each in state.anchors()),
        document_signers=tuple(parse_certificate(signer.certificate) for signer in signers),
        crls=tuple(TrustedCrl(parse_crl(crl), parse_certificate(signer.certificate)) for crl, signer in crls),
    )


STORE = store_of(SIGNER, NC_SIGNER)


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def results(found: SealResult) -> list[CheckResult]:
    return [finding.result for finding in found.findings]


def failed(found: SealResult, check: SealCheck) -> tuple[tuple[Reason, ...], str]:
    """Reasons and detail of the one check that failed."""
    assert found.verdict is CheckResult.FAIL
    assert [finding.check for finding in found.findings if finding.result is CheckResult.FAIL] == [check]
    return found.finding(check).reasons, found.finding(check).detail


def visa(signer: Authority, state: str = "UTO", lines: Sequence[str] = MRV_B) -> bytes:
    return write_visa(signer, state, lines, PASSPORT, NOW.date())
