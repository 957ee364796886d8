"""The static key pair by which a chip proves that it is the original."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class ChipKey:
    """A static key pair for chip authentication or PACE-CAM.

    public_key: DER SubjectPublicKeyInfo, as in DG14 or EF.CardSecurity. private_key: the scalar or exponent that a genuine chip knows;
    a cloned chip holds another one. key_id: as in the file, None if the file names none.
    """

    public_key: bytes
    private_key: int
    key_id: int | None = None

    def __repr__(self) -> str:
        return f"ChipKey(key_id={self.key_id}, redacted)"
