"""Issues simulated travel documents: a printed zone, the chip's signed files and its keys.

    issuer = Issuer.of_state(SimulatedState(now), now)
    document = issuer.issue(invent_holder(0, today), portrait, finger)

The holders are invented, of the ICAO specimen state "Utopia" (UTO). Not modelled: DG2 holds the portrait as it is given, whatever
its size and quality; DH keys for chip authentication.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache

from asn1crypto import pem

from egate.document.data import DocumentData
from egate.document.lds.face_image import FaceEncoding, FaceImage
from egate.document.lds.face_record import write_dg2
from egate.document.lds.finger_image import FingerEncoding, FingerImage
from egate.document.lds.finger_record import write_dg3
from egate.document.lds.structure import write_dg1, write_ef_com
from egate.document.zone.mrz_format import MrzFormat
from egate.document.zone.mrz_writer import write_mrz
from hw.emrtd.chip.personalisation import Personalisation
from hw.emrtd.protocol.mrz_key import mrz_key
from hw.sim.issuer_chip import Generate, access_of, make_parts
from hw.sim.issuer_profile import DEFAULT, OPEN, Profile
from hw.sim.pki import SimulatedState
from hw.sim.pki_certificate import Authority
from hw.sim.pki_keys import generate_key, load_key
from hw.sim.security_object_writer import group_hashes, write_sod

_NAMES = (
    ("ERIKSSON", "ANNA MARIA", "F"),
    ("STEVENSON", "PETER JOHN", "M"),
    ("LINDQVIST", "SELMA", "F"),
    ("OKAFOR", "DANIEL", "M"),
    ("MARTINEZ", "LUCIA", "F"),
    ("HALVORSEN", "NILS", "M"),
)
VALIDITY_DAYS = 3650  # ten years, the usual validity of a passport
_SPECIMEN_VALID = datetime(2020, 1, 1, tzinfo=UTC), datetime(2049, 12, 31, tzinfo=UTC)  # whenever a demonstration runs


@dataclass(frozen=True, slots=True, repr=False)
class IssuedDocument:
    """mrz_lines: as printed. files: chip content by egate.domain.chip.FILE_NAMES; empty for a document without chip.

    personalisation: how the chip behaves and what it knows besides its files, which it holds too; None without a chip.
    """

    mrz_lines: tuple[str, ...]
    files: Mapping[str, bytes]
    personalisation: Personalisation | None = None

    def with_files(self, **changed: bytes | None) -> IssuedDocument:
        """The same chip with other contents; None takes a file away."""
        files = {name: content for name, content in {**self.files, **changed}.items() if content is not None}
        chip = None if self.personalisation is None else replace(self.personalisation, files=files)
        return replace(self, files=files, personalisation=chip)

    def __repr__(self) -> str:
        return f"IssuedDocument(files={sorted(self.files)}, redacted)"


class Issuer:
    """A document signer at work. anchors: DER certificates that a verifier has to trust for it."""

    def __init__(
        self,
        signer: Authority,
        anchors: Sequence[bytes] = (),
        signing_time: datetime | None = None,
        generate: Generate = generate_key,
    ) -> None:
        """signing_time: written into what is signed. generate: makes the chips' keys; may give the same again to save time."""
        self.signer, self.anchors = signer, tuple(anchors)
        self._signing_time, self._generate = signing_time, generate

    @classmethod
    def of_state(cls, state: SimulatedState, now: datetime) -> Issuer:
        """With a new document signer of the state."""
        return cls(state.issue_signer(now), state.anchors(), now)

    @classmethod
    def from_files(cls, csca: bytes, signer: bytes, key: bytes, hash_name: str, *, pss: bool = False) -> Issuer:
        """All PEM, as other issuers publish them. hash_name, pss: how the signer signs EF.SOD. Raises ValueError."""
        authority = Authority(pem.unarmor(signer)[2], load_key(key, hash_name, pss=pss))
        return cls(authority, (pem.unarmor(csca)[2],))

    def issue(
        self,
        holder: DocumentData,
        portrait: bytes,
        finger: bytes | None = None,
        profile: Profile = DEFAULT,
        *,
        finger_position: int = 2,
        mrz_format: MrzFormat = MrzFormat.TD3,
        wrong_check_digit: str = "",
        chip_number: str = "",
        more: Mapping[str, bytes] | None = None,
    ) -> IssuedDocument:
        """A document with chip.

        portrait: JPEG. finger: grey PNG of 500 dpi, or None for a chip without DG3. wrong_check_digit: the field whose printed and
        stored check digit is wrong, as in egate.document.zone.mrz_writer. chip_number: the chip is another document's, with this number.
        more: further data groups, e.g. DG11. Raises ValueError if an image is of another kind or a field does not fit.
        """
        lines = write_mrz(mrz_format, holder, wrong=wrong_check_digit)
        stored = write_mrz(mrz_format, replace(holder, document_number=chip_number)) if chip_number else lines
        parts = make_parts(profile, self.signer, self._generate)
        groups = {
            "dg1": write_dg1(stored),
            "dg2": write_dg2(FaceImage(FaceEncoding.JPEG, *_jpeg_size(portrait), portrait)),
            **_finger_group(finger, finger_position),
            **(more or {}),
            **parts.files,
        }
        files = self.sign(groups, profile)
        chip = Personalisation(
            files=files,
            mrz_information=mrz_key(lines),
            can=profile.can,
            access=access_of(profile),
            chip_authentication_keys=parts.chip_authentication_keys,
            mapping_key=parts.mapping_key,
            active_authentication_key=parts.active_authentication_key,
            active_authentication_hash=profile.active_hash,
            cvca=profile.cvca,
            limits=profile.limits,
        )
        return IssuedDocument(lines, files, chip)

    def sign(
        self, files: Mapping[str, bytes], profile: Profile = DEFAULT, leave_out: frozenset[int] = frozenset()
    ) -> dict[str, bytes]:
        """The files with EF.COM and EF.SOD over the data groups among them. leave_out: groups that EF.SOD does not cover."""
        hashes = group_hashes(files, profile.hash_name)
        sod = write_sod(
            {number: value for number, value in hashes.items() if number not in leave_out},
            self.signer,
            hash_name=profile.hash_name,
            lds_version=profile.lds_version,
            signing_time=self._signing_time if profile.signing_time else None,
            by_key_id=profile.by_key_id,
        )
        return {**files, "com": write_ef_com(tuple(hashes), lds_version=profile.lds_version), "sod": sod}


