"""Error rates of attack detection at a threshold, as ISO/IEC 30107-3 reports them: by species of attack, the worst one named.

Which way a presentation without a response counts: an attack without one is not in APCER, so it cannot dilute it; a bona fide presentation
without one is rejected at a gate and counts in BPCER. APNRR and BPNRR report how many there are.
Frames of one person resemble each other: an interval over presentations is too narrow. So it is given over subjects too: how many of them
had any error, and where there are enough subjects with errors the bootstrap that draws subjects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egate.matching.pad.combination import Floats
from egate.matching.rates.bootstrap import SUBJECTS_MIN, interval
from egate.matching.rates.rates import CountedRate

REPLICATES = 2_000  # chosen: 50 of them lie beyond each end of an interval
BONA_FIDE = ""  # in place of a species

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """counted: errors and presentations, Clopper-Pearson at 95 %. subjects: how many had an error, of how many.

    A rate of which no error was seen is not 0 in a report but below 3 / presentations (rule of three).
    by_subject: 95 % interval of the rate, subjects drawn; None with fewer than SUBJECTS_MIN subjects or no error.
    silent: presentations without a response, of how many.
    """

    counted: CountedRate
    subjects: CountedRate
    by_subject: Interval | None
    silent: CountedRate

    @property
    def value(self) -> float:
        return self.counted.errors / self.counted.trials

    def to_json(self) -> dict[str, object]:
        return {
            "rate": self.counted.value,
            "below": self.counted.below,
            "errors": self.counted.errors,
            "presentations": self.counted.trials,
            "interval_95": list(self.counted.interval),
            "subjects_with_errors": self.subjects.errors,
            "subjects": self.subjects.trials,
            "subjects_interval_95": list(self.subjects.interval),
            "interval_95_by_subject": list(self.by_subject) if self.by_subject else None,
            "no_response": self.silent.errors,
        }


@dataclass(frozen=True, slots=True)
class PadRates:
    """apcer: by species. bpcer. threshold: score from which a presentation is taken for bona fide."""

    threshold: float
    apcer: Mapping[str, ErrorRate]
    bpcer: ErrorRate

    @property
    def worst(self) -> str | None:
        """The species of which the largest share is accepted; of equals the one with fewest presentations: it is known least.

        None if there was no attack.
        """
        return max(
            self.apcer, key=lambda name: (self.apcer[name].value, -self.apcer[name].counted.trials), default=None
        )

    def to_json(self) -> dict[str, object]:
        worst = self.worst
        return {
            "threshold": self.threshold,
            "worst_species": worst,
            "apcer": self.apcer[worst].to_json() if worst is not None else None,
            "bpcer": self.bpcer.to_json(),
            "species": {species: rate.to_json() for species, rate in self.apcer.items()},
        }


def pad_rates(
    scores: Floats, species: Sequence[str], subject: Sequence[str], threshold: float, random: np.random.Generator
) -> PadRates:
    """Rates from (n,) scores, NaN where there was no response; species: BONA_FIDE or the attack's; subject: whose presentation it was.

    Raises ValueError if a species has no presentation with a response, or there is no bona fide presentation.
    """
    kinds, people = np.array(species, dtype=object), np.array(subject, dtype=object)
    accepted = scores >= threshold  # False for NaN
    silent = np.isnan(scores)
    apcer = {}
    for kind in sorted(set(species) - {BONA_FIDE}):
        of_kind = kinds == kind
        apcer[kind] = _rate(accepted, of_kind & ~silent, of_kind & silent, people, random)
    bona_fide = kinds == BONA_FIDE
    rate = _rate(~accepted, bona_fide, bona_fide & silent, people, random)
    return PadRates(threshold, apcer, rate)


def _rate(
    wrong: NDArray[np.bool_],
    trials: NDArray[np.bool_],
    silent: NDArray[np.bool_],
    people: NDArray[np.object_],
    random: np.random.Generator,
) -> ErrorRate:
    names, index = np.unique(people[trials].astype(str), return_inverse=True)
    errors = np.bincount(index, wrong[trials], len(names)).astype(np.float64)
    counts = np.bincount(index, minlength=len(names))
    counted = CountedRate(int(errors.sum()), int(counts.sum()))
    return ErrorRate(
        counted=counted,
        subjects=CountedRate(int(np.count_nonzero(errors)), len(names)),
        by_subject=_drawn(errors, counts, random) if counted.errors and len(names) >= SUBJECTS_MIN else None,
        silent=CountedRate(int(np.count_nonzero(silent)), int(np.count_nonzero(trials | silent))),
    )


def _drawn(errors: Floats, counts: NDArray[np.intp], random: np.random.Generator) -> Interval | None:
    drawn = random.integers(0, len(counts), (REPLICATES, len(counts)))
    rates = errors[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return interval(np.asarray(rates, np.float64), float(errors.sum() / counts.sum()), len(counts))
