"""What an import did, item by item. Values for the command and for logs."""

from __future__ import annotations

from dataclasses import dataclass

from egate.document.pki.master_list import UnusableCertificate


@dataclass(frozen=True, slots=True)
class ItemReport:
    """One certificate, CRL or list. code: "" if it was accepted, else why not (stable), detail in words.

    usable: certificates of a master list that are anchors now. unusable, doubtful: those that are not, and those whose own signature
    does not verify, with reasons.
    """

    file: str
    kind: str
    subject: str
    code: str = ""
    detail: str = ""
    usable: int = 0
    unusable: tuple[UnusableCertificate, ...] = ()
    doubtful: tuple[UnusableCertificate, ...] = ()

    @property
    def accepted(self) -> bool:
        return not self.code


@dataclass(frozen=True, slots=True)
class ImportReport:
    """added, removed: subjects of anchors. totals: anchors, document signers, CRLs and defects in the store afterwards."""

    items: tuple[ItemReport, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    anchors: int = 0
    document_signers: int = 0
    crls: int = 0
    defects: int = 0

    @property
    def refused(self) -> tuple[ItemReport, ...]:
        return tuple(item for item in self.items if not item.accepted)
