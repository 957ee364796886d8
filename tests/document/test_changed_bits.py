"""What must hold: one changed bit anywhere in a data group, in EF.SOD or in the certificate it carries is seen, and told where.

Method: seeded positions, for every algorithm family with fresh keys, and for each mock issuer of the corpus. Searched exhaustively, one
kind of bit is left that changes nothing: the last octet of sha1WithRSAEncryption (05) in the signer's information becomes that of
rsaEncryption (01), with which the digest algorithm, SHA-1 again, decides. The test states it instead of avoiding it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest

from egate.document.passive_authentication import PassiveResult, verify_passive
from egate.document.pki.certificate import parse_certificate
from egate.document.pki.security_object import parse_sod
from egate.document.pki.trust import TrustAnchor, TrustStore
from egate.domain.evidence import CheckResult
from egate.domain.inspection import InspectionCheck
from egate.domain.reason import Reason
from hw.sim.pki import SimulatedState
from hw.sim.pki_keys import Algorithm
from tests.document.mock_issuers import mock_issuer, names
from tests.document.signed_documents import FRENCH, NOW, data_groups, signed, store_of

FAMILIES = [
    Algorithm("secp256r1", "sha1"),
    Algorithm("brainpoolP224r1", "sha256", explicit=True),
    Algorithm("rsa2048", "sha1"),
    Algorithm("rsa2048", "sha256", pss=True),
]
POSITIONS = 300
POSITIONS_OF_A_MOCK = 60
AT = datetime(2026, 7, 2, tzinfo=UTC)
# CRLs are not published by the mock issuers and not needed here.
OPEN = {InspectionCheck.REVOCATION}
HARMLESS = (bytes.fromhex("2a864886f70d010105"), bytes.fromhex("2a864886f70d010101"))

IN_CONTENT = {Reason.SOD_SIGNATURE_INVALID, Reason.SOD_MALFORMED, Reason.ALGORITHM_UNSUPPORTED}
IN_CERTIFICATE = {
    Reason.SIGNER_CHAIN_BROKEN, Reason.SIGNER_UNKNOWN, Reason.SIGNER_MISSING, Reason.SIGNER_NOT_FOR_DOCUMENTS, Reason.SOD_MALFORMED,
}  # fmt: skip
ANYWHERE = IN_CONTENT | {Reason.SIGNER_MISSING}


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def reasons(found: PassiveResult) -> set[Reason]:
    return {reason for finding in found.findings if finding.check not in OPEN for reason in finding.reasons}


def passes(found: PassiveResult) -> bool:
    return all(finding.result is CheckResult.PASS for finding in found.findings if finding.check not in OPEN)


def expected_reasons(sod: bytes, position: int) -> set[Reason]:
    signed_data = parse_sod(sod).signed
    certificate, content, signature = signed_data.certificates[0], signed_data.content, signed_data.signature
    for part, expected in (
        (certificate, IN_CERTIFICATE),
        (content, IN_CONTENT),
        (signature, {Reason.SOD_SIGNATURE_INVALID}),
    ):
        start = sod.rindex(part)
        if start <= position < start + len(part):
            return expected
    return ANYWHERE


def is_harmless(before: bytes, after: bytes) -> bool:
    start = after.rfind(HARMLESS[1])
    return start > 0 and before == after[:start] + HARMLESS[0] + after[start + len(HARMLESS[0]) :]


def check_security_object(files: Mapping[str, bytes], store: TrustStore, bits: Iterator[int]) -> None:
    genuine = verify_passive(files, store, AT)
    assert passes(genuine)
    sod = files["sod"]
    for bit in bits:
        changed = flipped(sod, bit)
        found = verify_passive(dict(files) | {"sod": changed}, store, AT)
        if is_harmless(sod, changed):
            assert parse_sod(changed).hashes == parse_sod(sod).hashes
            assert found.bound == genuine.bound
            continue
        assert not passes(found), bit
        assert found.bound == frozenset(), bit
        assert reasons(found) & expected_reasons(sod, bit // 8), (bit, found)


def check_data_groups(files: Mapping[str, bytes], store: TrustStore, source: random.Random) -> None:
    for name in sorted(set(files) - {"sod", "com"}):
        for _ in range(4):
            changed = flipped(files[name], source.randrange(8 * len(files[name])))
            found = verify_passive(dict(files) | {name: changed}, store, AT)
            finding = found.finding(InspectionCheck.DG_HASHES)
            assert (finding.result, finding.detail) == (CheckResult.FAIL, name)
            assert finding.reasons == (Reason.DG_HASH_DIFFERS,)
            assert name not in found.bound


@pytest.mark.parametrize("algorithm", FAMILIES, ids=str)
@pytest.mark.parametrize("by_key_id", [False, True])
def test_every_family(algorithm: Algorithm, by_key_id: bool) -> None:
    state = SimulatedState(NOW, algorithm=algorithm)
    files = signed(
        data_groups(), state.issue_signer(NOW), hash_name=algorithm.hash, by_key_id=by_key_id, signing_time=NOW
    )
    source = random.Random(f"{algorithm}{by_key_id}")
    store = store_of(state)
    check_security_object(files, store, (source.randrange(8 * len(files["sod"])) for _ in range(POSITIONS)))
    check_data_groups(files, store, source)


@pytest.mark.corpus
@pytest.mark.parametrize("name", names())
def test_every_mock_issuer(name: str) -> None:
    issuer, hash_name = mock_issuer(name), name.split("_")[0]
    files = signed(data_groups(FRENCH), issuer.signer, hash_name=hash_name)
    source = random.Random(name)
    store = TrustStore(tuple(TrustAnchor(parse_certificate(anchor)) for anchor in issuer.anchors))
    check_security_object(files, store, (source.randrange(8 * len(files["sod"])) for _ in range(POSITIONS_OF_A_MOCK)))
    check_data_groups(files, store, source)


def test_the_bit_that_changes_nothing() -> None:
    """It exists, so that the exception above is not there for nothing."""
    state = SimulatedState(NOW, algorithm=Algorithm("rsa2048", "sha1"))
    files = signed(data_groups(), state.issue_signer(NOW), hash_name="sha1")
    position = files["sod"].rindex(HARMLESS[0]) + len(HARMLESS[0]) - 1
    changed = flipped(files["sod"], 8 * position + 2)
    assert is_harmless(files["sod"], changed)
    assert passes(verify_passive(dict(files) | {"sod": changed}, store_of(state), AT))
