"""The fingers of DG3 as ISO/IEC 39794-4:2019 encodes them, profiled by ICAO for eMRTDs (Doc 9303-10, 4.7.3).

64                           FingerImageDataBlock, [APPLICATION 4]
  A0                           version: 80 generation, 81 year
  A1                           representations: SEQUENCE OF
    30                           A0 position, A1 impression, A2 data format (codes)
      83                           the encoded image
      A7                           sampling rate, optional: 80 samples, 81 unit (0 inch, 1 centimetre); others skipped
The schema is ISO's and IEC's; here are the field numbers alone. A PGM image is handed on as raw pixels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from egate.document.encoding.tlv import element, elements, single
from egate.document.lds.block_39794 import Fields, block, code, integer, octets, version_block
from egate.document.lds.finger_image import DPI, POSITION_MAX, FingerEncoding, FingerImage, record_dpi
from egate.errors import DocumentError

FINGER_BLOCK_TAG = 0x64
_SEQUENCE_TAG = 0x30

# ImageDataFormatCode: 0 PGM, 1 WSQ, 2 JPEG 2000 lossy, 3 JPEG 2000 lossless, 4 PNG
_ENCODINGS = {
    0: FingerEncoding.RAW,
    1: FingerEncoding.WSQ,
    2: FingerEncoding.JPEG2000,
    3: FingerEncoding.JPEG2000,
    4: FingerEncoding.PNG,
}
_FORMATS = {encoding: number for number, encoding in reversed(_ENCODINGS.items())}
_PGM = re.compile(rb"P5\s{1,2}(\d{1,5})\s{1,2}(\d{1,5})\s{1,2}255\s")  # of one byte a pixel and without comments
_UNIT_INCH, _UNIT_CENTIMETRE = 0, 1
_PLAIN_CONTACT = 0


def parse_finger_block(data: bytes) -> tuple[FingerImage, ...]:
    """All impressions of a FingerImageDataBlock, in its order. Raises DocumentError."""
    fields = Fields(single(data, FINGER_BLOCK_TAG))
    version = fields.block(0)
    version.integer(0), version.integer(1)
    representations = list(elements(fields.content(1)))
    if not representations or any(tag != _SEQUENCE_TAG for tag, _ in representations):
        raise _malformed("finger representations malformed")
    return tuple(_parse_finger(Fields(content)) for _, content in representations)


def write_finger_block(fingers: Sequence[FingerImage]) -> bytes:
    """Raises KeyError for an encoding that 39794-4 does not have (JPEG, packed pixels)."""
    representations = b"".join(element(_SEQUENCE_TAG, _write_finger(finger)) for finger in fingers)
    return element(FINGER_BLOCK_TAG, version_block() + block(1, representations))


def _write_finger(finger: FingerImage) -> bytes:
    codes = code(0, finger.position) + code(1, _PLAIN_CONTACT) + code(2, _FORMATS[finger.encoding])
    return codes + octets(3, finger.file()) + block(7, integer(0, round(finger.dpi)), integer(1, _UNIT_INCH))


def _parse_finger(fields: Fields) -> FingerImage:
    position, encoding, image = fields.code(0), _ENCODINGS.get(fields.code(2)), fields.octets(3)
    fields.code(1)
    if encoding is None or position > POSITION_MAX or not image:
        raise _malformed("finger image unknown or empty")
    dpi = _dpi(fields)
    if encoding is FingerEncoding.RAW:
        return _raw(position, image, dpi)
    return FingerImage(position, encoding, 0, 0, image, dpi)


def _dpi(fields: Fields) -> float:
    if not fields.constructed(7):
        return DPI
    rate = fields.block(7)
    samples, unit = rate.integer(0), rate.integer(1)
    dpi = record_dpi(samples, samples, unit == _UNIT_CENTIMETRE) if unit in (_UNIT_INCH, _UNIT_CENTIMETRE) else None
    if dpi is None:
        raise _malformed("finger image is not of 250 to 1000 dpi")
    return dpi


def _raw(position: int, image: bytes, dpi: float) -> FingerImage:
    header = _PGM.match(image)
    if header is None:
        raise _malformed("finger image is not a PGM of 8 bits")
    width, height = int(header[1]), int(header[2])
    pixels = image[header.end() :]
    if not pixels or len(pixels) != width * height:
        raise _malformed("finger image has another size than it says")
    return FingerImage(position, FingerEncoding.RAW, width, height, pixels, dpi)


def _malformed(what: str) -> DocumentError:
    return DocumentError(what, code="DG3_MALFORMED")
