"""What the data blocks of ISO/IEC 39794 share: tagged BER structures with automatic, implicit tags (39794-1, annex A).

A field [n] is 80+n where primitive and A0+n where constructed. A code that a later edition may extend is a CHOICE, hence explicit
inside its field: [0] the code, or [1] a block whose [0] is the code to fall back to. Fields a reader does not know are skipped.
"""

from __future__ import annotations

from egate.document.encoding.tlv import element, unique
from egate.errors import DocumentError

_INTEGER_SIZE_MAX = 4  # the largest number read here is an image's side


class Fields:
    """The fields of one SEQUENCE by number. Raises DocumentError where content is malformed or a field comes twice."""

    __slots__ = ("_values",)

    def __init__(self, content: bytes) -> None:
        self._values = unique(content)

    def block(self, number: int) -> Fields:
        """The fields of the SEQUENCE or CHOICE in this field."""
        return Fields(self.content(number))

    def content(self, number: int) -> bytes:
        """The bytes of this constructed field."""
        return self._required(0xA0 | number)

    def octets(self, number: int) -> bytes:
        return self._required(0x80 | number)

    def integer(self, number: int) -> int:
        """A number from 0 to 2**31 - 1."""
        value = self._required(0x80 | number)
        if not 1 <= len(value) <= _INTEGER_SIZE_MAX or value[0] & 0x80:
            raise DocumentError("number in a data block malformed", code="BIOMETRIC_MALFORMED")
        return int.from_bytes(value, "big")

    def code(self, number: int) -> int:
        """The code of an extensible enumeration."""
        choice = self.block(number)
        return choice.integer(0) if choice.primitive(0) else choice.block(1).integer(0)

    def primitive(self, number: int) -> bool:
        return 0x80 | number in self._values

    def constructed(self, number: int) -> bool:
        return 0xA0 | number in self._values

    def _required(self, tag: int) -> bytes:
        if tag not in self._values:
            raise DocumentError(f"field {tag:X} of a data block is missing", code="BIOMETRIC_MALFORMED")
        return self._values[tag]


def integer(number: int, value: int) -> bytes:
    """The field with this number. value: not negative."""
    return element(0x80 | number, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def octets(number: int, value: bytes) -> bytes:
    return element(0x80 | number, value)


def block(number: int, *fields: bytes) -> bytes:
    return element(0xA0 | number, b"".join(fields))


def code(number: int, value: int) -> bytes:
    return block(number, integer(0, value))


def version_block() -> bytes:
    """Field [0]: generation 3, year 2019, as ICAO's application profile for eMRTDs demands."""
    return block(0, integer(0, 3), integer(1, 2019))
