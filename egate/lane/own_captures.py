"""Captures by the lane's own camera and finger sensor, from the document on until the decision.

They take the place of what a gate sends: a lane with a camera takes no frames from its gate, so that nobody chooses where a face comes
from. What is captured goes on as if a gate had sent it: encoded, since a file is what a dossier keeps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from egate.crossing import events as ev
from egate.domain.biometric import EncodedFinger, Guidance
from egate.domain.captured import CameraFrame, FingerImage
from egate.errors import DeviceError, DeviceTimeout
from egate.lane.live_face import LiveFrame
from egate.lane.presence import Presence
from egate.lane.samples import Samples
from egate.ports import Camera, Clock, FingerSensor

FRAME_S_MAX = 1.0  # chosen: a camera gives 10 to 30 a second; then it is asked again
PACE_S = 0.1  # chosen: a frame is looked at within some 100 ms; more of them would only be dropped
FINGER_S_MAX = 20.0  # chosen: then the sensor is asked again
AGAIN_S = 0.25  # chosen: a lost device is asked so often whether it is back
JPEG_QUALITY = 95  # chosen: as good cameras encode


async def take_faces(
    camera: Camera, samples: Samples, post: Callable[[ev.Event], None], presence: Presence, clock: Clock
) -> None:
    """Stages the newest frame whenever none waits, until cancelled. A lost camera is told by its own event.

    A frame that was taken of somebody who stood there before is dropped, as is one from another time than that in which it was asked for.
    """
    after_s = clock.monotonic()
    while True:
        try:
            frame = await camera.frame(after_s, FRAME_S_MAX)
        except DeviceError as error:  # a timeout was waited for, and one that was not must not turn the loop
            await asyncio.sleep(PACE_S if isinstance(error, DeviceTimeout) else AGAIN_S)
            continue
        if not after_s < frame.taken_s <= clock.monotonic():
            await asyncio.sleep(PACE_S)
            continue
        after_s = frame.taken_s
        if not samples.faces:
            live = LiveFrame(await asyncio.to_thread(_jpeg, frame), frame.taken_s)
            if presence.covers(frame.taken_s) and (number := samples.stage_face(live)) is not None:
                post(ev.FaceCaptured(number))
        await asyncio.sleep(PACE_S)


async def take_fingers(
    sensor: FingerSensor,
    samples: Samples,
    post: Callable[[ev.Event], None],
    presence: Presence,
    wanted: asyncio.Event,
    advise: Callable[[Guidance], None],
) -> None:
    """Stages each impression, until cancelled. Nobody says which finger it is: all of the document's are tried.

    The image takes seconds to come: one of somebody who has left meanwhile is dropped. wanted: an impression is; while one is compared,
    or has matched, nobody is told to lay a finger on once more.
    """
    while True:
        await wanted.wait()
        try:
            image = await sensor.capture(FINGER_S_MAX, advise)
        except DeviceError as error:
            await asyncio.sleep(PACE_S if isinstance(error, DeviceTimeout) else AGAIN_S)
            continue
        live = EncodedFinger(await asyncio.to_thread(_png, image), 0, image.dpi)
        if presence.covers(image.taken_s) and (number := samples.stage_finger(live)) is not None:
            wanted.clear()  # until the machine has judged it
            post(ev.FingerCaptured(number))


def _jpeg(frame: CameraFrame) -> bytes:
    bgr = np.ascontiguousarray(frame.image[:, :, ::-1])
    return _file(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])


def _png(finger: FingerImage) -> bytes:
    return _file(".png", finger.pixels, [])


def _file(kind: str, pixels: NDArray[np.uint8], options: list[int]) -> bytes:
    done, data = cv2.imencode(kind, pixels, options)
    if not done:
        raise ValueError(f"a capture of {pixels.shape} pixels can't be encoded")  # a bug of the device's adapter
    return bytes(data)
