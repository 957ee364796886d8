"""What a lane shows and plays to its traveller, whatever device does it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from egate.domain.biometric import Guidance


class Light(StrEnum):
    """A traffic light's aspect. GREEN means go now and nothing else; it is shown only while the lock is released."""

    OFF = "OFF"
    RED = "RED"
    AMBER = "AMBER"
    GREEN = "GREEN"


class Sound(StrEnum):
    """A short prompt, played once."""

    NONE = "NONE"
    ATTENTION = "ATTENTION"
    GO = "GO"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class TravellerSignal:
    """One state of light, display and sound. guidance: the display's text as a code, None for an empty display.

    text: the same in the lane's language, at most 32 characters, printable ASCII where the display knows no other; "" with guidance None.
    """

    light: Light = Light.OFF
    blinking: bool = False
    guidance: Guidance | None = None
    text: str = ""
    sound: Sound = Sound.NONE


DARK = TravellerSignal()
