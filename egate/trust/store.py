"""The trust store on disk: load it, import into it. One importer at a time; readers need no lock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from egate.document.pki.certificate import Certificate, parse_certificate
from egate.document.pki.trust import TrustStore
from egate.errors import ConfigurationError, DocumentError
from egate.trust import files, index
from egate.trust.contents import Contents
from egate.trust.files import INDEX_FILE
from egate.trust.imports import Import
from egate.trust.items import Item, ItemKind, read_items
from egate.trust.report import ImportReport, ItemReport

__all__ = ["INDEX_FILE", "import_files", "load_contents", "load_trust_store"]

LOAD_ATTEMPTS = 5  # an import may replace the state while it is being read; chosen


def load_trust_store(path: Path) -> TrustStore:
    """Every file is held against its hash in the index.

    Raises ConfigurationError: TRUST_STORE_MISSING, TRUST_STORE_CHANGED (a file is not what was imported), TRUST_STORE_DAMAGED,
    TRUST_STORE_FORMAT, TRUST_STORE_EXPOSED (others may write to it).
    """
    return load_contents(path).trust_store()


def load_contents(path: Path) -> Contents:
    """As load_trust_store, with what vouches for each part."""
    encoded = files.read_index(path)
    for _ in range(LOAD_ATTEMPTS):
        if encoded is None:
            raise ConfigurationError(f"{path}: no trust store", code="TRUST_STORE_MISSING")
        try:
            return index.decode(encoded, lambda name, sha256: files.read_file(path, name, sha256))
        except ConfigurationError:
            again = files.read_index(path)
            if again == encoded:
                raise
            encoded = again
    raise ConfigurationError(f"{path}: changes all the time", code="TRUST_STORE_BUSY")


def import_files(
    store: Path, pinned: Sequence[Path], sources: Sequence[Path], now: datetime, *, allow_older: bool = False
) -> ImportReport:
    """Imports what the pinned CSCAs and the store vouch for, and pins those CSCAs. Makes the store if there is none.

    If nothing of the sources is accepted, nothing is written and no CSCA pinned; without sources the CSCAs are pinned.
    Raises DocumentError if a CSCA file cannot be used, ConfigurationError if the store cannot be read or written.
    """
    roots = [(_certificate(item), item.file) for path in pinned for item in read_items(path)]
    items, unreadable = _items(sources)
    with files.locked(store):
        before = load_contents(store) if files.read_index(store) is not None else Contents()
        work = Import(before, now, allow_older=allow_older)
        for certificate, file in roots:
            work.pin(certificate, file)
        reports = (*unreadable, *work.add(items))
        accepted = any(report.accepted for report in reports) or (bool(roots) and not sources)
        after = work.contents() if accepted else before
        if accepted:
            files.replace_state(store, *index.encode(after))
    return _report(reports, before, after)


def _certificate(item: Item) -> Certificate:
    if item.kind is not ItemKind.CERTIFICATE:
        raise DocumentError(f"{item.file}: no certificate to pin", code="PIN_NO_CERTIFICATE")
    return parse_certificate(item.data)


def _items(paths: Sequence[Path]) -> tuple[list[Item], list[ItemReport]]:
    """What the files hold, and a refusal for each that cannot be read."""
    items: list[Item] = []
    unreadable: list[ItemReport] = []
    for path in paths:
        try:
            items.extend(read_items(path))
        except DocumentError as error:
            unreadable.append(ItemReport(path.name, "file", "", error.code, str(error)))
    return items, unreadable


def _report(reports: Sequence[ItemReport], before: Contents, after: Contents) -> ImportReport:
    def subjects(contents: Contents, other: Contents) -> tuple[str, ...]:
        return tuple(
            sorted(
                contents.anchors[one].certificate.subject_text for one in contents.anchors.keys() - other.anchors.keys()
            )
        )

    return ImportReport(
        items=tuple(reports),
        added=subjects(after, before),
        removed=subjects(before, after),
        anchors=len(after.anchors),
        document_signers=len(after.signers),
        crls=len(after.crls),
        defects=sum(len(held.defects) for held in after.lists.values()),
    )
