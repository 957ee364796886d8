"""EF.COM and DG1 of the logical data structure (ICAO Doc 9303-10, 4.7.1 and 4.7.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from egate.document.check_digit import ALPHABET, FILLER
from egate.document.tlv import element, elements, first, single
from egate.errors import DocumentError

COM_TAG = 0x60
LDS_VERSION_TAG = 0x5F01
UNICODE_VERSION_TAG = 0x5F36
TAG_LIST_TAG = 0x5C
DG1_TAG = 0x61
MRZ_TAG = 0x5F1F

# Doc 9303-10, table 36: the tag of each data group file, by its number.
DATA_GROUP_TAGS = {
    1: 0x61, 2: 0x75, 3: 0x63, 4: 0x76, 5: 0x65, 6: 0x66, 7: 0x67, 8: 0x68,
    9: 0x69, 10: 0x6A, 11: 0x6B, 12: 0x6C, 13: 0x6D, 14: 0x6E, 15: 0x6F, 16: 0x70,
}  # fmt: skip
_NUMBERS = {tag: number for number, tag in DATA_GROUP_TAGS.items()}
_MRZ_SIZES = (72, 88, 90)


@dataclass(frozen=True, slots=True)
class EfCom:
    """lds_version: four digits, e.g. "0107". unicode_version: six digits. data_groups: numbers 1-16 in file order."""

    lds_version: str
    unicode_version: str
    data_groups: tuple[int, ...]


def parse_ef_com(data: bytes) -> EfCom:
    """Raises DocumentError if it is malformed or lists something that is no data group."""
    content = dict(elements(single(data, COM_TAG)))
    try:
        tags = content[TAG_LIST_TAG]
        versions = content[LDS_VERSION_TAG].decode("ascii"), content[UNICODE_VERSION_TAG].decode("ascii")
        groups = tuple(_NUMBERS[tag] for tag in tags)
    except (KeyError, UnicodeDecodeError):
        raise DocumentError("EF.COM malformed") from None
    if not (versions[0].isdigit() and len(versions[0]) == 4 and versions[1].isdigit() and len(versions[1]) == 6):
        raise DocumentError("EF.COM version malformed")
    if len(set(groups)) != len(groups):
        raise DocumentError("EF.COM lists a data group twice")
    return EfCom(versions[0], versions[1], groups)


def write_ef_com(data_groups: Sequence[int]) -> bytes:
    """EF.COM of an LDS 1.7 document with these data groups."""
    versions = element(LDS_VERSION_TAG, b"0107") + element(UNICODE_VERSION_TAG, b"040000")
    tags = bytes(DATA_GROUP_TAGS[number] for number in data_groups)
    return element(COM_TAG, versions + element(TAG_LIST_TAG, tags))


def parse_dg1(data: bytes) -> str:
    """The zone stored in the chip, lines joined without separator: 72, 88 or 90 characters. Raises DocumentError."""
    content = first(single(data, DG1_TAG), MRZ_TAG)
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError:
        raise DocumentError("DG1 malformed") from None
    if len(text) not in _MRZ_SIZES or not set(text) <= set(ALPHABET + FILLER):
        raise DocumentError("DG1 malformed")
    return text


def write_dg1(mrz_lines: Sequence[str]) -> bytes:
    """mrz_lines: the lines of one zone, ASCII."""
    return element(DG1_TAG, element(MRZ_TAG, "".join(mrz_lines).encode("ascii")))
