"""The index of a trust store: which files count, where each came from, who signed that, when. JSON.

{"format": 1, "updated_at": time, "sources": {sha256: {kind, file, imported_at, publisher, signer, signed_at, issuer_key, unusable}},
 "anchors": {sha256: [source, …]}, "signers": {sha256: [source, …]}, "crls": {sha256: certificate}, "lists": [sha256, …]}

updated_at is for people: it follows from the sources.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from egate.document.pki.certificate import Certificate, parse_certificate
from egate.document.pki.crl import parse_crl
from egate.document.pki.master_list import UnusableCertificate
from egate.document.pki.signed_list import open_signed_list
from egate.document.pki.trust import TrustedCrl
from egate.errors import ConfigurationError, DocumentError
from egate.trust.contents import Contents, Held, HeldList, Source, SourceKind, read_defects
from egate.trust.files import CERTIFICATES, CRLS, LISTS

FORMAT = 1
_HEX = frozenset("0123456789abcdef")


def encode(contents: Contents) -> tuple[dict[str, bytes], bytes]:
    """Files by name, and the index that names them all."""
    files: dict[str, bytes] = {}
    held_certificates = (held.certificate for held in (*contents.anchors.values(), *contents.signers.values()))
    for one in (*held_certificates, *(trusted.signer for trusted in contents.crls.values())):
        files[certificate_file(one.sha256)] = one.der
    files |= {crl_file(sha256): trusted.crl.der for sha256, trusted in contents.crls.items()}
    files |= {list_file(sha256): held.encoding for sha256, held in contents.lists.items()}
    index = {
        "format": FORMAT,
        "updated_at": _time(contents.updated_at),
        "sources": {sha256: _source(source) for sha256, source in sorted(contents.sources.items())},
        "anchors": {sha256: sorted(held.sources) for sha256, held in sorted(contents.anchors.items())},
        "signers": {sha256: sorted(held.sources) for sha256, held in sorted(contents.signers.items())},
        "crls": {sha256: trusted.signer.sha256 for sha256, trusted in sorted(contents.crls.items())},
        "lists": sorted(contents.lists),
    }
    # A file's name need not be UTF-8: what Python makes of such a byte has no encoding, but is a JSON escape.
    return files, json.dumps(index, indent=1, ensure_ascii=False).encode(errors="backslashreplace")


def decode(index: bytes, read: Callable[[str, str], bytes]) -> Contents:
    """read: content of a file by name and expected hash.

    Raises ConfigurationError (TRUST_STORE_DAMAGED, TRUST_STORE_FORMAT) and what read raises.
    """
    try:
        return _decode(json.loads(index), read)
    except (DocumentError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigurationError(
            f"trust store: index damaged ({type(error).__name__})", code="TRUST_STORE_DAMAGED"
        ) from None


def certificate_file(sha256: str) -> str:
    return f"{CERTIFICATES}/{sha256}.der"


def crl_file(sha256: str) -> str:
    return f"{CRLS}/{sha256}.crl"


def list_file(sha256: str) -> str:
    return f"{LISTS}/{sha256}.der"


def _decode(index: Any, read: Callable[[str, str], bytes]) -> Contents:
    if index["format"] != FORMAT:
        raise ConfigurationError(f"trust store: format {index['format']!r}", code="TRUST_STORE_FORMAT")
    sources = {_hash(sha256): _parse_source(sha256, source) for sha256, source in index["sources"].items()}

    def held(members: Mapping[str, list[str]]) -> dict[str, Held]:
        return {
            sha256: Held(certificate(sha256), frozenset(sources[one].sha256 for one in of))
            for sha256, of in members.items()
        }

    def certificate(sha256: str) -> Certificate:
        return parse_certificate(read(certificate_file(_hash(sha256)), sha256))

    def crl_signer(sha256: str) -> Certificate:
        """An anchor, or one that was: its list is kept for what it revokes."""
        return anchors[sha256].certificate if sha256 in anchors else certificate(sha256)

    anchors = held(index["anchors"])
    crls = {
        sha256: TrustedCrl(parse_crl(read(crl_file(_hash(sha256)), sha256)), crl_signer(signer))
        for sha256, signer in index["crls"].items()
    }
    lists: dict[str, HeldList] = {}
    for sha256 in index["lists"]:
        encoding = read(list_file(_hash(sha256)), sha256)
        lists[sha256] = HeldList(encoding, read_defects(open_signed_list(encoding)))
    return Contents(sources, anchors, held(index["signers"]), crls, lists)


def _source(source: Source) -> dict[str, object]:
    return {
        "kind": source.kind.value,
        "file": source.file,
        "imported_at": _time(source.imported_at),
        "publisher": source.publisher,
        "signer": source.signer,
        "signed_at": _time(source.signed_at),
        "issuer_key": source.issuer_key,
        "unusable": [[one.sha256, one.subject, one.reason, one.detail] for one in source.unusable],
    }


def _parse_source(sha256: str, source: Any) -> Source:
    imported_at = _parse_time(source["imported_at"])
    if imported_at is None:
        raise ValueError("no time of import")
    return Source(
        sha256,
        SourceKind(source["kind"]),
        str(source["file"]),
        imported_at,
        str(source["publisher"]),
        str(source["signer"]),
        _parse_time(source["signed_at"]),
        tuple(UnusableCertificate(*(str(part) for part in one)) for one in source["unusable"]),
        str(source.get("issuer_key", "")),  # a store written before lists remembered whose they are has none
    )


def _hash(sha256: str) -> str:
    """A name that leads nowhere else."""
    if len(sha256) != 64 or not _HEX.issuperset(sha256):
        raise ValueError("no hash")
    return sha256


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _parse_time(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("time without zone")
    return moment
