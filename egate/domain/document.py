"""What one presentation of one travel document yields. The repr shows no document data."""

from __future__ import annotations

from dataclasses import dataclass

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
    lines joined without separator, None if there was no chip. portrait: encoded image (DG2), finger: encoded
    grey image of 500 dpi (DG3) with finger_position code 0-10; None where absent. failure: why parts are missing, "" if none.
    chip: the session with the chip that portrait, finger and chip_mrz were taken from; None where no chip was asked.
    pages: what a page reader took; None without one.
    """

    session: DocumentSessionId
    mrz_lines: tuple[str, ...]
    chip_mrz: str | None = None
    portrait: bytes | None = None
    finger: bytes | None = None
    finger_position: int = 0
    failure: str = ""
    chip: ChipRead | None = None
    pages: PageImages | None = None

    def __repr__(self) -> str:
        return f"DocumentRead(session={self.session}, lines={len(self.mrz_lines)}, redacted)"
