"""EF.COM and DG1 of the logical data structure (ICAO Doc 9303-10, 4.6.1 and 4.7.1), LDS 1.7 and 1.8."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from egate.document.encoding.tlv import element, first, single, tags, unique
from egate.document.zone.check_digit import ALPHABET, FILLER
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
_UNICODE_VERSION = "040000"


@dataclass(frozen=True, slots=True)
class EfCom:
    """What the chip says it holds. Nobody has signed this: EF.SOD decides.

    lds_version: four digits, e.g. "0107". unicode_version: six digits, "" where the file has none. data_groups: numbers 1-16 in file
    order. unknown_tags: what the list names besides, in file order.
    """

    lds_version: str
    unicode_version: str
    data_groups: tuple[int, ...]
    unknown_tags: tuple[int, ...] = ()


def parse_ef_com(data: bytes) -> EfCom:
    """Raises DocumentError (COM_MALFORMED, TLV_…) if it is malformed or lists a data group twice.

    Known deviations that are read: no Unicode version; tags of no data group in the list, such as EF.SOD's (77) or those of groups
    beyond 16 (AndyQ/NFCPassportReader, issue 202).
    """
    content = unique(single(data, COM_TAG))
    listed = tags(_required(content, TAG_LIST_TAG))
    groups = tuple(_NUMBERS[tag] for tag in listed if tag in _NUMBERS)
    if len(set(groups)) != len(groups):
        raise DocumentError("EF.COM lists a data group twice", code="COM_MALFORMED")
    return EfCom(
        lds_version=_digits(_required(content, LDS_VERSION_TAG), 4),
        unicode_version=_digits(content[UNICODE_VERSION_TAG], 6) if UNICODE_VERSION_TAG in content else "",
        data_groups=groups,
        unknown_tags=tuple(tag for tag in listed if tag not in _NUMBERS),
    )


def write_ef_com(data_groups: Sequence[int], *, lds_version: str = "0107") -> bytes:
    """EF.COM of a document with these data groups. lds_version: "0107" or "0108"."""
    versions = element(LDS_VERSION_TAG, lds_version.encode("ascii"))
    versions += element(UNICODE_VERSION_TAG, _UNICODE_VERSION.encode("ascii"))
    listed = bytes(DATA_GROUP_TAGS[number] for number in data_groups)
    return element(COM_TAG, versions + element(TAG_LIST_TAG, listed))


def parse_dg1(data: bytes) -> str:
    """The zone stored in the chip, lines joined without separator: 72, 88 or 90 characters. Raises DocumentError."""
    content = first(single(data, DG1_TAG), MRZ_TAG)
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError:
        raise DocumentError("DG1 malformed", code="DG1_MALFORMED") from None
    if len(text) not in _MRZ_SIZES or not set(text) <= set(ALPHABET + FILLER):
        raise DocumentError("DG1 malformed", code="DG1_MALFORMED")
    return text


def write_dg1(mrz_lines: Sequence[str]) -> bytes:
    """mrz_lines: the lines of one zone, ASCII."""
    return element(DG1_TAG, element(MRZ_TAG, "".join(mrz_lines).encode("ascii")))


def _required(content: dict[int, bytes], tag: int) -> bytes:
    if tag not in content:
        raise DocumentError(f"EF.COM lacks element {tag:X}", code="COM_MALFORMED")
    return content[tag]


def _digits(value: bytes, count: int) -> str:
    if len(value) != count or not value.isdigit():
        raise DocumentError("EF.COM version malformed", code="COM_MALFORMED")
    return value.decode("ascii")
