"""Distinguished names of certificates, compared as states write them.

Doc 9303-12, 7.1.1: names of one issuer differ in string type, case and spaces (countryName should be upper case, and is not always).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from egate.document.encoding import der
from egate.document.encoding.der import Element, Fields

COUNTRY = "2.5.4.6"
_SHORT = {
    COUNTRY: "C", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.3": "CN", "2.5.4.5": "serialNumber", "2.5.4.8": "ST", "2.5.4.7": "L",
}  # fmt: skip
# UTF8, printable, teletex, IA5 and visible strings hold UTF-8 or, wrongly, Latin-1 whatever they are called.
_OCTET_STRINGS = (0x0C, 0x13, 0x14, 0x16, 0x1A)
_BMP_STRING, _UNIVERSAL_STRING = 0x1E, 0x1C
_SPACES = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Name:
    """folded: for comparison; differs only if the names differ in more than case, spaces and string types. exact: case counts.

    text: "C=DE,O=…", for people. country: alpha-2, upper case, "" if there is none.
    """

    folded: bytes
    exact: bytes
    text: str
    country: str


def parse_name(element: Element) -> Name:
    """Raises DocumentError(DER_MALFORMED)."""
    parts = [sorted(_attributes(rdn)) for rdn in Fields(element).rest()]
    flat = [attribute for part in parts for attribute in part]
    country = next((value for kind, value in flat if kind == COUNTRY), "").upper()
    text = ",".join(f"{_SHORT.get(kind, kind)}={_shown(value)}" for kind, value in flat)
    folded = [sorted((kind, value.casefold()) for kind, value in part) for part in parts]
    return Name(_joined(folded), _joined(parts), text, country if len(country) == 2 and country.isalpha() else "")


def _attributes(rdn: Element) -> Iterator[tuple[str, str]]:
    if rdn.tag != der.SET:
        raise der.malformed("no name")
    for attribute in rdn.children():
        fields = Fields(attribute)
        kind, value = der.oid(fields.take(der.OID)), _string(fields.take_any())
        fields.end()
        yield kind, value


def _string(element: Element) -> str:
    """Ends trimmed, runs of spaces made one (RFC 5280, 7.1)."""
    if element.tag in _OCTET_STRINGS:
        try:
            text = element.value.decode("utf-8")
        except UnicodeDecodeError:
            text = element.value.decode("latin-1")
    elif element.tag in (_BMP_STRING, _UNIVERSAL_STRING):
        codec = "utf-16-be" if element.tag == _BMP_STRING else "utf-32-be"
        try:
            text = element.value.decode(codec)
        except UnicodeDecodeError:
            raise der.malformed("string malformed") from None
    else:
        raise der.malformed("no string")
    for space in _SPACES:
        text = text.replace(space, " ")
    return " ".join(part for part in text.split(" ") if part)


def _joined(parts: list[list[tuple[str, str]]]) -> bytes:
    """Unambiguous: every part carries its length."""
    encoded = b""
    for part in parts:
        pairs = (der.encode(0x0C, kind.encode()) + der.encode(0x0C, value.encode()) for kind, value in part)
        encoded += der.encode(der.SET, b"".join(pairs))
    return der.encode(der.SEQUENCE, encoded)


def _shown(value: str) -> str:
    """Printable, for a terminal or a log."""
    return "".join(character if character.isprintable() else "?" for character in value)
