"""A probe against the gallery, in two stages: all codes are scanned, the 1:1 matcher judges the shortlist.

Stage 1 sees each stored impression for 2 us, stage 2 each of SHORTLIST for as long as a comparison takes. The caller says how
the parts of both are spread over threads, because nothing in egate.matching starts any:

    with ThreadPoolExecutor(2) as pool:
        candidates = search(gallery.snapshot(), probe, spread=pool.map)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import FingerTemplate
from egate.matching.finger import minutiae
from egate.matching.finger.search import kernels, stored
from egate.matching.finger.search.candidate import FingerCandidate
from egate.matching.finger.search.false_positives import false_positive_rate
from egate.matching.finger.search.gallery import NOBODY, FingerGallery, Snapshot

SHORTLIST = 150  # impressions that stage 2 compares
FINGERS_WHOLE = 4  # best fingers of the shortlist of which all other impressions are compared too
CANDIDATES_MAX = 10
CODE_ONES_MIN = 6  # a minutia without neighbours is like every other one; chosen on the corpus, flat from 4 to 8
SCAN_ROWS = 4096  # a part of stage 1: 8 ms; small enough to spread evenly, large enough not to notice the hand-over
COMPARE_ROWS = 19  # a part of stage 2: eight of the shortlist

Part = TypeVar("Part")
Result = TypeVar("Result")


class Spread(Protocol):
    """Applies a function to each part and yields the results in order: `map`, or that of a pool of threads."""

    def __call__(self, function: Callable[[Part], Result], parts: Iterable[Part], /) -> Iterable[Result]: ...


def search(
    gallery: Snapshot, probe: FingerTemplate, *, spread: Spread = map, candidates_max: int = CANDIDATES_MAX
) -> tuple[FingerCandidate, ...]:
    """The enrolled fingers most like the probe, best first; none if it holds a NaN or nothing is like it.

    A probe of known position is compared with that finger and with unknown ones. Time for 30,000 impressions: 60 ms of scan and
    SHORTLIST comparisons. Threads: safe.
    """
    if len(probe.x) < stored.MINUTIAE_MIN or not np.isfinite([probe.x, probe.y, probe.angle]).all():
        return ()
    ready = minutiae.prepare(probe)
    wanted = gallery.wanted(probe.position)
    rows = shortlist(scan(gallery, probe, wanted, spread))
    found = _compare(gallery, ready, rows, spread)
    best = sorted(found, key=lambda row: (-found[row], row))
    others = _other_impressions(gallery, wanted, best, found)
    found |= _compare(gallery, ready, others, spread)
    return _candidates(gallery, found, int(wanted.sum()))[:candidates_max]


def scan(
    gallery: Snapshot, probe: FingerTemplate, wanted: NDArray[np.bool_], spread: Spread = map
) -> NDArray[np.float32]:
    """(m,) stage-1 scores >= 0 of the gallery's rows, -1 where not wanted. The probe holds no NaN."""
    columns = (np.asarray(column, np.float64)[: stored.KEPT_MAX] for column in (probe.x, probe.y, probe.angle))
    x, y, angle = columns
    codes = stored.codes(x, y, angle)
    n = len(codes)
    padded = np.zeros((kernels.LAYERS, -(-n // 8) * 8), np.uint64)  # whole vectors of eight words
    padded[:, :n] = codes.T
    ones = np.bitwise_count(padded).sum(axis=0)
    roots = np.sqrt(np.where(ones < CODE_ONES_MIN, np.nan, ones)).astype(np.float32)
    turned_x, turned_y = _turned(x[:n] - x[:n].mean(), y[:n].mean() - y[:n])
    octets = stored.octets(angle[:n])
    rows = gallery.stored
    count = np.minimum(rows.count, np.uint8(stored.CODED_MAX))
    score = np.empty(len(count), np.float32)

    def part(at: slice) -> None:
        kernels.scan(
            padded, roots, turned_x, turned_y, octets,
            rows.codes[at], rows.place[at], rows.angle[at], count[at], wanted[at], score[at],
        )  # fmt: skip

    for _ in spread(part, _parts(len(count), SCAN_ROWS)):
        pass
    return score


def shortlist(score: NDArray[np.float32], size: int = SHORTLIST) -> NDArray[np.intp]:
    """Rows of the size highest scores above 0, best first."""
    size = min(size, len(score))
    rows = np.argpartition(-score, size - 1)[:size] if size else np.empty(0, np.intp)
    rows = rows[score[rows] > 0.0]
    return rows[np.lexsort((rows, -score[rows]))]


def warm_up() -> None:
    """Compiles the kernels (or loads them from numba's cache), so that no search waits for it."""
    turn = np.arange(12, dtype=np.float32)
    template = FingerTemplate(
        x=100 + 10 * turn, y=100 + 5 * turn, angle=turn % np.float32(6.0), ending=turn % 2 == 0,
        quality=np.ones(12, np.float32), width=300, height=300,
    )  # fmt: skip
    gallery = FingerGallery(1)
    gallery.add("", template)
    search(gallery.snapshot(), template)


def _turned(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(FINE_ROTATIONS, n) each: minutiae about their centre, y up, turned by every fine rotation."""
    angle = ((np.arange(kernels.FINE_ROTATIONS) + 0.5) * kernels.TURN / kernels.FINE_ROTATIONS)[:, None]
    cos, sin = np.cos(angle), np.sin(angle)
    return (cos * x - sin * y).astype(np.float32), (sin * x + cos * y).astype(np.float32)


def _compare(gallery: Snapshot, probe: minutiae.Minutiae, rows: NDArray[np.intp], spread: Spread) -> dict[int, float]:
    """1:1 scores by row."""

    def part(at: slice) -> list[tuple[int, float]]:
        references = ((int(row), minutiae.prepare(stored.read(gallery.stored, int(row)))) for row in rows[at])
        return [(row, minutiae.compare(probe, reference)) for row, reference in references]

    return {row: score for found in spread(part, _parts(len(rows), COMPARE_ROWS)) for row, score in found}


def _other_impressions(
    gallery: Snapshot, wanted: NDArray[np.bool_], best: list[int], found: dict[int, float]
) -> NDArray[np.intp]:
    """Rows not yet compared of the FINGERS_WHOLE fingers that stand highest. best: rows, best first."""
    fingers = list(dict.fromkeys((int(gallery.owner[row]), int(gallery.position[row])) for row in best))[:FINGERS_WHOLE]
    of_owner = np.flatnonzero(wanted & np.isin(gallery.owner, [owner for owner, _ in fingers]))
    rest = [
        int(row)
        for row in of_owner
        if int(row) not in found and (int(gallery.owner[row]), int(gallery.position[row])) in fingers
    ]
    return np.array(rest, np.intp)


def _candidates(gallery: Snapshot, found: dict[int, float], compared: int) -> tuple[FingerCandidate, ...]:
    """One for each finger with a score above 0, best first; equal ones by identity, so that the order of enrolment is not seen."""
    scores: dict[tuple[int, int], list[float]] = {}
    for row, score in found.items():
        scores.setdefault((int(gallery.owner[row]), int(gallery.position[row])), []).append(score)
    candidates = [
        FingerCandidate(gallery.names[owner], position, max(of), len(of), false_positive_rate(max(of), compared))
        for (owner, position), of in scores.items()
        if owner != NOBODY and max(of) > 0.0
    ]
    return tuple(sorted(candidates, key=lambda one: (-one.score, one.identity, one.position)))


def _parts(count: int, size: int) -> list[slice]:
    return [slice(first, min(first + size, count)) for first in range(0, count, size)]
