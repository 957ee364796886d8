"""How many bytes of decoded images there may be at once, whoever sends them.

What a decoder will ask for is known from the header, before it asks. A thread whose image does not fit waits until others have gone;
threads take their turns in the order they came. Encoded images wait in the pool's queue, which refuses when it is full.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from egate.domain.biometric import Image
from egate.inference.image.bytes import Format, Header
from egate.inference.image.decoder import PIXELS_MAX, GreyImage, decode_bounded, decode_grey_bounded, read_bounded

T = TypeVar("T")

# Bytes a pixel at the decoder's peak, rounded up; the picture itself, 3, is in them. Measured (tests/inference/test_image_budget.py):
# JPEG 6, progressive 9, progressive with four components 11; PNG 7, with alpha of 16 bits 17; JPEG 2000 13 to 16; WSQ 22; BMP 4; TIFF 7.
BYTES_PER_PIXEL = {
    Format.JPEG: 12,
    Format.PNG: 9,
    Format.JPEG2000: 20,
    Format.WSQ: 28,
    Format.PGM: 6,
    Format.BMP: 8,
    Format.TIFF: 12,
}
BYTES_PER_PIXEL_ALPHA = 20
BUDGET_MIN_MIB = 256  # one image of the largest size and the dearest kind that may have it: 20 megapixels at 12 bytes
MIB = 1024 * 1024


def decoding_bytes(header: Header) -> int:
    """What decoding asks for at most, the picture included."""
    each = BYTES_PER_PIXEL_ALPHA if header.alpha else BYTES_PER_PIXEL[header.format]
    return header.width * header.height * each


class ImageBudget:
    """Thread-safe. A thread must not look at an image while it looks at another: it would wait for itself."""

    def __init__(self, mib_max: int = BUDGET_MIN_MIB) -> None:
        """mib_max: MiB of images at once. An image dearer than all of it is looked at alone."""
        self._bytes_max = mib_max * MIB
        self._bytes_free = self._bytes_max
        self._changed = threading.Condition()
        self._queue: deque[object] = deque()

    @property
    def bytes_taken(self) -> int:
        return self._bytes_max - self._bytes_free

    @property
    def waiting(self) -> int:
        """Threads whose image does not fit yet."""
        return len(self._queue)

    def look(self, data: bytes, see: Callable[[Image], T], *, pixels_max: int = PIXELS_MAX) -> T:
        """see(the decoded image), which lives no longer than this call. Raises ImageError as decode, and what see raises."""
        header = read_bounded(data, pixels_max)
        with self._taken(decoding_bytes(header)):
            return see(decode_bounded(data, header))

    def look_grey(self, data: bytes, see: Callable[[GreyImage], T], *, pixels_max: int = PIXELS_MAX) -> T:
        """As look, of a print: grey, with its resolution."""
        header = read_bounded(data, pixels_max, prints=True)
        with self._taken(decoding_bytes(header)):
            return see(decode_grey_bounded(data, header))

    @contextmanager
    def _taken(self, size: int) -> Iterator[None]:
        size = min(size, self._bytes_max)
        turn = object()
        with self._changed:
            self._queue.append(turn)
            self._changed.wait_for(lambda: self._queue[0] is turn and size <= self._bytes_free)
            self._queue.popleft()
            self._bytes_free -= size
            self._changed.notify_all()  # the next one may fit beside this one
        try:
            yield
        finally:
            with self._changed:
                self._bytes_free += size
                self._changed.notify_all()
