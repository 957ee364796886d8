"""DG16: persons to notify in an emergency (ICAO Doc 9303-10, 4.7.16).

70
  02     number of persons
  A1…    one template a person: 5F50 date recorded, 5F51 name, 5F52 telephone, 5F53 address
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from egate.document.encoding.tlv import element, single, unique
from egate.document.lds.lds_text import PersonName, parse_date, parse_name, parse_parts, parse_text, write_name
from egate.document.zone.check_digit import FILLER
from egate.errors import DocumentError

DG16_TAG = 0x70
_COUNT_TAG = 0x02
_FIRST_PERSON, _LAST_PERSON = 0xA1, 0xAF
_DATE, _NAME, _TELEPHONE, _ADDRESS = 0x5F50, 0x5F51, 0x5F52, 0x5F53


@dataclass(frozen=True, slots=True, repr=False)
class PersonToNotify:
    """date_recorded: CCYYMMDD, "" where it is not stored."""

    name: PersonName
    telephone: str = ""
    address: tuple[str, ...] = ()
    date_recorded: str = ""

    def __repr__(self) -> str:
        return "PersonToNotify(redacted)"


def parse_dg16(data: bytes) -> tuple[PersonToNotify, ...]:
    """In file order. Raises DocumentError."""
    content = unique(single(data, DG16_TAG))
    persons = [value for tag, value in content.items() if _FIRST_PERSON <= tag <= _LAST_PERSON]
    if content.get(_COUNT_TAG) != bytes([len(persons)]):
        raise DocumentError("number of persons to notify differs", code="DG16_MALFORMED")
    return tuple(_parse_person(unique(value)) for value in persons)


def write_dg16(persons: Sequence[PersonToNotify]) -> bytes:
    """persons: at most 15."""
    templates = b"".join(element(_FIRST_PERSON + index, _write_person(person)) for index, person in enumerate(persons))
    return element(DG16_TAG, element(_COUNT_TAG, bytes([len(persons)])) + templates)


def _parse_person(fields: dict[int, bytes]) -> PersonToNotify:
    if _NAME not in fields:
        raise DocumentError("person to notify without a name", code="DG16_MALFORMED")
    return PersonToNotify(
        name=parse_name(fields[_NAME]),
        telephone=parse_text(fields.get(_TELEPHONE, b"")),
        address=parse_parts(fields.get(_ADDRESS, b"")),
        date_recorded=parse_date(fields[_DATE]) if fields.get(_DATE) else "",
    )


def _write_person(person: PersonToNotify) -> bytes:
    fields = {
        _DATE: person.date_recorded.encode("ascii"),
        _NAME: write_name(person.name),
        _TELEPHONE: person.telephone.encode("utf-8"),
        _ADDRESS: FILLER.join(person.address).encode("utf-8"),
    }
    return b"".join(element(tag, value) for tag, value in fields.items() if value)
