"""The door to finger templates of other systems: bytes to templates and back, whatever the format."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from egate.domain.biometric import FingerTemplate
from egate.errors import TemplateError
from egate.matching.finger.format import iso19794, iso39794
from egate.matching.finger.format.card import CardSettings, CardSize, read_card, write_card
from egate.matching.finger.format.grid import unwritable


class TemplateFormat(StrEnum):
    """ISO_39794_2: see `iso39794` for what of it still has to be compared with the published schema."""

    ISO_19794_2_RECORD = "ISO_19794_2_RECORD"
    ISO_19794_2_CARD_NORMAL = "ISO_19794_2_CARD_NORMAL"
    ISO_19794_2_CARD_COMPACT = "ISO_19794_2_CARD_COMPACT"
    ISO_39794_2 = "ISO_39794_2"


CARD_SIZES = {
    TemplateFormat.ISO_19794_2_CARD_NORMAL: CardSize.NORMAL,
    TemplateFormat.ISO_19794_2_CARD_COMPACT: CardSize.COMPACT,
}


def read_template(
    data: bytes, *, format: TemplateFormat | None = None, card: CardSettings | None = None
) -> tuple[FingerTemplate, ...]:
    """All impressions in data, at 500 dpi, minutiae by falling quality.

    format: None finds it out, which no card format allows: its bytes carry no mark. card: what the card says beside its minutiae;
    only for card formats. Raises TemplateError with code TEMPLATE_FORMAT_UNKNOWN, TEMPLATE_SIZE or TEMPLATE_MALFORMED.
    Bounds: a megabyte is parsed at most, in about a second; far less for what real systems write.
    """
    form = _sniff(data) if format is None else format
    if form in CARD_SIZES:
        return (read_card(data, CARD_SIZES[form], card or CardSettings()),)
    if form is TemplateFormat.ISO_39794_2:
        return iso39794.read_block(data)
    return iso19794.read_record(data)


def write_template(
    templates: Sequence[FingerTemplate],
    format: TemplateFormat,
    *,
    qualities: Sequence[int | None] | None = None,
    card: CardSettings | None = None,
) -> bytes:
    """The templates in this format; a card holds one.

    qualities: unified quality 0-100 of each impression, for formats that state it. card: what the card demands; the default is
    at most 60 minutiae, 300 bytes in normal size and 180 in compact size. Raises TemplateError with code TEMPLATE_NOT_WRITABLE.
    """
    if format in CARD_SIZES:
        if len(templates) != 1:
            raise unwritable("a card's minutiae are of one finger")
        return write_card(templates[0], CARD_SIZES[format], card or CardSettings())
    if format is TemplateFormat.ISO_39794_2:
        return iso39794.write_block(templates, qualities)
    return iso19794.write_record(templates, qualities)


def _sniff(data: bytes) -> TemplateFormat:
    if data.startswith(iso19794.FORMAT + iso19794.VERSION):
        return TemplateFormat.ISO_19794_2_RECORD
    if data[:1] == bytes((iso39794.BLOCK,)):
        return TemplateFormat.ISO_39794_2
    raise TemplateError("no template format that can be told by its first bytes", code="TEMPLATE_FORMAT_UNKNOWN")
