"""The header of a visible digital seal (ICAO Doc 9303-13, 2.2): who sealed which kind of document, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from egate.document.seal.vds_c40 import c40_size, decode_c40
from egate.errors import DocumentError

MAGIC = 0xDC
VERSIONS = {0x02: 3, 0x03: 4}
REFERENCE_SIZE_3 = 5  # characters of the certificate reference in version 3
REFERENCE_SIZE_MAX = 40  # version 4: a serial number has at most 20 octets (Doc 9303-12, 7.1.1)
_HEXADECIMAL = frozenset("0123456789ABCDEF")


@dataclass(frozen=True, slots=True, repr=False)
class VdsHeader:
    """version: 3 or 4. issuing_state: as in a zone, without fillers. signer: the certificate's country and two characters.

    reference: hexadecimal, the certificate's serial number. issued, signed: of the document and of the seal. definition: which
    document features there are; together with category it names the kind of document.
    """

    version: int
    issuing_state: str
    signer: str
    reference: str
    issued: date
    signed: date
    definition: int
    category: int

    @property
    def serial(self) -> int:
        return int(self.reference, 16)

    def __repr__(self) -> str:
        return f"VdsHeader(version={self.version}, kind={self.definition:02x}{self.category:02x}, redacted)"


class Reader:
    """Bytes taken from the front."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def take(self, size: int) -> bytes:
        """Raises DocumentError(VDS_CUT_SHORT)."""
        taken = self._data[self.position : self.position + size]
        if len(taken) != size:
            raise DocumentError("seal cut short", code="VDS_CUT_SHORT")
        self.position += size
        return taken

    def byte(self) -> int:
        return self.take(1)[0]


def read_header(reader: Reader) -> VdsHeader:
    """Raises DocumentError: VDS_MAGIC, VDS_VERSION, VDS_C40, VDS_SIGNER, VDS_DATE, VDS_STATE, VDS_CUT_SHORT."""
    if reader.byte() != MAGIC:
        raise DocumentError("no visible digital seal", code="VDS_MAGIC")
    version = VERSIONS.get(reader.byte(), 0)
    if not version:
        raise DocumentError("seal of an unknown version", code="VDS_VERSION")
    state = decode_c40(reader.take(2)).rstrip(" ")
    if not state.isalpha():
        raise DocumentError("issuing state", code="VDS_STATE")
    signer, reference = _signer(reader, version)
    issued, signed = (decode_date(reader.take(3)) for _ in range(2))
    return VdsHeader(version, state, signer, reference, issued, signed, reader.byte(), reader.byte())


def decode_date(data: bytes) -> date:
    """2.3.1: month, day and year as one number of three bytes. Raises DocumentError(VDS_DATE)."""
    digits = f"{int.from_bytes(data, 'big'):08}"
    try:
        return date(int(digits[4:]), int(digits[:2]), int(digits[2:4]))
    except ValueError:
        raise DocumentError("no date", code="VDS_DATE") from None


def _signer(reader: Reader, version: int) -> tuple[str, str]:
    """2.2.1. A reference of zeros alone is reserved for tests."""
    start = decode_c40(reader.take(4))
    if len(start) != 6:
        raise DocumentError("signer identifier", code="VDS_SIGNER")
    signer, rest = start[:4], start[4:]
    if version == 3:
        reference, size = rest + decode_c40(reader.take(2)), REFERENCE_SIZE_3
    else:
        size = int(rest, 16) if _HEXADECIMAL.issuperset(rest) else 0
        reference = decode_c40(reader.take(c40_size(size))) if 0 < size <= REFERENCE_SIZE_MAX else ""
    if len(reference) != size or not _HEXADECIMAL.issuperset(reference) or not reference.strip("0"):
        raise DocumentError("certificate reference", code="VDS_SIGNER")
    if not signer[:2].isalpha() or " " in signer:
        raise DocumentError("signer identifier", code="VDS_SIGNER")
    return signer, reference
