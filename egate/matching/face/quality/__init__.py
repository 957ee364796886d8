"""Quality of a face image after ISO/IEC 29794-5: a file for each component or family, their unified score, and guidance."""

from __future__ import annotations

from egate.domain.biometric import QualityScore
from egate.matching.face.quality.components import measure_components
from egate.matching.face.quality.guidance import guidance
from egate.matching.face.quality.unified import FACE_QUALITY_MIN_GOOD, FACE_QUALITY_MIN_USABLE, unified, with_magnitude
from egate.matching.face.quality.view import CHIP_POINTS, CHIP_SIDE_PX, FaceView, view_face

__all__ = [
    "CHIP_POINTS",
    "CHIP_SIDE_PX",
    "FACE_QUALITY_MIN_GOOD",
    "FACE_QUALITY_MIN_USABLE",
    "FaceView",
    "face_quality",
    "guidance",
    "view_face",
    "with_magnitude",
]


def face_quality(view: FaceView) -> QualityScore:
    """Components and unified score of one face, without its embedding (with_magnitude)."""
    components = measure_components(view)
    return QualityScore(unified(components), components)
