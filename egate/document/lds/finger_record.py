"""DG3: the encoded fingers inside CBEFF (ICAO Doc 9303-10, 4.7.3), finger image records of ISO/IEC 19794-4:2005 or blocks of 39794-4.

    general header 32: "FIR" 0, "010" 0, record size 6, device 2, acquisition level 2, finger count 1, scale unit 1,
                       scan resolution 2+2, image resolution 2+2, pixel depth 1, compression 1, reserved 2
    per finger: header 14 (its size with image 4, position 1, view count 1, view 1, quality 1, impression 1,
                width 2, height 2, reserved 1), the image
All integers big-endian (ISO/IEC 19794-4, 7.1).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from egate.document.lds.cbeff import (
    FORMAT_FINGER_IMAGE,
    FORMAT_FINGER_IMAGE_39794,
    TYPE_FINGERPRINT,
    parse_biometric_group,
    write_biometric_group,
)
from egate.document.lds.finger_39794 import parse_finger_block, write_finger_block
from egate.document.lds.finger_image import POSITION_MAX as POSITION_MAX
from egate.document.lds.finger_image import FingerEncoding as FingerEncoding
from egate.document.lds.finger_image import FingerImage as FingerImage
from egate.document.lds.finger_image import record_dpi
from egate.errors import DocumentError

DG3_TAG = 0x63
FINGER_COUNT_MAX = 20  # chosen: ten fingers, two impressions each

_MAGIC = b"FIR\x00010\x00"
_HEADER = struct.Struct(">8s6s2xHBBHHHHBB2x")
_FINGER = struct.Struct(">IBBBBBHHx")
_UNIT_INCH, _UNIT_CENTIMETRE = 1, 2  # pixels per inch, per centimetre
_LEVELS = {250: 20, 500: 31, 750: 35, 1000: 41}  # ISO/IEC 19794-4, table 1: by pixels per inch
_QUALITY_UNDEFINED = 254


def parse_dg3(data: bytes) -> tuple[FingerImage, ...]:
    """All impressions in file order; none where the issuer left the group empty. Raises DocumentError."""
    blocks = parse_biometric_group(data, DG3_TAG)
    fingers = tuple(finger for block in blocks for finger in _parse_block(block))
    if len(fingers) > FINGER_COUNT_MAX:
        raise _malformed("too many finger images")
    return fingers


def write_dg3(fingers: Sequence[FingerImage]) -> bytes:
    """One ISO/IEC 19794-4 record per finger. position: 0-10. Raises KeyError for a resolution that is none of its table 1."""
    records = [_write_record(finger) for finger in fingers]
    return write_biometric_group(DG3_TAG, records, TYPE_FINGERPRINT, FORMAT_FINGER_IMAGE)


def write_dg3_39794(fingers: Sequence[FingerImage]) -> bytes:
    """One ISO/IEC 39794-4 block per finger. Raises KeyError for an encoding that it does not have (JPEG, packed pixels)."""
    blocks = [write_finger_block([finger]) for finger in fingers]
    return write_biometric_group(DG3_TAG, blocks, TYPE_FINGERPRINT, FORMAT_FINGER_IMAGE_39794, constructed=True)


def _parse_block(block: bytes) -> Iterator[FingerImage]:
    return _parse_record(block) if block.startswith(_MAGIC[:4]) else iter(parse_finger_block(block))


def _write_record(finger: FingerImage) -> bytes:
    size, dpi = _FINGER.size + len(finger.image), round(finger.dpi)
    header = _HEADER.pack(
        _MAGIC, (_HEADER.size + size).to_bytes(6, "big"), _LEVELS[dpi], 1, _UNIT_INCH,
        dpi, dpi, dpi, dpi, 8, finger.encoding,
    )  # fmt: skip
    impression = _FINGER.pack(size, finger.position, 1, 1, _QUALITY_UNDEFINED, 0, finger.width, finger.height)
    return header + impression + finger.image


def _parse_record(record: bytes) -> Iterator[FingerImage]:
    if len(record) < _HEADER.size:
        raise _malformed("finger image record cut short")
    magic, size, _, count, unit, _, _, x, y, depth, compression = _HEADER.unpack_from(record)
    if magic != _MAGIC or int.from_bytes(size, "big") != len(record):
        raise _malformed("finger image record header malformed")
    dpi = record_dpi(x, y, unit == _UNIT_CENTIMETRE) if unit in (_UNIT_INCH, _UNIT_CENTIMETRE) else None
    if dpi is None or depth != 8:
        raise _malformed("finger image is not of 250 to 1000 dpi and 8 bits")
    if compression not in iter(FingerEncoding):
        raise _malformed("compression of the finger image unknown")
    position = _HEADER.size
    if count > FINGER_COUNT_MAX:
        raise _malformed("too many finger images")
    for _ in range(count):
        finger, position = _parse_finger(record, position, FingerEncoding(compression), dpi)
        yield finger
    if position != len(record):
        raise _malformed("finger image record longer than its fingers")


def _parse_finger(record: bytes, start: int, encoding: FingerEncoding, dpi: float) -> tuple[FingerImage, int]:
    if start + _FINGER.size > len(record):
        raise _malformed("finger image record cut short")
    size, position, _, _, _, _, width, height = _FINGER.unpack_from(record, start)
    end = start + size
    image = record[start + _FINGER.size : end]
    if not image or end > len(record) or position > POSITION_MAX:
        raise _malformed("finger image malformed")
    if encoding in (FingerEncoding.RAW, FingerEncoding.PACKED) and len(image) != width * height:
        raise _malformed("finger image has another size than it says")
    return FingerImage(position, encoding, width, height, image, dpi), end


def _malformed(what: str) -> DocumentError:
    return DocumentError(what, code="DG3_MALFORMED")
