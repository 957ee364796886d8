"""Why a traveller is referred. Members are journal format and translation keys: never rename one."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    # document
    MRZ_UNREADABLE = "MRZ_UNREADABLE"
    MRZ_CHECK_DIGIT = "MRZ_CHECK_DIGIT"  # detail names the field
    DOCUMENT_EXPIRED = "DOCUMENT_EXPIRED"
    DOCUMENT_DATE_INVALID = "DOCUMENT_DATE_INVALID"
    DOCUMENT_NOT_PRESENTED = "DOCUMENT_NOT_PRESENTED"
    DOCUMENT_READ_FAILED = "DOCUMENT_READ_FAILED"
    DOCUMENT_MIXED = "DOCUMENT_MIXED"  # printed MRZ and chip MRZ differ
    PORTRAIT_MISSING = "PORTRAIT_MISSING"
    PORTRAIT_UNUSABLE = "PORTRAIT_UNUSABLE"
    FINGER_REFERENCE_MISSING = "FINGER_REFERENCE_MISSING"
    FINGER_REFERENCE_UNUSABLE = "FINGER_REFERENCE_UNUSABLE"
    # holder
    FACE_NON_MATCH = "FACE_NON_MATCH"
    FACE_NOT_FOUND = "FACE_NOT_FOUND"
    FACE_UNUSABLE = "FACE_UNUSABLE"  # image refused, or score is not a number
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
