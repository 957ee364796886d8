"""What the traveller can do about it: one code for each defect that a component measures reliably.

Never given: OPEN_EYES (no measure of ours tells closed eyes) and TAKE_OFF_GLASSES for clear glasses; uneven light and compression are
nothing a traveller can change.
"""

from __future__ import annotations

from egate.domain.biometric import Guidance, QualityScore
from egate.matching.face.quality.crop import CROP_COMPONENTS
from egate.matching.face.quality.unified import FACE_QUALITY_MIN_GOOD

CODES_MAX = 3  # chosen: nobody follows more at once
COMPONENT_MIN = 30.0  # chosen; where the components' limits put a third of the way from worst to best
YAW_MIN = 59.0  # cos² of 40 degrees: 1 to 2 % of pairs_lfw are turned further
PITCH_MIN = 82.0  # 25 degrees from the average photograph: none of pairs_lfw
ROLL_MIN = 93.0  # 15 degrees; egate.inference.face.tilt
CLOSER_IOD_PX = 40.0  # chosen: the smallest faces of pairs_lfw, on which the calibration stands


def guidance(quality: QualityScore, iod_px: float, face_count: int) -> tuple[Guidance, ...]:
    """At most CODES_MAX codes, what helps most first; GO_AHEAD alone if nothing is to be done.

    A poor frame without a defect that a component names, such as a face upside down, asks the traveller to look at the camera.
    """
    components = quality.components

    def poor(name: str, minimum: float = COMPONENT_MIN) -> bool:
        return not components[name] >= minimum

    backlit = poor("backlight_prevention")
    advice = (
        (face_count > 1, Guidance.ONE_PERSON_ONLY),
        (any(poor(name) for name in CROP_COMPONENTS), Guidance.MOVE_TO_CENTRE),
        (not iod_px >= CLOSER_IOD_PX, Guidance.COME_CLOSER),
        (poor("head_size"), Guidance.STEP_BACK),
        (poor("head_pose_yaw", YAW_MIN) or poor("head_pose_pitch", PITCH_MIN), Guidance.LOOK_AT_CAMERA),
        (poor("head_pose_roll", ROLL_MIN), Guidance.HOLD_HEAD_STRAIGHT),
        (poor("eyes_visible"), Guidance.TAKE_OFF_GLASSES),
        (backlit, Guidance.TOO_BRIGHT_BEHIND),
        (poor("under_exposure_prevention") and not backlit, Guidance.TOO_DARK),
        (poor("over_exposure_prevention"), Guidance.TOO_BRIGHT),
        (poor("sharpness"), Guidance.HOLD_STILL),
        (poor("mouth_closed"), Guidance.CLOSE_MOUTH),
    )
    return tuple(code for applies, code in advice if applies)[:CODES_MAX] or (
        Guidance.GO_AHEAD if quality.unified >= FACE_QUALITY_MIN_GOOD else Guidance.LOOK_AT_CAMERA,
    )
