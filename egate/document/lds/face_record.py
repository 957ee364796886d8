"""DG2: the encoded face inside CBEFF (ICAO Doc 9303-10, 4.7.2), a facial record of ISO/IEC 19794-5:2005 or a block of 39794-5.

    facial record header 14: "FAC" 0, "010" 0, record size 4, image count 2
    per image: facial information 20 (its size 4, feature point count 2, 14 about the person),
               feature points 8 each, image information 12, the encoded image
All integers big-endian (ISO/IEC 19794-5, 5.2).
"""

from __future__ import annotations

import struct

from egate.document.lds.cbeff import (
    FORMAT_FACE_IMAGE,
    FORMAT_FACE_IMAGE_39794,
    TYPE_FACE,
    parse_biometric_group,
    write_biometric_group,
)
from egate.document.lds.face_39794 import parse_face_block, write_face_block
from egate.document.lds.face_image import FaceEncoding as FaceEncoding
from egate.document.lds.face_image import FaceImage as FaceImage
from egate.document.lds.face_image import is_portrait
from egate.errors import DocumentError

DG2_TAG = 0x75

_MAGIC = b"FAC\x00010\x00"
_HEADER = struct.Struct(">8sIH")
_FACIAL_INFORMATION = struct.Struct(">IH14x")
_IMAGE_INFORMATION = struct.Struct(">BBHHBBHH")
_FEATURE_POINT_SIZE = 8
_FACE_IMAGE_TYPE_FULL_FRONTAL = 1  # ISO/IEC 19794-5, table 10
_COLOUR_SPACE_RGB24 = 1  # table 12


def parse_dg2(data: bytes) -> FaceImage:
    """The first portrait of the file: Doc 9303-10 puts the one to compare with first. Raises DocumentError."""
    blocks = parse_biometric_group(data, DG2_TAG)
    if not blocks:
        raise DocumentError("DG2 holds no face", code="DG2_MALFORMED")
    return _parse_record(blocks[0]) if blocks[0].startswith(_MAGIC[:4]) else parse_face_block(blocks[0])


def write_dg2(face: FaceImage) -> bytes:
    """DG2 with an ISO/IEC 19794-5 record. width, height: below 65,536."""
    image_information = _IMAGE_INFORMATION.pack(
        _FACE_IMAGE_TYPE_FULL_FRONTAL, face.encoding, face.width, face.height, _COLOUR_SPACE_RGB24, 0, 0, 0
    )
    size = _FACIAL_INFORMATION.size + len(image_information) + len(face.image)
    facial = _FACIAL_INFORMATION.pack(size, 0) + image_information + face.image
    record = _HEADER.pack(_MAGIC, _HEADER.size + size, 1) + facial
    return write_biometric_group(DG2_TAG, [record], TYPE_FACE, FORMAT_FACE_IMAGE)


def write_dg2_39794(face: FaceImage) -> bytes:
    """DG2 with an ISO/IEC 39794-5 block."""
    block = write_face_block(face)
    return write_biometric_group(DG2_TAG, [block], TYPE_FACE, FORMAT_FACE_IMAGE_39794, constructed=True)


def _parse_record(record: bytes) -> FaceImage:
    if len(record) < _HEADER.size + _FACIAL_INFORMATION.size:
        raise _malformed("facial record cut short")
    magic, record_size, image_count = _HEADER.unpack_from(record)
    if magic != _MAGIC or record_size != len(record) or image_count == 0:
        raise _malformed("facial record header malformed")
    size, point_count = _FACIAL_INFORMATION.unpack_from(record, _HEADER.size)
    end = _HEADER.size + size
    information = _HEADER.size + _FACIAL_INFORMATION.size + point_count * _FEATURE_POINT_SIZE
    start = information + _IMAGE_INFORMATION.size
    if not start < end <= len(record):
        raise _malformed("facial record cut short")
    _, encoding, width, height, *_ = _IMAGE_INFORMATION.unpack_from(record, information)
    if encoding not in (FaceEncoding.JPEG, FaceEncoding.JPEG2000):
        raise _malformed("image data type of the face unknown")
    image = record[start:end]
    if not is_portrait(image):
        raise _malformed("face is neither JPEG nor JPEG 2000")
    return FaceImage(FaceEncoding(encoding), width, height, image)


def _malformed(what: str) -> DocumentError:
    return DocumentError(what, code="DG2_MALFORMED")
