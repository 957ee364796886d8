"""DG2: the encoded face, a facial record of ISO/IEC 19794-5:2005 inside CBEFF (ICAO Doc 9303-10, 4.7.3).

    facial record header 14: "FAC" 0, "010" 0, record size 4, image count 2
    per image: facial information 20 (its size 4, feature point count 2, 14 about the person),
               feature points 8 each, image information 12, the encoded image
All integers big-endian (ISO/IEC 19794-5, 5.2).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from egate.document.cbeff import FORMAT_FACE_IMAGE, TYPE_FACE, parse_biometric_group, write_biometric_group
from egate.errors import DocumentError

DG2_TAG = 0x75
SIDE_PIXELS_MAX = 65_535  # the field's own limit; the decoder of the image has a stricter one

_MAGIC = b"FAC\x00010\x00"
_HEADER = struct.Struct(">8sIH")
_FACIAL_INFORMATION = struct.Struct(">IH14x")
_IMAGE_INFORMATION = struct.Struct(">BBHHBBHH")
_FEATURE_POINT_SIZE = 8
_FACE_IMAGE_TYPE_FULL_FRONTAL = 1  # ISO/IEC 19794-5, table 10
_COLOUR_SPACE_RGB24 = 1  # table 12


class FaceEncoding(IntEnum):
    """Image data type, ISO/IEC 19794-5, table 11."""

    JPEG = 0
    JPEG2000 = 1


@dataclass(frozen=True, slots=True, repr=False)
class FaceImage:
    """One encoded portrait. width, height: pixels as the record says, not checked against the image."""

    encoding: FaceEncoding
    width: int
    height: int
    image: bytes

    def __repr__(self) -> str:
        return f"FaceImage({self.encoding.name}, {self.width}x{self.height}, redacted)"


def parse_dg2(data: bytes) -> FaceImage:
    """The first portrait of the file: Doc 9303-10 puts the one to compare with first. Raises DocumentError."""
    blocks = parse_biometric_group(data, DG2_TAG)
    if not blocks:
        raise DocumentError("DG2 holds no face")
    return _parse_record(blocks[0])


def write_dg2(face: FaceImage) -> bytes:
    image_information = _IMAGE_INFORMATION.pack(
        _FACE_IMAGE_TYPE_FULL_FRONTAL, face.encoding, face.width, face.height, _COLOUR_SPACE_RGB24, 0, 0, 0
    )
    size = _FACIAL_INFORMATION.size + len(image_information) + len(face.image)
    facial = _FACIAL_INFORMATION.pack(size, 0) + image_information + face.image
    record = _HEADER.pack(_MAGIC, _HEADER.size + size, 1) + facial
    return write_biometric_group(DG2_TAG, [record], TYPE_FACE, FORMAT_FACE_IMAGE)


def _parse_record(record: bytes) -> FaceImage:
    if len(record) < _HEADER.size + _FACIAL_INFORMATION.size:
        raise DocumentError("facial record cut short")
    magic, record_size, image_count = _HEADER.unpack_from(record)
    if magic != _MAGIC or record_size != len(record) or image_count == 0:
        raise DocumentError("facial record header malformed")
    size, point_count = _FACIAL_INFORMATION.unpack_from(record, _HEADER.size)
    end = _HEADER.size + size
    information = _HEADER.size + _FACIAL_INFORMATION.size + point_count * _FEATURE_POINT_SIZE
    start = information + _IMAGE_INFORMATION.size
    if not start < end <= len(record):
        raise DocumentError("facial record cut short")
    _, encoding, width, height, *_ = _IMAGE_INFORMATION.unpack_from(record, information)
    if encoding not in (FaceEncoding.JPEG, FaceEncoding.JPEG2000):
        raise DocumentError("image data type of the face unknown")
    return FaceImage(FaceEncoding(encoding), width, height, record[start:end])
