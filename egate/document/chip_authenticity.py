"""Whether the chip is the original: findings of access, chip authentication and active authentication.

A proof counts only for a key that passive authentication has bound to the document: a copied chip brings its own key, another document's,
or none (Doc 9303-11, 6.1 and 6.2; TR-03135-1). A key that is signed but not proven is a copy, too.
"""

from __future__ import annotations

from datetime import datetime

from egate.document.chip.active_authentication import verify_active
from egate.document.chip.security_info import SecurityInfos, parse_card_access, parse_dg14
from egate.document.crypto.public_key import PublicKey, load_public_key
from egate.document.passive_authentication import PassiveResult, verify_signed_file
from egate.document.pki.trust import TrustStore
from egate.domain.chip import CARD_SECURITY, AccessProtocol, ChipAuthenticationProtocol, ChipRead
from egate.domain.evidence import CheckResult
from egate.domain.inspection import Finding, InspectionCheck
from egate.domain.reason import Reason
from egate.errors import DocumentError


def verify_access(chip: ChipRead, passive: PassiveResult) -> Finding:
    """CHIP_ACCESS: opened, and by no less than the document announces in what its issuer signed.

    EF.CardAccess is not signed; whoever strips it makes a reader fall back to BAC. Its protocols stand once more in DG14
    (Doc 9303-11, 9.2), which is.
    """
    check = InspectionCheck.CHIP_ACCESS
    if not chip.present:
        return Finding(check, CheckResult.NOT_PERFORMED)
    if cause := chip.failures.get("access"):
        result = CheckResult.FAIL if cause == "wrong_key" else CheckResult.UNDETERMINED
        return Finding(check, result, (Reason.CHIP_ACCESS_FAILED,), cause)
    try:
        announced = _announced(chip)
    except DocumentError:
        return Finding(check, CheckResult.FAIL, (Reason.DG_MALFORMED,), "card_access")
    signed = _dg14(chip, passive)
    promised = set(signed.pace) if signed is not None else set()
    if (announced or promised) and chip.access is not AccessProtocol.PACE:
        return Finding(check, CheckResult.FAIL, (Reason.CHIP_ACCESS_DOWNGRADED,), chip.access.lower())
    if promised and promised != announced:
        return Finding(check, CheckResult.FAIL, (Reason.CHIP_ACCESS_DOWNGRADED,), "card_access")
    return Finding(check, CheckResult.PASS, (), chip.access.lower())


def verify_chip_authentication(
    chip: ChipRead, passive: PassiveResult, store: TrustStore, at: datetime, *, crl_required: bool = False
) -> Finding:
    """CHIP_AUTHENTICATION: the chip proved the private key of a public key that the issuer signed."""
    check = InspectionCheck.CHIP_AUTHENTICATION
    proof, signed = chip.chip_authentication, _dg14(chip, passive)
    if proof is None:
        if signed is not None and signed.chip_authentication_keys and not _loaded(signed):
            return Finding(check, CheckResult.UNDETERMINED, (Reason.ALGORITHM_UNSUPPORTED,), "dg14")
        if _withheld(14, passive, chip) or _has_chip_keys(chip, passive):
            return _unproven(check, chip)
        if _offers_mapping(signed):  # with parameters that we lack, or it would have been taken
            return Finding(check, CheckResult.UNDETERMINED, (Reason.CHIP_PROOF_MISSING,), "mapping")
        return Finding(check, CheckResult.NOT_PERFORMED)
    if proof.result is CheckResult.FAIL:
        return Finding(check, CheckResult.FAIL, (Reason.CHIP_NOT_AUTHENTIC,))
    if proof.result is not CheckResult.PASS:
        return Finding(check, CheckResult.ABORTED, (Reason.CHIP_PROOF_MISSING,), chip.failures.get(check, ""))
    cam = proof.protocol is ChipAuthenticationProtocol.PACE_CAM
    named = _card_security(chip, passive, store, at, crl_required) if cam else signed
    if named is None or proof.public_key not in {key.public_key for key in named.chip_authentication_keys}:
        return Finding(check, _unbound(passive), (Reason.CHIP_KEY_UNBOUND,))
    if cam and not _of_one_document(named, signed):
        return Finding(check, CheckResult.UNDETERMINED, (Reason.CHIP_KEY_UNBOUND,), CARD_SECURITY)
    return Finding(check, CheckResult.PASS)


