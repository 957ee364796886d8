"""Text, names and dates as the data groups beyond the zone hold them (ICAO Doc 9303-10, 4.7.11 and 4.7.12)."""

from __future__ import annotations

from dataclasses import dataclass

from egate.document.zone.check_digit import FILLER
from egate.errors import DocumentError

TEXT_SIZE_MAX = 4096  # bytes in one field; chosen, a personal summary is a paragraph


@dataclass(frozen=True, slots=True, repr=False)
class PersonName:
    """primary: what comes before the double filler; secondary: "" where there is no double filler."""

    primary: str
    secondary: str = ""

    def __repr__(self) -> str:
        return "PersonName(redacted)"


def parse_text(value: bytes) -> str:
    """UTF-8, or where it is none ISO 8859-1: a known deviation. Raises DocumentError if it is long or holds control characters."""
    if len(value) > TEXT_SIZE_MAX:
        raise _malformed()
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    if any(character < " " or "\x7f" <= character <= "\x9f" for character in text if character not in "\r\n"):
        raise _malformed()
    return text


def parse_parts(value: bytes) -> tuple[str, ...]:
    """A field whose parts are separated by fillers; empty parts are left out."""
    return tuple(part for part in parse_text(value).split(FILLER) if part)


def parse_name(value: bytes) -> PersonName:
    """Doc 9303-3, 4.6: fillers stand for blanks, two of them separate the identifiers."""
    primary, _, secondary = parse_text(value).rstrip(FILLER).partition(FILLER * 2)
    return PersonName(" ".join(primary.split(FILLER)), " ".join(part for part in secondary.split(FILLER) if part))


def parse_date(value: bytes) -> str:
    """CCYYMMDD, parts that are unknown as zeros. value: 8 ASCII digits or 4 bytes BCD. Raises DocumentError."""
    digits = _digits(value, 8)
    if int(digits[4:6]) > 12 or int(digits[6:8]) > 31:
        raise _malformed()
    return digits


def parse_time(value: bytes) -> str:
    """CCYYMMDDhhmmss. value: 14 ASCII digits or 7 bytes BCD. Raises DocumentError."""
    digits = _digits(value, 14)
    parse_date(digits[:8].encode("ascii"))
    if int(digits[8:10]) > 23 or int(digits[10:12]) > 59 or int(digits[12:14]) > 60:
        raise _malformed()
    return digits


def write_name(name: PersonName) -> bytes:
    parts = [name.primary, name.secondary] if name.secondary else [name.primary]
    return (FILLER * 2).join(part.replace(" ", FILLER) for part in parts).encode("utf-8")


def _digits(value: bytes, count: int) -> str:
    digits = value.hex() if len(value) == count // 2 else value.decode("latin-1").replace(FILLER, "0")
    if len(digits) != count or not (digits.isascii() and digits.isdigit()):
        raise _malformed()
    return digits


def _malformed() -> DocumentError:
    return DocumentError("text or date malformed", code="TEXT_MALFORMED")
