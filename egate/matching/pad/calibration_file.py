"""calibration.csv of attack detection as text, and back.

    # egate pad calibration 1
    # key: value                                      id, weights, dataset, attacks, bona_fide, subjects, date, command, fusion
    score,apcer,bpcer

attacks: species=count, blank-separated. fusion: bias=value, then model=weight in the order of the engine's models.
What can go wrong: another format, columns or values missing, rates that do not fall and rise as a calibration's must.
"""

from __future__ import annotations

import re

import numpy as np

from egate.errors import ModelError
from egate.matching.pad.calibration import PadCalibration
from egate.matching.pad.combination import PadFusion
from egate.matching.rates.calibration_text import format_table, parse_table, starts_with

FORMAT_LINE = "# egate pad calibration 1"
COLUMNS = "score,apcer,bpcer"
SPECIES = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


def format_pad_calibration(calibration: PadCalibration) -> str:
    """parse_pad_calibration gives the same values back. Raises ValueError if a species has no plain name."""
    if not all(SPECIES.fullmatch(species) for species in calibration.attacks):
        raise ValueError("a species is named in lower-case letters, digits, - and _")
    fusion = calibration.fusion
    weights = [f"{model}={weight!r}" for model, weight in zip(fusion.models, fusion.weights, strict=True)]
    head = {
        "id": calibration.id,
        "weights": calibration.weights,
        "dataset": calibration.dataset,
        "attacks": " ".join(f"{species}={count}" for species, count in calibration.attacks.items()),
        "bona_fide": calibration.bona_fide,
        "subjects": calibration.subjects,
        "date": calibration.date,
        "command": calibration.command,
        "fusion": " ".join([f"bias={fusion.bias!r}", *weights]),
    }
    return format_table(FORMAT_LINE, head, COLUMNS, (calibration.score, calibration.apcer_at, calibration.bpcer_at))


def parse_pad_calibration(text: str) -> PadCalibration:
    """Raises ModelError if it is malformed or cannot be a calibration: one that cannot would let attacks pass silently."""
    if not starts_with(text, FORMAT_LINE):
        raise ModelError(f"not a calibration of attack detection: the first line must be {FORMAT_LINE!r}")
    try:
        head, (score, apcer, bpcer) = parse_table(text, COLUMNS)
        (_, bias), *weights = _pairs(head["fusion"], first="bias")
        attacks = {species: int(count) for species, count in _pairs(head["attacks"])}
        calibration = PadCalibration(
            id=head["id"],
            fusion=PadFusion(
                tuple(name for name, _ in weights), tuple(float(value) for _, value in weights), float(bias)
            ),
            score=score,
            apcer_at=apcer,
            bpcer_at=bpcer,
            attacks=attacks,
            bona_fide=int(head["bona_fide"]),
            subjects=int(head["subjects"]),
            **{key: head.get(key, "") for key in ("weights", "dataset", "date", "command")},
        )
    except (ValueError, KeyError, IndexError):
        raise ModelError("calibration of attack detection: malformed head or table") from None
    _check(calibration)
    return calibration


def _pairs(text: str, first: str | None = None) -> list[tuple[str, str]]:
    pairs = [(name, value) for name, _, value in (word.partition("=") for word in text.split(" "))]
    if len(dict(pairs)) != len(pairs) or (first is not None and pairs[0][0] != first):
        raise ValueError("names")
    return pairs


def _check(calibration: PadCalibration) -> None:
    score, apcer, bpcer = calibration.score, calibration.apcer_at, calibration.bpcer_at
    sound = (
        min([*calibration.attacks.values(), calibration.bona_fide, calibration.subjects], default=0) > 0
        and all(SPECIES.fullmatch(species) for species in calibration.attacks)
        and bool(np.isfinite([score, apcer, bpcer]).all())
        and bool((np.diff(score) >= 0).all() and (np.diff(apcer) <= 0).all() and (np.diff(bpcer) >= 0).all())
        and bool(((apcer >= 0) & (apcer <= 1) & (bpcer >= 0) & (bpcer <= 1)).all())
        and float(apcer[-1]) == 0.0
    )
    if not sound:
        raise ModelError(
            f"calibration {calibration.id}: scores must ascend, APCER fall to 0, BPCER rise, all in [0, 1], of counted presentations"
        )
