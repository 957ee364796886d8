"""Forgeries on demand: fourteen classes, each with the finding that must come of it.

    office = Office(at, portraits, fingers)
    forgery = forge(ForgeryClass.CHANGED_PORTRAIT, office, seed=7)
    forgery.document, forgery.check, forgery.reason

A forger here has genuine documents, can write chips, and knows no private key of a state or of the forged document's chip. Where a
class has variants the seed chooses. Not modelled: a forger who broke a key, or who relays to the genuine chip of the very document.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from egate.document.chip.security_info_writer import write_security_infos
from egate.document.lds.face_image import FaceEncoding, FaceImage
from egate.document.lds.face_record import parse_dg2, write_dg2
from egate.document.lds.structure import write_dg1
from egate.document.zone.mrz_format import LAYOUTS, MrzFormat, Place
from egate.domain.chip import AccessProtocol
from egate.domain.inspection import InspectionCheck
from egate.domain.reason import Reason
from hw.emrtd.protocol.mrz_key import mrz_key
from hw.sim.forgery_chip import (
    with_chip,
    with_mapping_of,
    with_own_keys,
    with_wrong_keys,
    without_key_groups,
    without_keys,
)
from hw.sim.forgery_sod import flip_signature_bit, replace_content
from hw.sim.issuer import IssuedDocument
from hw.sim.issuer_office import Office
from hw.sim.issuer_profile import Pace, Profile


class ForgeryClass(StrEnum):
    CHANGED_PORTRAIT = "changed_portrait"
    ANOTHER_PERSON = "another_person"  # DG1 and printed zone name another holder
    FINGERS_SWAPPED = "fingers_swapped"
    UNKNOWN_SIGNER = "unknown_signer"
    SIGNER_OF_ANOTHER_STATE = "signer_of_another_state"
    EXPIRED_SIGNER = "expired_signer"
    REVOKED_SIGNER = "revoked_signer"
    BROKEN_SIGNATURE = "broken_signature"
    HASH_LIST_SHORTENED = "hash_list_shortened"
    CLONED_CHIP = "cloned_chip"
    CHIP_MISSING = "chip_missing"
    PRINTED_ZONE_DIFFERS = "printed_zone_differs"
    ACCESS_DOWNGRADED = "access_downgraded"
    SECURITY_OBJECT_REPLAYED = "security_object_replayed"


@dataclass(frozen=True, slots=True, repr=False)
class Forgery:
    """check, reason: what must be among the findings. variant: which way the class was done."""

    document: IssuedDocument
    check: InspectionCheck
    reason: Reason
    variant: str = ""

    def __repr__(self) -> str:
        return f"Forgery({self.variant or self.reason}, redacted)"


def forge(kind: ForgeryClass, office: Office, seed: int) -> Forgery:
    """The same seed gives the same forgery, but for its keys. office: whose documents are forged."""
    return _MAKERS[kind](office, seed, random.Random(f"{kind}/{seed}"))


def _changed_portrait(office: Office, seed: int, draw: random.Random) -> Forgery:
    forged = _with_portrait(office.issue(seed), office, draw)
    return Forgery(forged, InspectionCheck.DG_HASHES, Reason.DG_HASH_DIFFERS)


def _another_person(office: Office, seed: int, draw: random.Random) -> Forgery:
    """The page and DG1 of somebody else, who shows a chip that was not issued to him."""
    document, other = office.issue(seed), office.issue(seed + 1)
    forged = replace(document.with_files(dg1=write_dg1(other.mrz_lines)), mrz_lines=other.mrz_lines)
    return Forgery(
        with_chip(forged, mrz_information=mrz_key(other.mrz_lines)), InspectionCheck.DG_HASHES, Reason.DG_HASH_DIFFERS
    )


def _fingers_swapped(office: Office, seed: int, draw: random.Random) -> Forgery:
    document, other = office.issue(seed), office.issue(seed + 1)
    return Forgery(document.with_files(dg3=other.files["dg3"]), InspectionCheck.DG_HASHES, Reason.DG_HASH_DIFFERS)


def _unknown_signer(office: Office, seed: int, draw: random.Random) -> Forgery:
    """A whole authority of the forger's own: under a name of his own, or under the state's."""
    imitated = draw.random() < 0.5
    document = office.issue(seed, office.imitator if imitated else office.stranger)
    reason = Reason.SIGNER_CHAIN_BROKEN if imitated else Reason.SIGNER_UNKNOWN
    return Forgery(document, InspectionCheck.CHAIN, reason, "imitated" if imitated else "invented")


def _signer_of_another_state(office: Office, seed: int, draw: random.Random) -> Forgery:
    document = office.issue(seed, office.abroad)
    return Forgery(document, InspectionCheck.ISSUER_STATE, Reason.ISSUER_STATE_DIFFERS)


def _expired_signer(office: Office, seed: int, draw: random.Random) -> Forgery:
    return Forgery(office.issue(seed, office.expired), InspectionCheck.VALIDITY, Reason.SIGNER_EXPIRED)


def _revoked_signer(office: Office, seed: int, draw: random.Random) -> Forgery:
    return Forgery(office.issue(seed, office.revoked), InspectionCheck.REVOCATION, Reason.SIGNER_REVOKED)


def _broken_signature(office: Office, seed: int, draw: random.Random) -> Forgery:
    """One bit of the signature, or a changed portrait whose hash was put in without a new signature."""
    document = office.issue(seed)
    check, reason = InspectionCheck.SOD_SIGNATURE, Reason.SOD_SIGNATURE_INVALID
    if draw.random() < 0.5:
        sod = flip_signature_bit(document.files["sod"], draw)
        return Forgery(document.with_files(sod=sod), check, reason, "bit")
    changed = _with_portrait(document, office, draw)
    hashed = office.issuer_of(seed).sign(changed.files, office.profile_of(seed))["sod"]
    forged = changed.with_files(sod=replace_content(document.files["sod"], hashed))
    return Forgery(forged, check, reason, "content")


def _hash_list_shortened(office: Office, seed: int, draw: random.Random) -> Forgery:
    """A group that is there, but that EF.SOD does not speak of; the signature holds, or one could blame that alone."""
    document, profile = office.issue(seed), office.profile_of(seed)
    number = draw.choice([int(name[2:]) for name in document.files if name in ("dg2", "dg3")])
    files = office.issuer_of(seed).sign(document.files, profile, frozenset({number}))
    return Forgery(
        document.with_files(sod=files["sod"]), InspectionCheck.DG_HASHES, Reason.DG_NOT_SIGNED, f"dg{number}"
    )


def _cloned_chip(office: Office, seed: int, draw: random.Random) -> Forgery:
    """Files copied from a genuine document; of its keys the forger has none.

    He answers with others, puts his own in, is silent, leaves out what names the keys, or opened another document's chip and proves that.
    """
    profile = _with_chip_key(office.profile_of(seed), draw)
    variant = draw.choice(("wrong_key", "own_key", "silent", "withheld", "card_security"))
    if variant == "card_security" and profile.pace:
        profile = _mapped(profile)
    document = office.issue(seed, profile=profile)
    chip, active = InspectionCheck.CHIP_AUTHENTICATION, InspectionCheck.ACTIVE_AUTHENTICATION
    first = chip if profile.chip_authentication else active
    match variant:
        case "wrong_key":
            return Forgery(with_wrong_keys(document, profile), first, Reason.CHIP_NOT_AUTHENTIC, "wrong_key")
        case "own_key":
            return Forgery(with_own_keys(document, profile, office.stranger), first, Reason.CHIP_KEY_UNBOUND, "own_key")
        case "withheld":
            first = chip if "dg14" in document.files else active
            return Forgery(without_key_groups(document, profile), first, Reason.CHIP_PROOF_MISSING, "withheld")
        case "card_security":
            opened = office.issue(seed + len(office.issuers), profile=_mapped(profile))  # by the same signer
            return Forgery(with_mapping_of(opened, document), first, Reason.CHIP_PROOF_MISSING, "card_security")
    return Forgery(without_keys(document), first, Reason.CHIP_PROOF_MISSING, "silent")


def _chip_missing(office: Office, seed: int, draw: random.Random) -> Forgery:
    paper = IssuedDocument(office.issue(seed).mrz_lines, {})
    return Forgery(paper, InspectionCheck.CHIP_PRESENCE, Reason.CHIP_MISSING)


def _printed_zone_differs(office: Office, seed: int, draw: random.Random) -> Forgery:
    """What no check digit covers and the chip's access key does not depend on: names, nationality, sex."""
    document = office.issue(seed)
    layout = LAYOUTS[MrzFormat.TD1 if len(document.mrz_lines) == 3 else MrzFormat.TD3]
    sex = layout.sex.of(document.mrz_lines)
    changes = {
        "names": (layout.names, "IMPOSTOR<<PAT"),
        "nationality": (layout.nationality, "XXB"),
        "sex": (layout.sex, "M" if sex == "F" else "F"),
    }
    field = draw.choice(tuple(changes))
    forged = replace(document, mrz_lines=_overwritten(document.mrz_lines, *changes[field]))
    return Forgery(forged, InspectionCheck.MRZ_DG1, Reason.DOCUMENT_MIXED, field)


