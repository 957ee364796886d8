"""Defect lists (BSI TR-03129-2, 7) and deviation lists (ICAO Doc 9303-12, 10): the content that their signature covers.

  DefectList    ::= SEQUENCE { version INTEGER (0), hashAlg OBJECT IDENTIFIER, defects SET OF Defect }
  Defect        ::= SEQUENCE { signerIdentifier SignerIdentifier, certificateHash OCTET STRING OPTIONAL, knownDefects SET OF KnownDefect }
  KnownDefect   ::= SEQUENCE { defectType OBJECT IDENTIFIER, parameters ANY OPTIONAL }

  DeviationList ::= SEQUENCE { version INTEGER (0), digestAlgorithm AlgorithmIdentifier OPTIONAL, deviations SET OF Deviation }
  Deviation     ::= SEQUENCE { documents DeviationDocuments, descriptions SET OF DeviationDescription }

Types that are not known here are kept under their object identifier: a defect nobody can name is still a defect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from egate.document.crypto.signature import HASH_OIDS
from egate.document.encoding import der
from egate.document.pki.certificate import parse_time
from egate.document.pki.defect import CERTIFICATE_REVOKED, Defect
from egate.document.pki.name import parse_name
from egate.errors import DocumentError

DEFECT_LIST = "0.4.0.127.0.7.3.1.5"  # TR-03129: id-DefectList
DEVIATION_LIST = "2.23.136.1.1.7"  # Doc 9303-12, 10: id-icao-DeviationList
DEFECTS_MAX = 4096  # chosen; published lists have one to some hundred
DOCUMENT_NUMBERS_MAX = 1_000_000  # in one list; chosen, the Italian list of 2018 names 346,275

_KINDS = {
    f"{DEFECT_LIST}.1.1": CERTIFICATE_REVOKED,
    f"{DEFECT_LIST}.1.2": "certificate_replaced",
    f"{DEFECT_LIST}.1.3": "chip_authentication_key_revoked",
    f"{DEFECT_LIST}.1.4": "active_authentication_key_revoked",
    f"{DEFECT_LIST}.2.1": "dg_malformed",
    f"{DEFECT_LIST}.2.2": "sod_invalid",
    f"{DEFECT_LIST}.3.1": "eid_dg_malformed",
    f"{DEFECT_LIST}.3.2": "eid_integrity",
    f"{DEFECT_LIST}.4.1": "card_security_malformed",
    f"{DEFECT_LIST}.4.2": "chip_security_malformed",
    f"{DEFECT_LIST}.4.3": "power_down_required",
    f"{DEVIATION_LIST}.1": "certificate_or_key",
    f"{DEVIATION_LIST}.1.1": "signer_signature_wrong",
    f"{DEVIATION_LIST}.1.2": "signer_encoding",
    f"{DEVIATION_LIST}.1.3": "csca_encoding",
    f"{DEVIATION_LIST}.1.4": "active_authentication_key_compromised",
    f"{DEVIATION_LIST}.2": "lds",
    f"{DEVIATION_LIST}.2.1": "dg_malformed",
    f"{DEVIATION_LIST}.2.2": "dg_hash_wrong",
    f"{DEVIATION_LIST}.2.3": "sod_signature_wrong",
    f"{DEVIATION_LIST}.2.4": "com_inconsistent",
    f"{DEVIATION_LIST}.3": "mrz",
    f"{DEVIATION_LIST}.3.1": "mrz_wrong_data",
    f"{DEVIATION_LIST}.3.2": "mrz_wrong_check_digit",
    f"{DEVIATION_LIST}.4": "chip",
    f"{DEVIATION_LIST}.5": "national_use",
}
_WITH_DATA_GROUPS = ("dg_malformed", "dg_hash_wrong", "eid_dg_malformed")


def parse_defects(content: bytes, publisher: str) -> tuple[Defect, ...]:
    """A defect list's content. publisher: alpha-2 of the list's signer. Raises DocumentError (DEFECT_LIST_MALFORMED, DER_MALFORMED)."""
    fields = der.Fields(der.read(content, der.SEQUENCE))
    _version_0(fields)
    digest = _digest(der.oid(fields.take(der.OID)))
    return _bounded(
        [defect for entry in fields.take(der.SET).children() for defect in _defect(entry, digest, publisher)]
    )


def parse_deviations(content: bytes, publisher: str) -> tuple[Defect, ...]:
    """A deviation list's content, one Defect per description. Raises DocumentError as parse_defects."""
    fields = der.Fields(der.read(content, der.SEQUENCE))
    _version_0(fields)
    algorithm = fields.optional(der.SEQUENCE)
    digest = None if algorithm is None else _digest(der.oid(der.Fields(algorithm).take(der.OID)))
    entries = fields.take(der.SET).children()
    return _bounded([defect for entry in entries for defect in _deviation(entry, digest, publisher)])


