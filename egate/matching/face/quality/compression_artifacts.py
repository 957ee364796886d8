"""Compression artefacts, ISO/IEC 29794-5: steps at the borders of JPEG's 8x8 blocks, at the frame's own resolution.

A frame that was resampled after decoding has its blocks elsewhere and shows none: the component is then 100.
"""

from __future__ import annotations

import numpy as np

from egate.matching.face.quality.ramp import ramp
from egate.matching.face.quality.view import BLOCK_PX, Grey

# Measured: pairs_lfw as it is 1.04 to 1.33 (1 and 99 %); JPEG qualities around 25, 9 and 3 have 1.6, 2.6 and 8.8 and cost 0.2, 0.9 and
# 3.5 standard deviations of the score.
STEP_RATIO = (4.0, 1.5)
LEVELS_MIN = 0.5  # grey levels added to both sides: an even surface has no ratio
BLOCKS_MIN = 2  # in each direction; below, there is no border to look at


def compression_artifacts(native: Grey) -> float:
    if min(native.shape) < BLOCKS_MIN * BLOCK_PX:
        return 100.0
    return ramp(step_ratio(native), STEP_RATIO)


def step_ratio(native: Grey) -> float:
    """Mean step between neighbouring pixels at block borders, in mean steps inside blocks. native: corner at a multiple of 8 px."""
    levels = native.astype(np.int16)
    border = inner = 0.0
    for steps in (np.abs(np.diff(levels, axis=1)).mean(axis=0), np.abs(np.diff(levels, axis=0)).mean(axis=1)):
        at_border = steps[BLOCK_PX - 1 :: BLOCK_PX]
        border += float(at_border.mean())
        inner += float((steps.sum() - at_border.sum()) / (len(steps) - len(at_border)))
    return (border + LEVELS_MIN) / (inner + LEVELS_MIN)
