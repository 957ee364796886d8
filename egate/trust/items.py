"""What a file hands in: DER, BER or PEM, a ZIP of such files, or an LDIF export of the ICAO PKD. Each item by itself.

Nothing here is trusted or verified; sizes and counts are bounded.
"""

from __future__ import annotations

import base64
import binascii
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from egate.document.encoding import der, pem
from egate.errors import DocumentError

FILE_SIZE_MAX = 128 * 1024 * 1024  # chosen: the ICAO PKD's export of document signers has about 60 MB
ITEMS_MAX = 50_000  # in one file; chosen
MEMBERS_MAX = 256  # of a ZIP; chosen, the Dutch list comes with two or three
_MEMBER_SIGNATURE = b"PK\x01\x02"  # of a member's entry in the central directory (APPNOTE 4.3.12)
_SIGNED_DATA = "1.2.840.113549.1.7.2"
# Attributes of the ICAO PKD's exports, lower case. Names of list content differ between releases.
_LDIF_ATTRIBUTES = frozenset((
    "usercertificate;binary", "cacertificate;binary", "certificaterevocationlist;binary",
    "cscamasterlistdata", "pkdmasterlistcontent", "pkddeviationlistcontent",
))  # fmt: skip
# All that zipfile and its decompressors were seen to raise, or may.
_ZIP_ERRORS = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, struct.error, NotImplementedError, RuntimeError,
    EOFError, OSError, ValueError, LookupError, ArithmeticError,
)  # fmt: skip
_IGNORED_MEMBERS = (".txt", ".pdf", ".sha256", ".md5", ".htm", ".html", ".xml")


class ItemKind(StrEnum):
    CERTIFICATE = "certificate"
    CRL = "crl"
    LIST = "list"  # CMS: master, defect or deviation list
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, repr=False)
class Item:
    """file: name without folders, for reports and the index. data: DER or BER as published."""

    file: str
    kind: ItemKind
    data: bytes


def read_items(path: Path) -> tuple[Item, ...]:
    """Raises DocumentError: FILE_UNREADABLE, FILE_TOO_LONG, FILE_UNKNOWN if it holds nothing known, PEM_MALFORMED."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_SIZE_MAX + 1)
    except OSError as error:
        raise DocumentError(f"{path.name}: {error.strerror}", code="FILE_UNREADABLE") from None
    return items_of(path.name, data)


def items_of(name: str, data: bytes) -> tuple[Item, ...]:
    """As read_items, from the content."""
    if len(data) > FILE_SIZE_MAX:
        raise DocumentError(f"{name}: too long", code="FILE_TOO_LONG")
    items: list[Item] = []
    for encoded in _parts(name, data):
        if len(items) == ITEMS_MAX:
            raise DocumentError(f"{name}: too many items", code="FILE_TOO_LONG")
        items.append(Item(name, _kind(encoded), encoded))
    if all(item.kind is ItemKind.UNKNOWN for item in items):
        raise DocumentError(f"{name}: neither certificate nor list", code="FILE_UNKNOWN")
    return tuple(items)


def _parts(name: str, data: bytes) -> Iterator[bytes]:
    if data[:4] == b"PK\x03\x04":
        for member in _members(name, data):
            yield from _single(name, member)
    else:
        yield from _single(name, data)


def _single(name: str, data: bytes) -> Iterator[bytes]:
    if data[:1] == b"0" and not data[:9].isalnum():  # SEQUENCE, not a text that begins with a digit
        yield data
    elif pem.is_pem(data):
        yield from (content for _label, content in pem.blocks(data))
    elif name.lower().endswith(".ldif") or data.lstrip()[:3].lower() == b"dn:" or b"\ndn:" in data[:65536]:
        yield from _ldif(name, data)
    else:
        try:
            yield base64.b64decode(b"".join(data.split()), validate=True)
        except binascii.Error:
            raise DocumentError(f"{name}: neither certificate nor list", code="FILE_UNKNOWN") from None


def _kind(data: bytes) -> ItemKind:
    """By the outermost structure alone; what it claims to be is parsed later."""
    try:
        first = der.read(data, der.SEQUENCE).children()[0]
        if first.tag == der.OID and der.oid(first) == _SIGNED_DATA:
            return ItemKind.LIST
        tags = [child.tag for child in first.children()]
    except (DocumentError, IndexError):
        return ItemKind.UNKNOWN
    body = [tag for tag in tags if tag not in (der.context(0), der.INTEGER)]
    # A certificate goes on algorithm, issuer, validity (a sequence); a revocation list algorithm, issuer, time.
    return ItemKind.CRL if body[2:3] in ([der.UTC_TIME], [der.GENERALIZED_TIME]) else ItemKind.CERTIFICATE


def _members(name: str, data: bytes) -> Iterator[bytes]:
    # zipfile lists every member, whatever the archive says about their number. Each has this signature.
    if data.count(_MEMBER_SIGNATURE) > MEMBERS_MAX:
        raise DocumentError(f"{name}: too many members", code="FILE_TOO_LONG")
    total = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                if not info.filename:
                    raise DocumentError(f"{name}: ZIP malformed, a member has no name", code="FILE_UNKNOWN")
                if info.filename.lower().endswith(("/", *_IGNORED_MEMBERS)):
                    continue
                with archive.open(info) as member:
                    content = member.read(FILE_SIZE_MAX - total + 1)
                total += len(content)
                if total > FILE_SIZE_MAX:
                    raise DocumentError(f"{name}: too long when unpacked", code="FILE_TOO_LONG")
                yield content
    except _ZIP_ERRORS:
        raise DocumentError(f"{name}: ZIP malformed", code="FILE_UNKNOWN") from None


def _ldif(name: str, data: bytes) -> Iterator[bytes]:
    """Base64 values (RFC 2849: `attribute:: value`, continued on lines that begin with a space) of the attributes known here."""
    wanted: list[bytes] | None = None
    for line in (*data.splitlines(), b""):
        if line[:1] == b" ":
            if wanted is not None:
                wanted.append(line[1:])
            continue
        if wanted is not None:
            try:
                yield base64.b64decode(b"".join(b"".join(wanted).split()), validate=True)
            except binascii.Error:
                raise DocumentError(f"{name}: LDIF value is no base64", code="FILE_UNKNOWN") from None
        attribute, separator, value = line.partition(b"::")
        known = separator and attribute.decode("latin-1").lower() in _LDIF_ATTRIBUTES
        wanted = [value] if known else None
