"""From what a reader gives, the zone and the chip's files, to one document session. Verifies nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from egate.document.lds.face_record import parse_dg2
from egate.document.lds.finger_record import parse_dg3
from egate.document.lds.structure import parse_dg1, parse_ef_com
from egate.domain.biometric import EncodedFinger
from egate.domain.chip import ChipRead
from egate.domain.document import DocumentRead
from egate.domain.ids import DocumentSessionId
from egate.errors import DocumentError

T = TypeVar("T")
DG3_DPI = 500.0  # of a DG3 whose record nobody handed on (Doc 9303-10, 4.7.3)
# Data that a document may lack, and access that a gate may lack: no failure of the reading.
_NO_FAILURES = frozenset({"not_found", "not_supported"})
_REQUIRED = frozenset({"chip", "access", "com", "sod", "dg1", "dg2"})


def present(session: DocumentSessionId, lines: tuple[str, ...], chip: ChipRead, failure: str = "") -> DocumentRead:
    """The session of one document. Portrait and fingers come from the chip's DG2 and DG3 and from nowhere else.

    failure: what the reader itself could not do, "" if nothing. Without a chip zone that could be read there is no portrait and no
    finger: nothing would tie them to the document. Never raises.
    """
    failures = [failure]
    _parsed(chip, "com", parse_ef_com, failures)
    chip_mrz = _parsed(chip, "dg1", parse_dg1, failures)
    face = _parsed(chip, "dg2", parse_dg2, failures)
    fingers = _parsed(chip, "dg3", _usable_fingers, failures)
    tied = chip_mrz is not None
    return DocumentRead(
        session=session,
        mrz_lines=lines,
        chip_mrz=chip_mrz,
        portrait=face.image if tied and face is not None else None,
        fingers=fingers if tied and fingers is not None else (),
        failure=next((each for each in (*_chip_failures(chip), *failures) if each), ""),
        chip=chip,
    )


def _chip_failures(chip: ChipRead) -> list[str]:
    return [
        f"{place}_{cause}"
        for place, cause in chip.failures.items()
        if place in _REQUIRED or (place.startswith("dg") and cause not in _NO_FAILURES | {"access_denied"})
    ]


def _parsed(chip: ChipRead, name: str, parse: Callable[[bytes], T], failures: list[str]) -> T | None:
    data = chip.files.get(name)
    if data is None:
        return None
    try:
        return parse(data)
    except DocumentError:
        failures.append(f"{name}_malformed")
        return None


def _usable_fingers(data: bytes) -> tuple[EncodedFinger, ...]:
    """The impressions in file order, each of the resolution its record states. Raises DocumentError."""
    return tuple(EncodedFinger(finger.file(), finger.position, finger.dpi) for finger in parse_dg3(data))
