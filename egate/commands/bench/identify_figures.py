"""Figures of `egate bench identify finger` (ISO/IEC 19795-1: FNIR, FPIR), with 95 % intervals drawn by finger."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egate.commands.bench.identify_trials import ENROLLED, Found
from egate.commands.bench.measurement import percentile, summary_ms
from egate.matching.finger.search.false_positives import fit_gumbel
from egate.matching.rates.calibration import RULE_OF_THREE, allowed_false_matches, sort_scores, threshold_of_rank

FPIR_TARGET = 0.01
REPLICATES = 1000
SEED = 19795


def figures(found: Found, gallery: int, seed: int, threads: int) -> dict[str, Any]:
    """A rate the searches cannot support is None: FPIR x needs 3 / x non-mated searches."""
    threshold = threshold_at(found.best_non_mated)
    owner = [one.finger for one in found.mated]
    first = np.array([one.rank == 1 for one in found.mated])
    missed = None if threshold is None else np.array([not one.score >= threshold for one in found.mated])
    return {
        "gallery": {
            "fingers": gallery,
            "impressions": found.impressions,
            "impressions_each": ENROLLED,
            "failures_to_enrol": found.failures,
            "impression_bytes": found.impression_bytes,
            "synthetic_seed": seed,
        },
        "searches": {
            "fingers": found.fingers,
            "mated": len(found.mated),
            "non_mated": len(found.best_non_mated),
            "threads": threads,
            "ms": summary_ms(found.search_s),
        },
        "rank_1": _share(first, owner),
        "fpir_target": FPIR_TARGET,
        "threshold": threshold,
        "fnir": None if missed is None else _share(missed, owner),
        "scan_rate_per_s": found.impressions / percentile(found.scan_s, 0.5),
        "false_positives": _false_positives(found),
        "bootstrap": {"confidence": 0.95, "resampled": "fingers", "replicates": REPLICATES, "seed": SEED},
    }


def table(report: dict[str, Any]) -> str:
    """Lines for people."""
    gallery, searches = report["gallery"], report["searches"]
    fnir = report["fnir"]
    told = (
        f"no figure, it needs {math.ceil(RULE_OF_THREE / FPIR_TARGET)} non-mated searches"
        if fnir is None
        else f"FNIR {_percent(fnir)}, threshold {report['threshold']:.4g}"
    )
    return "\n".join(
        [
            f"gallery: {gallery['fingers']:,} fingers, {gallery['impressions']:,} impressions, "
            f"{gallery['impression_bytes']:,} bytes each, {gallery['failures_to_enrol']} not enrolled",
            f"  rank 1: {_percent(report['rank_1'])} ({searches['mated']:,} mated searches)",
            f"  FPIR {report['fpir_target']:g}: {told} ({searches['non_mated']:,} non-mated searches)",
            f"  search: p50 {searches['ms']['p50']:.1f} ms, p99 {searches['ms']['p99']:.1f} ms on {searches['threads']} threads",
            f"  scan: {report['scan_rate_per_s']:,.0f} impressions/s on one thread",
        ]
    )


def threshold_at(best_non_mated: Sequence[float], fpir: float = FPIR_TARGET) -> float | None:
    """Smallest threshold whose FPIR is at most the target; None if the searches cannot support one."""
    if fpir * len(best_non_mated) < RULE_OF_THREE:
        return None
    scores = sort_scores(np.array(best_non_mated))
    return threshold_of_rank(scores, allowed_false_matches(fpir, len(scores)))


def _false_positives(found: Found) -> dict[str, float] | None:
    """What egate/matching/finger/search/false_positives.py keeps; None if the scores say nothing."""
    try:
        location, scale = fit_gumbel(found.best_non_mated)
    except ValueError:
        return None
    return {"location": location, "scale": scale, "comparisons": found.impressions}


def _share(hit: NDArray[np.bool_], owner: Sequence[str]) -> dict[str, Any]:
    """Share of searches, and its interval over resampled fingers."""
    _, finger = np.unique(owner, return_inverse=True)
    hits, searches = np.bincount(finger, hit), np.bincount(finger)
    drawn = np.random.default_rng(SEED).integers(len(hits), size=(REPLICATES, len(hits)))
    shares = hits[drawn].sum(axis=1) / searches[drawn].sum(axis=1)
    low, high = np.quantile(shares, (0.025, 0.975))
    return {"value": float(hit.mean()), "interval": [float(low), float(high)]}


def _percent(figure: dict[str, Any]) -> str:
    low, high = (100 * end for end in figure["interval"])
    return f"{100 * figure['value']:.3g} % [{low:.3g}, {high:.3g}]"
