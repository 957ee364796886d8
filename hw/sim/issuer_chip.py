"""The files and keys of a chip that do not depend on its holder: EF.CardAccess, EF.CardSecurity, DG14, DG15."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from egate.document.chip.security_info import (
    ActiveAuthenticationInfo,
    ChipAuthenticationKey,
    SecurityInfo,
    TerminalAuthenticationInfo,
)
from egate.document.chip.security_info_writer import chip_authentication_info, write_dg14, write_security_infos
from egate.document.chip.security_protocol import CHIP_AUTHENTICATION, CHIP_AUTHENTICATION_KEY, ECDSA_PLAIN, oid_of
from egate.document.encoding.tlv import element
from egate.domain.chip import AccessProtocol
from hw.emrtd.protocol.chip_key import ChipKey
from hw.sim.issuer_profile import Profile
from hw.sim.pki_certificate import Authority
from hw.sim.pki_keys import Algorithm, PrivateKey
from hw.sim.security_object_writer import write_card_security

DG15_TAG = 0x6F
Generate = Callable[[Algorithm], PrivateKey]


@dataclass(frozen=True, slots=True, repr=False)
class ChipParts:
    """files: by name, those that the profile has. The keys: as in hw.emrtd.chip.personalisation."""

    files: Mapping[str, bytes]
    chip_authentication_keys: tuple[ChipKey, ...] = ()
    mapping_key: ChipKey | None = None
    active_authentication_key: bytes | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        return f"ChipParts(files={sorted(self.files)}, redacted)"


def make_parts(profile: Profile, signer: Authority, generate: Generate) -> ChipParts:
    """signer: of EF.CardSecurity."""
    offers: list[SecurityInfo] = [offer.info for offer in profile.pace]
    signed: list[SecurityInfo] = list(offers) if profile.pace_signed else []
    files: dict[str, bytes] = {}
    chip_keys: tuple[ChipKey, ...] = ()
    proofs: list[SecurityInfo] = []
    if profile.chip_authentication:
        key = generate(Algorithm(profile.chip_authentication, explicit=profile.explicit))
        chip_keys = (ChipKey(key.spki(), key.scalar()),)
        info = chip_authentication_info(oid_of(CHIP_AUTHENTICATION, "ECDH", profile.chip_suite))
        proofs = [info, _public_key_info(chip_keys[0])]
        signed += proofs
    active = None
    if profile.active_authentication:
        key = generate(Algorithm(profile.active_authentication, profile.active_hash, explicit=profile.explicit))
        active, files["dg15"] = key.pkcs8(), element(DG15_TAG, key.spki())
        if not profile.active_authentication.startswith("rsa"):  # ECDSA needs its hash named: Doc 9303-11, 9.2.8
            plain = next(oid for oid, name in ECDSA_PLAIN.items() if name == profile.active_hash)
            signed.append(ActiveAuthenticationInfo(1, plain))
    if profile.cvca:
        signed.append(TerminalAuthenticationInfo(1, None, None))
    if offers:
        files["card_access"] = write_security_infos(offers)
    if signed:
        files["dg14"] = write_dg14(signed)
    mapping = _mapping_key(profile, generate)
    if mapping is not None:
        infos = [*offers, _public_key_info(mapping), *proofs]
        files["card_security"] = write_card_security(write_security_infos(infos), signer)
    return ChipParts(files, chip_keys, mapping, active)


def access_of(profile: Profile) -> frozenset[AccessProtocol]:
    """The ways in."""
    ways = {
        AccessProtocol.PACE: bool(profile.pace),
        AccessProtocol.BAC: profile.bac,
        AccessProtocol.NONE: profile.plain,
    }
    return frozenset(way for way, offered in ways.items() if offered)


def _mapping_key(profile: Profile, generate: Generate) -> ChipKey | None:
    """On the curve that PACE runs on (Doc 9303-11, 4.4.3.3.3), numbered as 9.2.6 demands: by the curve, as German passports do."""
    for offer in profile.pace:
        if offer.mapping == "CAM":
            key = generate(Algorithm(offer.curve, explicit=profile.explicit))
            return ChipKey(key.spki(), key.scalar(), offer.parameter_id)
    return None


def _public_key_info(key: ChipKey) -> ChipAuthenticationKey:
    return ChipAuthenticationKey(oid_of(CHIP_AUTHENTICATION_KEY, "ECDH"), "ECDH", key.public_key, key.key_id)
