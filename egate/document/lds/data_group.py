"""For each data group its parser (ICAO Doc 9303-10, 4.7). DG14 and DG15 have theirs elsewhere.

Recognised only: DG4, the iris, whose block nobody here reads; DG6 and DG8-10, which have no agreed content; DG13, the state's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from egate.document.encoding.tlv import single
from egate.document.lds.cbeff import parse_biometric_group
from egate.document.lds.dg11 import parse_dg11
from egate.document.lds.dg12 import parse_dg12
from egate.document.lds.dg16 import parse_dg16
from egate.document.lds.displayed_image import parse_dg5, parse_dg7
from egate.document.lds.face_record import parse_dg2
from egate.document.lds.finger_record import parse_dg3
from egate.document.lds.structure import DATA_GROUP_TAGS, parse_dg1


@dataclass(frozen=True, slots=True)
class RecognisedGroup:
    """A file of the right tag and length whose content stays closed. instances: of DG4, else 0."""

    number: int
    size: int
    instances: int = 0


def parse_dg4(data: bytes) -> RecognisedGroup:
    """Raises DocumentError if the envelope of the iris images is malformed."""
    blocks = parse_biometric_group(data, DATA_GROUP_TAGS[4])
    return RecognisedGroup(4, len(data), len(blocks))


def recognise(number: int, data: bytes) -> RecognisedGroup:
    """Raises DocumentError if data is not exactly one element with this data group's tag."""
    single(data, DATA_GROUP_TAGS[number])
    return RecognisedGroup(number, len(data))


# By number, all but 14 and 15. Each raises DocumentError and nothing else.
PARSERS: Mapping[int, Callable[[bytes], object]] = {
    1: parse_dg1,
    2: parse_dg2,
    3: parse_dg3,
    4: parse_dg4,
    5: parse_dg5,
    7: parse_dg7,
    11: parse_dg11,
    12: parse_dg12,
    16: parse_dg16,
} | {number: partial(recognise, number) for number in (6, 8, 9, 10, 13)}
