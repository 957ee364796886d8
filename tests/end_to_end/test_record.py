"""The checks that the campaigns rely on find what they look for: each fault planted once in a record that was right."""

from __future__ import annotations

import time

import pytest

from egate.journal import canonical
from egate.journal.chain import GENESIS, Entry, link
from hw.sim.world import Event
from tests.end_to_end.record import check_one_outcome_each, check_releases

LANE, CROSSING = "lane-1", "c" * 32
Line = tuple[str, dict[str, object], float]


def entries(*lines: Line) -> list[Entry]:
    """kind, body and how many seconds ago."""
    chain: list[Entry] = []
    for kind, body, ago_s in lines:
        after = chain[-1].head if chain else GENESIS
        at_ns = int((time.time() - ago_s) * 1e9)
        chain.append(link(after, at_ns, kind, LANE, CROSSING, canonical.encode(body)))
    return chain


def released(*ago_s: float) -> dict[str, list[Event]]:
    return {LANE: [Event(number, time.monotonic() - ago, "released") for number, ago in enumerate(ago_s, 1)]}


STARTED: Line = ("STARTED", {}, 4.0)
ADMIT: Line = ("DECISION", {"verdict": "ADMIT"}, 3.0)
REFER: Line = ("DECISION", {"verdict": "REFER"}, 3.0)
OVERRIDE: Line = ("OVERRIDE", {"officer": "demo"}, 3.0)
PASSED: Line = ("OUTCOME", {"outcome": "PASSED"}, 1.0)
UNKNOWN: Line = ("OUTCOME", {"outcome": "UNKNOWN"}, 1.0)


def test_granted_releases_are_counted() -> None:
    assert check_releases(entries(STARTED, ADMIT, PASSED), released(2.9)) == 1
    assert check_releases(entries(STARTED, REFER, OVERRIDE, PASSED), released(2.9)) == 1
    assert check_releases(entries(STARTED, ADMIT, PASSED), {LANE: []}) == 0


@pytest.mark.parametrize(
    ("lines", "ago_s"),
    [
        ((STARTED, REFER, PASSED), (2.9,)),
        ((STARTED, ADMIT, PASSED), (3.5,)),
        ((STARTED, ADMIT, PASSED), (2.9, 2.0)),
        ((STARTED, ("DECISION", {"verdict": "ADMIT"}, 60.0), PASSED), (2.9,)),
    ],
    ids=["referred", "before the record", "twice for one decision", "a minute later"],
)
def test_release_without_grant_is_found(lines: tuple[Line, ...], ago_s: tuple[float, ...]) -> None:
    with pytest.raises(AssertionError, match="without a durable grant"):
        check_releases(entries(*lines), released(*ago_s))


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ((STARTED, ADMIT), "STARTED"),
        ((STARTED, ADMIT, PASSED, PASSED), "STARTED"),
        ((ADMIT, PASSED), "OUTCOME"),
        ((STARTED, UNKNOWN), "without a case"),
    ],
    ids=["no outcome", "two outcomes", "no start", "no case"],
)
def test_crossing_that_does_not_end_once_is_found(lines: tuple[Line, ...], problem: str) -> None:
    with pytest.raises(AssertionError, match=problem):
        check_one_outcome_each(entries(*lines))
