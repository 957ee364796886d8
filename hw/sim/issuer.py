"""Issues simulated travel documents: a TD3 zone and the chip's files, with the defects a gate must notice.

The holders are invented, of the ICAO specimen state "Utopia" (UTO). Not modelled: EF.SOD and the keys of a real issuer; DG2 holds the
portrait as it is given, whatever its size and quality.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from egate.document.data import DocumentData
from egate.document.face_record import FaceEncoding, FaceImage, write_dg2
from egate.document.finger_record import FingerEncoding, FingerImage, write_dg3
from egate.document.lds import write_dg1, write_ef_com
from egate.document.mrz_writer import write_td3

_NAMES = (
    ("ERIKSSON", "ANNA MARIA", "F"),
    ("STEVENSON", "PETER JOHN", "M"),
    ("LINDQVIST", "SELMA", "F"),
    ("OKAFOR", "DANIEL", "M"),
    ("MARTINEZ", "LUCIA", "F"),
    ("HALVORSEN", "NILS", "M"),
)
VALIDITY_DAYS = 3650  # ten years, the usual validity of a passport


@dataclass(frozen=True, slots=True, repr=False)
class IssuedDocument:
    """mrz_lines: as printed. files: chip content by name "com", "dg1", "dg2", "dg3"; empty for a document without chip."""

    mrz_lines: tuple[str, ...]
    files: Mapping[str, bytes]

    def __repr__(self) -> str:
        return f"IssuedDocument(files={sorted(self.files)}, redacted)"


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
    *,
    finger_position: int = 2,
    wrong_check_digit: str = "",
    chip_number: str = "",
) -> IssuedDocument:
    """A document with chip.

    portrait: JPEG. finger: grey PNG of 500 dpi, or None for a chip without DG3. wrong_check_digit: the field whose printed and stored
    check digit is wrong, as in egate.document.mrz_writer. chip_number: the chip is another document's, with this number.
    Raises ValueError if an image is of another kind or a field does not fit.
    """
    lines = write_td3(holder, wrong=wrong_check_digit)
    stored = write_td3(replace(holder, document_number=chip_number)) if chip_number else lines
    files = {
        "com": write_ef_com((1, 2) if finger is None else (1, 2, 3)),
        "dg1": write_dg1(stored),
        "dg2": write_dg2(FaceImage(FaceEncoding.JPEG, *_jpeg_size(portrait), portrait)),
    }
    if finger is not None:
        image = FingerImage(finger_position, FingerEncoding.PNG, *_png_size(finger), finger)
        files["dg3"] = write_dg3((image,))
    return IssuedDocument(lines, files)


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