def verify_active_authentication(chip: ChipRead, passive: PassiveResult, *, proven: bool) -> Finding:
    """ACTIVE_AUTHENTICATION: the chip signed our challenge by the key of DG15.

    proven: chip authentication passed already; then a document that also holds DG15 owes no second proof.
    """
    check = InspectionCheck.ACTIVE_AUTHENTICATION
    proof, dg15 = chip.active_authentication, chip.files.get("dg15")
    if proof is None or dg15 is None:
        if proven or 15 not in passive.hash_list:
            return Finding(check, CheckResult.NOT_PERFORMED)
        return _unproven(check, chip)
    try:
        valid = verify_active(dg15, _bound_file("dg14", chip, passive), proof.challenge, proof.response)
    except DocumentError as error:
        return Finding(check, CheckResult.UNDETERMINED, (Reason.ALGORITHM_UNSUPPORTED,), error.code.lower())
    if not valid:
        return Finding(check, CheckResult.FAIL, (Reason.CHIP_NOT_AUTHENTIC,))
    if "dg15" not in passive.bound:
        return Finding(check, _unbound(passive), (Reason.CHIP_KEY_UNBOUND,))
    return Finding(check, CheckResult.PASS)


def _unproven(check: InspectionCheck, chip: ChipRead) -> Finding:
    """The signed document can prove itself and did not. Where the session broke off that says nothing about the chip."""
    result = CheckResult.ABORTED if chip.interruption else CheckResult.FAIL
    return Finding(check, result, (Reason.CHIP_PROOF_MISSING,), chip.failures.get(check, chip.interruption))


def _announced(chip: ChipRead) -> set[object]:
    data = chip.files.get("card_access")
    return set() if data is None else set(parse_card_access(data).pace)


def _dg14(chip: ChipRead, passive: PassiveResult) -> SecurityInfos | None:
    """DG14 if the issuer signed it and it can be read."""
    data = _bound_file("dg14", chip, passive)
    try:
        return None if data is None else parse_dg14(data)
    except DocumentError:
        return None


def _bound_file(name: str, chip: ChipRead, passive: PassiveResult) -> bytes | None:
    return chip.files.get(name) if name in passive.bound else None


def _withheld(number: int, passive: PassiveResult, chip: ChipRead) -> bool:
    """Signed, but the chip did not give it."""
    return number in passive.hash_list and f"dg{number}" not in chip.files


def _has_chip_keys(chip: ChipRead, passive: PassiveResult) -> bool:
    """Whether DG14 holds keys for chip authentication. One that can't be read counts as holding some; one that nobody signed, too."""
    data = chip.files.get("dg14")
    if data is None:
        return False
    try:
        return bool(parse_dg14(data).chip_authentication_keys)
    except DocumentError:
        return True


def _offers_mapping(infos: SecurityInfos | None) -> bool:
    return infos is not None and any(offer.mapping == "CAM" for offer in infos.pace)


def _card_security(
    chip: ChipRead, passive: PassiveResult, store: TrustStore, at: datetime, crl_required: bool
) -> SecurityInfos | None:
    """What EF.CardSecurity says, if its own signature holds (Doc 9303-11, 9.2.11: signed by the document signer).

    And by the state that signed the document, with a signer for such documents: any other could vouch for a copied chip's own key.
    """
    data = chip.files.get(CARD_SECURITY)
    if data is None or passive.signer is None or not passive.bound:
        return None
    return verify_signed_file(
        data,
        store,
        at,
        country=passive.signer.country,
        document_code=passive.document_code,
        crl_required=crl_required,
    )


def _of_one_document(security: SecurityInfos, signed: SecurityInfos | None) -> bool:
    """Whether EF.CardSecurity is of the document that DG14 is of (docs/decisions/0011).

    It names neither holder nor number, so that another document's is as well signed. What ties it to this one is a key that both hold,
    of which only this document's chip was given the private one. The offers of PACE must be the same, the mapping among them.
    """
    if signed is None or not _offers_mapping(signed) or set(security.pace) != set(signed.pace):
        return False
    return not _loaded(security).isdisjoint(_loaded(signed))


def _loaded(infos: SecurityInfos) -> set[PublicKey]:
    """The keys for chip authentication, however each file writes their parameters."""
    found = set()
    for key in infos.chip_authentication_keys:
        try:
            found.add(load_public_key(key.public_key))
        except DocumentError:
            continue
    return found


def _unbound(passive: PassiveResult) -> CheckResult:
    """A wrong key where the issuer's signature holds is an attack; where the signature can't be judged, nothing is known."""
    return CheckResult.FAIL if passive.bound else CheckResult.UNDETERMINED
