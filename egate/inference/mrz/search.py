"""Which zone of an image is the document's, and whether the image holds another one.

    zone     of the angles to try, upright first, the first at which a zone can be parsed; there the lowest one
    rivals   lines elsewhere, at any angle, that are a zone as well, or the rest of one, and say something else

Which zone counts is decided by where it lies, not by how sound it is: nobody draws the search away from a zone that was changed by
a sound one elsewhere. Other bands and other angles may only read the same lines better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import cv2
import numpy as np
from numpy.typing import NDArray

from egate.document.zone.check_digit import FILLER
from egate.domain.biometric import Image
from egate.inference.mrz.band import Band, cut_lines, find_bands, turns
from egate.inference.mrz.text import LINE_HEIGHT_PX, LINE_WIDTH_PX_MAX, LineReading, TextReader
from egate.inference.mrz.zone import Zone, merged, zone_of

SQUEEZES = (1.0, 0.7)  # measured (bench/document/bench_mrz_image.py): faint D and 0 are told apart at one or the other
# Chosen: bound the time. Specimens have one to three bands upright, and as many upside down.
BANDS_MAX = 8  # of all angles, read for the zone
ANGLE_BANDS_MAX = 3  # of one angle
RIVAL_BANDS_MAX = 8  # of all angles, read for other zones
# No text of a page has fillers; a zone that cannot be read to its end has.
_FILLERS_MIN, _SIZE_MIN = 4, 25
_SAME_LINE_HEIGHTS = 0.6  # lines of a zone are at least 1.2 heights apart


@dataclass(frozen=True, slots=True)
class Found:
    """band: in which the zone is, or any band at all if none holds one. differ: there are other zones that say something else.
    unread: there are more bands than are read. Both are known of a zone without defects alone."""

    band: Band | None
    zone: Zone | None
    differ: bool = False
    unread: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    """A zone and the band it was read from. angle: index of the angle it was found at."""

    band: Band
    zone: Zone
    angle: int

    @property
    def lines(self) -> Band:
        return replace(self.band, centres=self.band.centres[self.zone.first :][: len(self.zone.lines)])

    @property
    def bottom(self) -> float:
        """Comparable at one angle."""
        return self.lines.centres[-1][1]


class _Page:
    def __init__(self, pixels: Image, first: TextReader, today: date) -> None:
        self._pixels, self._first, self._today = pixels, first, today
        grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
        self.angles = [find_bands(grey), *(find_bands(grey, turn) for turn in turns(grey))]

    def read(self, band: Band, squeeze: float) -> list[LineReading]:
        """Empty if a line is too wide for the reader."""
        cuts = cut_lines(self._pixels, band, LINE_HEIGHT_PX, squeeze)
        if any(cut.shape[1] > LINE_WIDTH_PX_MAX for cut in cuts):
            return []
        return [self._first.read(cut) for cut in cuts]

    def zone(self, readings: Sequence[LineReading]) -> Zone | None:
        return zone_of(readings, self._today)

    def best_zone(self, band: Band) -> Zone | None:
        """The zone with the fewest defects among the mean of both widths and each alone."""
        readings = [self.read(band, squeeze) for squeeze in SQUEEZES]
        mean = merged(*readings)
        zones = (self.zone(reading) for reading in ([mean] if mean else []) + readings)
        return min((zone for zone in zones if zone is not None), key=lambda zone: zone.defects, default=None)


def find_zone(pixels: Image, first: TextReader, today: date) -> Found:
    """pixels: (h, w, 3) uint8 BGR."""
    page = _Page(pixels, first, today)
    main, places = _main(page)
    if main is None:
        return Found(next((band for bands in page.angles for band in bands), None), None)
    if main.zone.defects:
        return Found(main.band, main.zone)
    differ = any(place.zone.lines != main.zone.lines for place in places if not _overlap(place.lines, main.lines))
    unread = False
    if not differ:
        differ, unread = _rivals(page, main, places)
    return Found(main.band, main.zone, differ, unread)


def _main(page: _Page) -> tuple[_Place | None, list[_Place]]:
    """The zone that counts, and all that were read."""
    main: _Place | None = None
    places: list[_Place] = []
    read_count = 0
    for angle, bands in enumerate(page.angles):
        for band in bands[:ANGLE_BANDS_MAX]:
            if read_count == BANDS_MAX or (main is not None and not _may_count_more(band, angle, main)):
                continue
            read_count += 1
            zone = page.best_zone(band)
            if zone is not None:
                places.append(_Place(band, zone, angle))
                if main is None or _counts_more(places[-1], main):
                    main = places[-1]
        if main is not None and main.zone.defects == 0:
            break
    return main, places


def _may_count_more(band: Band, angle: int, main: _Place) -> bool:
    if _overlap(band, main.lines):
        return main.zone.defects > 0
    return main.zone.mrz is None or main.angle == angle


def _counts_more(place: _Place, main: _Place) -> bool:
    if _overlap(place.lines, main.lines) or main.zone.mrz is None:
        return place.zone.defects < main.zone.defects
    return place.zone.mrz is not None and place.angle == main.angle and place.bottom > main.bottom


def _rivals(page: _Page, main: _Place, places: Sequence[_Place]) -> tuple[bool, bool]:
    """Whether there is another zone that says something else, and whether bands are left unread."""
    read_count = 0
    for angle, bands in enumerate(page.angles):
        read = [place.band for place in places if place.angle == angle]
        for band in bands:
            rest = _without(band, main.lines)
            if rest is None or any(all(_covered(rest, other)) for other in read):
                continue
            if read_count == RIVAL_BANDS_MAX:
                return False, True
            read_count += 1
            read.append(rest)
            if _differs(page, rest, main.zone):
                return True, False
    return False, False


def _differs(page: _Page, band: Band, from_zone: Zone) -> bool:
    readings = page.read(band, SQUEEZES[0])
    zone = page.zone(readings)
    if zone is not None:
        return zone.lines != from_zone.lines
    return any(len(reading.scores) >= _SIZE_MIN and reading.text.count(FILLER) >= _FILLERS_MIN for reading in readings)


def _without(band: Band, other: Band) -> Band | None:
    """The band without lines that are the other's; None if less than two are left."""
    covered = _covered(band, other)
    rest = tuple(centre for centre, known in zip(band.centres, covered, strict=True) if not known)
    return replace(band, centres=rest) if len(rest) > 1 else None


def _overlap(band: Band, other: Band) -> bool:
    return any(_covered(band, other))


def _covered(band: Band, other: Band) -> list[bool]:
    """Of each line of the band: is it one of the other's? They may have been found at different angles."""
    along = other.to_image[:, :2] @ np.array([np.cos(np.radians(other.tilt)), np.sin(np.radians(other.tilt))])
    scale = float(np.hypot(*along))
    along = along / scale
    across = np.array([-along[1], along[0]])
    offsets = _in_image(band)[:, None] - _in_image(other)[None]
    near = np.abs(offsets @ across) <= _SAME_LINE_HEIGHTS * other.height * scale
    beside = np.abs(offsets @ along) <= other.length / 2 * scale
    return [bool(known) for known in (near & beside).any(1)]


def _in_image(band: Band) -> NDArray[np.float64]:
    """(n, 2): the centres of its lines in px of the image."""
    return np.array(band.centres) @ band.to_image[:, :2].T + band.to_image[:, 2]
