"""The data objects around a card's minutiae: what it is sent for VERIFY, and what it says about itself (ISO/IEC 7816-11, 19785-3).

7F2E                  biometric data template: 81 minutiae alone, or
  A1                    90 minutiae, 91 ridge counts, 92 cores, 93 deltas, 94 cell qualities
7F61                  biometric information group template: 02 number of templates
  7F60                  biometric information template (BIT), one a finger
    A1                    header: 81 type, 82 finger, 87 format owner, 88 format type
      B1                    81 least and most minutiae, 82 order, 83 feature handling

Codes as NIST's BiomDI (isobit.h, libmoc) and Neurotechnology's FMCard.h have them. Only minutiae are used; other features are skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from egate.errors import TemplateError
from egate.matching.finger.format.card import COUNT_DEFAULT, CardSettings, CardSize
from egate.matching.finger.format.card_order import MinutiaOrder
from egate.matching.finger.format.grid import malformed
from egate.matching.finger.format.tlv import by_tag, encoded, member, objects, only

DATA_TEMPLATE = 0x7F2E
GROUP, TEMPLATE, HEADER, PARAMETERS = 0x7F61, 0x7F60, 0xA1, 0xB1
OBJECT_BYTES_MAX = 1 << 16  # chosen: the longest data template has 255 minutiae of 5 bytes
TEMPLATES_MAX = 10  # chosen: one a finger
OWNER_SC37 = b"\x01\x01"
TYPE_FINGER = b"\x08"
# Registered format types: 3, 4 normal and 5, 6 compact size; each pair differs in where a ridge ending is put.
SIZES = {3: CardSize.NORMAL, 4: CardSize.NORMAL, 5: CardSize.COMPACT, 6: CardSize.COMPACT}
FORMATS = {CardSize.NORMAL: b"\x00\x03", CardSize.COMPACT: b"\x00\x05"}  # valley bifurcation, as the record format


@dataclass(frozen=True, slots=True)
class CardTemplate:
    """What a card says of one finger. features: the feature handling indicator; 1 ridge counts, 2 cores, 4 deltas, 8 cell quality."""

    size: CardSize
    settings: CardSettings = field(default_factory=CardSettings)
    features: int = 0


def wrap_minutiae(minutiae: bytes) -> bytes:
    """The data template that a card takes for VERIFY."""
    return encoded(DATA_TEMPLATE, encoded(0x81, minutiae))


def unwrap_minutiae(data: bytes) -> bytes:
    """The minutiae of a data template. Raises TemplateError with code TEMPLATE_SIZE or TEMPLATE_MALFORMED."""
    values = by_tag(only(_bounded(data), DATA_TEMPLATE))
    if len(values) == 1 and 0x81 in values:
        return values[0x81]
    return member(by_tag(member(values, 0xA1)), 0x90)


def read_card_templates(data: bytes) -> tuple[CardTemplate, ...]:
    """What the card's group template (7F61), or one template of it (7F60), says of each finger.

    Raises TemplateError: TEMPLATE_SIZE, TEMPLATE_MALFORMED, or TEMPLATE_UNSUPPORTED for a format or order that is not read here.
    """
    (tag, value), *rest = objects(_bounded(data)) or [(0, b"")]
    if rest or tag not in (GROUP, TEMPLATE):
        raise malformed("not a biometric information template")
    if tag == TEMPLATE:
        return (_read_template(value),)
    (count_tag, count), *members = objects(value) or [(0, b"")]
    if count_tag != 0x02 or not 0 < len(members) <= TEMPLATES_MAX or count != bytes((len(members),)):
        raise malformed("number of biometric information templates is wrong")
    if any(member_tag != TEMPLATE for member_tag, _ in members):
        raise malformed("not a biometric information template in the group")
    return tuple(_read_template(content) for _, content in members)


def write_card_templates(templates: Sequence[CardTemplate]) -> bytes:
    """The group template of such a card."""
    return encoded(GROUP, encoded(0x02, bytes((len(templates),))), *map(_write_template, templates))


def _read_template(content: bytes) -> CardTemplate:
    header = by_tag(member(by_tag(content), HEADER))
    if header.get(0x81, TYPE_FINGER) != TYPE_FINGER or member(header, 0x87) != OWNER_SC37:
        raise _unsupported("not a finger in a format of ISO/IEC JTC 1/SC 37")
    size = SIZES.get(int.from_bytes(member(header, 0x88), "big"))
    if size is None:
        raise _unsupported("not a card format of finger minutiae")
    parameters = by_tag(header.get(PARAMETERS, b""))
    return CardTemplate(size, _settings(header, parameters), _byte(parameters, 0x83))


def _settings(header: dict[int, bytes], parameters: dict[int, bytes]) -> CardSettings:
    counts = parameters.get(0x81, bytes((0, COUNT_DEFAULT)))
    if len(counts) != 2 or counts[0] > counts[1]:
        raise malformed("least and most minutiae of a card malformed")
    try:
        order = MinutiaOrder(_byte(parameters, 0x82))
    except ValueError:
        raise _unsupported("unknown order of minutiae") from None
    return CardSettings(counts[0], counts[1], order, _position(_byte(header, 0x82)))


def _byte(values: dict[int, bytes], tag: int) -> int:
    """A byte, 0 where it is absent."""
    value = values.get(tag, b"\x00")
    if len(value) != 1:
        raise malformed(f"data object {tag:X} of a card malformed")
    return value[0]


def _position(subtype: int) -> int:
    """ISO/IEC 7816-11, table C.2: bits 1, 2 right or left; bits 3 to 5 thumb to little finger; 0 unknown."""
    hand, finger = subtype & 3, subtype >> 2
    if subtype == 0:
        return 0
    if hand not in (1, 2) or not 1 <= finger <= 5:
        raise _unsupported("unknown finger")
    return finger + 5 * (hand - 1)


def _subtype(position: int) -> int:
    hand, finger = divmod(position - 1, 5)
    return (finger + 1) << 2 | hand + 1 if position else 0


def _write_template(template: CardTemplate) -> bytes:
    settings = template.settings
    parameters = encoded(0x81, bytes((settings.count_min, settings.count_max))), encoded(0x82, bytes((settings.order,)))
    header = (
        encoded(0x81, TYPE_FINGER),
        encoded(0x82, bytes((_subtype(settings.position),))),
        encoded(0x87, OWNER_SC37),
        encoded(0x88, FORMATS[template.size]),
        encoded(PARAMETERS, *parameters, encoded(0x83, bytes((template.features,)))),
    )
    return encoded(TEMPLATE, encoded(HEADER, *header))


def _bounded(data: bytes) -> bytes:
    if len(data) > OBJECT_BYTES_MAX:
        raise TemplateError("data object of a card is too long", code="TEMPLATE_SIZE")
    return data


def _unsupported(what: str) -> TemplateError:
    return TemplateError(what, code="TEMPLATE_UNSUPPORTED")
