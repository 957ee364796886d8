"""Light behind the head: our own component, ISO/IEC 29794-5 has none. A camera that exposes for it shows the face too dark."""

from __future__ import annotations

import numpy as np

from egate.matching.face.quality.ramp import ramp
from egate.matching.face.quality.view import FACE, FaceView

BRIGHT_LEVEL = 200.0  # grey levels; chosen: a wall of normal brightness is below
# Mean of a face before a bright background. Measured: 67 costs 0.1 standard deviations of the score, 28 costs 0.6.
FACE_LEVEL = (25.0, 70.0)
STRIP = 0.15  # of the surround's width on each side, and its upper half: where the background is
PIXELS_MIN = 40


def backlight_prevention(view: FaceView) -> float:
    """100 unless the background is bright; then by how dark the face is."""
    if not background_level(view) >= BRIGHT_LEVEL:
        return 100.0
    return ramp(float(view.chip[FACE].mean()), FACE_LEVEL)


def background_level(view: FaceView) -> float:
    """Median grey level beside and above the head; NaN if too little of it is in the frame."""
    rows, columns = view.surround.shape
    strip = max(1, round(STRIP * columns))
    upper = np.s_[: rows // 2]
    levels = np.concatenate(
        [view.surround[upper, side][view.inside[upper, side]] for side in (np.s_[:strip], np.s_[-strip:])]
    )
    return float(np.median(levels)) if len(levels) >= PIXELS_MIN else float("nan")
