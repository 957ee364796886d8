"""What a number of trials can support: the rule of three and the interval of a counted error rate, ISO/IEC 19795-1."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from egate.matching.rates.calibration import RULE_OF_THREE

CONFIDENCE = 0.95  # of every interval here
BISECTIONS = 60  # halvings of [0, 1]: past the last bit of a double


@dataclass(frozen=True, slots=True)
class CountedRate:
    """errors of trials, 0 <= errors <= trials. Raises ValueError otherwise or if there is no trial."""

    errors: int
    trials: int

    def __post_init__(self) -> None:
        if not 0 <= self.errors <= self.trials or self.trials == 0:
            raise ValueError(f"{self.errors} errors in {self.trials} trials")

    @property
    def value(self) -> float | None:
        """errors / trials; None where no error was seen: the rate is below `below`, and nobody knows how far."""
        return self.errors / self.trials if self.errors else None

    @property
    def below(self) -> float | None:
        """Bound of a rate of which no error was seen: 3 / trials with 95 % confidence. None where one was seen."""
        return None if self.errors else min(1.0, RULE_OF_THREE / self.trials)

    @property
    def interval(self) -> tuple[float, float]:
        """Clopper-Pearson at 95 %: right for trials that are independent of each other, too narrow for others."""
        tail = (1.0 - CONFIDENCE) / 2.0
        low = _solve(lambda rate: 1.0 - _at_most(self.errors - 1, self.trials, rate) >= tail) if self.errors else 0.0
        high = _solve(lambda rate: _at_most(self.errors, self.trials, rate) <= tail)
        return low, high if self.errors < self.trials else 1.0


def trials_needed(rate: float) -> int:
    """Fewest trials that can support a figure at this rate: three errors are expected in them. Raises ValueError unless 0 < rate <= 1."""
    if not 0.0 < rate <= 1.0:
        raise ValueError(f"rate {rate!r} is not in (0, 1]")
    return math.ceil(RULE_OF_THREE / rate - 1e-6)  # 3 / 0.0001 is 30000, though not in binary


def _at_most(errors: int, trials: int, rate: float) -> float:
    """Probability of at most so many errors: the binomial distribution, summed from its largest term on."""
    if errors < 0 or rate >= 1.0:
        return 0.0 if errors < trials else 1.0
    if rate <= 0.0:
        return 1.0
    log_odds, base = math.log(rate) - math.log1p(-rate), trials * math.log1p(-rate)
    logs = [_log_choose(trials, k) + k * log_odds + base for k in range(errors + 1)]
    return min(1.0, math.fsum(math.exp(value) for value in logs))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _solve(reached: Callable[[float], bool]) -> float:
    """Smallest rate for which reached holds, which it does from some rate in [0, 1] on."""
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
