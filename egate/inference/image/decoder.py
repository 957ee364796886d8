"""Encoded images to pixels. Everything a stranger can hand us comes through here and is bounded before it is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import Image
from egate.errors import ImageError
from egate.inference.image import tiff_kernel, wsq
from egate.inference.image.bmp import decode_bmp
from egate.inference.image.exif import upright
from egate.inference.image.header import Format, Header, read_header, refuse_print
from egate.inference.image.png import pixels_only
from egate.inference.image.tiff_pixels import decode_tiff
from egate.inference.image.wsq import decode_wsq

PIXELS_MAX = 20_000_000  # chosen: twice a 4K frame; 60 MB decoded
DOCUMENT_PIXELS_MAX = 4_000_000  # chosen: portraits and prints; twice the largest portrait of ISO/IEC 39794-5
SIDE_MIN = 16  # chosen: no face or finger fits into less
ASPECT_MAX = 20  # chosen: a long strip scaled down to a network's input has no width left

_OWN = {Format.WSQ: decode_wsq, Format.TIFF: decode_tiff, Format.BMP: decode_bmp}

# What is wrong with an image is an ImageError; OpenCV's own words about it would go to stderr, past our log.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GreyImage:
    """pixels: (h, w) uint8. dpi, dpi_y: what the file states across and down, None if nothing."""

    pixels: Image
    dpi: float | None
    dpi_y: float | None = None

    def __repr__(self) -> str:
        return "GreyImage(redacted)"


def decode(data: bytes, *, pixels_max: int = PIXELS_MAX) -> Image:
    """(h, w, 3) uint8 RGB, C-contiguous; a JPEG or PNG turned upright by its EXIF orientation, sixteen bits brought down to eight.

    Raises ImageError with code IMAGE_EMPTY, IMAGE_FORMAT, IMAGE_TRUNCATED, IMAGE_CORRUPT, IMAGE_SIZE or IMAGE_ALPHA; an image of more
    than pixels_max pixels costs no memory. Thread-safe.
    """
    return decode_bounded(data, read_bounded(data, pixels_max))


def decode_page(data: bytes) -> Image:
    """As decode, of a document's page: what is transparent becomes white, as paper is. A zone proves by its own digits that it was read
    right; a face does not, so `decode` refuses it."""
    header = read_bounded(data)
    if not header.alpha:
        return decode_bounded(data, header)
    pixels = _opened(pixels_only(data) if header.format is Format.PNG else data, cv2.IMREAD_UNCHANGED)
    if pixels.ndim != 3 or pixels.shape[2] != 4:
        raise _undecodable()
    opaque = np.iinfo(pixels.dtype).max
    share = pixels[:, :, 3:].astype(np.float32) / opaque
    colours = pixels[:, :, 2::-1].astype(np.float32) * (255.0 / opaque)
    return upright(np.ascontiguousarray(np.rint(colours * share + 255.0 * (1.0 - share)), np.uint8), header.orientation)


def decode_bounded(data: bytes, header: Header) -> Image:
    """As decode, of an image whose header was read by read_bounded."""
    if (
        header.format in (Format.WSQ, Format.PGM) or header.grey
    ):  # OpenCV gives no colours to grey JPEG 2000 without colour space
        return np.ascontiguousarray(np.repeat(_grey(data, header)[:, :, None], 3, axis=2))
    return _decoded(data, header, cv2.IMREAD_COLOR_RGB)


def decode_grey(data: bytes, *, pixels_max: int = PIXELS_MAX) -> GreyImage:
    """As decode, one channel, with the resolution the file states; BMP and TIFF too. Colours by their luminance."""
    return decode_grey_bounded(data, read_bounded(data, pixels_max, prints=True))


def decode_grey_bounded(data: bytes, header: Header) -> GreyImage:
    """As decode_grey, of an image whose header was read by read_bounded."""
    pixels = _grey(data, header)
    if header.orientation >= 5:  # on its side
        return GreyImage(pixels, header.dpi if header.dpi_y is None else header.dpi_y, header.dpi)
    return GreyImage(pixels, header.dpi, header.dpi_y)


def warm_up() -> None:
    """Compiles the kernels of our own decoders, so that no traveller waits for it."""
    wsq.warm_up()
    tiff_kernel.warm_up()


def read_bounded(data: bytes, pixels_max: int = PIXELS_MAX, *, prints: bool = False) -> Header:
    """The header of what decode would decode; with prints, decode_grey. Raises ImageError as they do; decodes nothing."""
    header = read_header(data)
    if not prints:
        refuse_print(header)
    long, short = max(header.width, header.height), min(header.width, header.height)
    if header.alpha:
        pixels_max //= 2  # it is decoded twice, with four samples the first time
    if long * short > pixels_max:
        raise ImageError(f"image has more than {pixels_max} pixels", code="IMAGE_SIZE")
    if short < SIDE_MIN:
        raise ImageError(f"image is narrower than {SIDE_MIN} pixels", code="IMAGE_SIZE")
    if long > ASPECT_MAX * short:
        raise ImageError(f"image is more than {ASPECT_MAX} times as long as wide", code="IMAGE_SIZE")
    return header


def _grey(data: bytes, header: Header) -> Image:
    if header.format in _OWN:
        return _OWN[header.format](data)
    if header.format is Format.PGM:
        size = header.width * header.height
        return np.frombuffer(data, np.uint8, size, len(data) - size).reshape(header.height, header.width).copy()
    return _decoded(data, header, cv2.IMREAD_GRAYSCALE)


def _decoded(data: bytes, header: Header, flags: int) -> Image:
    if header.format is Format.PNG:
        data = pixels_only(data)
    if header.alpha:
        _refuse_transparent(data)
    pixels = _opened(data, flags)
    if pixels.dtype != np.uint8:
        raise _undecodable()
    if pixels.shape[0] * pixels.shape[1] > header.width * header.height:
        raise ImageError("image is larger than it says", code="IMAGE_CORRUPT")
    return upright(np.ascontiguousarray(pixels, np.uint8), header.orientation)


def _refuse_transparent(data: bytes) -> None:
    """What is transparent looks like whatever lies behind it: on black another face than on white. All opaque is fine."""
    pixels = _opened(data, cv2.IMREAD_UNCHANGED)
    if pixels.ndim != 3 or pixels.shape[2] != 4:
        raise _undecodable()
    if pixels[:, :, 3].min() < np.iinfo(pixels.dtype).max:
        raise ImageError("image is transparent in parts", code="IMAGE_ALPHA")


def _opened(data: bytes, flags: int) -> NDArray[np.unsignedinteger[Any]]:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        pixels = None
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        raise _undecodable()
    return cast("NDArray[np.unsignedinteger[Any]]", pixels)


def _undecodable() -> ImageError:
    return ImageError("image data cannot be decoded", code="IMAGE_CORRUPT")
