"""Why a traveller is referred. Members are journal format and translation keys: never rename one."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    # document
    MRZ_UNREADABLE = "MRZ_UNREADABLE"
    MRZ_CHECK_DIGIT = "MRZ_CHECK_DIGIT"  # detail names the field
    MRZ_FIELD_INVALID = "MRZ_FIELD_INVALID"  # an unknown state, a reserved code; detail names the field
    DOCUMENT_EXPIRED = "DOCUMENT_EXPIRED"
    DOCUMENT_DATE_INVALID = "DOCUMENT_DATE_INVALID"
    DOCUMENT_NOT_PRESENTED = "DOCUMENT_NOT_PRESENTED"
    DOCUMENT_READ_FAILED = "DOCUMENT_READ_FAILED"
    DOCUMENT_MIXED = "DOCUMENT_MIXED"  # printed MRZ and chip MRZ differ
    PORTRAIT_MISSING = "PORTRAIT_MISSING"
    PORTRAIT_UNUSABLE = "PORTRAIT_UNUSABLE"
    FINGER_REFERENCE_MISSING = "FINGER_REFERENCE_MISSING"
    FINGER_REFERENCE_UNUSABLE = "FINGER_REFERENCE_UNUSABLE"
    # authenticity of the document
    CHIP_MISSING = "CHIP_MISSING"  # expected, but none answered
    CHIP_ACCESS_FAILED = "CHIP_ACCESS_FAILED"  # PACE or BAC did not open it
    CHIP_ACCESS_DOWNGRADED = "CHIP_ACCESS_DOWNGRADED"  # opened by less than the document announces
    SOD_MISSING = "SOD_MISSING"
    SOD_MALFORMED = "SOD_MALFORMED"
    SOD_SIGNATURE_INVALID = "SOD_SIGNATURE_INVALID"
    ALGORITHM_UNSUPPORTED = "ALGORITHM_UNSUPPORTED"
    SIGNER_MISSING = "SIGNER_MISSING"  # no document signer certificate, neither in the SOD nor in the store
    SIGNER_UNKNOWN = "SIGNER_UNKNOWN"  # no trusted CSCA issued it
    SIGNER_CHAIN_BROKEN = "SIGNER_CHAIN_BROKEN"  # a trusted CSCA is named, but did not sign it
    SIGNER_NOT_FOR_DOCUMENTS = "SIGNER_NOT_FOR_DOCUMENTS"  # usage or document type forbid it
    SIGNER_EXPIRED = "SIGNER_EXPIRED"
    SIGNER_NOT_YET_VALID = "SIGNER_NOT_YET_VALID"
    SIGNER_REVOKED = "SIGNER_REVOKED"
    CSCA_EXPIRED = "CSCA_EXPIRED"
    CSCA_NOT_YET_VALID = "CSCA_NOT_YET_VALID"
    CSCA_REVOKED = "CSCA_REVOKED"
    CRL_MISSING = "CRL_MISSING"
    CRL_STALE = "CRL_STALE"
    TRUST_STORE_MISSING = "TRUST_STORE_MISSING"
    TRUST_STORE_STALE = "TRUST_STORE_STALE"
    DG_HASH_DIFFERS = "DG_HASH_DIFFERS"  # detail names the data group
    DG_NOT_SIGNED = "DG_NOT_SIGNED"  # read, but not in the hash list
    DG_MISSING = "DG_MISSING"  # signed, but not read
    DG_MALFORMED = "DG_MALFORMED"
    ISSUER_STATE_DIFFERS = "ISSUER_STATE_DIFFERS"
    EF_COM_DIFFERS = "EF_COM_DIFFERS"
    DEFECT_KNOWN = "DEFECT_KNOWN"  # the issuer's published defect or deviation list names it
    CHIP_NOT_AUTHENTIC = "CHIP_NOT_AUTHENTIC"  # wrong proof of its private key
    CHIP_KEY_UNBOUND = "CHIP_KEY_UNBOUND"  # the key it proved is not signed by the issuer
    CHIP_PROOF_MISSING = "CHIP_PROOF_MISSING"  # the signed document can prove it, the chip did not
    SEAL_MALFORMED = "SEAL_MALFORMED"
    SEAL_KIND_UNKNOWN = "SEAL_KIND_UNKNOWN"
    SEAL_SIGNATURE_INVALID = "SEAL_SIGNATURE_INVALID"
    FINGER_ACCESS_DENIED = "FINGER_ACCESS_DENIED"  # DG3 is there, the chain to open it is not
    # holder
    FACE_NON_MATCH = "FACE_NON_MATCH"
    FACE_NOT_FOUND = "FACE_NOT_FOUND"
    FACE_UNUSABLE = "FACE_UNUSABLE"  # image refused, or score is not a number
    PRESENTATION_ATTACK = "PRESENTATION_ATTACK"  # a picture, screen or mask instead of a face
    PAD_FAILED = "PAD_FAILED"  # attack detection gave no number
    FINGER_NON_MATCH = "FINGER_NON_MATCH"
    FINGER_UNUSABLE = "FINGER_UNUSABLE"
    MULTIPLE_PERSONS = "MULTIPLE_PERSONS"
    NO_TRAVELLER = "NO_TRAVELLER"  # nobody came before the deadline
    CAPTURE_TIMEOUT = "CAPTURE_TIMEOUT"  # somebody came, but not all captures
    PRESENCE_BROKEN = "PRESENCE_BROKEN"
    DECISION_STALE = "DECISION_STALE"
    # policy
    CHECK_MISSING = "CHECK_MISSING"  # detail names a mandatory check without PASS
    # equipment
    DEVICE_LOST = "DEVICE_LOST"  # detail names the device
    DOOR_NOT_CLOSED = "DOOR_NOT_CLOSED"
    FIRE_ALARM = "FIRE_ALARM"
    EMERGENCY_BUTTON = "EMERGENCY_BUTTON"
    TAMPER = "TAMPER"  # a cabinet or device of the gate was opened
    OBJECT_LEFT = "OBJECT_LEFT"  # something lies in the lane
    UNEXPECTED_EVENT = "UNEXPECTED_EVENT"
    VERIFIER_FAILED = "VERIFIER_FAILED"
    LOCK_FAILED = "LOCK_FAILED"
    LOCK_UNKNOWN = "LOCK_UNKNOWN"
    JOURNAL_FAILED = "JOURNAL_FAILED"
    RESTARTED = "RESTARTED"  # the daemon ended during the crossing
    OFFICER = "OFFICER"  # an officer secured the lane during the crossing
    # passage
    TAILGATING = "TAILGATING"
    DOOR_HELD = "DOOR_HELD"
    NOT_PASSED = "NOT_PASSED"
    ZONE_OCCUPIED = "ZONE_OCCUPIED"  # whoever was not admitted is still inside
