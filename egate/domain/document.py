"""What one presentation of one travel document yields. The repr shows no document data."""

from __future__ import annotations

from dataclasses import dataclass

from egate.domain.biometric import EncodedFinger
from egate.domain.chip import ChipRead
from egate.domain.ids import DocumentSessionId


@dataclass(frozen=True, slots=True, repr=False)
class PageImages:
    """Encoded images of the data page from a page reader, by light; None where it has not taken one."""

    visible: bytes | None = None
    infrared: bytes | None = None
    ultraviolet: bytes | None = None

    def __repr__(self) -> str:
        return "PageImages(redacted)"


@dataclass(frozen=True, slots=True, repr=False)
class DocumentRead:
    """Raw data of one document session; nothing in it has been verified yet.

    session: the one presentation all parts come from. mrz_lines: as printed, optical read. chip_mrz: the content of DG1,
    lines joined without separator, None if there was no chip. portrait: encoded image (DG2), None where
    absent. fingers: encoded grey images (DG3), in their order. failure: why parts are missing, "" if none.
    chip: the session with the chip that portrait, fingers and chip_mrz were taken from; None where no chip was asked.
    pages: what a page reader took; None without one.
    """

    session: DocumentSessionId
    mrz_lines: tuple[str, ...]
    chip_mrz: str | None = None
    portrait: bytes | None = None
    fingers: tuple[EncodedFinger, ...] = ()
    failure: str = ""
    chip: ChipRead | None = None
    pages: PageImages | None = None

    def __repr__(self) -> str:
        return f"DocumentRead(session={self.session}, lines={len(self.mrz_lines)}, redacted)"
