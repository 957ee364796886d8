"""What to do about a print that could not be taken at all: there is no sample whose quality could tell."""

from __future__ import annotations

from egate.domain.biometric import Guidance
from egate.errors import ImageError

# Nothing on the sensor, or so little of a finger, or so wet a one, that no minutia is left.
_NOTHING_SEEN = frozenset({"FINGER_IMAGE_BLANK", "FINGER_NOT_FOUND"})


def advice(error: ImageError) -> tuple[Guidance, ...]:
    """Empty where the person can do nothing: the image is damaged, or of no known resolution."""
    return (Guidance.PLACE_FINGER,) if error.code in _NOTHING_SEEN else ()
