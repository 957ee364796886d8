"""Cameras as `egate.ports.Camera`. The entry point's factory; `hw.camera.settings` says what a URL may hold."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from hw.camera.adapter.camera import SupervisedCamera
from hw.camera.adapter.capture import open_clip, open_stream, open_video_device
from hw.camera.folder import FolderSource
from hw.camera.settings import FOLDER_FPS_DEFAULT, SYNTHETIC_DEFAULT, CameraSettings, camera_settings
from hw.camera.source import Opener
from hw.camera.supervision import Supervision
from hw.camera.synthetic import SyntheticSource
from hw.url import DeviceUrl

__all__ = ["SupervisedCamera", "open_camera"]


def open_camera(url: DeviceUrl, base: Path) -> SupervisedCamera:
    """The camera of url, not started. Raises ConfigurationError."""
    settings = camera_settings(url, base)
    return SupervisedCamera(settings.name, _opener(settings), Supervision(settings.fps, settings.frozen_s))


def _opener(settings: CameraSettings) -> Opener:
    if settings.link == "v4l2":
        return partial(open_video_device, settings)
    if settings.link == "rtsp":
        return partial(open_stream, settings)
    if settings.link == "file":
        return partial(open_clip, settings)
    if settings.link == "dir":
        return partial(FolderSource, Path(settings.address), settings.fps or FOLDER_FPS_DEFAULT)
    width, height, fps = SYNTHETIC_DEFAULT
    return partial(
        SyntheticSource,
        settings.mode,
        settings.seed,
        settings.width or width,
        settings.height or height,
        settings.fps or fps,
    )
