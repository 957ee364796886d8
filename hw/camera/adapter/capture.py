"""Sources by OpenCV's VideoCapture: video devices, streams, recordings.

What a camera sends is decoded here, in our process, by FFmpeg or libjpeg inside OpenCV: C code that reads what a stranger on the camera's
network may have made. A crash of it is a crash of the daemon; keep cameras on a network of their own. OpenCV says so much on stderr, also
addresses with their passwords, that it is made to say nothing.

VideoCapture cannot be told to stop from another thread. Opening and reading are bounded by the time limits below instead.
"""

from __future__ import annotations

import os

import cv2
import numpy as np
from numpy.typing import NDArray

from hw.camera.pace import Pace
from hw.camera.settings import CameraSettings
from hw.camera.source import SourceEnded, SourceLost, Time, Unusable, fits, plausible_fps, rgb

BLOCKED_S_MAX = (
    3  # chosen: the loss has been told by then, and the thread is free again; whole seconds are what V4L2 takes
)
CLIP_FPS_DEFAULT = 25  # of a recording that does not tell
# Read by OpenCV once, when it first opens such a source. Of FFmpeg's protocols those alone that cameras here need.
ENVIRONMENT = {
    "OPENCV_FFMPEG_LOGLEVEL": "-8",  # AV_LOG_QUIET
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "rtsp_transport;tcp|protocol_whitelist;file,rtsp,rtp,tcp",
    "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": str(BLOCKED_S_MAX),
}
for _name, _value in ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
_LIMITS = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, BLOCKED_S_MAX * 1000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, BLOCKED_S_MAX * 1000)


def open_video_device(settings: CameraSettings, _: Time) -> CaptureSource:
    """A V4L2 device. What it cannot do of the settings it does as it likes: its identity tells."""
    source = CaptureSource(settings.address, cv2.CAP_V4L2, ())
    for prop, value in (
        (cv2.CAP_PROP_FOURCC, settings.fourcc and cv2.VideoWriter.fourcc(*settings.fourcc)),
        (cv2.CAP_PROP_FRAME_WIDTH, settings.width),
        (cv2.CAP_PROP_FRAME_HEIGHT, settings.height),
        (cv2.CAP_PROP_FPS, settings.fps),
        (cv2.CAP_PROP_BUFFERSIZE, 1),  # a queue of old pictures is what nobody wants
    ):
        if value:
            source.capture.set(prop, value)
    source.describe()
    return source


def open_stream(settings: CameraSettings, _: Time) -> CaptureSource:
    return CaptureSource(settings.address, cv2.CAP_FFMPEG, _LIMITS)


def open_clip(settings: CameraSettings, time: Time) -> ClipSource:
    return ClipSource(settings.address, settings.fps, settings.once, time)


class CaptureSource:
    """Something that gives pictures at its own rate."""

    def __init__(self, address: str, backend: int, parameters: tuple[int, ...]) -> None:
        try:
            self.capture = cv2.VideoCapture(str(address), backend, parameters)
        except cv2.error:
            raise SourceLost("cannot be opened") from None
        if not self.capture.isOpened():
            raise SourceLost("cannot be opened")
        self.fps: float | None = None
        self.identity = ""
        self.describe()

    def describe(self) -> None:
        """Asks for size and rate. Raises SourceLost if the pictures are larger than is taken."""
        width, height = (int(self.capture.get(key)) for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        self.fps = plausible_fps(self.capture.get(cv2.CAP_PROP_FPS))
        self.identity = f"{self.capture.getBackendName()}, {width}x{height}, {self.fps or 0:.0f} in a second"
        if width and height and not fits(width, height):
            self.close()
            raise SourceLost("its pictures are too large")

    def grab(self) -> None:
        try:
            came = self.capture.grab()
        except cv2.error:
            came = False
        if not came:
            raise SourceLost("gives no pictures any more")

    def retrieve(self) -> NDArray[np.uint8]:
        try:
            came, picture = self.capture.retrieve()
            return rgb(picture if came else None)
        except cv2.error:
            raise Unusable("picture cannot be decoded") from None

    def close(self) -> None:
        self.capture.release()


class ClipSource:
    """A recording, at its own rate or at fps. Opened again at its end: not all containers can be rewound."""

    def __init__(self, address: str, fps: int | None, once: bool, time: Time) -> None:
        self._address, self._once = address, once
        self._clip = CaptureSource(address, cv2.CAP_FFMPEG, _LIMITS)
        self.fps: float | None = fps or self._clip.fps or CLIP_FPS_DEFAULT
        self.identity = self._clip.identity
        self._pace = Pace(self.fps or CLIP_FPS_DEFAULT, time)

    def grab(self) -> None:
        self._pace.wait()
        try:
            self._clip.grab()
        except SourceLost:
            if self._once:
                raise SourceEnded("the recording is over") from None
            self._clip.close()
            self._clip = CaptureSource(self._address, cv2.CAP_FFMPEG, _LIMITS)
            self._clip.grab()

    def retrieve(self) -> NDArray[np.uint8]:
        return self._clip.retrieve()

    def close(self) -> None:
        self._clip.close()
