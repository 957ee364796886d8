"""Pages with more than one zone: which one counts, and that the other one is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

import cv2
import numpy as np
import pytest

from egate.document.zone.mrz_writer import write_td3
from egate.domain.biometric import Image
from egate.domain.evidence import CheckResult
from egate.inference.mrz.band import find_bands
from egate.inference.mrz.page import MrzImageReason, read_mrz_image
from egate.inference.mrz.search import RIVAL_BANDS_MAX
from egate.inference.mrz.text import TextReader, load_text_reader
from egate.inference.weights.store import ModelStore
from tests.inference.mrz_pages import HOLDER, LINES, Says, drawn

pytestmark = pytest.mark.models
TODAY = date(2026, 6, 1)
OTHER = write_td3(replace(HOLDER, primary_identifier="TOURE", secondary_identifier="AMI", document_number="X12345678"))
TEXT = ["THEBEARERXOFXTHISXPASSPORTXISXAXCITIZEN", "OFXUTOPIAXANDXMAYXENTERXANYXOTHERXSTATE"]  # found as a band
CHANGED = write_td3(HOLDER, wrong="date_of_expiry")


@pytest.fixture(scope="module")
def first(store: ModelStore) -> TextReader:
    return load_text_reader(store)


def above(upper: Image, lower: Image) -> Image:
    return np.ascontiguousarray(np.vstack([upper, lower]), np.uint8)


def beside(strip: Image, page: Image) -> Image:
    """The zone of one page, turned by a right angle, on the right of another page."""
    zone = np.rot90(strip[500:680])
    padded = cv2.copyMakeBorder(page, len(zone) - len(page), 0, 0, 0, cv2.BORDER_CONSTANT, value=(235, 235, 235))
    return np.ascontiguousarray(np.hstack([padded, zone]), np.uint8)


def upside_down(other: Image, page: Image) -> Image:
    return above(np.ascontiguousarray(other[::-1, ::-1]), page)


PLACES = pytest.mark.parametrize("place", [above, beside, upside_down])
Place = Callable[[Image, Image], Image]


@PLACES
def test_changed_zone_fails_though_a_sound_one_is_elsewhere(place: Place, first: TextReader) -> None:
    for said in (CHANGED, OTHER):
        reading = read_mrz_image(place(drawn(OTHER), drawn(CHANGED)), first, Says(said), TODAY)
        assert (reading.verdict, reading.lines) == (CheckResult.FAIL, CHANGED)


@PLACES
def test_two_sound_zones_of_different_people_do_not_pass(place: Place, first: TextReader) -> None:
    reading = read_mrz_image(place(drawn(OTHER), drawn(LINES)), first, Says(LINES), TODAY)
    assert (reading.verdict, reading.lines) == (CheckResult.UNDETERMINED, LINES)
    check = reading.checks["one_zone"]
    assert (check.result, check.reasons) == (CheckResult.UNDETERMINED, (MrzImageReason.ZONES_DIFFER,))


@pytest.mark.parametrize(
    "rest", [[line[:41] for line in OTHER], ["Q" + OTHER[0][1:], OTHER[1]]], ids=["cut off", "of no document"]
)
def test_zone_that_cannot_be_read_elsewhere_is_one(rest: Sequence[str], first: TextReader) -> None:
    reading = read_mrz_image(above(drawn(rest), drawn(LINES)), first, Says(LINES), TODAY)
    assert (reading.verdict, reading.lines) == (CheckResult.UNDETERMINED, LINES)
    assert reading.checks["one_zone"].reasons == (MrzImageReason.ZONES_DIFFER,)


def test_two_zones_whose_lines_follow_each_other_do_not_pass(first: TextReader) -> None:
    reading = read_mrz_image(drawn((*OTHER, *LINES)), first, Says(LINES), TODAY)
    assert (reading.verdict, reading.lines) == (CheckResult.UNDETERMINED, LINES)
    assert reading.checks["one_zone"].reasons == (MrzImageReason.ZONES_DIFFER,)


@PLACES
def test_same_zone_twice_is_no_contradiction(place: Place, first: TextReader) -> None:
    reading = read_mrz_image(place(drawn(LINES), drawn(LINES)), first, Says(LINES), TODAY)
    assert reading.verdict is CheckResult.PASS


def test_text_beside_the_zone_is_no_zone(first: TextReader) -> None:
    page = above(drawn(TEXT), drawn(LINES))
    assert len(find_bands(np.ascontiguousarray(page[:, :, 0]))) == 2
    reading = read_mrz_image(page, first, Says(LINES), TODAY)
    assert reading.verdict is CheckResult.PASS


def test_more_text_than_is_read_is_no_pass(first: TextReader) -> None:
    page = drawn(LINES)
    for _ in range(RIVAL_BANDS_MAX // 2 + 1):
        page = above(drawn(TEXT)[500:680], page)
    reading = read_mrz_image(page, first, Says(LINES), TODAY)
    assert (reading.verdict, reading.lines) == (CheckResult.UNDETERMINED, LINES)
    assert reading.checks["one_zone"].reasons == (MrzImageReason.BANDS_TOO_MANY,)


def test_zone_that_is_wrong_by_itself_is_held_against_no_other(first: TextReader) -> None:
    reading = read_mrz_image(drawn(CHANGED), first, Says(CHANGED), TODAY)
    assert reading.checks["one_zone"].result is CheckResult.NOT_PERFORMED


# repairs

NAME_WITH_A_DIGIT = (LINES[0].replace("ERIKSSON", "ERIK5SON"), LINES[1])


def test_second_readers_letter_in_a_date_is_no_agreement(first: TextReader) -> None:
    said = (LINES[0], LINES[1][:21] + LINES[1][21:27].replace("0", "O") + LINES[1][27:])
    assert said != LINES
    reading = read_mrz_image(drawn(LINES), first, Says(said), TODAY)
    assert reading.verdict is CheckResult.UNDETERMINED
    assert reading.checks["second_reader"].reasons == (MrzImageReason.READERS_DIFFER,)


def test_digit_printed_in_a_name_does_not_pass_as_a_letter(first: TextReader) -> None:
    """No check digit covers a name: a repair that both readers' fields demand is no reading."""
    page = drawn(NAME_WITH_A_DIGIT)
    repaired = read_mrz_image(page, first, None, TODAY).lines
    assert repaired != NAME_WITH_A_DIGIT
    for said in ((NAME_WITH_A_DIGIT,), (NAME_WITH_A_DIGIT, repaired), ()):
        reading = read_mrz_image(page, first, Says(*said), TODAY)
        assert reading.verdict is CheckResult.UNDETERMINED
        check = reading.checks["characters"]
        assert (check.result, check.reasons) == (CheckResult.UNDETERMINED, (MrzImageReason.CHARACTER_REPAIRED,))
        assert "names" in check.detail.split(",")


def test_repair_counts_that_the_second_reader_has_read_by_itself(first: TextReader) -> None:
    page = drawn(NAME_WITH_A_DIGIT)
    repaired = read_mrz_image(page, first, None, TODAY).lines
    reading = read_mrz_image(page, first, Says(repaired), TODAY)
    assert reading.checks["characters"].result is CheckResult.PASS
    assert reading.verdict is CheckResult.PASS
