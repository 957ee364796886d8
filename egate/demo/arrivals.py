"""When travellers come, and how long each then waited: an open loop, so that a stall counts for everyone who waited.

A closed loop sends the next traveller once the last one is through; a daemon that stops for ten seconds then shows one slow
crossing. Here the arrivals are fixed beforehand and every latency starts at the scheduled arrival.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

# What a traveller waits for, one after the other: name of the stage -> marks at its begin and end.
CHAIN = {
    "queue": ("arrival", "taken"),  # until a lane is free
    "approach": ("taken", "seen"),  # until the lane's sensors see the person
    "document": ("seen", "document"),
    "verification": ("document", "verified"),
    "record": ("verified", "record"),
    "release": ("record", "release"),
    "answer": ("release", "decision"),
}
WHOLE = ("arrival", "decision")
# Inside the chain and after it: they overlap or are the traveller's own time.
OTHER = {
    "document_checks": ("document", "document_checks"),
    "face": ("document", "face"),
    "finger": ("document", "finger"),
    "crossing": ("taken", "decision"),
    "passage": ("decision", "outcome"),
}


def poisson_arrivals(count: int, rate_per_s: float, seed: int) -> list[float]:
    """Arrival times, seconds from the start, ascending: independent travellers at a mean rate. Raises ValueError."""
    if count < 0 or not 0 < rate_per_s < float("inf"):
        raise ValueError("count must not be negative, rate_per_s must be positive")
    draw = random.Random(seed)
    now, arrivals = 0.0, []
    for _ in range(count):
        now += draw.expovariate(rate_per_s)
        arrivals.append(now)
    return arrivals


def stage_durations(marks: Mapping[str, float]) -> dict[str, float]:
    """Seconds by stage, of the stages both of whose marks are there, and "whole"; the stages of CHAIN add up to it.

    marks: seconds of one clock by name. "verified", the end of the last evidence, follows from document_checks, face and finger.
    """
    evidence = [marks[name] for name in ("document_checks", "face", "finger") if name in marks]
    known = {**marks, "verified": max(evidence)} if evidence else dict(marks)
    spans = {**CHAIN, "whole": WHOLE, **OTHER}
    return {name: known[end] - known[begin] for name, (begin, end) in spans.items() if {begin, end} <= known.keys()}
