"""The second reader: tesseract with a model for OCR-B, in a process of its own.

Optional: it runs where EGATE_TESSDATA (or an option) names a folder with mrz.traineddata. What it reads is as untrusted as
the image: bounded, and held against the alphabet by whoever uses it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from egate.domain.biometric import Image
from egate.errors import ConfigurationError, ModelError

TESSDATA_VARIABLE = "EGATE_TESSDATA"
LANGUAGE = "mrz"
TIMEOUT_S = 10.0  # chosen: a hundred times what a zone takes
OUTPUT_LINES_MAX = 8
LINE_SIZE_MAX = 120
_MARGIN_PX = 20
_GAP_PX = 12  # between lines, so that they are told apart


class TesseractReader:
    """Thread-safe: each reading is a process."""

    def __init__(self, command: str, tessdata: Path) -> None:
        self._command = command
        self._tessdata = tessdata

    def readings(self, lines: Sequence[Image]) -> Iterator[tuple[str, ...]]:
        """What stands in these cuts: as they are, then with their background levelled. Raises ModelError.

        lines: (48, w, 3) uint8 BGR each. Blanks are removed, empty lines left out; their number may differ.
        """
        page = [np.ascontiguousarray(cv2.cvtColor(line, cv2.COLOR_BGR2GRAY), np.uint8) for line in lines]
        yield self._read(_page(page))
        yield self._read(_page([_levelled(line) for line in page]))

    def _read(self, page: Image) -> tuple[str, ...]:
        encoded, data = cv2.imencode(".png", page)
        if not encoded:
            raise ModelError("lines cannot be handed to tesseract", code="MRZ_READER")
        arguments = ["stdin", "stdout", "--tessdata-dir", str(self._tessdata), "-l", LANGUAGE, "--psm", "6"]
        environment = {"PATH": os.environ.get("PATH", ""), "OMP_THREAD_LIMIT": "1", "LC_ALL": "C.UTF-8"}
        try:
            result = subprocess.run(
                [self._command, *arguments, "-c", "load_system_dawg=0", "-c", "load_freq_dawg=0"],
                input=data.tobytes(),
                capture_output=True,
                timeout=TIMEOUT_S,
                check=False,
                env=environment,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ModelError(f"tesseract failed: {type(error).__name__}", code="MRZ_READER") from None
        if result.returncode:
            raise ModelError(f"tesseract ended with {result.returncode}", code="MRZ_READER")
        text = result.stdout.decode("utf-8", errors="replace").splitlines()
        found = ["".join(line.split())[:LINE_SIZE_MAX] for line in text]
        return tuple(line for line in found if line)[:OUTPUT_LINES_MAX]


def find_tesseract(tessdata: str | Path | None = None) -> TesseractReader | None:
    """The reader, or None if neither the option nor EGATE_TESSDATA names a folder.

    Raises ConfigurationError if a folder is named but has no mrz.traineddata, or tesseract is not installed.
    """
    folder = tessdata or os.environ.get(TESSDATA_VARIABLE)
    if not folder:
        return None
    if not (Path(folder) / f"{LANGUAGE}.traineddata").is_file():
        raise ConfigurationError(
            f"no {LANGUAGE}.traineddata in the folder that {TESSDATA_VARIABLE} or --tessdata names"
        )
    command = shutil.which("tesseract")
    if command is None:
        raise ConfigurationError("tesseract is not installed")
    return TesseractReader(command, Path(folder))


def _levelled(line: Image) -> Image:
    """Dark strokes on white, whatever was printed behind them. line: (48, w) uint8."""
    behind = cv2.medianBlur(cv2.dilate(line, np.ones((15, 15), np.uint8)), 21)
    strokes = cv2.absdiff(line, behind).astype(np.float32)
    return np.asarray(255 - strokes * (255 / max(float(strokes.max()), 1.0)), np.uint8)


def _page(lines: Sequence[Image]) -> Image:
    width = max(line.shape[1] for line in lines)
    padded = [
        cv2.copyMakeBorder(
            line,
            _GAP_PX // 2,
            _GAP_PX // 2,
            _MARGIN_PX,
            _MARGIN_PX + width - line.shape[1],
            cv2.BORDER_REPLICATE,
        )
        for line in lines
    ]
    return np.ascontiguousarray(np.vstack(padded), np.uint8)
