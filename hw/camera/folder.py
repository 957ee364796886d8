"""A folder of pictures, played in the order of their names, again and again. What is in it is looked up anew at each round."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hw.camera.pace import Pace
from hw.camera.source import SourceLost, Time, Unusable, rgb

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp"})
PICTURES_MAX = 10_000  # chosen: bounds a round's list
FILE_BYTES_MAX = 32 * 1024 * 1024  # chosen: a picture of PIXELS_MAX compresses below


class FolderSource:
    def __init__(self, folder: Path, fps: int, time: Time) -> None:
        """Raises SourceLost if there is no picture now."""
        self.fps: float | None = fps
        self._folder = folder
        self._pace = Pace(fps, time)
        self._rest = self._round()
        self._at: Path | None = None
        self.identity = f"folder, {len(self._rest)} pictures"

    def grab(self) -> None:
        self._pace.wait()
        self._rest = self._rest or self._round()
        self._at = self._rest.pop()

    def retrieve(self) -> NDArray[np.uint8]:
        if self._at is None:
            raise Unusable("nothing was grabbed")
        try:
            with self._at.open("rb") as file:
                data = file.read(FILE_BYTES_MAX + 1)
        except OSError as error:
            raise Unusable(f"picture cannot be read: {error.strerror}") from None
        if not 0 < len(data) <= FILE_BYTES_MAX:
            raise Unusable("picture file is empty or too large")
        try:
            return rgb(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
        except cv2.error:
            raise Unusable("picture cannot be decoded") from None

    def close(self) -> None:
        pass

    def _round(self) -> list[Path]:
        """What one round shows, last first."""
        try:
            names = [path for path in self._folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()]
        except OSError as error:
            raise SourceLost(f"the folder cannot be read: {error.strerror}") from None
        if not names:
            raise SourceLost("the folder holds no picture")
        if len(names) > PICTURES_MAX:
            raise SourceLost(f"the folder holds more than {PICTURES_MAX} pictures")
        return sorted(names, reverse=True)