def _access_downgraded(office: Office, seed: int, draw: random.Random) -> Forgery:
    """EF.CardAccess, which nobody signs, taken away or changed for a weaker offer; DG14 still says what the issuer meant."""
    strong = Pace("ECDH", "GM", "AES256", draw.choice((13, 16)))
    profile = replace(office.profile_of(seed), pace=(strong,), pace_signed=True, bac=True)
    document = office.issue(seed, profile=profile)
    check, reason = InspectionCheck.CHIP_ACCESS, Reason.CHIP_ACCESS_DOWNGRADED
    if draw.random() < 0.5:
        ways = frozenset({AccessProtocol.BAC})
        return Forgery(with_chip(document.with_files(card_access=None), access=ways), check, reason, "bac")
    weak = write_security_infos([Pace("ECDH", "GM", "TDES", strong.parameter_id).info])
    return Forgery(document.with_files(card_access=weak), check, reason, "weaker")


def _security_object_replayed(office: Office, seed: int, draw: random.Random) -> Forgery:
    profile = office.profile_of(seed)
    document, other = office.issue(seed), office.issue(seed + 1, profile=profile)
    return Forgery(document.with_files(sod=other.files["sod"]), InspectionCheck.DG_HASHES, Reason.DG_HASH_DIFFERS)