@cache
def specimen_issuer() -> Issuer:
    """One issuer per process, with keys of this process. Its anchors are nobody's unless a trust store is told of them."""
    start, end = _SPECIMEN_VALID
    state = SimulatedState(start)
    return Issuer(state.issue_signer(start, valid=(start, end)), state.anchors(), start)


def invent_holder(index: int, today: date, *, expired: bool = False) -> DocumentData:
    """A holder for each index, always the same. expired: the document's last day was yesterday."""
    primary, secondary, sex = _NAMES[index % len(_NAMES)]
    return DocumentData(
        document_code="P",
        issuing_state="UTO",
        primary_identifier=primary,
        secondary_identifier=secondary,
        document_number=f"L{10_000_000 + index % 90_000_000}",
        nationality="UTO",
        date_of_birth=date(1960 + index % 40, 1 + index % 12, 1 + index % 28),
        sex=sex,
        date_of_expiry=today - timedelta(days=1) if expired else today + timedelta(days=VALIDITY_DAYS // 2),
    )


def issue(
    holder: DocumentData,
    portrait: bytes,
    finger: bytes | None = None,
    profile: Profile = OPEN,
    *,
    finger_position: int = 2,
    wrong_check_digit: str = "",
    chip_number: str = "",
) -> IssuedDocument:
    """As Issuer.issue, by the specimen issuer; without access control unless the profile says so."""
    return specimen_issuer().issue(
        holder,
        portrait,
        finger,
        profile,
        finger_position=finger_position,
        wrong_check_digit=wrong_check_digit,
        chip_number=chip_number,
    )


def _finger_group(finger: bytes | None, position: int) -> dict[str, bytes]:
    if finger is None:
        return {}
    return {"dg3": write_dg3((FingerImage(position, FingerEncoding.PNG, *_png_size(finger), finger),))}


def _png_size(image: bytes) -> tuple[int, int]:
    """Width and height from the IHDR chunk (ISO/IEC 15948, 11.2.2)."""
    if image[:8] != b"\x89PNG\r\n\x1a\n" or len(image) < 24:
        raise ValueError("not a PNG image")
    width, height = struct.unpack_from(">II", image, 16)
    return width, height


def _jpeg_size(image: bytes) -> tuple[int, int]:
    """Width and height from the frame header (ISO/IEC 10918-1, B.2.2), found by skipping the segments before it."""
    position = 2
    while image[:2] == b"\xff\xd8" and position + 9 <= len(image) and image[position] == 0xFF:
        marker, size = image[position + 1], int.from_bytes(image[position + 2 : position + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", image, position + 5)
            return width, height
        position += 2 + size
    raise ValueError("not a JPEG image")
