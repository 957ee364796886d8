"""What a lane shows its traveller: from phases and guidance to one signal at a time.

READY, READING, VERIFYING    amber; what to do now
RECORDING, RELEASING         amber, blinking: wait
RELEASED                     green, GO_AHEAD and its sound while the lock says that it is released, and only then; before it amber,
                             blinking, and red once it is secured again, both without text
REFERRED                     red; to the manual lane
OUT_OF_SERVICE               red
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import structlog

from egate.crossing.state import Phase
from egate.domain.biometric import Guidance
from egate.domain.device import LockState
from egate.domain.signal import Light, Sound, TravellerSignal
from egate.ports import Signal

_log = structlog.get_logger(__name__)
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
_SOUNDS = {Guidance.GO_AHEAD: Sound.GO, Guidance.GO_TO_MANUAL_LANE: Sound.REFUSED}  # once in a phase


def signal_of(phase: Phase, lock: LockState, advice: Guidance | None, texts: Mapping[Guidance, str]) -> TravellerSignal:
    """lock: what it says in RELEASED; elsewhere it does not count. advice: of READING and VERIFYING, else it does not count."""
    light, blinking = _LIGHTS[phase]
    guidance = advice if phase in _ADVISED else _STANDING.get(phase)
    if light is Light.GREEN and lock is not LockState.RELEASED:
        light, blinking = (Light.RED, False) if lock is LockState.SECURED else (Light.AMBER, True)
        guidance = None
    if guidance is None:
        return TravellerSignal(light, blinking)
    sound = Sound.ATTENTION if phase in _ADVISED else _SOUNDS.get(guidance, Sound.NONE)
    return TravellerSignal(light, blinking, guidance, texts[guidance], sound)


class Signs:
    """Follows one lane's turns. What is shown never holds up a crossing, and a signal that is lost stops none."""

    def __init__(self, signal: Signal, texts: Mapping[Guidance, str]) -> None:
        self._signal = signal
        self._texts = texts
        self._phase: Phase | None = None
        self._lock = LockState.UNKNOWN
        self._advice: Guidance | None = None
        self._played: set[Sound] = set()
        self._showing: asyncio.Task[None] | None = None

    def turned(self, phase: Phase, lock: LockState) -> None:
        """After each turn of the machine. The lock counts only while the exit is released."""
        seen = lock if phase is Phase.RELEASED else LockState.UNKNOWN
        if (phase, seen) != (self._phase, self._lock):
            self._lock = seen
            if phase is not self._phase:
                self._advice = None
                self._played.clear()
            self._phase = phase
            self._show()

    def advised(self, codes: tuple[Guidance, ...]) -> None:
        """Of the machine, a comparison or a device; the first counts, since a display has one line."""
        if codes and self._phase in _ADVISED and codes[0] is not self._advice:
            self._advice = codes[0]
            self._played.clear()  # new advice calls for attention anew
            self._show()

    def _show(self) -> None:
        if self._phase is None:
            return
        if self._showing is not None:
            self._showing.cancel()  # one that hangs would keep all that follow; the newest counts
        shown = signal_of(self._phase, self._lock, self._advice, self._texts)
        if shown.sound in self._played:  # by a lock that says once more that it is released
            shown = replace(shown, sound=Sound.NONE)
        self._played.add(shown.sound)
        self._showing = asyncio.ensure_future(self._told(shown))

    async def _told(self, shown: TravellerSignal) -> None:
        try:
            await self._signal.show(shown)
        except Exception:
            _log.exception("signal failed")
