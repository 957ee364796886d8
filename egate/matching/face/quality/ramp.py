"""From a measured value to a quality component."""

from __future__ import annotations

import math

Limits = tuple[float, float]  # worst, best


def ramp(value: float, limits: Limits) -> float:
    """0 at or beyond worst, 100 at or beyond best, linear between. NaN counts as worst."""
    worst, best = limits
    share = (value - worst) / (best - worst)
    return 100.0 * min(share, 1.0) if share > 0.0 else 0.0


def cosine_squared(angle_deg: float) -> float:
    """100 at 0 degrees, 0 at 90 and beyond: how ISO/IEC 29794-5 maps the angles of the head's pose. NaN counts as worst."""
    cosine = math.cos(math.radians(angle_deg)) if math.isfinite(angle_deg) else 0.0
    return 100.0 * cosine * cosine if cosine > 0.0 else 0.0
