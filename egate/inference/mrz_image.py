"""The machine readable zone from an image: located, read twice, judged by its check digits.

    band       mrz_band finds lines that may be a zone, upright first, then turned
    first      mrz_text reads them at two widths; of the readings the one whose zone holds together best counts
    second     mrz_tesseract reads the same lines, if it is configured
    verdict    PASS only if nothing is wrong with the zone and both readers say the same

Check digits do not cover names, states and sex, and cannot tell K from 0: that is what the second reader is for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import islice
from typing import Protocol

import cv2
import numpy as np

from egate.document.zone.mrz import Mrz
from egate.document.zone.mrz_defect import MrzDefect
from egate.document.zone.mrz_repair import repair_mrz
from egate.domain.biometric import Image
from egate.domain.evidence import CheckResult
from egate.errors import DocumentError, ModelError
from egate.inference.mrz_band import Band, cut_lines, find_bands, turns
from egate.inference.mrz_text import LINE_HEIGHT_PX, LINE_WIDTH_PX_MAX, LineReading, TextReader
from egate.inference.mrz_zone import Zone, merged, parsed, zone_of

SQUEEZES = (1.0, 0.7)  # measured (bench/bench_mrz_image.py): faint D and 0 are told apart at one or the other
BANDS_MAX = 8  # of all angles; bounds the time for an image without a zone


CHECKS = ("band", "structure", "characters", "check_digits", "fields", "second_reader")


class MrzImageReason(StrEnum):
    """Members are reason codes: never rename one. Those of the zone itself are MrzDefect's."""

    BAND_NOT_FOUND = "BAND_NOT_FOUND"  # nothing in the image looks like a zone
    LINES_UNREADABLE = "LINES_UNREADABLE"  # lines of no format, or a field that cannot be parsed: detail names it
    CHARACTER_FOREIGN = "CHARACTER_FOREIGN"  # the print holds a character outside of A-Z, 0-9 and the filler
    CHARACTER_REPAIRED = "CHARACTER_REPAIRED"  # the field's type overruled the reader: detail names the fields
    READERS_DIFFER = "READERS_DIFFER"
    SECOND_READER_MISSING = "SECOND_READER_MISSING"
    SECOND_READER_FAILED = "SECOND_READER_FAILED"


class SecondReader(Protocol):
    def readings(self, lines: Sequence[Image]) -> Iterable[tuple[str, ...]]:
        """What stands in the cuts of a zone's lines, the likeliest reading first. Raises ModelError if it cannot be asked."""


@dataclass(frozen=True, slots=True)
class ImageCheck:
    """detail: fields in snake case, separated by commas; never a value."""

    result: CheckResult
    reasons: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class MrzImage:
    """lines: what the first reader says, empty if it found no zone; mrz: parsed, visas included. checks: all of CHECKS, in that
    order; NOT_PERFORMED where an earlier one leaves nothing to look at."""

    verdict: CheckResult
    lines: tuple[str, ...]
    mrz: Mrz | None
    checks: dict[str, ImageCheck]

    def __repr__(self) -> str:
        return f"MrzImage({self.verdict}, redacted)"


def read_mrz_image(image: Image, first: TextReader, second: SecondReader | None, today: date) -> MrzImage:
    """image: (h, w, 3) uint8 RGB. today: decides the century of dates. Never raises for what an image shows.

    PASS: nothing is wrong with the zone, and both readers read it alike. FAIL: a zone was found, and it is wrong. UNDETERMINED: no
    zone was found; or nothing is wrong, but there is no second reader, or it reads something else, or the print holds a character
    the alphabet has not.
    """
    pixels = np.ascontiguousarray(image[:, :, ::-1], np.uint8)
    band, zone = _best(pixels, first, today)
    if band is None:
        return _without_zone({"band": _open(MrzImageReason.BAND_NOT_FOUND)})
    if zone is None:
        found = ImageCheck(CheckResult.PASS)
        return _without_zone({"band": found, "structure": _open(MrzImageReason.LINES_UNREADABLE, "lines")})
    checks = {"band": ImageCheck(CheckResult.PASS), **_checks(zone)}
    checks["second_reader"] = _second(pixels, band, zone, second, today)
    results = {check.result for check in checks.values()}
    if CheckResult.FAIL in results:
        verdict = CheckResult.FAIL
    else:
        verdict = CheckResult.PASS if results == {CheckResult.PASS} else CheckResult.UNDETERMINED
    return MrzImage(verdict, zone.lines, zone.mrz, _complete(checks))


