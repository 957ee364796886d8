"""Card formats of ISO/IEC 19794-2:2005: what is written is read back within a step; what a card may demand is kept."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egate.domain.biometric import FingerTemplate
from egate.errors import TemplateError
from egate.matching.finger.format.card import CardSettings, CardSize, read_card, write_card
from egate.matching.finger.format.card_objects import (
    CardTemplate,
    read_card_templates,
    unwrap_minutiae,
    wrap_minutiae,
    write_card_templates,
)
from egate.matching.finger.format.card_order import MinutiaOrder
from tests.matching.finger_samples import SIDE, empty, finger, template
from tests.matching.finger_templates import templates, turn

PX_PER_MM = 500 / 25.4
ALL = CardSettings(count_max=255, size=(SIDE, SIDE))

# By hand from the clauses: an ending at (10.00 mm, 5.00 mm), 90 degrees; a bifurcation at (2.55 mm, 16.00 mm), 270 degrees.
NORMAL = bytes.fromhex("43e8 01f4 40  80ff 0640 c0")
COMPACT = bytes.fromhex("64 32 50  1a a0 b0")  # the second at (2.6 mm, 16.0 mm)


@pytest.mark.parametrize(
    ("data", "form", "second_mm"), [(NORMAL, CardSize.NORMAL, 2.55), (COMPACT, CardSize.COMPACT, 2.6)]
)
def test_minutiae_written_by_hand_read_as_meant(data: bytes, form: CardSize, second_mm: float) -> None:
    found = read_card(data, form, CardSettings(position=7))
    assert found.x.tolist() == pytest.approx([10 * PX_PER_MM, second_mm * PX_PER_MM], abs=1e-3)
    assert found.y.tolist() == pytest.approx([5 * PX_PER_MM, 16 * PX_PER_MM], abs=1e-3)
    assert found.angle.tolist() == pytest.approx([math.pi / 2, math.pi * 1.5])
    assert found.ending.tolist() == [True, False]
    assert found.quality.tolist() == [0.0, 0.0]
    assert found.position == 7
    assert (found.width, found.height) == (197, 315)
    assert write_card(found, form) == data


@settings(max_examples=25, deadline=None)
@given(templates(), st.sampled_from(CardSize))
def test_round_trip_within_half_a_step(one: FingerTemplate, form: CardSize) -> None:
    back = read_card(write_card(one, form, ALL), form, dataclasses.replace(ALL, position=one.position))
    assert (back.width, back.height, back.position) == (SIDE, SIDE, one.position)
    half = form.grid.step_x / 2 + 1e-3
    assert np.abs(back.x - one.x).max(initial=0) <= half
    assert np.abs(back.y - one.y).max(initial=0) <= half
    assert turn(back.angle, one.angle).max(initial=0) <= math.pi / form.grid.angles + 1e-5
    assert (back.ending == one.ending).all()
    assert (back.x < SIDE).all() and (back.y < SIDE).all() and (back.angle < math.tau).all()


def test_a_card_takes_300_bytes_whatever_the_finger() -> None:
    crowded = templates_of(200)
    assert len(write_card(crowded, CardSize.NORMAL)) == 300
    assert len(write_card(crowded, CardSize.COMPACT)) == 180


def templates_of(count: int) -> FingerTemplate:
    rng = np.random.default_rng(count)
    one = finger(1)
    return FingerTemplate(
        x=rng.uniform(0, SIDE - 1, count).astype(np.float32),
        y=rng.uniform(0, SIDE - 1, count).astype(np.float32),
        angle=rng.uniform(0, 6.28, count).astype(np.float32),
        ending=rng.random(count) < 0.5,
        quality=np.sort(rng.uniform(0.3, 1, count))[::-1].astype(np.float32),
        width=one.width,
        height=one.height,
    )


def test_the_best_minutiae_are_kept() -> None:
    crowded = templates_of(200)
    back = read_card(write_card(crowded, CardSize.NORMAL), CardSize.NORMAL)
    best = {(round(x), round(y)) for x, y in zip(crowded.x[:58].tolist(), crowded.y[:58].tolist(), strict=True)}
    kept = list(zip(back.x.tolist(), back.y.tolist(), strict=True))
    assert len(kept) == 60
    assert all(min(math.hypot(x - u, y - v) for u, v in kept) < 1.0 for x, y in best)


def test_among_equals_those_nearest_to_the_centre_are_kept() -> None:
    one = templates_of(200)
    unrated = dataclasses.replace(one, quality=np.zeros(200, np.float32))
    back = read_card(write_card(unrated, CardSize.NORMAL), CardSize.NORMAL)
    centre = one.x.mean(), one.y.mean()
    furthest = np.hypot(back.x - centre[0], back.y - centre[1]).max()
    assert (np.hypot(one.x - centre[0], one.y - centre[1]) < furthest - 2.0).sum() <= 60


KEYS: dict[MinutiaOrder, Any] = {
    MinutiaOrder.XY_ASCENDING: lambda x, y, a, d: (x, y),
    MinutiaOrder.XY_DESCENDING: lambda x, y, a, d: (-x, -y),
    MinutiaOrder.YX_ASCENDING: lambda x, y, a, d: (y, x),
    MinutiaOrder.YX_DESCENDING: lambda x, y, a, d: (-y, -x),
    MinutiaOrder.ANGLE_ASCENDING: lambda x, y, a, d: (a,),
    MinutiaOrder.ANGLE_DESCENDING: lambda x, y, a, d: (-a,),
    MinutiaOrder.POLAR_ASCENDING: lambda x, y, a, d: (d, a),
    MinutiaOrder.POLAR_DESCENDING: lambda x, y, a, d: (-d, -a),
}


@settings(max_examples=60, deadline=None)
@given(templates(70), st.sampled_from(list(KEYS)))
def test_minutiae_come_in_the_order_the_card_wants(one: FingerTemplate, order: MinutiaOrder) -> None:
    """Judged on the bytes, as the card reads them."""
    data = write_card(one, CardSize.COMPACT, CardSettings(order=order))
    rows = [(data[at], data[at + 1], data[at + 2] & 0x3F) for at in range(0, len(data), 3)]
    count = max(len(rows), 1)
    root = sum(x for x, _, _ in rows) // count, sum(y for _, y, _ in rows) // count
    keys = [KEYS[order](x, y, a, (x - root[0]) ** 2 + (y - root[1]) ** 2) for x, y, a in rows]
    assert keys == sorted(keys)


def test_equally_far_from_the_root_the_smaller_angle_comes_first() -> None:
    at = np.array([100.0, 200.0], np.float32) * PX_PER_MM / 10
    pair = template(at, at, np.array([3.0, 1.0]), np.array([True, True]), np.array([0.9, 0.8]))
    for order, second in ((MinutiaOrder.POLAR_ASCENDING, 31), (MinutiaOrder.POLAR_DESCENDING, 10)):
        assert write_card(pair, CardSize.COMPACT, CardSettings(order=order))[5] & 0x3F == second


def test_the_order_changes_nothing_but_the_order() -> None:
    rows = {write_card(finger(1), CardSize.COMPACT, CardSettings(order=order)) for order in MinutiaOrder}
    assert len(rows) == len(MinutiaOrder)
    assert len({tuple(sorted(data[at : at + 3] for at in range(0, len(data), 3))) for data in rows}) == 1


def test_minutiae_beyond_the_compact_range_are_left_out() -> None:
    """Eight bits of 0.1 mm: 25.5 mm are 502 px."""
    wide = dataclasses.replace(finger(1), x=finger(1).x * 2, width=2 * SIDE)
    assert len(write_card(wide, CardSize.COMPACT)) == 3 * int((wide.x < 255.5 * 0.1 * PX_PER_MM).sum())
    assert len(write_card(wide, CardSize.NORMAL)) == 5 * len(wide.x)


@pytest.mark.parametrize(
    ("code", "data", "form", "size"),
    [
        ("TEMPLATE_SIZE", NORMAL[:-1], CardSize.NORMAL, None),
        ("TEMPLATE_SIZE", COMPACT + b"\x00", CardSize.COMPACT, None),
        ("TEMPLATE_SIZE", bytes(256 * 3), CardSize.COMPACT, None),
        ("TEMPLATE_MALFORMED", b"\xc0" + NORMAL[1:], CardSize.NORMAL, None),
        ("TEMPLATE_MALFORMED", COMPACT[:2] + b"\xff" + COMPACT[3:], CardSize.COMPACT, None),
        ("TEMPLATE_MALFORMED", NORMAL, CardSize.NORMAL, (190, 400)),
        ("TEMPLATE_MALFORMED", COMPACT, CardSize.COMPACT, (400, 300)),
    ],
)
def test_what_no_card_may_hold_is_refused(code: str, data: bytes, form: CardSize, size: tuple[int, int] | None) -> None:
    with pytest.raises(TemplateError) as refusal:
        read_card(data, form, CardSettings(size=size))
    assert refusal.value.code == code


def test_a_minutia_rounded_over_the_border_is_moved_back() -> None:
    """The last pixel of a 500 px sensor is 25.35 mm; a writer that rounds makes 25.4 mm, 500 px, of it."""
    found = read_card(bytes((254, 254, 0x40)), CardSize.COMPACT, CardSettings(size=(500, 500)))
    assert 499.9 < found.x[0] < 500
    assert 499.9 < found.y[0] < 500


def test_too_few_minutiae_for_the_card_are_not_written() -> None:
    with pytest.raises(TemplateError) as refusal:
        write_card(finger(1, count=11), CardSize.COMPACT, CardSettings(count_min=12))
    assert refusal.value.code == "TEMPLATE_NOT_WRITABLE"


def test_nothing_is_a_template_without_minutiae() -> None:
    assert write_card(empty(), CardSize.NORMAL) == b""
    assert len(read_card(b"", CardSize.COMPACT).x) == 0


@pytest.mark.parametrize(
    "wrong",
    [{"count_min": 5, "count_max": 4}, {"count_max": 256}, {"position": 11}, {"size": (0, 5)}, {"size": (5000, 5)}],
)
def test_impossible_settings_are_our_mistake(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"card|sensor"):
        CardSettings(**wrong)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=120), st.sampled_from(CardSize), st.sampled_from([None, (300, 400)]))
def test_any_bytes_are_minutiae_or_refused(data: bytes, form: CardSize, size: tuple[int, int] | None) -> None:
    try:
        found = read_card(data, form, CardSettings(size=size))
    except TemplateError:
        return
    assert np.isfinite([found.x, found.y, found.angle]).all()
    assert (found.x < found.width).all() and (found.y < found.height).all() and (found.angle < math.tau).all()


# What a card of MINEX II says (NIST IR 7477, BiomDI): compact size, 12 to 60 minutiae, y then x ascending, right index finger.
BIT = bytes.fromhex("7f61 22 020101 7f60 1c a1 1a 810108 820109 87020101 88020005 b10a 8102 0c3c 820109 830100")


def test_what_a_card_says_is_understood() -> None:
    (found,) = read_card_templates(BIT)
    assert found == CardTemplate(CardSize.COMPACT, CardSettings(12, 60, MinutiaOrder.YX_ASCENDING, position=2))
    assert read_card_templates(BIT[6:]) == (found,)
    assert write_card_templates([found]) == BIT


@pytest.mark.parametrize("position", range(11))
def test_fingers_survive_their_other_code(position: int) -> None:
    said = CardTemplate(CardSize.NORMAL, CardSettings(position=position), features=3)
    assert read_card_templates(write_card_templates([said, said])) == (said, said)


@pytest.mark.parametrize(
    ("code", "at", "value"),
    [
        ("TEMPLATE_MALFORMED", 5, 2),  # two templates announced
        ("TEMPLATE_MALFORMED", 1, 0x60),
        ("TEMPLATE_UNSUPPORTED", 13, 0x02),  # a face
        ("TEMPLATE_UNSUPPORTED", 16, 0x07),  # no such hand
        ("TEMPLATE_UNSUPPORTED", 20, 0x02),  # another owner of the format
        ("TEMPLATE_UNSUPPORTED", 24, 0x01),  # the record format
        ("TEMPLATE_MALFORMED", 29, 61),  # least above most
        ("TEMPLATE_UNSUPPORTED", 33, 0x29),  # coordinates beyond eight bits
        ("TEMPLATE_MALFORMED", 34, 0x81),  # a tag twice
        ("TEMPLATE_MALFORMED", 35, 0x02),  # a length beyond the end
    ],
)
def test_what_a_card_should_not_say_is_refused(code: str, at: int, value: int) -> None:
    with pytest.raises(TemplateError) as refusal:
        read_card_templates(BIT[:at] + bytes((value,)) + BIT[at + 1 :])
    assert refusal.value.code == code


def test_minutiae_are_found_in_both_kinds_of_data_template() -> None:
    assert wrap_minutiae(COMPACT) == bytes.fromhex("7f2e 08 81 06") + COMPACT
    assert unwrap_minutiae(wrap_minutiae(COMPACT)) == COMPACT
    with_cores = bytes.fromhex("7f2e 0d a1 0b 90 06") + COMPACT + bytes.fromhex("92 01 00")
    assert unwrap_minutiae(with_cores) == COMPACT
    longest = bytes(255 * 5)
    assert unwrap_minutiae(wrap_minutiae(longest)) == longest


@pytest.mark.parametrize(
    "text", ["", "7f2e", "7f2e00", "7f2f028100", "7f2e038101", "7f2e0281008100", "7f2e80", "7f2e8400000002", "7f2e02a100", "ff8101"]
)  # fmt: skip
def test_broken_data_templates_are_refused(text: str) -> None:
    with pytest.raises(TemplateError) as refusal:
        unwrap_minutiae(bytes.fromhex(text))
    assert refusal.value.code == "TEMPLATE_MALFORMED"


def test_long_data_templates_are_refused_unread() -> None:
    with pytest.raises(TemplateError) as refusal:
        unwrap_minutiae(bytes(1 << 17))
    assert refusal.value.code == "TEMPLATE_SIZE"
    with pytest.raises(TemplateError, match="too many"):
        unwrap_minutiae(wrap_minutiae(b"")[:2] + b"\x82\x08\x00" + bytes.fromhex("8100") * 1024)
