"""Any bytes are finger templates whose minutiae lie in their image, or a TemplateError; what is read can be written and read again."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from egate.domain.biometric import FingerTemplate
from egate.errors import TemplateError
from egate.matching.finger.format.card import CardSettings, CardSize
from egate.matching.finger.format.card_objects import (
    CardTemplate,
    read_card_templates,
    unwrap_minutiae,
    wrap_minutiae,
    write_card_templates,
)
from egate.matching.finger.format.card_order import MinutiaOrder
from egate.matching.finger.format.template_format import TemplateFormat, read_template, write_template
from tests.fuzz.target import Target

_CARD = CardSettings(count_max=255)
_CODES = {"TEMPLATE_FORMAT_UNKNOWN", "TEMPLATE_SIZE", "TEMPLATE_MALFORMED", "TEMPLATE_UNSUPPORTED"}
_SIDE = 400


def _impression(seed: int, count: int, position: int) -> FingerTemplate:
    draw = np.random.default_rng(seed)
    x, y, angle = (draw.uniform(0.0, end, count).astype(np.float32) for end in (_SIDE - 1, _SIDE - 1, 6.28))
    quality = np.linspace(1.0, 0.5, count, dtype=np.float32)
    return FingerTemplate(x, y, angle, draw.random(count) < 0.5, quality, _SIDE, _SIDE, position)


_VIEWS = (_impression(1, 30, 2), _impression(2, 5, 7), _impression(3, 0, 0))


def _reader(form: TemplateFormat | None) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        try:
            found = read_template(data, format=form)
        except TemplateError as refusal:
            assert refusal.code in _CODES
            return
        for one in found:
            _sound(one)
        if form is not None:
            _survives(found, form)

    return run


def _sound(one: FingerTemplate) -> None:
    count = len(one.x)
    assert all(column.shape == (count,) for column in (one.y, one.angle, one.ending, one.quality))
    assert np.isfinite([one.x, one.y, one.angle, one.quality]).all()
    assert ((one.x >= 0) & (one.x < one.width) & (one.y >= 0) & (one.y < one.height)).all()
    assert ((one.angle >= 0) & (one.angle < math.tau) & (one.quality >= 0) & (one.quality <= 1)).all()
    assert (np.diff(one.quality) <= 0).all()
    assert len(repr(one)) < 100


def _survives(found: tuple[FingerTemplate, ...], form: TemplateFormat) -> None:
    """What was read once loses nothing more by being written and read, unless the format has no room for it."""
    try:
        again = read_template(write_template(found, form, card=_CARD), format=form)
    except TemplateError as refusal:
        assert (
            refusal.code == "TEMPLATE_NOT_WRITABLE"
        )  # more views of one finger or larger than its format's own writer allows
        return
    assert [len(one.x) for one in again] == [len(one.x) for one in found]


def _seeds(form: TemplateFormat) -> Sequence[bytes]:
    if form in (TemplateFormat.ISO_19794_2_CARD_NORMAL, TemplateFormat.ISO_19794_2_CARD_COMPACT):
        return [write_template([one], form) for one in _VIEWS]
    return [write_template(_VIEWS, form), write_template(_VIEWS[:1], form, qualities=[50])]


def _every_seed() -> Sequence[bytes]:
    return [data for form in TemplateFormat for data in _seeds(form)]


def _data_template(data: bytes) -> None:
    try:
        minutiae = unwrap_minutiae(data)
    except TemplateError as refusal:
        assert refusal.code in _CODES
        return
    assert unwrap_minutiae(wrap_minutiae(minutiae)) == minutiae


def _card_templates(data: bytes) -> None:
    try:
        found = read_card_templates(data)
    except TemplateError as refusal:
        assert refusal.code in _CODES
        return
    assert 0 < len(found) <= 10
    assert read_card_templates(write_card_templates(found)) == found


def _wrapped() -> Sequence[bytes]:
    plain = write_template(_VIEWS[:1], TemplateFormat.ISO_19794_2_CARD_COMPACT)
    return [wrap_minutiae(plain), bytes.fromhex("7f2e 0a a1 08 90 03 643250 92 01 00"), wrap_minutiae(b"")]


def _said() -> Sequence[bytes]:
    settings = CardSettings(12, 60, MinutiaOrder.YX_ASCENDING, position=2)
    said = [CardTemplate(CardSize.COMPACT, settings), CardTemplate(CardSize.NORMAL, features=3)]
    group = write_card_templates(said)
    return [group, write_card_templates(said[:1]), write_card_templates(said[:1])[6:]]


TARGETS = (
    *(Target(form.value.lower(), _reader(form), partial(_seeds, form), 10) for form in TemplateFormat),
    Target("any", _reader(None), _every_seed, 10),
    Target("data_template", _data_template, _wrapped, 10),
    Target("card_templates", _card_templates, _said, 10),
)
