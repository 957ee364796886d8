"""The envelope of biometric data groups: CBEFF biometric information templates (ICAO Doc 9303-10, 4.7.2; ISO/IEC 7816-11).

data group tag
  7F61  biometric information group template
    02      number of instances
    7F60    biometric information template, once per instance
      A1      biometric header template (BHT)
      5F2E    biometric data block of ISO/IEC 19794
      7F2E    or, constructed, of ISO/IEC 39794: A1 around the data block
"""

from __future__ import annotations

from collections.abc import Sequence

from egate.document.encoding.tlv import element, elements, single
from egate.errors import DocumentError

GROUP_TAG = 0x7F61
COUNT_TAG = 0x02
TEMPLATE_TAG = 0x7F60
HEADER_TAG = 0xA1
BLOCK_TAG, CONSTRUCTED_BLOCK_TAG = 0x5F2E, 0x7F2E
_WRAPPER_TAGS = (0xA1, 0x81)  # 7816-11, table 3: data of a standardised format, constructed or primitive

INSTANCE_COUNT_MAX = 9  # Doc 9303-10, 4.7.2 and 4.7.3: one digit

# Biometric types and format types of the header template (ISO/IEC 7816-11, table C.1; registered with ISO/IEC JTC 1/SC 37, owner 257).
TYPE_FACE = b"\x02"
TYPE_FINGERPRINT = b"\x08"
FORMAT_FACE_IMAGE = b"\x00\x08"
FORMAT_FINGER_IMAGE = b"\x00\x07"
FORMAT_FACE_IMAGE_39794 = b"\x00\x2a"
FORMAT_FINGER_IMAGE_39794 = b"\x00\x28"
_FORMAT_OWNER_SC37 = b"\x01\x01"


def parse_biometric_group(data: bytes, tag: int) -> tuple[bytes, ...]:
    """The biometric data blocks of a data group file with this tag, at most 9, possibly none.

    Constructed blocks come without what is around the data block, so the first bytes tell the format. Raises DocumentError.
    """
    content = list(elements(single(single(data, tag), GROUP_TAG)))
    counts = [value for found, value in content if found == COUNT_TAG]
    templates = [value for found, value in content if found == TEMPLATE_TAG]
    if len(counts) != 1 or len(counts[0]) != 1:
        raise DocumentError("number of biometric instances malformed", code="BIOMETRIC_MALFORMED")
    if counts[0][0] != len(templates) or len(templates) > INSTANCE_COUNT_MAX:
        raise DocumentError("number of biometric instances differs", code="BIOMETRIC_MALFORMED")
    return tuple(_block(template) for template in templates)


def write_biometric_group(
    tag: int, blocks: Sequence[bytes], biometric_type: bytes, format_type: bytes, *, constructed: bool = False
) -> bytes:
    """A data group file around these blocks. biometric_type and format_type: constants of this module."""
    header = element(
        HEADER_TAG, element(0x81, biometric_type) + element(0x87, _FORMAT_OWNER_SC37) + element(0x88, format_type)
    )
    templates = b"".join(element(TEMPLATE_TAG, header + _write_block(block, constructed)) for block in blocks)
    return element(tag, element(GROUP_TAG, element(COUNT_TAG, bytes([len(blocks)])) + templates))


def _write_block(block: bytes, constructed: bool) -> bytes:
    if constructed:
        return element(CONSTRUCTED_BLOCK_TAG, element(_WRAPPER_TAGS[0], block))
    return element(BLOCK_TAG, block)


def _block(template: bytes) -> bytes:
    blocks = [(tag, value) for tag, value in elements(template) if tag in (BLOCK_TAG, CONSTRUCTED_BLOCK_TAG)]
    if len(blocks) != 1:
        raise DocumentError("not exactly one biometric data block", code="BIOMETRIC_MALFORMED")
    tag, value = blocks[0]
    if tag == CONSTRUCTED_BLOCK_TAG and value[:1] and value[0] in _WRAPPER_TAGS:
        return single(value, value[0])
    return value
