"""The face of DG2 as ISO/IEC 39794-5:2019 encodes it, profiled by ICAO for eMRTDs (Doc 9303-10, 4.7.2).

65                           FaceImageDataBlock, [APPLICATION 5]
  A0                           version: 80 generation, 81 year
  A1                           representations: SEQUENCE SIZE (1) OF
    30                           80 representation id
      A1 A0 A0                     image representation, base, two-dimensional
        80                           the encoded image
        A1                           information: A0 data format (code), A7 size (80 width, 81 height), others skipped
The schema is ISO's and IEC's; here are the field numbers alone.
"""

from __future__ import annotations

from egate.document.encoding.tlv import element, single
from egate.document.lds.block_39794 import Fields, block, code, integer, octets, version_block
from egate.document.lds.face_image import FaceEncoding, FaceImage, is_portrait
from egate.errors import DocumentError

FACE_BLOCK_TAG = 0x65
_SEQUENCE_TAG = 0x30
_SIDE_MAX = 65_535

# ImageDataFormatCode: 2 JPEG, 3 JPEG 2000 lossy, 4 JPEG 2000 lossless. No others in a travel document.
_ENCODINGS = {2: FaceEncoding.JPEG, 3: FaceEncoding.JPEG2000, 4: FaceEncoding.JPEG2000}
_FORMATS = {FaceEncoding.JPEG: 2, FaceEncoding.JPEG2000: 3}


def parse_face_block(data: bytes) -> FaceImage:
    """The one portrait of a FaceImageDataBlock. Raises DocumentError."""
    fields = Fields(single(data, FACE_BLOCK_TAG))
    version = fields.block(0)
    version.integer(0), version.integer(1)
    representation = Fields(single(fields.content(1), _SEQUENCE_TAG))
    representation.integer(0)
    image = representation.block(1).block(0).block(0)
    information = image.block(1)
    encoding = _ENCODINGS.get(information.code(0))
    content = image.octets(0)
    if encoding is None or not content:
        raise DocumentError("image of the face block unknown or empty", code="DG2_MALFORMED")
    if not is_portrait(content):
        raise DocumentError("face is neither JPEG nor JPEG 2000", code="DG2_MALFORMED")
    width, height = _size(information)
    return FaceImage(encoding, width, height, content)


def write_face_block(face: FaceImage) -> bytes:
    size = block(7, integer(0, face.width), integer(1, face.height))
    image = block(0, octets(0, face.image), block(1, code(0, _FORMATS[face.encoding]), size))
    representation = element(_SEQUENCE_TAG, integer(0, 0) + block(1, block(0, image)))
    return element(FACE_BLOCK_TAG, version_block() + block(1, representation))


def _size(information: Fields) -> tuple[int, int]:
    if not information.constructed(7):
        return 0, 0
    size = information.block(7)
    width, height = size.integer(0), size.integer(1)
    if max(width, height) > _SIDE_MAX:
        raise DocumentError("size of the face image malformed", code="DG2_MALFORMED")
    return width, height
