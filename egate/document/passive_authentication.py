"""Passive authentication: whether the issuing state signed what the chip holds (ICAO Doc 9303-11, 5.1; BSI TR-03135-1).

Judged at the time of inspection; when the document was signed is only reported (signing_time), as whoever signs could state any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from egate.document.chip.security_info import SecurityInfos, parse_security_infos
from egate.document.lds.structure import parse_ef_com
from egate.document.pki.certificate import Certificate
from egate.document.pki.cms import SignedData, parse_signed_data, verify_signed_data
from egate.document.pki.known_defects import with_defects
from egate.document.pki.security_object import SecurityObject, parse_sod
from egate.document.pki.signed_zone import SignedZone, parse_signed_zone
from egate.document.pki.signer_chain import Chain, verify_chain, verify_revocation, verify_validity
from egate.document.pki.trust import TrustStore
from egate.document.zone.states import certificate_countries
from egate.domain.chip import COM, DATA_GROUPS, SOD
from egate.domain.evidence import CheckResult
from egate.domain.inspection import PASSIVE_CHECKS, Finding, InspectionCheck
from egate.domain.reason import Reason
from egate.errors import DocumentError

CARD_SECURITY_OBJECT = "0.4.0.127.0.7.3.2.1"  # BSI TR-03110-3, A.1.2.5: id-SecurityObject
_MANDATORY = ("dg1", "dg2")  # Doc 9303-10, 4.7
_SIGNATURE, _HASHES = InspectionCheck.SOD_SIGNATURE, InspectionCheck.DG_HASHES
_STATE, _EF_COM = InspectionCheck.ISSUER_STATE, InspectionCheck.EF_COM
_FAIL, _PASS = CheckResult.FAIL, CheckResult.PASS
_UNDETERMINED, _NOT_PERFORMED = CheckResult.UNDETERMINED, CheckResult.NOT_PERFORMED


@dataclass(frozen=True, slots=True, repr=False)
class PassiveResult:
    """findings: one per PASSIVE_CHECKS, in that order.

    bound: names of data groups whose hash is signed by a signer that is trusted: signature, chain and validity PASS; revocation PASS,
    or UNDETERMINED where no revocation list is demanded; issuer state did not FAIL. A group that does not match takes no other with it.
    signer, csca: as found, trusted or not. hash_list: numbers of the data groups EF.SOD names, signed by whomever. document_code: of DG1,
    "" if it was not read.
    """

    findings: tuple[Finding, ...]
    bound: frozenset[str] = frozenset()
    signer: Certificate | None = None
    csca: Certificate | None = None
    hash_list: frozenset[int] = frozenset()
    signing_time: datetime | None = None
    document_code: str = ""

    def finding(self, check: InspectionCheck) -> Finding:
        return self.findings[PASSIVE_CHECKS.index(check)]

    def __repr__(self) -> str:
        results = ", ".join(f"{finding.check}={finding.result}" for finding in self.findings)
        return f"PassiveResult({results}, bound={sorted(self.bound)})"


def verify_passive(
    files: Mapping[str, bytes], store: TrustStore, at: datetime, *, crl_required: bool = False
) -> PassiveResult:
    """files: of one chip, by the names of egate.domain.chip. at: aware. Never raises, whatever the files hold."""
    data = files.get(SOD)
    if data is None:
        return _result(_without_sod(files))
    try:
        sod = parse_sod(data)
    except DocumentError as error:
        return _result([_unreadable(error)])
    zone, zone_finding = _zone(files)
    signature, signer = _verify_signature(sod.signed, store)
    hashes, matching = _verify_hashes(sod, files)
    findings = [signature, hashes, _verify_ef_com(sod, files)]
    hash_list, signing_time = frozenset(sod.hashes), sod.signed.signing_time
    if signer is None:
        return _result([*findings, zone_finding], hash_list=hash_list, signing_time=signing_time)
    document_code = "" if zone is None else zone.document_code
    chain = verify_chain(signer, store, at, document_code)
    chain = with_defects(chain, store, signer, zone)
    findings += [chain.finding, verify_validity(signer, chain, at), verify_revocation(signer, chain, store, at)]
    findings.append(_verify_state(zone, zone_finding, signer, chain))
    bound = matching if _trusted(findings, crl_required) else frozenset[str]()
    return _result(findings, bound, signer, chain.csca, hash_list, signing_time, document_code)


def verify_signed_file(
    data: bytes,
    store: TrustStore,
    at: datetime,
    *,
    country: str,
    document_code: str = "",
    crl_required: bool = False,
) -> SecurityInfos | None:
    """The content of EF.CardSecurity if a trusted document signer of this country signed it (Doc 9303-11, 9.2.11), else None.

    It names no document: the signature says that some document of this state has these keys. country: of whoever signed EF.SOD, two
    letters. document_code: of the document's zone, which the signer must be for; "" where unknown. Never raises.
    """
    try:
        signed = parse_signed_data(data, CARD_SECURITY_OBJECT)
        infos = parse_security_infos(signed.content)
    except DocumentError:
        return None
    signature, signer = _verify_signature(signed, store)
    if signer is None or not country or signer.country != country:
        return None
    chain = with_defects(verify_chain(signer, store, at, document_code), store, signer, None)
    findings = [chain.finding, verify_validity(signer, chain, at), verify_revocation(signer, chain, store, at)]
    state = _verify_state(None, Finding(_STATE, _NOT_PERFORMED), signer, chain)
    return infos if _trusted([signature, *findings, state], crl_required) else None


def _result(
    findings: list[Finding],
    bound: frozenset[str] = frozenset(),
    signer: Certificate | None = None,
    csca: Certificate | None = None,
    hash_list: frozenset[int] = frozenset(),
    signing_time: datetime | None = None,
    document_code: str = "",
) -> PassiveResult:
    """findings in any order; those that are missing were not performed."""
    found = {finding.check: finding for finding in findings}
    ordered = tuple(found.get(check) or Finding(check, _NOT_PERFORMED) for check in PASSIVE_CHECKS)
    return PassiveResult(ordered, bound, signer, csca, hash_list, signing_time, document_code)


def _trusted(findings: list[Finding], crl_required: bool) -> bool:
    """What PassiveResult.bound demands."""
    results = {finding.check: finding.result for finding in findings}
    needed = (_SIGNATURE, InspectionCheck.CHAIN, InspectionCheck.VALIDITY)
    revocation = results.get(InspectionCheck.REVOCATION)
    unrevoked = revocation is _PASS or (revocation is _UNDETERMINED and not crl_required)
    return unrevoked and results.get(_STATE) is not _FAIL and all(results.get(check) is _PASS for check in needed)


def _without_sod(files: Mapping[str, bytes]) -> list[Finding]:
    """A chip that gives other files of its document must have EF.SOD (Doc 9303-10, 4.7.13); without any nothing was read."""
    if COM in files or any(name in files for name in DATA_GROUPS):
        return [Finding(_SIGNATURE, _FAIL, (Reason.SOD_MISSING,))]
    return []


def _unreadable(error: DocumentError) -> Finding:
    if error.code == "ALGORITHM_UNSUPPORTED":
        return Finding(_SIGNATURE, _UNDETERMINED, (Reason.ALGORITHM_UNSUPPORTED,), "hash")
    return Finding(_SIGNATURE, _FAIL, (Reason.SOD_MALFORMED,))


def _verify_signature(signed: SignedData, store: TrustStore) -> tuple[Finding, Certificate | None]:
    """SOD_SIGNATURE and the signer. Certificates of the store count only where none is sent along (optional in LDS 1.7)."""
    try:
        signers = signed.embedded() if signed.certificates else _stored(signed, store)
    except DocumentError as error:
        return Finding(_SIGNATURE, _FAIL, (Reason.SOD_MALFORMED,), error.code.lower()), None
    if not signers:
        result = _FAIL if signed.certificates else _UNDETERMINED
        return Finding(_SIGNATURE, result, (Reason.SIGNER_MISSING,)), None
    for signer in signers[:-1]:
        finding = _signature_by(signed, signer)
        if finding.result is _PASS:
            return finding, signer
    return _signature_by(signed, signers[-1]), signers[-1]


def _stored(signed: SignedData, store: TrustStore) -> tuple[Certificate, ...]:
    identifier = signed.signer_id
    if identifier.issuer is not None:
        return store.signers(identifier.issuer.folded, identifier.serial)
    return store.signers_by_key(identifier.subject_key_id or b"")


def _signature_by(signed: SignedData, signer: Certificate) -> Finding:
    try:
        wrong = verify_signed_data(signed, signer)
    except DocumentError as error:
        return Finding(_SIGNATURE, _UNDETERMINED, (Reason.ALGORITHM_UNSUPPORTED,), error.code.lower())
    if wrong:
        return Finding(_SIGNATURE, _FAIL, (Reason.SOD_SIGNATURE_INVALID,), wrong)
    return Finding(_SIGNATURE, _PASS)


def _verify_hashes(sod: SecurityObject, files: Mapping[str, bytes]) -> tuple[Finding, frozenset[str]]:
    """DG_HASHES and the names of the groups that match. Each group that was read must be signed; DG1 and DG2 must have been read."""
    numbers = {name: int(name[2:]) for name in DATA_GROUPS if name in files}
    if not numbers:
        return Finding(_HASHES, _NOT_PERFORMED), frozenset()
    unsigned = [name for name, number in numbers.items() if number not in sod.hashes]
    matching = frozenset(name for name, number in numbers.items() if sod.matches(number, files[name]))
    differing = [name for name in numbers if name not in matching and name not in unsigned]
    missing = [name for name in _MANDATORY if name not in numbers]
    if unsigned or differing:
        reasons = ((Reason.DG_HASH_DIFFERS,) if differing else ()) + ((Reason.DG_NOT_SIGNED,) if unsigned else ())
        return Finding(_HASHES, _FAIL, reasons, ",".join([*differing, *unsigned])), matching
    if missing:
        return Finding(_HASHES, _UNDETERMINED, (Reason.DG_MISSING,), ",".join(missing)), matching
    return Finding(_HASHES, _PASS), matching


def _zone(files: Mapping[str, bytes]) -> tuple[SignedZone | None, Finding]:
    """What DG1 says, and the finding of ISSUER_STATE where it says nothing."""
    data = files.get("dg1")
    if data is None:
        return None, Finding(_STATE, _NOT_PERFORMED)
    try:
        return parse_signed_zone(data), Finding(_STATE, _NOT_PERFORMED)
    except DocumentError:
        return None, Finding(_STATE, _FAIL, (Reason.DG_MALFORMED,), "dg1")


def _verify_state(zone: SignedZone | None, zone_finding: Finding, signer: Certificate, chain: Chain) -> Finding:
    """Doc 9303-12, 7.1.1: the country of the certificates is the state that DG1 names. Without DG1: they must at least agree."""
    named = {"signer": signer.country} | ({} if chain.csca is None else {"csca": chain.csca.country})
    if zone is None:
        return _differs("csca") if len({country for country in named.values() if country}) > 1 else zone_finding
    expected = certificate_countries(zone.issuing_state)
    if not expected:
        return replace(_differs("dg1"), result=_UNDETERMINED)
    differing = [who for who, country in named.items() if country and country not in expected]
    if differing:
        return _differs(",".join(differing))
    if chain.csca is None:
        return Finding(_STATE, _UNDETERMINED, chain.finding.reasons, "csca")
    silent = [who for who, country in named.items() if not country]
    if silent:
        return replace(_differs(",".join(silent)), result=_UNDETERMINED)
    return Finding(_STATE, _PASS)


def _differs(detail: str) -> Finding:
    return Finding(_STATE, _FAIL, (Reason.ISSUER_STATE_DIFFERS,), detail)


def _verify_ef_com(sod: SecurityObject, files: Mapping[str, bytes]) -> Finding:
    """EF.COM is not signed: it must say what EF.SOD says (Doc 9303-10, 4.7.1 and 4.7.13)."""
    data = files.get(COM)
    if data is None:
        return Finding(_EF_COM, _NOT_PERFORMED)
    try:
        com = parse_ef_com(data)
    except DocumentError:
        return Finding(_EF_COM, _FAIL, (Reason.DG_MALFORMED,), "com")
    if set(com.data_groups) != set(sod.hashes):
        return Finding(_EF_COM, _FAIL, (Reason.EF_COM_DIFFERS,), "data_groups")
    stated = (sod.lds_version, sod.unicode_version)
    if sod.lds_version and stated != (com.lds_version, com.unicode_version):
        return Finding(_EF_COM, _FAIL, (Reason.EF_COM_DIFFERS,), "version")
    return Finding(_EF_COM, _PASS)
