"""Baselines compared by interval: a percentile of a sample is itself uncertain, and only intervals that do not meet differ."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from egate.commands.bench.measurement import commit, host, percentile, summary_ms

BASELINE = Path(__file__).parent / "baseline"
NORMAL_95 = 1.96  # two-sided 95 % of the normal distribution

__all__ = ["BASELINE", "commit", "host", "interval", "percentile", "summary_ms", "verdict", "write_baseline"]


def interval(values: Sequence[float], share: float) -> tuple[float, float]:
    """The 95 % confidence interval of a percentile, by order statistics: no assumption about the distribution.

    The number of values below the true percentile is binomial(n, share); its normal approximation gives the two ranks. Near the
    ends of a small sample the interval is that of all values. Raises ValueError if empty or share is not in (0, 1].
    """
    if not values or not 0 < share <= 1:
        raise ValueError("no values, or share is not in (0, 1]")
    ordered, count = sorted(values), len(values)
    half = NORMAL_95 * math.sqrt(count * share * (1 - share))
    low = max(0, math.floor(count * share - half) - 1)
    high = min(count - 1, math.ceil(count * share + half))
    return ordered[low], ordered[high]


def verdict(now: tuple[float, float], baseline: tuple[float, float]) -> str:
    """ "faster", "slower" or "same": what the intervals of two runs allow to say."""
    if now[1] < baseline[0]:
        return "faster"
    return "slower" if now[0] > baseline[1] else "same"


def write_baseline(name: str, report: dict[str, Any]) -> None:
    text = json.dumps(report, indent=2) + "\n"
    (BASELINE / name).write_text(text, encoding="utf-8")
