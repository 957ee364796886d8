"""What an issuer puts into a simulated chip: files, keys, and how it behaves towards readers. The repr shows none of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from egate.domain.chip import AccessProtocol
from hw.emrtd.protocol.chip_key import ChipKey
from hw.emrtd.wire import apdu


@dataclass(frozen=True, slots=True, repr=False)
class Limits:
    """What the chip's APDU buffers and its answers allow.

    data_max, le_max: the most that a command may carry and ask for; beyond 255 and 256 the chip takes extended length fields.
    le_refusal: SW_WRONG_LE names the right length in its low byte (short only), SW_WRONG_LENGTH just refuses.
    answer_max: READ BINARY gives at most so many bytes, whatever was asked; None: as asked.
    """

    data_max: int = apdu.DATA_MAX
    le_max: int = apdu.LE_MAX
    le_refusal: int = apdu.SW_WRONG_LENGTH
    answer_max: int | None = None

    @property
    def extended(self) -> bool:
        """Whether the chip takes extended length fields."""
        return self.data_max > apdu.DATA_MAX or self.le_max > apdu.LE_MAX


@dataclass(frozen=True, slots=True, repr=False)
class Personalisation:
    """One document's chip.

    files: content by egate.domain.chip.FILE_NAMES. PACE is offered with what "card_access" lists.
    mrz_information: document number, birth and expiry with their check digits (hw.emrtd.protocol.mrz_key.mrz_key); b"" if no zone opens it.
    can: the card access number as printed, "" if there is none.
    access: the ways to open it. NONE: every file but DG3 and DG4 can be read without any.
    chip_authentication_keys: for the keys in DG14. mapping_key: for PACE with chip authentication mapping, the key in EF.CardSecurity.
    active_authentication_key: PKCS #8 DER of the key in DG15; active_authentication_hash: hashlib name.
    cvca: CV certificates a terminal's chain may start from. Without any, DG3 and DG4 are as readable as other groups.
    denied: files refused whatever the reader proved.
    """

    files: Mapping[str, bytes]
    mrz_information: bytes = b""
    can: str = ""
    access: frozenset[AccessProtocol] = frozenset({AccessProtocol.NONE})
    chip_authentication_keys: tuple[ChipKey, ...] = ()
    mapping_key: ChipKey | None = None
    active_authentication_key: bytes | None = None
    active_authentication_hash: str = "sha256"
    cvca: tuple[bytes, ...] = ()
    denied: frozenset[str] = frozenset()
    limits: Limits = field(default_factory=Limits)

    def __repr__(self) -> str:
        return f"Personalisation(files={sorted(self.files)}, access={sorted(self.access)}, redacted)"
