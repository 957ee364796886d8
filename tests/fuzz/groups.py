"""Any bytes are a data group's content or a DocumentError, and the repr of what comes out is short: it shows no content."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from egate.document.chip.active_authentication import parse_dg15
from egate.document.chip.security_info import parse_dg14
from egate.document.encoding.tlv import element
from egate.document.lds.data_group import PARSERS
from egate.document.lds.dg11 import PersonalDetails, write_dg11
from egate.document.lds.dg12 import DocumentDetails, write_dg12
from egate.document.lds.dg16 import PersonToNotify, write_dg16
from egate.document.lds.displayed_image import write_dg5, write_dg7
from egate.document.lds.face_39794 import parse_face_block, write_face_block
from egate.document.lds.face_record import FaceEncoding, FaceImage, write_dg2, write_dg2_39794
from egate.document.lds.finger_39794 import parse_finger_block, write_finger_block
from egate.document.lds.finger_record import FingerEncoding, FingerImage, write_dg3, write_dg3_39794
from egate.document.lds.lds_text import PersonName
from egate.document.lds.structure import DATA_GROUP_TAGS, parse_ef_com, write_dg1, write_ef_com
from egate.errors import DocumentError
from tests.fuzz.sources import TD1, TD3, specimen
from tests.fuzz.target import Target

_NAME = PersonName("ERIKSSON", "ANNA MARIA")
_FACE = FaceImage(FaceEncoding.JPEG2000, 413, 531, b"\xff\x4f\xff\x51 portrait")
_FINGERS = (FingerImage(2, FingerEncoding.WSQ, 300, 400, b"print"), FingerImage(7, FingerEncoding.RAW, 3, 2, b"pixels"))
_IRIS = element(0x76, element(0x7F61, b"\x02\x01\x01" + element(0x7F60, element(0x5F2E, b"IIR"))))
_PERSON = PersonalDetails(
    _NAME,
    (_NAME,),
    "123",
    "19740812",
    ("ZENITH", "UTOPIA"),
    ("MAPLE RD",),
    "1",
    "CLERK",
    "DR",
    "-",
    b"i",
    ("L1",),
    "none",
)
_DOCUMENT = DocumentDetails("UTOPIA", "20240101", (_NAME,), "NONE", "NONE", b"f", b"r", "20240101123059", "SN")
_REPR_SIZE_MAX = 4096

_WRITTEN: dict[int, list[bytes]] = {
    1: [write_dg1(TD3), write_dg1(TD1)],
    2: [write_dg2(_FACE), write_dg2_39794(_FACE)],
    3: [write_dg3(_FINGERS), write_dg3(()), write_dg3_39794(_FINGERS)],
    4: [_IRIS],
    5: [write_dg5([b"one"])],
    7: [write_dg7([b"one", b"two"])],
    11: [write_dg11(_PERSON)],
    12: [write_dg12(_DOCUMENT)],
    16: [write_dg16([PersonToNotify(_NAME, "1", ("MAIN ST",), "20240101"), PersonToNotify(_NAME)])],
}


def _parser(parse: Callable[[bytes], object]) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        try:
            content = parse(data)
        except DocumentError:
            return
        if not isinstance(content, (str, bytes)):
            assert len(repr(content)) < _REPR_SIZE_MAX

    return run


def _group(number: int, parse: Callable[[bytes], object], weight: int = 10) -> Target:
    def seeds() -> Sequence[bytes]:
        own = _WRITTEN.get(number, [element(DATA_GROUP_TAGS[number], b"content")])
        return [*own, *specimen(f"DG{number}")]

    return Target(f"dg{number}", _parser(parse), seeds, weight)


TARGETS = (
    *(_group(number, parse) for number, parse in PARSERS.items() if number not in (6, 8, 9, 10)),
    _group(14, parse_dg14),
    _group(15, parse_dg15, 4),
    Target("com", _parser(parse_ef_com), lambda: [write_ef_com((1, 2, 3)), *specimen("COM")], 20),
    Target("face_39794", _parser(parse_face_block), lambda: [write_face_block(_FACE)], 20),
    Target("finger_39794", _parser(parse_finger_block), lambda: [write_finger_block(_FINGERS)], 20),
)