def _best(pixels: Image, first: TextReader, today: date) -> tuple[Band | None, Zone | None]:
    """The zone with the fewest defects, and its band; the search ends at one without any."""
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
    some: Band | None = None
    found: tuple[Band | None, Zone | None] = (None, None)
    for band in islice(_bands(grey), BANDS_MAX):
        some = some or band
        for zone in _zones(pixels, band, first, today):
            if found[1] is None or zone.defects < found[1].defects:
                found = band, zone
            if zone.defects == 0:
                return found
    return found if found[1] is not None else (some, None)


def _bands(grey: Image) -> Iterator[Band]:
    yield from find_bands(grey)
    for turn in turns(grey):
        yield from find_bands(grey, turn)


def _zones(pixels: Image, band: Band, first: TextReader, today: date) -> Iterator[Zone]:
    """The zones that this band may hold: the mean of both widths, then each alone."""
    readings: list[list[LineReading]] = []
    for squeeze in SQUEEZES:
        cuts = cut_lines(pixels, band, LINE_HEIGHT_PX, squeeze)
        if any(cut.shape[1] > LINE_WIDTH_PX_MAX for cut in cuts):
            return
        readings.append([first.read(cut) for cut in cuts])
    mean = merged(*readings)
    for reading in ([mean] if mean else []) + readings:
        zone = zone_of(reading, today)
        if zone is not None:
            yield zone


def _checks(zone: Zone) -> dict[str, ImageCheck]:
    checks = {"structure": ImageCheck(CheckResult.PASS)}
    if zone.mrz is None:
        reasons: tuple[str, ...] = (MrzImageReason.LINES_UNREADABLE,)
        checks["structure"] = ImageCheck(CheckResult.FAIL, reasons, zone.unreadable)
    reasons = (MrzImageReason.CHARACTER_REPAIRED,) if zone.repaired else ()
    result = CheckResult.PASS
    if zone.foreign:
        result, reasons = CheckResult.UNDETERMINED, (MrzImageReason.CHARACTER_FOREIGN, *reasons)
    checks["characters"] = ImageCheck(result, reasons, ",".join(zone.repaired))
    if zone.mrz is not None:
        checks["check_digits"] = _defects(zone.mrz, of_digits=True)
        checks["fields"] = _defects(zone.mrz, of_digits=False)
    return checks


def _defects(mrz: Mrz, *, of_digits: bool) -> ImageCheck:
    defects = [defect for defect in mrz.defects if (defect.defect is MrzDefect.CHECK_DIGIT_WRONG) == of_digits]
    if not defects:
        return ImageCheck(CheckResult.PASS)
    reasons = tuple(dict.fromkeys(str(defect.defect) for defect in defects))
    return ImageCheck(CheckResult.FAIL, reasons, ",".join(defect.field for defect in defects))


def _second(pixels: Image, band: Band, zone: Zone, second: SecondReader | None, today: date) -> ImageCheck:
    """Whether the second reader, by itself, says the same. Its own repairs are by type alone, as the first's are."""
    if second is None:
        return ImageCheck(CheckResult.NOT_PERFORMED, (MrzImageReason.SECOND_READER_MISSING,))
    cuts = cut_lines(pixels, band, LINE_HEIGHT_PX, 1.0)[zone.first : zone.first + len(zone.lines)]
    try:
        said = _first_that_holds(second.readings(cuts), today)
    except ModelError:
        return ImageCheck(CheckResult.ABORTED, (MrzImageReason.SECOND_READER_FAILED,))
    if said != zone.lines:
        return ImageCheck(CheckResult.UNDETERMINED, (MrzImageReason.READERS_DIFFER,))
    return ImageCheck(CheckResult.PASS)


def _first_that_holds(readings: Iterable[tuple[str, ...]], today: date) -> tuple[str, ...]:
    """The first reading whose check digits are right, whatever the other reader says; else the first that is a zone."""
    said: tuple[str, ...] = ()
    for reading in readings:
        try:
            lines = repair_mrz(reading).lines
        except DocumentError:
            continue
        mrz, _ = parsed(lines, today)
        if mrz is not None and not mrz.wrong_check_digits:
            return lines
        said = said or lines
    return said


def _without_zone(checks: Mapping[str, ImageCheck]) -> MrzImage:
    """Nothing that could be judged: the page may hold none, or it is cut off, too faint or too small."""
    return MrzImage(CheckResult.UNDETERMINED, (), None, _complete(checks))


def _open(reason: MrzImageReason, detail: str = "") -> ImageCheck:
    return ImageCheck(CheckResult.UNDETERMINED, (reason,), detail)


def _complete(checks: Mapping[str, ImageCheck]) -> dict[str, ImageCheck]:
    return {name: checks.get(name, ImageCheck(CheckResult.NOT_PERFORMED)) for name in CHECKS}