def _bounded(defects: Sequence[Defect]) -> tuple[Defect, ...]:
    if len(defects) > DEFECTS_MAX:
        raise _malformed("too many defects")
    return tuple(defects)


def _defect(entry: der.Element, digest: str, publisher: str) -> list[Defect]:
    fields = der.Fields(entry)
    signer = fields.take_any()
    base = Defect(kind="", publisher=publisher)
    if signer.tag == der.SEQUENCE:
        base = _with_serial(base, signer.children())
    elif signer.tag == der.context(0, constructed=False):
        base = replace(base, subject_key_id=signer.value)
    else:
        raise _malformed("signer identifier")
    certificate_hash = fields.optional(der.OCTET_STRING)
    if certificate_hash is not None:
        base = replace(base, certificate_hash=(digest, certificate_hash.value))
    found = []
    for known in fields.take(der.SET).children():
        parts = known.children()
        if not parts:
            raise _malformed("defect without type")
        found.append(_of_kind(base, der.oid(parts[0]), parts[1:]))
    return found


def _deviation(entry: der.Element, digest: str | None, publisher: str) -> list[Defect]:
    fields = der.Fields(entry)
    base = _documents(fields.take(der.SEQUENCE), Defect(kind="", publisher=publisher), digest)
    found = []
    for description in fields.take(der.SET).children():
        parts = description.children()
        types = [part for part in parts if part.tag == der.OID]
        if len(types) != 1:
            raise _malformed("description without one type")
        parameters = [child for part in parts if part.tag == der.context(0) for child in part.children()]
        found.append(_of_kind(base, der.oid(types[0]), parameters))
    return found


def _documents(element: der.Element, base: Defect, digest: str | None) -> Defect:
    """DeviationDocuments. Context tags are implicit; an explicit wrapping, as the older module text reads, is taken as well."""
    for part in element.children():
        number = part.tag & 0x1F
        if part.tag & 0xC0 != 0x80:
            raise _malformed("document criterion")
        if number == 0:
            base = replace(base, document_type=_text(_unwrapped(part)))
        elif number == 1:
            children = part.children()
            base = _with_serial(base, children[0].children() if len(children) == 1 else children)
        elif number == 2:
            base = replace(base, subject_key_id=_unwrapped(part))
        elif number == 3 and digest is not None:
            base = replace(base, certificate_hash=(digest, _unwrapped(part)))
        elif number == 4:
            base = _with_period(base, part.children())
        elif number == 5:
            base = replace(base, document_numbers=_numbers(part))
        else:  # a criterion that is ignored would name more documents than the list does
            raise _malformed("document criterion unknown")
    return base


def _with_serial(base: Defect, parts: Sequence[der.Element]) -> Defect:
    if len(parts) != 2 or parts[0].tag != der.SEQUENCE:
        raise _malformed("issuer and serial number")
    return replace(base, issuer=parse_name(parts[0]).folded, serial=der.integer(parts[1]))


def _with_period(base: Defect, parts: Sequence[der.Element]) -> Defect:
    if len(parts) == 1 and parts[0].tag == der.SEQUENCE:
        parts = parts[0].children()
    if len(parts) != 2:
        raise _malformed("issuing period")
    return replace(base, issued_from=parse_time(parts[0]), issued_until=parse_time(parts[1]))


def _numbers(part: der.Element) -> frozenset[str]:
    numbers = der.read_all(part.value, count_max=DOCUMENT_NUMBERS_MAX)
    if len(numbers) == 1 and numbers[0].tag == der.SET:
        numbers = der.read_all(numbers[0].value, count_max=DOCUMENT_NUMBERS_MAX)
    return frozenset(_text(number.value).rstrip("<") for number in numbers)


def _of_kind(base: Defect, oid: str, parameters: Sequence[der.Element]) -> Defect:
    kind = _KINDS.get(oid, oid)
    if kind not in _WITH_DATA_GROUPS:
        return replace(base, kind=kind)
    numbers = parameters[0].children() if parameters and parameters[0].tag == der.SET else parameters
    return replace(base, kind=kind, data_groups=frozenset(der.integer(number) for number in numbers))


def _unwrapped(part: der.Element) -> bytes:
    if not part.tag & der.CONSTRUCTED:
        return part.value
    children = part.children()
    if len(children) != 1:
        raise _malformed("document criterion")
    return children[0].value


def _text(value: bytes) -> str:
    try:
        return value.decode("ascii").strip()
    except UnicodeDecodeError:
        raise _malformed("text is not ASCII") from None


def _digest(oid: str) -> str:
    if oid not in HASH_OIDS:
        raise _malformed("hash algorithm unknown")
    return HASH_OIDS[oid]


def _version_0(fields: der.Fields) -> None:
    if der.integer(fields.take(der.INTEGER)) != 0:
        raise _malformed("version is not 0")


def _malformed(what: str) -> DocumentError:
    return DocumentError(f"defect list: {what}", code="DEFECT_LIST_MALFORMED")