_MAKERS: dict[ForgeryClass, Callable[[Office, int, random.Random], Forgery]] = {
    ForgeryClass.CHANGED_PORTRAIT: _changed_portrait,
    ForgeryClass.ANOTHER_PERSON: _another_person,
    ForgeryClass.FINGERS_SWAPPED: _fingers_swapped,
    ForgeryClass.UNKNOWN_SIGNER: _unknown_signer,
    ForgeryClass.SIGNER_OF_ANOTHER_STATE: _signer_of_another_state,
    ForgeryClass.EXPIRED_SIGNER: _expired_signer,
    ForgeryClass.REVOKED_SIGNER: _revoked_signer,
    ForgeryClass.BROKEN_SIGNATURE: _broken_signature,
    ForgeryClass.HASH_LIST_SHORTENED: _hash_list_shortened,
    ForgeryClass.CLONED_CHIP: _cloned_chip,
    ForgeryClass.CHIP_MISSING: _chip_missing,
    ForgeryClass.PRINTED_ZONE_DIFFERS: _printed_zone_differs,
    ForgeryClass.ACCESS_DOWNGRADED: _access_downgraded,
    ForgeryClass.SECURITY_OBJECT_REPLAYED: _security_object_replayed,
}


def _with_portrait(document: IssuedDocument, office: Office, draw: random.Random) -> IssuedDocument:
    face = parse_dg2(document.files["dg2"])
    image = draw.choice([item for item in office.portraits if item != face.image])
    return document.with_files(dg2=write_dg2(FaceImage(FaceEncoding.JPEG, face.width, face.height, image)))


def _with_chip_key(profile: Profile, draw: random.Random) -> Profile:
    """A document that nothing protects from copying gets something that does."""
    if not profile.clonable:
        return profile
    key = draw.choice(("chip", "active"))
    if key == "active":
        return replace(profile, active_authentication="rsa1024")
    return replace(profile, chip_authentication="secp256r1")


def _mapped(profile: Profile) -> Profile:
    """With chip authentication mapping, and the key that such a chip has besides."""
    offers = (Pace(mapping="CAM"), Pace())
    return replace(
        profile, pace=offers, pace_signed=True, chip_authentication=profile.chip_authentication or "secp256r1"
    )


def _overwritten(lines: tuple[str, ...], place: Place, text: str) -> tuple[str, ...]:
    line = lines[place.line]
    changed = line[: place.start] + text.ljust(place.size, "<") + line[place.end :]
    return (*lines[: place.line], changed, *lines[place.line + 1 :])
