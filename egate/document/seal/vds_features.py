"""What the seals of each kind of document contain: the profiles of Doc 9303-7, 9.1 (visa), Doc 9303-8, 6.1 (emergency travel
document) and BSI TR-03137-1, 5-10 (German documents).

Two kinds of a later edition of TR-03137 (temporary passport and identity card) follow tsenger/vdstools, VdsDocumentTypes.json.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from egate.document.seal.vds_c40 import decode_c40
from egate.document.seal.vds_zone import SealedZone, Stay, read_stay, read_zone
from egate.errors import DocumentError

FeatureValue = str | int | bytes | SealedZone | Stay


class Coding(StrEnum):
    ZONE = "zone"
    C40 = "c40"
    UTF8 = "utf8"
    NUMBER = "number"
    STAY = "stay"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Rule:
    """One feature. smallest, largest: bytes. lines: characters sealed of each line of the zone."""

    name: str
    coding: Coding
    smallest: int
    largest: int
    required: bool = True
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """rules: by tag. alternatives: tags of which exactly one must be there. document_type: what a signer's list of document types
    must contain where no zone says it (TR-03137-1, 9.3.1), "" for none."""

    name: str
    rules: dict[int, Rule]
    alternatives: tuple[int, ...] = ()
    document_type: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Feature:
    """A decoded document feature. name: of its rule."""

    name: str
    value: FeatureValue

    def __repr__(self) -> str:
        return f"Feature({self.name}, redacted)"


def _zone(*lines: int, required: bool = True) -> Rule:
    size = -(-sum(lines) // 3) * 2
    return Rule("mrz", Coding.ZONE, size, size, required, lines)


def _c40(name: str, smallest: int, largest: int = 0) -> Rule:
    return Rule(name, Coding.C40, smallest, largest or smallest)


_TD2, _TD3 = (36, 36), (44, 44)
_PORTRAIT = Rule("face_image", Coding.BYTES, 1, 1000)

VISA, EMERGENCY_TRAVEL_DOCUMENT, ARRIVAL_ATTESTATION = (0x5D, 0x01), (0x5E, 0x03), (0xFD, 0x02)
# By document feature definition reference and document type category.
PROFILES = {
    VISA: Profile(
        "visa",
        {
            0x01: _zone(44, 28, required=False),  # MRV-A
            0x02: _zone(36, 28, required=False),  # MRV-B
            0x03: Rule("number_of_entries", Coding.NUMBER, 1, 1, required=False),  # 0: unlimited
            0x04: Rule("duration_of_stay", Coding.STAY, 3, 3),
            0x05: _c40("passport_number", 6),
            0x06: Rule("visa_type", Coding.BYTES, 1, 4, required=False),
            0x07: Rule("additional", Coding.BYTES, 0, 254, required=False),
        },
        alternatives=(0x01, 0x02),
    ),
    EMERGENCY_TRAVEL_DOCUMENT: Profile("emergency_travel_document", {0x02: _zone(*_TD2)}),
    ARRIVAL_ATTESTATION: Profile("arrival_attestation", {0x02: _zone(*_TD2), 0x03: _c40("azr_number", 8)}),
    (0xFC, 0x04): Profile(
        "social_insurance_card",
        {
            0x01: _c40("social_insurance_number", 8),
            0x02: Rule("surname", Coding.UTF8, 1, 90),
            0x03: Rule("first_name", Coding.UTF8, 1, 90),
            0x04: Rule("name_at_birth", Coding.UTF8, 1, 90, required=False),
        },
    ),
    (0xFB, 0x06): Profile("residence_permit", {0x02: _zone(*_TD2), 0x03: _c40("passport_number", 6)}),
    (0xFA, 0x06): Profile("supplementary_sheet", {0x04: _zone(*_TD2), 0x05: _c40("sheet_number", 6)}),
    (0xF9, 0x08): Profile(
        "address_sticker",
        {0x01: _c40("document_number", 6), 0x02: _c40("municipality", 6), 0x03: _c40("address", 6, 18)},
        document_type="ST",
    ),
    (0xF8, 0x0A): Profile(
        "residence_sticker",
        {0x01: _c40("document_number", 6), 0x02: _c40("municipality", 6), 0x03: _c40("postal_code", 4)},
        document_type="ST",
    ),
    (0xF7, 0x0B): Profile("temporary_identity_card", {0x01: _PORTRAIT, 0x02: _zone(*_TD2)}),
    (0xF6, 0x0D): Profile("temporary_passport", {0x01: _PORTRAIT, 0x02: _zone(*_TD3)}),
}


def read_features(profile: Profile, message: dict[int, bytes]) -> tuple[Feature, ...]:
    """Those the profile knows, in the order of their tags; others do no harm (Doc 9303-13, 2.3.1).

    Raises DocumentError: VDS_FEATURE_MISSING, VDS_FEATURE naming the feature, VDS_C40.
    """
    missing = [rule.name for tag, rule in profile.rules.items() if rule.required and tag not in message]
    if missing or (profile.alternatives and sum(tag in message for tag in profile.alternatives) != 1):
        raise DocumentError(f"document feature {(*missing, 'mrz')[0]}", code="VDS_FEATURE_MISSING")
    return tuple(
        Feature(rule.name, _value(rule, message[tag])) for tag, rule in profile.rules.items() if tag in message
    )


def _value(rule: Rule, data: bytes) -> FeatureValue:
    if not rule.smallest <= len(data) <= rule.largest:
        raise _malformed(rule)
    if rule.coding is Coding.ZONE:
        return read_zone(decode_c40(data), rule.lines)
    if rule.coding is Coding.C40:
        return decode_c40(data).rstrip(" ")
    if rule.coding is Coding.STAY:
        return read_stay(data)
    if rule.coding is Coding.NUMBER:
        return int.from_bytes(data, "big")
    if rule.coding is Coding.BYTES:
        return data
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise _malformed(rule) from None


def _malformed(rule: Rule) -> DocumentError:
    return DocumentError(f"document feature {rule.name}", code="VDS_FEATURE")
