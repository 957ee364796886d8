"""The zone from an image: specimens of the corpus against what was typed from them, then drawn zones without the corpus."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from egate.cli import main as egate
from egate.document.zone.mrz_writer import write_td3
from egate.domain.biometric import Image
from egate.domain.evidence import CheckResult
from egate.errors import ConfigurationError, ModelError
from egate.inference.image.decoder import decode_page
from egate.inference.mrz.band import cut_lines, find_bands, turns
from egate.inference.mrz.page import CHECKS, MrzImageReason, read_mrz_image
from egate.inference.mrz.tesseract import TesseractReader, find_tesseract
from egate.inference.mrz.text import TextReader, load_text_reader
from egate.inference.weights.store import ModelStore
from tests.document.corpus import corpus_file
from tests.inference.mrz_pages import HOLDER, LINES, Says, drawn, turned

TRUTH = json.loads((Path(__file__).parents[1] / "vectors" / "mrz_images.json").read_text(encoding="utf-8"))
TODAY = date(2026, 6, 1)
READ_SHARE_MIN = 0.85  # the bar: of the images in the truth file


class Fails:
    def readings(self, lines: Sequence[Image]) -> Iterable[tuple[str, ...]]:
        raise ModelError("gone", code="MRZ_READER")


@pytest.fixture(scope="module")
def first(store: ModelStore) -> TextReader:
    return load_text_reader(store)


@pytest.fixture(scope="module")
def second() -> TesseractReader:
    if shutil.which("tesseract") is None:
        pytest.skip("peer: tesseract is not installed")
    reader = find_tesseract(corpus_file("ocr"))
    assert reader is not None
    return reader


def corpus_image(row: dict[str, Any]) -> Image:
    data = corpus_file("mrz_images", row["file"]).read_bytes()
    if hashlib.sha256(data).hexdigest() != row["sha256"]:
        pytest.skip(f"corpus: {row['file']} is another image than the truth was typed from")
    return decode_page(data)


# the corpus


@pytest.mark.corpus
@pytest.mark.models
def test_specimens_are_read_as_printed(first: TextReader) -> None:
    """Without a second reader: nothing may pass, and of the zones printed right enough must be read with all digits right.

    Of every second image; with a second reader all are read below, and by `bench.document.bench_mrz_image`.
    """
    read, rows = 0, TRUTH["images"][::2]
    for row in rows:
        reading = read_mrz_image(corpus_image(row), first, None, TODAY)
        assert reading.verdict is not CheckResult.PASS
        if row["right"] and list(reading.lines) == row["lines"]:
            assert reading.verdict is CheckResult.UNDETERMINED
            assert reading.checks["check_digits"].result is CheckResult.PASS
            read += 1
    assert read >= READ_SHARE_MIN * len(rows)


@pytest.mark.corpus
@pytest.mark.models
@pytest.mark.peer
def test_no_wrong_line_passes_and_most_right_ones_do(first: TextReader, second: TesseractReader) -> None:
    passed = 0
    for row in TRUTH["images"]:
        reading = read_mrz_image(corpus_image(row), first, second, TODAY)
        if reading.verdict is CheckResult.PASS:
            assert list(reading.lines) == row["lines"], row["file"]
            assert row["right"], row["file"]
            passed += 1
    assert passed >= 10  # so that nothing above is vacuous; 14 when this was written


@pytest.mark.corpus
@pytest.mark.models
@pytest.mark.parametrize("row", TRUTH["without"], ids=lambda row: row["file"])
def test_image_without_a_right_zone_does_not_pass(row: dict[str, Any], first: TextReader) -> None:
    """A zone that is there and wrong fails; where there is none nothing could be judged."""
    reading = read_mrz_image(corpus_image(row), first, Says(()), TODAY)
    assert reading.verdict is (CheckResult.UNDETERMINED if row["note"] == "no MRZ" else CheckResult.FAIL)
    assert tuple(reading.checks) == CHECKS


@pytest.mark.corpus
@pytest.mark.models
def test_printed_character_outside_of_the_alphabet_is_said(first: TextReader) -> None:
    reading = read_mrz_image(corpus_image(TRUTH["without"][0]), first, None, TODAY)
    assert MrzImageReason.CHARACTER_FOREIGN in reading.checks["characters"].reasons


@pytest.mark.corpus
@pytest.mark.models
@pytest.mark.peer
def test_command_writes_what_it_read(
    second: TesseractReader, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = next(row for row in TRUTH["images"] if row["file"] == "passport-td3.jpg")
    monkeypatch.setenv("EGATE_TESSDATA", str(corpus_file("ocr")))
    assert egate(["document", "mrz", str(corpus_file("mrz_images", row["file"])), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["verdict"], report["lines"]) == ("PASS", row["lines"])
    assert report["checks"]["check_digits"] == {"verdict": "PASS", "reasons": [], "detail": ""}
    assert tuple(report["checks"]) == CHECKS


@pytest.mark.corpus
@pytest.mark.models
def test_pdf_is_a_named_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert egate(["document", "mrz", str(corpus_file("mrz_images", "pdf-with-jpg.pdf")), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == "IMAGE_FORMAT"


# drawn zones


@pytest.mark.models
@pytest.mark.parametrize("degrees", [0, 3, -17, 90, 180])
def test_drawn_zone_is_read_whichever_way_it_lies(degrees: float, first: TextReader) -> None:
    reading = read_mrz_image(turned(drawn(LINES), degrees), first, Says(LINES), TODAY)
    assert reading.lines == LINES
    assert reading.verdict is CheckResult.PASS
    assert reading.mrz is not None
    assert reading.mrz.data == HOLDER


@pytest.mark.models
def test_no_pass_without_a_second_reader(first: TextReader) -> None:
    reading = read_mrz_image(drawn(LINES), first, None, TODAY)
    assert reading.verdict is CheckResult.UNDETERMINED
    check = reading.checks["second_reader"]
    assert (check.result, check.reasons) == (CheckResult.NOT_PERFORMED, (MrzImageReason.SECOND_READER_MISSING,))


@pytest.mark.models
def test_no_pass_if_the_second_reader_says_another_name(first: TextReader) -> None:
    other = write_td3(replace(HOLDER, secondary_identifier="ANNA MARLA"))
    reading = read_mrz_image(drawn(LINES), first, Says(other), TODAY)
    assert reading.verdict is CheckResult.UNDETERMINED
    assert reading.checks["second_reader"].reasons == (MrzImageReason.READERS_DIFFER,)


@pytest.mark.models
def test_second_readers_reading_counts_that_holds_together_not_the_one_that_agrees(first: TextReader) -> None:
    other = write_td3(replace(HOLDER, document_number="L898902C4"))
    reading = read_mrz_image(drawn(LINES), first, Says(other, LINES), TODAY)
    assert reading.checks["second_reader"].reasons == (MrzImageReason.READERS_DIFFER,)


@pytest.mark.models
def test_second_readers_first_reading_may_be_broken(first: TextReader) -> None:
    broken = write_td3(HOLDER, wrong="date_of_birth")
    assert read_mrz_image(drawn(LINES), first, Says(("A",), broken, LINES), TODAY).verdict is CheckResult.PASS
    assert read_mrz_image(drawn(LINES), first, Says(broken), TODAY).verdict is CheckResult.UNDETERMINED


@pytest.mark.models
@pytest.mark.parametrize("said", [(), ("A",), (LINES[0],), (*LINES, *LINES), ("<" * 44, "\u00e9" * 44)])
def test_second_reader_that_says_no_zone_differs(said: tuple[str, ...], first: TextReader) -> None:
    assert read_mrz_image(drawn(LINES), first, Says(said), TODAY).verdict is CheckResult.UNDETERMINED


@pytest.mark.models
def test_second_reader_that_fails_is_no_pass(first: TextReader) -> None:
    reading = read_mrz_image(drawn(LINES), first, Fails(), TODAY)
    assert reading.verdict is CheckResult.UNDETERMINED
    assert reading.checks["second_reader"].result is CheckResult.ABORTED


@pytest.mark.models
@pytest.mark.parametrize("field", ["document_number", "date_of_birth", "date_of_expiry", "composite"])
def test_wrong_check_digit_fails_though_both_readers_agree(field: str, first: TextReader) -> None:
    wrong = write_td3(HOLDER, wrong=field)
    reading = read_mrz_image(drawn(wrong), first, Says(wrong), TODAY)
    assert reading.verdict is CheckResult.FAIL
    assert reading.lines == wrong
    assert reading.checks["check_digits"].detail == field


@pytest.mark.models
def test_unknown_state_fails(first: TextReader) -> None:
    lines = write_td3(replace(HOLDER, issuing_state="QQX"))
    check = read_mrz_image(drawn(lines), first, Says(lines), TODAY).checks["fields"]
    assert (check.result, check.reasons, check.detail) == (CheckResult.FAIL, ("STATE_UNKNOWN",), "issuing_state")


@pytest.mark.models
def test_line_that_was_cut_off_is_no_zone(first: TextReader) -> None:
    short = [line[:43] for line in LINES]
    reading = read_mrz_image(drawn(short), first, Says(short), TODAY)
    assert reading.verdict is CheckResult.UNDETERMINED
    assert reading.checks["structure"].reasons == (MrzImageReason.LINES_UNREADABLE,)


@pytest.mark.models
def test_empty_pages_have_no_band(first: TextReader) -> None:
    noise = np.random.default_rng(7).integers(0, 256, (400, 600, 3), np.uint8)
    for page in (np.zeros((400, 600, 3), np.uint8), np.full((16, 16, 3), 255, np.uint8), noise):
        reading = read_mrz_image(page, first, None, TODAY)
        assert (reading.verdict, reading.lines) == (CheckResult.UNDETERMINED, ())
        assert tuple(reading.checks) == CHECKS
        assert {check.result for check in reading.checks.values()} <= {
            CheckResult.PASS, CheckResult.UNDETERMINED, CheckResult.NOT_PERFORMED,
        }  # fmt: skip


@pytest.mark.models
def test_repr_shows_nothing(first: TextReader) -> None:
    reading = read_mrz_image(drawn(LINES), first, None, TODAY)
    assert "ERIKSSON" not in repr(reading)
    assert "L898902C3" not in repr(reading)


def test_band_lies_over_the_lines() -> None:
    page = drawn(LINES)
    grey = np.ascontiguousarray(cv2.cvtColor(page, cv2.COLOR_BGR2GRAY), np.uint8)
    band = find_bands(grey)[0]
    assert [round(y / 10) for _, y in band.centres] == [55, 60]
    cuts = cut_lines(page, band, 48, 1.0)
    assert [cut.shape[0] for cut in cuts] == [48, 48]
    assert min(cut.min() for cut in cuts) < 60  # ink
    assert all(cut[:, :8].min() > 150 for cut in cuts)  # and a margin


@pytest.mark.parametrize("degrees", [25, -35, 90])
def test_turn_is_estimated(degrees: float) -> None:
    grey = np.ascontiguousarray(cv2.cvtColor(turned(drawn(LINES), degrees), cv2.COLOR_BGR2GRAY), np.uint8)
    assert min(abs((turn - degrees + 90) % 180 - 90) for turn in turns(grey)) <= 3


def test_tesseract_is_used_only_if_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EGATE_TESSDATA", raising=False)
    assert find_tesseract() is None
    with pytest.raises(ConfigurationError, match="traineddata"):
        find_tesseract(tmp_path)


def test_tesseract_that_cannot_run_is_a_model_error(tmp_path: Path) -> None:
    line = np.full((48, 200, 3), 255, np.uint8)
    for command in ("false", str(tmp_path / "absent")):
        with pytest.raises(ModelError) as caught:
            list(TesseractReader(command, tmp_path).readings([line]))
        assert caught.value.code == "MRZ_READER"


@pytest.mark.models
def test_zone_with_a_field_that_cannot_be_read_fails_and_keeps_all_checks(first: TextReader) -> None:
    """Of the right shape, but no zone of a travel document holds it: not a zone that could not be found."""
    lines = ("Q" + LINES[0][1:], LINES[1])
    reading = read_mrz_image(drawn(lines), first, Says(lines), TODAY)
    assert (reading.verdict, tuple(reading.checks)) == (CheckResult.FAIL, CHECKS)
    assert reading.checks["structure"].result is CheckResult.FAIL
    assert reading.checks["check_digits"].result is CheckResult.NOT_PERFORMED
