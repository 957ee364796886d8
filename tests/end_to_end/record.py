"""What the journal's file says, read beside a running daemon, and what must hold of it together with the world's log."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from egate.journal import canonical
from egate.journal.chain import Entry, Verification
from egate.journal.reader import JournalReader
from egate.journal.schema import open_reader
from hw.sim.world import Event

PAGE = 1000
CLOCKS_S = 0.05  # the two clocks are mapped once; what NTP slews meanwhile is far less
GRANT_AGE_S_MAX = 5.0 + 1.5  # decision_age_s and release_deadline_s: a bolt that moves later moves without a grant


@dataclass(frozen=True, slots=True)
class Journal:
    path: Path

    def entries(self, crossing: str | None = None) -> list[Entry]:
        with self._reader() as reader:
            found: list[Entry] = []
            while page := reader.entries(found[-1].seq if found else 0, PAGE, crossing=crossing):
                found += page
            return found

    def bodies(self, crossing: str, kind: str) -> list[dict[str, Any]]:
        return [body(entry) for entry in self.entries(crossing) if entry.kind == kind]

    def outcome(self, crossing: str) -> dict[str, Any] | None:
        found = self.bodies(crossing, "OUTCOME")
        assert len(found) <= 1, f"{len(found)} outcomes of {crossing}"
        return found[0] if found else None

    def verify(self) -> Verification:
        with self._reader() as reader:
            return list(reader.verify_pages())[-1]

    @contextlib.contextmanager
    def _reader(self) -> Iterator[JournalReader]:
        reader = JournalReader(open_reader(self.path))
        try:
            yield reader
        finally:
            reader.close()


def body(entry: Entry) -> dict[str, Any]:
    content: dict[str, Any] = canonical.decode(entry.body)
    return content


def check_one_outcome_each(entries: Iterable[Entry]) -> int:
    """Every crossing that started has exactly one outcome (S5), and a case if it was not the traveller's own end. Returns how many."""
    kinds: dict[str, Counter[str]] = {}
    outcomes: dict[str, dict[str, Any]] = {}
    for entry in entries:
        if entry.crossing:
            kinds.setdefault(entry.crossing, Counter())[entry.kind] += 1
            if entry.kind == "OUTCOME":
                outcomes[entry.crossing] = body(entry)
    for crossing, count in kinds.items():
        assert (count["STARTED"], count["OUTCOME"]) == (1, 1), f"{crossing}: {dict(count)}"
        if outcomes[crossing]["outcome"] in ("REFERRED", "UNKNOWN", "FAILED"):
            assert count["CASE"], f"{crossing} ended {outcomes[crossing]['outcome']} without a case"
    return len(kinds)


def check_releases(entries: Sequence[Entry], worlds: Mapping[str, Sequence[Event]]) -> int:
    """Each time a bolt was withdrawn, a grant of that lane was durable before and not used yet (S1). Returns how many.

    A grant is an ADMIT decision or an officer's override. worlds: each lane's log.
    """
    wall_minus_monotonic = time.time() - time.monotonic()
    count = 0
    for lane, log in worlds.items():
        grants = sorted(entry.at_ns / 1e9 for entry in entries if entry.lane == lane and is_grant(entry))
        for event in log:
            if event.kind != "released":
                continue
            at = event.at + wall_minus_monotonic
            fresh = [grant for grant in grants if at - GRANT_AGE_S_MAX <= grant <= at + CLOCKS_S]
            assert fresh, f"{lane}: released at {at:.3f} without a durable grant before; grants {grants[-3:]}"
            grants.remove(fresh[0])
            count += 1
    return count


def is_grant(entry: Entry) -> bool:
    return entry.kind == "OVERRIDE" or (entry.kind == "DECISION" and body(entry)["verdict"] == "ADMIT")


def released_count(log: Iterable[Event]) -> int:
    return sum(event.kind == "released" for event in log)
