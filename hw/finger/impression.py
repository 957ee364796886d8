"""Takes one impression: wait for a finger that is laid on from now on, let the sensor judge it, fetch its image.

    GEN_IMG until no finger is there      one that lay there before does not count, nor does what it left on the glass: LIFT_FINGER
    GEN_IMG until a finger is there
    IMG2TZ                                poor: advice, and again
    GEN_IMG                               once more: IMG2TZ may have changed the buffer
    UP_IMAGE, at most PASSES_MAX times    until each packet came whole once (hw.finger.transfer); else again from a finger that is there

Only an image that this request let the sensor take is ever fetched. Transfers end the request's way: the deadline is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from egate.domain.biometric import Guidance
from hw.finger.gone import code_of
from hw.finger.messages import AURA_OFF, AURA_WAITING, GUIDANCE, JUDGE, Code, Instruction, Parameters
from hw.finger.picture import Model
from hw.finger.script import SOUND, Ask, Listen, Pause, Script
from hw.finger.transfer import Transfer

LOOK_S = 0.1  # chosen: pause between two looks for a finger; people feel no delay below
# Manuals: a picture takes below 0.3 to 1 s. Three such questions in vain, behind a torn transfer, fit into 5 s.
IMAGE_S_MAX = 1.0
PASSES_MAX = 6  # measured: at 0.02 % of bytes flipped and 0.02 % lost two to three fill an image (bench/finger/bench_sensor_line.py)
LIFT_COUNT = 5  # looks, chosen: a finger that lay there before and stays longer must be lifted, and its owner must know
STUCK_COUNT = 50  # looks, chosen: one that stays then is dirt, or what is left of a print

_GEN_IMG = Ask(bytes([Instruction.GEN_IMG]), IMAGE_S_MAX)
_JUDGE = Ask(JUDGE, IMAGE_S_MAX, tries=1)
_UP_IMAGE = Ask(bytes([Instruction.UP_IMAGE]), tries=1)  # asked twice it would send two
Impression = Generator[Ask | Pause | Listen, bytes, bytes | None]


@dataclass(slots=True, eq=False)
class Request:
    """One impression wanted. advise: called once per change of advice. taken: called once, with the image buffer's content."""

    advise: Callable[[Guidance], None]
    taken: Callable[[bytes], None]
    told: Guidance | None = None

    def tell(self, guidance: Guidance) -> None:
        if guidance is not self.told:
            self.told = guidance
            self.advise(guidance)


class Impressions:
    """count, damaged: told what happens (a counter's name; words of an error)."""

    def __init__(self, model: Model, light: bool, count: Callable[[str], None], damaged: Callable[[str], None]) -> None:
        self.request: Request | None = None
        self._model = model
        self._count, self._damaged = count, damaged
        self._has_light = light

    def serve(self, parameters: Parameters) -> Script:
        """Until the request is fulfilled or another one. Raises Gone."""
        request = self.request
        if request is None:
            return
        yield from self._light(True)
        free, look_count = False, 0
        while self.request is request:
            code = code_of((yield _GEN_IMG))
            self._count("looks")
            if self.request is not request:
                break
            if code == Code.OK and free:
                image = yield from self._impression(request, parameters)
                if image is not None and self.request is request:
                    self.request = None
                    self._count("impressions")
                    request.taken(image)
                    break
            elif code == Code.OK:
                look_count += 1
                if look_count > LIFT_COUNT:
                    request.tell(Guidance.CLEAN_SENSOR if look_count > STUCK_COUNT else Guidance.LIFT_FINGER)
            else:
                free = free or code == Code.NO_FINGER
                if code in GUIDANCE:
                    request.tell(GUIDANCE[code])
            yield Pause(LOOK_S)
        yield from self._light(False)

    def _impression(self, request: Request, parameters: Parameters) -> Impression:
        """The image of the finger that is there; None if it is poor, gone, or cannot be fetched."""
        judgement = (yield _JUDGE)[:1]  # none, or a code unknown here: the finger engine judges alone
        if judgement and judgement[0] in GUIDANCE:
            self._count("poor_impressions")
            request.tell(GUIDANCE[judgement[0]])
            return None
        if code_of((yield _GEN_IMG)) != Code.OK:
            return None
        request.tell(Guidance.HOLD_STILL)
        transfer = Transfer(self._model.image_size, parameters.packet_size)
        for _ in range(PASSES_MAX):
            if self.request is not request or (yield _UP_IMAGE)[:1] != bytes([Code.OK]):
                return None  # silence, too: whether the sensor is gone shows at the next look
            if (yield Listen(transfer)) != SOUND:
                self._count("damaged_transfers")
                self._damaged("an image was damaged on its way")
            if transfer.content is not None:
                return transfer.content
        return None

    def _light(self, on: bool) -> Script:
        if not self._has_light:
            return
        plain = bytes([Instruction.LED_ON if on else Instruction.LED_OFF])
        aura = AURA_WAITING if on else AURA_OFF
        answer = yield Ask(aura if self._model.aura else plain, tries=1)
        self._has_light = answer[:1] == bytes([Code.OK])
