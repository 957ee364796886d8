"""What passive authentication needs of DG1: who issued which document. The zone itself is egate.document.zone.mrz's."""

from __future__ import annotations

from dataclasses import dataclass

from egate.document.lds.structure import parse_dg1
from egate.document.zone.document_number import NUMBER_SIZE, whole_number

_TD1, _TD2 = 90, 72  # characters; Doc 9303-5 and 9303-6. TD3: 88, Doc 9303-4


@dataclass(frozen=True, slots=True, repr=False)
class SignedZone:
    """document_code: one or two letters. issuing_state: with its fillers. document_number: fillers removed."""

    document_code: str
    issuing_state: str
    document_number: str

    def __repr__(self) -> str:
        return "SignedZone(redacted)"


def parse_signed_zone(dg1: bytes) -> SignedZone:
    """Raises DocumentError."""
    text = parse_dg1(dg1)
    return SignedZone(text[:2].rstrip("<"), text[2:5], _document_number(text))


def _document_number(text: str) -> str:
    start, optional = {_TD1: (5, slice(15, 30)), _TD2: (36, slice(64, 71))}.get(len(text), (44, slice(0)))
    end = start + NUMBER_SIZE
    return whole_number(text[start:end], text[end], text[optional])[0].replace("<", "")
