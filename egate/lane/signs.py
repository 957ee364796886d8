"""What a lane shows its traveller: from phases and guidance to one signal at a time.

READY, READING, VERIFYING    amber; what to do now
RECORDING, RELEASING         amber, blinking: wait
RELEASED                     green, and only then
REFERRED                     red; to the manual lane
OUT_OF_SERVICE               red
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from egate.crossing.state import Phase
from egate.domain.biometric import Guidance
from egate.domain.signal import Light, Sound, TravellerSignal
from egate.ports import Signal

_LIGHTS = {
    Phase.READY: (Light.AMBER, False),
    Phase.READING: (Light.AMBER, False),
    Phase.VERIFYING: (Light.AMBER, False),
    Phase.RECORDING: (Light.AMBER, True),
    Phase.RELEASING: (Light.AMBER, True),
    Phase.RELEASED: (Light.GREEN, False),
    Phase.REFERRED: (Light.RED, False),
    Phase.CLOSING: (Light.RED, False),
    Phase.OUT_OF_SERVICE: (Light.RED, False),
}
_STANDING = {
    Phase.READY: Guidance.PLACE_DOCUMENT,
    Phase.RELEASED: Guidance.GO_AHEAD,
    Phase.REFERRED: Guidance.GO_TO_MANUAL_LANE,
}
_ADVISED = frozenset({Phase.READING, Phase.VERIFYING})  # where the newest advice stands until the next
_SOUNDS = {Phase.RELEASED: Sound.GO, Phase.REFERRED: Sound.REFUSED}


def signal_of(
    phase: Phase, advice: Guidance | None, texts: Mapping[Guidance, str], *, entered: bool
) -> TravellerSignal:
    """entered: the phase has just begun; only then a sound is played."""
    light, blinking = _LIGHTS[phase]
    guidance = advice if phase in _ADVISED else _STANDING.get(phase)
    sound = _SOUNDS.get(phase, Sound.NONE) if entered else Sound.NONE
    if phase in _ADVISED and not entered and advice is not None:
        sound = Sound.ATTENTION
    return TravellerSignal(light, blinking, guidance, "" if guidance is None else texts[guidance], sound)


class Signs:
    """Follows one lane's turns. What is shown never holds up a crossing, and a signal that is lost stops none."""

    def __init__(self, signal: Signal, texts: Mapping[Guidance, str]) -> None:
        self._signal = signal
        self._texts = texts
        self._phase: Phase | None = None
        self._advice: Guidance | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def entered(self, phase: Phase) -> None:
        if phase is not self._phase:
            self._show(phase, None)

    def advised(self, codes: tuple[Guidance, ...]) -> None:
        """Of the machine, a comparison or a device; the first counts, since a display has one line."""
        if codes and self._phase in _ADVISED and codes[0] is not self._advice:
            self._show(self._phase, codes[0])

    def _show(self, phase: Phase, advice: Guidance | None) -> None:
        entered = phase is not self._phase
        self._phase, self._advice = phase, advice
        # In the order of the turns: a loop runs its tasks in the order in which they were made.
        task = asyncio.ensure_future(self._signal.show(signal_of(phase, advice, self._texts, entered=entered)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
