"""Fingers enrolled for searching: contiguous rows, written by one, read by many.

A search sees the gallery as of its start. Adding writes only rows that no snapshot shows; removing hides rows in a copy of the
columns that say whose they are, and erases the template at once: an older snapshot finds nothing there. A row is never given to
another finger while a snapshot may show it; rows that were freed come back when the gallery is packed into new arrays.
Writers take turns (the caller's lock); readers need none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import FingerTemplate
from egate.domain.finger import FINGER_POSITIONS
from egate.errors import EgateError, TemplateError
from egate.matching.finger.search import stored
from egate.matching.finger.search.stored import Stored

IMPRESSIONS_MAX = 16  # of one finger, chosen: what one person's enrolment may take of everybody's search
SPARE_SHARE = 0.25  # rows beyond the capacity: packing copies the gallery, so it is due once in so many removals
NOBODY = -1

FingerKey = tuple[str, int]  # identity, position


class GalleryFull(EgateError):
    """An impression has no place: the gallery, or the finger within it, holds as many as it may."""

    code = "FINGER_GALLERY_FULL"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Snapshot:
    """The gallery at one moment: m rows. owner: (m,) int32 index in names, NOBODY where removed. position: (m,) uint8."""

    stored: Stored
    owner: NDArray[np.int32]
    position: NDArray[np.uint8]
    names: Mapping[int, str]

    def __repr__(self) -> str:
        return f"Snapshot(impressions={int((self.owner != NOBODY).sum())}, redacted)"

    def wanted(self, position: int) -> NDArray[np.bool_]:
        """(m,) rows that a probe of that position is compared with: its finger and unknown ones; all if the probe's is unknown."""
        enrolled: NDArray[np.bool_] = self.owner != NOBODY
        if position != 0:
            enrolled &= (self.position == position) | (self.position == 0)
        return enrolled


class FingerGallery:
    """Up to capacity impressions: any number of identities, up to ten fingers and one unknown each."""

    def __init__(self, capacity: int) -> None:
        """capacity: impressions; ValueError below 1. Takes memory as it fills, 1.9 kB each."""
        if capacity < 1:
            raise ValueError("a gallery holds at least one impression")
        self.capacity = capacity
        self._fingers: dict[FingerKey, list[int]] = {}
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._live = self._used = self._next = 0
        self._owner, self._position = np.empty(0, np.int32), np.empty(0, np.uint8)
        self._allocate()
        self._publish()

    def __len__(self) -> int:
        """Impressions enrolled."""
        return self._live

    def __repr__(self) -> str:
        return f"FingerGallery(impressions={self._live}, capacity={self.capacity}, redacted)"

    def snapshot(self) -> Snapshot:
        """What a search reads; unchanged by later additions. Any thread."""
        return self._snapshot

    def add(self, identity: str, template: FingerTemplate) -> None:
        """One more impression of the identity's finger at template.position.

        Raises GalleryFull with code FINGER_GALLERY_FULL, or FINGER_IMPRESSIONS_FULL if this finger has IMPRESSIONS_MAX;
        TemplateError with code FINGER_POSITION, FINGER_TEMPLATE_SMALL or FINGER_TEMPLATE_VALUES. Then nothing has changed.
        """
        if template.position not in FINGER_POSITIONS:
            raise TemplateError("finger position is a code from 0 to 10", code="FINGER_POSITION")
        if self._live >= self.capacity:
            raise GalleryFull(f"the finger gallery holds its {self.capacity} impressions")
        rows = self._fingers.get((identity, template.position), [])
        if len(rows) >= IMPRESSIONS_MAX:
            raise GalleryFull(f"a finger has at most {IMPRESSIONS_MAX} impressions", code="FINGER_IMPRESSIONS_FULL")
        if self._used == len(self._owner):
            self._pack()
        row = self._used
        stored.write(self._stored, row, template)
        self._owner[row], self._position[row] = self._number(identity), template.position
        self._fingers.setdefault((identity, template.position), []).append(row)
        self._used, self._live = row + 1, self._live + 1
        self._publish()

    def remove(self, identity: str, position: int | None = None) -> int:
        """Takes out the identity, or only its finger at position; their templates are erased. Returns the impressions removed."""
        keys = [key for key in self._keys(identity) if position is None or key[1] == position]
        rows = [row for key in keys for row in self._fingers.pop(key)]
        if not rows:
            return 0
        self._owner = self._owner.copy()
        self._owner[rows] = NOBODY
        if not self._keys(identity):
            number = self._numbers.pop(identity)
            self._names = {key: name for key, name in self._names.items() if key != number}
        self._live -= len(rows)
        self._publish()
        for column in self._stored.columns():
            column[rows] = 0
        return len(rows)

    def _keys(self, identity: str) -> list[FingerKey]:
        return [(identity, position) for position in FINGER_POSITIONS if (identity, position) in self._fingers]

    def _number(self, identity: str) -> int:
        """Numbers are not used again: an old snapshot must not give a new identity's name to what it shows."""
        number = self._numbers.get(identity)
        if number is None:
            number, self._next = self._next, self._next + 1
            self._numbers[identity] = number
            self._names[number] = identity
        return number

    def _allocate(self) -> None:
        rows = self.capacity + int(self.capacity * SPARE_SHARE) + 1
        self._stored = stored.allocate(rows)
        self._owner, self._position = np.full(rows, NOBODY, np.int32), np.zeros(rows, np.uint8)

    def _pack(self) -> None:
        """Into new arrays, without the rows that were freed; snapshots keep the old ones."""
        old, owner, position = self._stored, self._owner, self._position
        kept = np.flatnonzero(owner != NOBODY)
        self._allocate()
        for new, column in zip(self._stored.columns(), old.columns(), strict=True):
            new[: len(kept)] = column[kept]
        self._owner[: len(kept)], self._position[: len(kept)] = owner[kept], position[kept]
        moved = {int(row): at for at, row in enumerate(kept)}
        self._fingers = {key: [moved[row] for row in rows] for key, rows in self._fingers.items()}
        self._used = len(kept)

    def _publish(self) -> None:
        """One assignment, so that a reader sees the gallery before or after it, never between."""
        shown = slice(self._used)
        self._snapshot = Snapshot(self._stored.rows(shown), self._owner[shown], self._position[shown], self._names)
