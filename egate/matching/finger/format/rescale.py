"""Undoing a resize of the image that a template was made from, each axis by its own factor.

Some extractors resize every image to one size whatever its shape (the corpus's third-party templates: 300 x 400). Positions are then
stretched along the axes and angles turned towards the longer-stretched one; distances mean nothing until both are taken back.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from egate.domain.biometric import FingerTemplate

TURN = 2.0 * np.pi


def rescale(template: FingerTemplate, width: int, height: int) -> FingerTemplate:
    """The template as if its image had been resized to width x height pixels; they count as 500 dpi.

    Positions scale by axis, directions as directions do: the tangent of an angle scales by the ratio of both factors. Rescaling
    back gives the same template within float32. Raises ValueError if a side is not positive.
    """
    if min(width, height, template.width, template.height) <= 0:
        raise ValueError("an image has sides of at least one pixel")
    across, down = width / template.width, height / template.height
    angle = template.angle.astype(np.float64)
    turned = np.arctan2(np.sin(angle) * down, np.cos(angle) * across).astype(np.float32)
    return dataclasses.replace(
        template,
        x=np.ascontiguousarray(template.x * across, np.float32),
        y=np.ascontiguousarray(template.y * down, np.float32),
        angle=np.mod(turned, np.float32(TURN)) % np.float32(TURN),
        width=width,
        height=height,
    )
