"""The door: formats are told apart where that is possible, named where it is not, and all of them end in a matcher's template."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from egate.errors import TemplateError
from egate.matching.finger.format.card import CardSettings
from egate.matching.finger.format.card_order import MinutiaOrder
from egate.matching.finger.format.template_format import CARD_SIZES, TemplateFormat, read_template, write_template
from egate.matching.finger.minutiae import compare, prepare
from tests.matching.finger_samples import SIDE, finger, impression

MARKED = [form for form in TemplateFormat if form not in CARD_SIZES]


@pytest.mark.parametrize("form", MARKED)
def test_formats_with_a_mark_are_told_by_it(form: TemplateFormat) -> None:
    views = [finger(1), dataclasses.replace(finger(2), position=7)]
    found = read_template(write_template(views, form, qualities=[80, None]))
    assert [one.position for one in found] == [0, 7]
    assert [one.x.tolist() for one in found] == [
        one.x.tolist() for one in read_template(write_template(views, form), format=form)
    ]


@pytest.mark.parametrize("form", CARD_SIZES)
def test_card_formats_have_to_be_named(form: TemplateFormat) -> None:
    data = write_template([finger(1)], form)
    with pytest.raises(TemplateError) as refusal:
        read_template(data)
    assert refusal.value.code == "TEMPLATE_FORMAT_UNKNOWN"
    card = CardSettings(position=3, size=(SIDE, SIDE), order=MinutiaOrder.YX_ASCENDING, count_max=20)
    (found,) = read_template(write_template([finger(1)], form, card=card), format=form, card=card)
    assert (len(found.x), found.position, found.width) == (20, 3, SIDE)
    with pytest.raises(TemplateError):
        write_template([finger(1), finger(2)], form)


@pytest.mark.parametrize("form", TemplateFormat)
def test_a_named_format_is_not_guessed_at(form: TemplateFormat) -> None:
    """Another format's bytes are refused or, where a card has no mark to refuse by, are of another length."""
    for other in set(MARKED) - {form}:
        with pytest.raises(TemplateError):
            read_template(write_template([finger(1)], other) + bytes(1), format=form)


@pytest.mark.parametrize("form", TemplateFormat)
def test_what_was_written_still_matches_its_finger(form: TemplateFormat) -> None:
    """No format turns, mirrors or shifts a print against its own image: the score stays near the native one."""
    one, again = finger(4), impression(finger(4), 9, rotation=0.3, noise=1.0)
    native = compare(prepare(one), prepare(again))
    (back,) = read_template(write_template([one], form), format=form)
    assert compare(prepare(back), prepare(again)) > 0.6 * native
    assert compare(prepare(back), prepare(finger(5))) < 0.2 * native


@pytest.mark.parametrize("data", [b"", b"FMR\x00", b"FIR\x00 20\x00", b"\x7f\x2e\x02\x81\x00", bytes(100)])
def test_unmarked_bytes_are_refused_by_name(data: bytes) -> None:
    with pytest.raises(TemplateError) as refusal:
        read_template(data)
    assert refusal.value.code == "TEMPLATE_FORMAT_UNKNOWN"


@pytest.mark.parametrize("form", TemplateFormat)
def test_templates_that_are_not_finite_are_not_written(form: TemplateFormat) -> None:
    broken = dataclasses.replace(finger(1), angle=np.full(40, np.inf, np.float32))
    with pytest.raises(TemplateError) as refusal:
        write_template([broken], form)
    assert refusal.value.code == "TEMPLATE_NOT_WRITABLE"
