"""The machine readable zone from an image: located, read twice, judged by its check digits.

    zone       mrz_search finds it; mrz_text, the first reader, reads it at two widths
    second     mrz_tesseract reads the same lines, if it is configured
    verdict    PASS only if nothing is wrong with the zone, both readers say the same, and no other zone says something else

Check digits do not cover names, states and sex, and cannot tell K from 0: that is what the second reader is for. What it says is
never repaired, and it must have read by itself what a field's kind made of the first one's reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

import numpy as np

from egate.document.zone.mrz import Mrz
from egate.document.zone.mrz_defect import MrzDefect
from egate.document.zone.mrz_repair import repair_mrz
from egate.domain.biometric import Image
from egate.domain.evidence import CheckResult
from egate.errors import DocumentError, ModelError
from egate.inference.mrz.band import Band, cut_lines
from egate.inference.mrz.search import Found, find_zone
from egate.inference.mrz.text import LINE_HEIGHT_PX, TextReader
from egate.inference.mrz.zone import Zone, parsed

CHECKS = ("band", "structure", "characters", "check_digits", "fields", "one_zone", "second_reader")


class MrzImageReason(StrEnum):
    """Members are reason codes: never rename one. Those of the zone itself are MrzDefect's."""

    BAND_NOT_FOUND = "BAND_NOT_FOUND"  # nothing in the image looks like a zone
    LINES_UNREADABLE = "LINES_UNREADABLE"  # lines of no format, or a field that cannot be parsed: detail names it
    CHARACTER_FOREIGN = "CHARACTER_FOREIGN"  # the print holds a character outside of A-Z, 0-9 and the filler
    CHARACTER_REPAIRED = "CHARACTER_REPAIRED"  # the field's type overruled the reader: detail names the fields
    ZONES_DIFFER = "ZONES_DIFFER"  # elsewhere in the image is a zone that says something else
    BANDS_TOO_MANY = "BANDS_TOO_MANY"  # there may be
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
    the alphabet has not, or a character was repaired that the second reader has not read like that, or there is another zone.
    """
    pixels = np.ascontiguousarray(image[:, :, ::-1], np.uint8)
    found = find_zone(pixels, first, today)
    band, zone = found.band, found.zone
    if band is None:
        return _without_zone({"band": _open(MrzImageReason.BAND_NOT_FOUND)})
    if zone is None:
        structure = _open(MrzImageReason.LINES_UNREADABLE, "lines")
        return _without_zone({"band": ImageCheck(CheckResult.PASS), "structure": structure})
    agreement, heard = _second(pixels, band, zone, second, today)
    checks = {"band": ImageCheck(CheckResult.PASS), **_checks(zone), "second_reader": agreement}
    checks["characters"] = _characters(zone, heard)
    if not zone.defects:
        checks["one_zone"] = _one_zone(found)
    results = {check.result for check in checks.values()}
    if CheckResult.FAIL in results:
        verdict = CheckResult.FAIL
    else:
        verdict = CheckResult.PASS if results == {CheckResult.PASS} else CheckResult.UNDETERMINED
    return MrzImage(verdict, zone.lines, zone.mrz, _complete(checks))


def _checks(zone: Zone) -> dict[str, ImageCheck]:
    checks = {"structure": ImageCheck(CheckResult.PASS)}
    if zone.mrz is None:
        checks["structure"] = ImageCheck(CheckResult.FAIL, (MrzImageReason.LINES_UNREADABLE,), zone.unreadable)
    if zone.mrz is not None:
        checks["check_digits"] = _defects(zone.mrz, of_digits=True)
        checks["fields"] = _defects(zone.mrz, of_digits=False)
    return checks


def _characters(zone: Zone, heard: Sequence[tuple[str, ...]]) -> ImageCheck:
    """heard: what the second reader has read. A repair counts only if each of its readings has that character there."""
    confirmed = bool(heard) and all(
        reading[line][column] == character
        for line, (typed, raw) in enumerate(zip(zone.lines, zone.raw, strict=True))
        for column, character in enumerate(typed)
        if character != raw[column]
        for reading in heard
    )
    reasons: tuple[str, ...] = (MrzImageReason.CHARACTER_REPAIRED,) if zone.repaired else ()
    if zone.foreign:
        reasons = (MrzImageReason.CHARACTER_FOREIGN, *reasons)
    is_sure = not zone.foreign and (confirmed or not zone.repaired)
    return ImageCheck(CheckResult.PASS if is_sure else CheckResult.UNDETERMINED, reasons, ",".join(zone.repaired))


def _one_zone(found: Found) -> ImageCheck:
    if found.differ:
        return _open(MrzImageReason.ZONES_DIFFER)
    return _open(MrzImageReason.BANDS_TOO_MANY) if found.unread else ImageCheck(CheckResult.PASS)


def _defects(mrz: Mrz, *, of_digits: bool) -> ImageCheck:
    defects = [defect for defect in mrz.defects if (defect.defect is MrzDefect.CHECK_DIGIT_WRONG) == of_digits]
    if not defects:
        return ImageCheck(CheckResult.PASS)
    reasons = tuple(dict.fromkeys(str(defect.defect) for defect in defects))
    return ImageCheck(CheckResult.FAIL, reasons, ",".join(defect.field for defect in defects))


def _second(
    pixels: Image, band: Band, zone: Zone, second: SecondReader | None, today: date
) -> tuple[ImageCheck, list[tuple[str, ...]]]:
    """Whether the second reader, by itself, says the same; and its readings so far, each as long as the zone."""
    if second is None:
        return ImageCheck(CheckResult.NOT_PERFORMED, (MrzImageReason.SECOND_READER_MISSING,)), []
    cuts = cut_lines(pixels, band, LINE_HEIGHT_PX, 1.0)[zone.first : zone.first + len(zone.lines)]
    sizes = [len(line) for line in zone.lines]
    heard: list[tuple[str, ...]] = []
    said: tuple[str, ...] = ()
    try:
        for reading in second.readings(cuts):
            if [len(line) for line in reading] == sizes:
                heard.append(reading)
                said = said or reading
                if _holds(reading, today):
                    said = reading
                    break
    except ModelError:
        return ImageCheck(CheckResult.ABORTED, (MrzImageReason.SECOND_READER_FAILED,)), []
    if said != zone.lines:
        return _open(MrzImageReason.READERS_DIFFER), heard
    return ImageCheck(CheckResult.PASS), heard


def _holds(reading: Sequence[str], today: date) -> bool:
    """Whether its check digits are right, repaired if need be: the reading that counts, whatever the first reader says."""
    try:
        mrz, _ = parsed(repair_mrz(reading).lines, today)
    except DocumentError:
        return False
    return mrz is not None and not mrz.wrong_check_digits


def _without_zone(checks: Mapping[str, ImageCheck]) -> MrzImage:
    """Nothing that could be judged: the page may hold none, or it is cut off, too faint or too small."""
    return MrzImage(CheckResult.UNDETERMINED, (), None, _complete(checks))


def _open(reason: MrzImageReason, detail: str = "") -> ImageCheck:
    return ImageCheck(CheckResult.UNDETERMINED, (reason,), detail)


def _complete(checks: Mapping[str, ImageCheck]) -> dict[str, ImageCheck]:
    return {name: checks.get(name, ImageCheck(CheckResult.NOT_PERFORMED)) for name in CHECKS}
