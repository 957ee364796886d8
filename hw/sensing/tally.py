"""How many people are in a zone and how many have left it, by what the barriers saw go through. Pure."""

from __future__ import annotations

from hw.sensing.barriers import Passage

EXIT_COUNT_MODULUS = 65_536  # as egate.domain.device.SensorLevels


class Tally:
    """persons: in the zone; None while in doubt, until the zone is known to be empty. exits: gone through the exit since the start,
    modulo 65536, never fewer than went; None likewise."""

    def __init__(self) -> None:
        self.persons: int | None = None
        self._exit_count = 0
        self._exits_known = False

    @property
    def exits(self) -> int | None:
        return self._exit_count if self._exits_known else None

    def empty(self) -> None:
        """Nobody is in the zone: what was in doubt no longer matters."""
        self.persons, self._exits_known = 0, True

    def forget(self) -> None:
        self.persons, self._exits_known = None, False

    def entry(self, passage: Passage) -> None:
        match passage:
            case Passage.FORWARD:
                self._move(1)
            case Passage.BACKWARD:
                self._move(-1)
            case Passage.DOUBT | Passage.SEVERAL:
                self.persons = None
            case Passage.NOBODY:
                pass

    def exit(self, passage: Passage, bodies_max: int) -> None:
        """bodies_max: how many it may have been, in doubt."""
        match passage:
            case Passage.FORWARD:
                self._move(-1)
                self._exit_count = (self._exit_count + 1) % EXIT_COUNT_MODULUS
            case Passage.BACKWARD:
                self._move(1)  # the exit count never falls: what it counted has happened
            case Passage.DOUBT | Passage.SEVERAL:
                self.forget()
                self._exit_count = (self._exit_count + bodies_max) % EXIT_COUNT_MODULUS
            case Passage.NOBODY:
                pass

    def _move(self, by: int) -> None:
        """Somebody who leaves an empty zone shows that it was not empty."""
        if self.persons is not None:
            self.persons = self.persons + by if self.persons + by >= 0 else None
