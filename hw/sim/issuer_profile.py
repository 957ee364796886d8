"""What kind of document an issuer makes: access, the chip's keys, algorithms. And kinds drawn by a seed, for campaigns."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from egate.document.chip.security_info import PaceInfo
from egate.document.chip.security_info_writer import pace_info
from egate.document.chip.security_protocol import PACE, AgreementName, MappingName, SuiteName, oid_of
from hw.emrtd.chip.personalisation import Limits

# Doc 9303-11, table 8: standardised domain parameters of PACE. The curves are also those of chip authentication.
CURVE_PARAMETERS = {
    "secp256r1": 12,
    "brainpoolP256r1": 13,
    "secp384r1": 15,
    "brainpoolP384r1": 16,
    "brainpoolP512r1": 17,
    "secp521r1": 18,
}
SHORT, EXTENDED = Limits(), Limits(data_max=1024, le_max=1024)  # what a chip's APDU buffers take
GROUP_PARAMETERS = (0, 1, 2)  # DH groups of 1024, 2048 and 2048 bits (RFC 5114, 2.1-2.3)


@dataclass(frozen=True, slots=True)
class Pace:
    """One way to run PACE that the chip offers. parameter_id: of CURVE_PARAMETERS or GROUP_PARAMETERS."""

    agreement: AgreementName = "ECDH"
    mapping: MappingName = "GM"
    suite: SuiteName = "AES128"
    parameter_id: int = 13

    @property
    def info(self) -> PaceInfo:
        return pace_info(oid_of(PACE, self.agreement, self.mapping, self.suite), self.parameter_id)

    @property
    def curve(self) -> str:
        """Raises StopIteration for a DH group."""
        return next(name for name, number in CURVE_PARAMETERS.items() if number == self.parameter_id)


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of document.

    pace: offered in EF.CardAccess; with chip authentication mapping its key stands in EF.CardSecurity, beside the key of DG14, which such
    a chip must have, too (Doc 9303-11, 4.4). pace_signed: DG14 repeats
    the offer, as it must since 2018. bac, plain: other ways in; plain leaves no file but DG3 closed. can: card access number, "" for none.
    chip_authentication: curve of the key in DG14, "" for none; chip_suite: of the secure messaging after it. active_authentication:
    key of DG15, a curve or "rsa1024" …, "" for none; active_hash: its hash. explicit: public keys state their parameters in full.
    hash_name: of the data groups. lds_version: "0107" or "0108". embedded: EF.SOD carries the signer's certificate; by_key_id: it
    names the signer by key identifier. signing_time: it says when it was signed. limits, cvca: as in hw.emrtd.chip.personalisation.
    """

    pace: tuple[Pace, ...] = (Pace(),)
    pace_signed: bool = True
    bac: bool = True
    plain: bool = False
    can: str = ""
    chip_authentication: str = "brainpoolP256r1"
    chip_suite: SuiteName = "AES128"
    active_authentication: str = ""
    active_hash: str = "sha256"
    explicit: bool = True
    hash_name: str = "sha256"
    lds_version: str = "0107"
    by_key_id: bool = False
    signing_time: bool = True
    limits: Limits = SHORT
    cvca: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def has_mapping_key(self) -> bool:
        return any(offer.mapping == "CAM" for offer in self.pace)

    @property
    def clonable(self) -> bool:
        """Nothing in the chip proves that it is the original."""
        return not (self.chip_authentication or self.active_authentication or self.has_mapping_key)


DEFAULT = Profile()
OPEN = Profile(pace=(), bac=False, plain=True, chip_authentication="")  # a chip without access control and without keys


def vary_profile(seed: int) -> Profile:
    """A kind of document as states issue them, the same for the same seed."""
    draw = random.Random(seed)
    pace = _vary_pace(draw)
    mapped = any(offer.mapping == "CAM" for offer in pace)
    active = draw.choice(("", "", "rsa1024", "rsa2048", "secp256r1", "brainpoolP256r1", "brainpoolP384r1"))
    # 2,048 bits fit into no short command, and with protection into no short answer.
    long = active == "rsa2048" or any(offer.agreement == "DH" for offer in pace)
    return Profile(
        pace=pace,
        pace_signed=mapped or draw.random() < 0.8,  # or nobody would notice that the mapping is gone
        bac=not pace or draw.random() < 0.7,
        chip_authentication=draw.choice((*CURVE_PARAMETERS, "brainpoolP256r1", "")) or ("secp256r1" if mapped else ""),
        chip_suite=draw.choice(("TDES", "AES128", "AES192", "AES256")),
        active_authentication=active,
        active_hash=draw.choice(("sha1", "sha256")),
        explicit=draw.random() < 0.7,
        hash_name=draw.choice(("sha1", "sha224", "sha256", "sha256", "sha384", "sha512")),
        lds_version=draw.choice(("0107", "0108")),
        by_key_id=draw.random() < 0.2,
        signing_time=draw.random() < 0.7,
        limits=EXTENDED if long or draw.random() < 0.4 else SHORT,
    )


def _vary_pace(draw: random.Random) -> tuple[Pace, ...]:
    way = draw.choice(("BAC", "ECDH", "ECDH", "ECDH", "ECDH", "DH"))
    if way == "BAC":
        return ()
    if way == "DH":
        number = draw.choice(GROUP_PARAMETERS)
        return (Pace("DH", "GM" if draw.random() < 0.5 else "IM", draw.choice(("TDES", "AES128")), number),)
    mappings: tuple[MappingName, ...] = ("GM", "GM", "IM", "CAM")
    mapping = draw.choice(mappings)
    number = draw.choice(tuple(CURVE_PARAMETERS.values()))
    suites: tuple[SuiteName, ...] = ("AES128", "AES192", "AES256") if mapping == "CAM" else ("TDES", "AES128", "AES256")
    chosen = Pace("ECDH", mapping, draw.choice(suites), number)
    # TR-03110-3, A.1.1.1: a chip that offers chip authentication mapping offers generic mapping, too.
    return (chosen, Pace("ECDH", "GM", chosen.suite, number)) if mapping == "CAM" else (chosen,)
