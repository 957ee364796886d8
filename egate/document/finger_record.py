"""DG3: the encoded fingers, finger image records of ISO/IEC 19794-4:2005 inside CBEFF (ICAO Doc 9303-10, 4.7.4).

    general header 32: "FIR" 0, "010" 0, record size 6, device 2, acquisition level 2, finger count 1, scale unit 1,
                       scan resolution 2+2, image resolution 2+2, pixel depth 1, compression 1, reserved 2
    per finger: header 14 (its size with image 4, position 1, view count 1, view 1, quality 1, impression 1,
                width 2, height 2, reserved 1), the image
All integers big-endian (ISO/IEC 19794-4, 7.1).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from egate.document.cbeff import FORMAT_FINGER_IMAGE, TYPE_FINGERPRINT, parse_biometric_group, write_biometric_group
from egate.errors import DocumentError

DG3_TAG = 0x63
POSITION_MAX = 10  # ISO/IEC 19794-4, table 5: 0 unknown, 1-5 right thumb to little finger, 6-10 left

_MAGIC = b"FIR\x00010\x00"
_HEADER = struct.Struct(">8s6s2xHBBHHHHBB2x")
_FINGER = struct.Struct(">IBBBBBHHx")
_UNIT_INCH = 1  # pixels per inch; 2: pixels per centimetre
_LEVEL_500_PPI = 31  # ISO/IEC 19794-4, table 1
_QUALITY_UNDEFINED = 254
# Table 1: 500 ppi within 1 %; in pixels per centimetre 197.
_RESOLUTIONS = {1: range(495, 506), 2: range(195, 200)}


class FingerEncoding(IntEnum):
    """Image compression algorithm, ISO/IEC 19794-4, table 3."""

    RAW = 0
    PACKED = 1
    WSQ = 2
    JPEG = 3
    JPEG2000 = 4
    PNG = 5


@dataclass(frozen=True, slots=True, repr=False)
class FingerImage:
    """One impression of 500 dpi and 8 bits. position: finger position code 0-10. width, height: pixels as the record says."""

    position: int
    encoding: FingerEncoding
    width: int
    height: int
    image: bytes

    def __repr__(self) -> str:
        return f"FingerImage({self.encoding.name}, {self.width}x{self.height}, redacted)"

    def file(self) -> bytes:
        """The image as a file an image decoder knows: PNG and JPEG as they are, raw pixels as PGM.

        Raises DocumentError for WSQ, JPEG 2000 and packed pixels, which nobody here decodes.
        """
        if self.encoding in (FingerEncoding.PNG, FingerEncoding.JPEG):
            return self.image
        if self.encoding is FingerEncoding.RAW:
            return f"P5\n{self.width} {self.height}\n255\n".encode("ascii") + self.image
        raise DocumentError("compression of the finger image not supported")


def parse_dg3(data: bytes) -> tuple[FingerImage, ...]:
    """All impressions in file order; none where the issuer left the group empty. Raises DocumentError."""
    return tuple(finger for block in parse_biometric_group(data, DG3_TAG) for finger in _parse_record(block))


def write_dg3(fingers: Sequence[FingerImage]) -> bytes:
    """One biometric information template per finger. position: 0-10."""
    records = [_write_record(finger) for finger in fingers]
    return write_biometric_group(DG3_TAG, records, TYPE_FINGERPRINT, FORMAT_FINGER_IMAGE)


def _write_record(finger: FingerImage) -> bytes:
    size = _FINGER.size + len(finger.image)
    header = _HEADER.pack(
        _MAGIC, (_HEADER.size + size).to_bytes(6, "big"), _LEVEL_500_PPI, 1, _UNIT_INCH,
        500, 500, 500, 500, 8, finger.encoding,
    )  # fmt: skip
    impression = _FINGER.pack(size, finger.position, 1, 1, _QUALITY_UNDEFINED, 0, finger.width, finger.height)
    return header + impression + finger.image


def _parse_record(record: bytes) -> Iterator[FingerImage]:
    if len(record) < _HEADER.size:
        raise DocumentError("finger image record cut short")
    magic, size, _, count, unit, _, _, x, y, depth, compression = _HEADER.unpack_from(record)
    if magic != _MAGIC or int.from_bytes(size, "big") != len(record):
        raise DocumentError("finger image record header malformed")
    resolutions = _RESOLUTIONS.get(unit, range(0))
    if x not in resolutions or y not in resolutions or depth != 8:
        raise DocumentError("finger image is not of 500 dpi and 8 bits")
    if compression not in iter(FingerEncoding):
        raise DocumentError("compression of the finger image unknown")
    position = _HEADER.size
    for _ in range(count):
        finger, position = _parse_finger(record, position, FingerEncoding(compression))
        yield finger
    if position != len(record):
        raise DocumentError("finger image record longer than its fingers")


def _parse_finger(record: bytes, start: int, encoding: FingerEncoding) -> tuple[FingerImage, int]:
    if start + _FINGER.size > len(record):
        raise DocumentError("finger image record cut short")
    size, position, _, _, _, _, width, height = _FINGER.unpack_from(record, start)
    end = start + size
    image = record[start + _FINGER.size : end]
    if not image or end > len(record) or position > POSITION_MAX:
        raise DocumentError("finger image malformed")
    if encoding is FingerEncoding.RAW and len(image) != width * height:
        raise DocumentError("finger image has another size than it says")
    return FingerImage(position, encoding, width, height, image), end
