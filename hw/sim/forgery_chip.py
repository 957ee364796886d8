"""What a forger can do to a chip's behaviour: other keys, no keys, another way in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from egate.document.chip.security_info import parse_card_access
from egate.document.chip.security_info_writer import write_security_infos
from egate.document.lds.structure import write_ef_com
from egate.domain.chip import CARD_ACCESS, CARD_SECURITY, AccessProtocol
from hw.emrtd.chip.personalisation import Personalisation
from hw.emrtd.protocol.chip_key import ChipKey
from hw.sim.issuer import IssuedDocument, Issuer
from hw.sim.issuer_chip import make_parts
from hw.sim.issuer_profile import Profile
from hw.sim.pki_keys import Algorithm, generate_key


def chip_of(document: IssuedDocument) -> Personalisation:
    """Raises ValueError if there is none."""
    if document.personalisation is None:
        raise ValueError("no chip")
    return document.personalisation


def with_chip(document: IssuedDocument, **changed: Any) -> IssuedDocument:
    """changed: fields of Personalisation."""
    return replace(document, personalisation=replace(chip_of(document), **changed))


def with_wrong_keys(document: IssuedDocument, profile: Profile) -> IssuedDocument:
    """Every public key as it was, every private one another of the same kind."""
    chip = chip_of(document)
    active = None
    if chip.active_authentication_key is not None:
        active = generate_key(Algorithm(profile.active_authentication, profile.active_hash)).pkcs8()
    return with_chip(
        document,
        chip_authentication_keys=tuple(_wrong(key) for key in chip.chip_authentication_keys),
        mapping_key=None if chip.mapping_key is None else _wrong(chip.mapping_key),
        active_authentication_key=active,
    )


def with_own_keys(document: IssuedDocument, profile: Profile, forger: Issuer) -> IssuedDocument:
    """A chip that proves what it says, with keys of the forger's making; EF.SOD still has the hashes of the genuine files."""
    parts = make_parts(profile, forger.signer, generate_key)
    own = with_chip(
        document,
        chip_authentication_keys=parts.chip_authentication_keys,
        mapping_key=parts.mapping_key,
        active_authentication_key=parts.active_authentication_key,
    )
    return own.with_files(**parts.files)


def with_mapping_of(other: IssuedDocument, document: IssuedDocument) -> IssuedDocument:
    """A chip that proves by PACE's mapping that it is other's, whose key it has, and holds document's files."""
    ways = frozenset({AccessProtocol.PACE})
    chip = with_chip(without_keys(document), access=ways, mapping_key=chip_of(other).mapping_key)
    return chip.with_files(**{name: other.files[name] for name in (CARD_ACCESS, CARD_SECURITY)})


def without_key_groups(document: IssuedDocument, profile: Profile) -> IssuedDocument:
    """As without_keys, and the files that hold the public keys are gone, too; EF.COM, which nobody signs, does not name them."""
    rest = [int(name[2:]) for name in document.files if name.startswith("dg") and name not in ("dg14", "dg15")]
    com = write_ef_com(sorted(rest), lds_version=profile.lds_version)
    return without_keys(document).with_files(dg14=None, dg15=None, com=com)


def without_keys(document: IssuedDocument) -> IssuedDocument:
    """The chip proves nothing and guards nothing: the mapping that would need a key is no longer offered."""
    silent = with_chip(document, chip_authentication_keys=(), mapping_key=None, active_authentication_key=None, cvca=())
    if chip_of(document).mapping_key is None:
        return silent
    offers = parse_card_access(document.files["card_access"]).pace
    kept = write_security_infos([offer for offer in offers if offer.mapping != "CAM"])
    return silent.with_files(card_access=kept, card_security=None)


def _wrong(key: ChipKey) -> ChipKey:
    return replace(key, private_key=key.private_key ^ 2)
